#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The commands of the guides.

blocks.py NAME FILE...     prints the block that is marked `<!-- run: NAME -->`
blocks.py --names FILE...  prints all such names
blocks.py --check FILE...  each block says that it is run, or why not; exit status 1: one does not"""
import re
import sys

BLOCK = re.compile(r"(?:^<!-- (run|not run): (.*?) -->\n)?^```\w*\n(.*?)^```$", re.M | re.S)


def blocks(paths):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for found in BLOCK.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, found.start(3))}", *found.groups()


def check(paths):
    """What is wrong, a line each."""
    names = set()
    for where, mark, word, _ in blocks(paths):
        if not mark:
            yield f"{where}: neither run nor a reason why not"
        elif mark == "run" and word in names:
            yield f"{where}: the name {word} for the second time"
        elif mark == "not run" and len(word) < 10:
            yield f"{where}: that is no reason: {word}"
        names.add(word)
    if not names:
        yield "no block at all"


job, files = sys.argv[1], sys.argv[2:]
if job == "--check":
    faults = list(check(files))
    print("\n".join(faults))
    sys.exit(bool(faults))
if job == "--names":
    print("\n".join(word for _, mark, word, _ in blocks(files) if mark == "run"))
else:
    print(*(code for _, mark, word, code in blocks(files) if (mark, word) == ("run", job)), end="")
