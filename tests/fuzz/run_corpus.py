#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a fuzz target from a corpus that is kept as text, an input in base64 a line.

usage: run_corpus.py CORPUS TARGET [OPTION...]       fuzzes, beginning with the corpus
       run_corpus.py --keep CORPUS FOLDER...         writes the corpus anew from folders of inputs"""

import base64
import pathlib
import subprocess
import sys
import tempfile


def keep(corpus, folders):
    inputs = {path.read_bytes() for folder in folders for path in pathlib.Path(folder).iterdir()}
    lines = [base64.b64encode(data).decode() for data in sorted(inputs, key=lambda d: (len(d), d))]
    pathlib.Path(corpus).write_text("\n".join(lines) + "\n")


def run(corpus, target, *options):
    with tempfile.TemporaryDirectory() as folder:
        for number, line in enumerate(pathlib.Path(corpus).read_text().split()):
            (pathlib.Path(folder) / f"{number:05}").write_bytes(base64.b64decode(line))
        return subprocess.run([target, *options, folder], check=False).returncode


if sys.argv[1] == "--keep":
    keep(sys.argv[2], sys.argv[3:])
else:
    sys.exit(run(*sys.argv[1:]))
