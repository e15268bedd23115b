#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What README, the manual pages and 'vmsnd ctl --help' have their readers type works, in the order in which it stands
there; and the manual page has every option.

usage: test_documents.py VMSND TOP; prints TAP."""
import os
import re
import shlex
import subprocess

from program import LIMIT_S, TOP, VMSND, Server, run_tests


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


def commands(text):
    """Lines that begin with vmsnd or export, as words; those that are continued in one."""
    text = re.sub(r"\\\\?\n", " ", text)
    lines = re.findall(r"^ *((?:vmsnd (?:serve|config|ctl|demo|devices|backends|drivers|modules|trace)|export) .*)", text, re.M)
    return [shlex.split(re.sub(r"(?<=[ =,])/(tmp|run)/", os.getcwd() + "/", line), comments=True) for line in lines]


HOSTS = {"pipewire", "pulse", "alsa", "jack"}
BACKENDS = set(re.findall(r"^(\w+)$", subprocess.run([VMSND, "backends"], capture_output=True, text=True).stdout, re.M))


def away(words):
    """It needs a module that is not built."""
    named = {word.split(",")[0] for before, word in zip(words, words[1:]) if before == "--backend"}
    return named & HOSTS - BACKENDS


class Reader:
    """Types one command after another; one vmsnd serve at a time."""

    def __init__(self):
        self.server = None
        self.env = {name: value for name, value in os.environ.items() if name != "VMSND_CONTROL"}

    def rest(self):
        if self.server:
            assert self.server.end() == 0, self.server.lines
        self.server = None

    def type(self, words):
        words = [word for word in words if word != "&"]
        if away(words):
            return
        into = words.pop()[1:] if words[-1].startswith(">") else os.devnull
        if words[0] == "export":
            self.env.update([words[1].split("=", 1)])
        elif words[1] == "serve":
            self.rest()
            self.server = Server(*words[2:], cards=(), path=None, count=words.count("--device") or 1)
        elif words[1:] == ["ctl", "events"]:
            with subprocess.Popen([VMSND, *words[1:]], env=self.env, stdout=subprocess.PIPE) as process:
                process.terminate()
        else:
            with open(into, "w", encoding="utf-8") as file:
                file.write(self.run(words[1:] + ["--fast"] * (words[1] == "demo")))

    def run(self, words):
        result = subprocess.run([VMSND, *words], env=self.env, capture_output=True, text=True, timeout=LIMIT_S)
        assert result.returncode == 0 and result.stderr == "", (words, result)
        if words == ["ctl", "quit"]:
            assert self.server.end(None) == 0
            self.server = None
        return result.stdout


def works(text, least):
    found = commands(text)
    assert len(found) >= least, found
    subprocess.run([VMSND, "demo", "--fast", "--output", "voice.wav"], stdout=subprocess.DEVNULL, check=True)
    reader = Reader()
    try:
        for words in found:
            reader.type(words)
    finally:
        reader.rest()


def test_readme():
    works(read("README.md"), 11)


def test_manual_of_ctl():
    works(read("docs/vmsnd-ctl.1.scd").split("# EXAMPLES")[1], 12)


def test_help_of_ctl():
    works(subprocess.run([VMSND, "ctl", "--help"], capture_output=True, text=True).stdout.split("Examples:")[1], 13)


def test_help_of_config():
    works(subprocess.run([VMSND, "config", "--help"], capture_output=True, text=True).stdout.split("Examples:")[1], 4)


def test_manual():
    works(read("docs/vmsnd.1.scd").split("# EXAMPLES")[1], 4)


# Where the manual explains the options of a subcommand: entries of SUBCOMMANDS, else a heading.
EXPLAINED = {"serve": "OPTIONS OF SERVE", "config": ("config check", "config show"), "demo": ("demo",),
             "trace": ("trace",), "check": ("check", "modules"), "backends": ("backends", "modules"),
             **dict.fromkeys(("devices", "drivers", "modules"), ("modules",))}


def section(manual, title):
    return re.split(r"^##? ", manual.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.M)[0]


def explained(manual, name):
    if isinstance(EXPLAINED[name], str):
        return section(manual, EXPLAINED[name])
    entries = re.split(r"^\*([a-z ]+)\*$", section(manual, "SUBCOMMANDS"), flags=re.M)
    entries = dict(zip(entries[1::2], entries[2::2]))
    return "".join(entries[entry] for entry in EXPLAINED[name])


def synopsis(manual, name):
    """The lines about it."""
    return [line for line in section(manual, "SYNOPSIS").split("\n")
            if re.match(rf"\*vmsnd ([a-z]+\*\|\*)*{name}\b", line)]


def test_the_manual_has_all_options():
    manual = read("docs/vmsnd.1.scd")
    for name in EXPLAINED:
        text = subprocess.run([VMSND, name, "--help"], capture_output=True, text=True).stdout.split("\nExample")[0]
        lines = re.findall(r"^ {2,6}(?:-\w, )?(--[a-z-]+(?:, --[a-z-]+)*)", text, re.M)
        options = [option for line in lines for option in line.split(", ")]
        usage = synopsis(manual, name)
        assert options and usage, (name, text)
        for option in options:
            assert f"*{option}*" in explained(manual, name), (name, option)
            assert any(f"*{option}*" in line or "_OPTION_" in line for line in usage), (name, option)


def test_the_manual_has_all_that_a_card_and_a_backend_take():
    manual = read("docs/vmsnd.1.scd")
    for name, sort in (("devices", "Card"), ("backends", "Backend")):
        text = subprocess.run([VMSND, name], capture_output=True, text=True).stdout.split("\nhow a guest")[0]
        classes = re.split(r"^(?=\S)", text, flags=re.M)[1:]
        assert classes, text
        for row in classes:
            title = row.split("\n")[0]
            every = section(manual, f"Every {sort.lower()}")
            where = every if title.startswith("every ") else section(manual, f"{sort} {title}") + every
            keys = re.findall(r"^ {4}([a-z0-9-]+)=", row, re.M)
            assert keys, row
            for key in keys:
                assert f"*{key}*=" in where, (title, key)


run_tests(globals())
