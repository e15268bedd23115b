#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Wrong configurations, each with the line that its user sees: golden/NAME.yaml and golden/NAME.txt.

usage: test_golden.py VMSND [--update]; prints TAP. --update writes what is said now into the .txt files: look at the
difference before you commit it."""
import os
import re
import subprocess
import sys

VMSND = os.path.abspath(sys.argv[1])
UPDATE = "--update" in sys.argv[2:]
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
LIMIT_S = 20
LEAST = 40
ENV = {**os.environ, "VMSND_MODULE_PATH": ""}  # lines name the classes there are: those of the program


def said(name):
    """What 'vmsnd config check' says about a file, in the form that all such lines have."""
    result = subprocess.run([VMSND, "config", "check", name + ".yaml"], env=ENV, capture_output=True,
                            timeout=LIMIT_S)
    line = result.stderr.decode()
    assert result.returncode == 1, f"exit code {result.returncode}"
    assert result.stdout == b"", result.stdout
    assert re.fullmatch(rf"vmsnd: error: {re.escape(name)}\.yaml:\d+:\d+: [^\n]+\n", line), line
    return line


def compare(name):
    path = name + ".txt"
    line = said(name)
    if UPDATE:
        with open(path, "w") as file:
            file.write(line)
    with open(path) as file:
        wanted = file.read()
    assert line == wanted, f"\nwanted: {wanted}\nsaid:   {line}"


def main():
    os.chdir(FOLDER)
    names = sorted(name[:-5] for name in os.listdir(".") if name.endswith(".yaml"))
    print(f"1..{len(names) + 1}")
    failed = 0
    for number, name in enumerate(names, 1):
        try:
            compare(name)
            print(f"ok {number} - {name}", flush=True)
        except Exception as error:  # one failure must not hide the tests after it
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in f"{type(error).__name__}: {error}".split("\n"):
                print(f"# {line}")
    lost = [name for name in os.listdir(".") if name[:-4] not in names and name[:-5] not in names]
    good = len(names) >= LEAST and not lost
    print(f"{'ok' if good else 'not ok'} {len(names) + 1} - every line has its file {lost}")
    return failed > 0 or not good


sys.exit(main())
