# SPDX-License-Identifier: BSD-3-Clause
"""What the check scripts share: finding files, blanking comments, reporting."""

import argparse
import os
import re
import subprocess
import sys

SKIPPED_FOLDERS = {".git", "build", "out"}


def arguments(description, build_dir=False):
    """The command line every check has: [--root DIR] and, for some, BUILD_DIR."""
    parser = argparse.ArgumentParser(description=description)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--root", default=here, help="the tree to check (default: this one)")
    if build_dir:
        parser.add_argument("build_dir", help="a configured and compiled build directory")
    return parser.parse_args()


def files(root, suffixes=(), under=()):
    """Paths, relative to root, of the sources: what git tracks or would track, else all."""
    if os.path.exists(os.path.join(root, ".git")):
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-co", "--exclude-standard"],
            check=True, capture_output=True, text=True).stdout.splitlines()
    else:
        listed = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
            listed += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(
        p for p in set(listed)
        if os.path.isfile(os.path.join(root, p))
        and (not suffixes or p.endswith(tuple(suffixes)))
        and (not under or p.startswith(tuple(under))))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


TOKENS = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def code_only(text, keep_strings=False):
    """C text with comments (and strings) blanked; lines and columns stay where they are."""
    def blank(match):
        token = match.group()
        if token[0] in "\"'" and keep_strings:
            return token
        return re.sub(r"[^\n]", " ", token)
    return TOKENS.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def finish(what, problems, checked):
    """Prints the problems, or what was found in order; exits 1 on problems or on nothing checked."""
    for problem in problems:
        print(problem)
    name = os.path.basename(sys.argv[0])
    if problems:
        print(f"{name}: {len(problems)} problem(s)")
        sys.exit(1)
    if not checked:
        print(f"{name}: nothing to check, which is a failure too")
        sys.exit(1)
    print(f"{name}: {checked} {what} in order")
