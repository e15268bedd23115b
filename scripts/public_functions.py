# SPDX-License-Identifier: BSD-3-Clause
"""What include/vmsnd/*.h declare and what the version script exports."""

import re

import house

MAP = "src/libvmsnd.map"
PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\([^\n;{]*\)\)")
# A prototype at the margin: members of structures are indented.
PROTOTYPE = re.compile(r"^(?=[A-Za-z_])(?!typedef|static)[^;{}=#()]*?\b(vmsnd_\w+)\s*\([^;{}]*\)\s*;", re.M)
NAME = re.compile(r"^\s*(\w+);", re.M)


def declared(root):
    """Name -> "file:line" of each public function."""
    found = {}
    for path in house.files(root, (".h",), ("include/vmsnd/",)):
        text = house.code_only(house.read(root, path))
        text = PREPROCESSOR.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
        text = ATTRIBUTE.sub(lambda m: " " * len(m.group()), text)
        for match in PROTOTYPE.finditer(text):
            found[match[1]] = f"{path}:{house.line_of(text, match.start(1))}"
    return found


def exported(root):
    """Name -> line of each name that the version script makes global."""
    text = house.code_only(house.read(root, MAP))
    text = text.split("local:")[0]
    return {m[1]: house.line_of(text, m.start(1)) for m in NAME.finditer(text)}
