#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each file in examples/ is right, and runs.

usage: test_examples.py VMSND FOLDER...; prints TAP. Everything happens in a temporary folder; sockets move there."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

VMSND = os.path.abspath(sys.argv[1])
EXAMPLES = [os.path.join(os.path.abspath(folder), name) for folder in sys.argv[2:]
            for name in sorted(os.listdir(folder)) if name.endswith(".yaml")]
LIMIT_S = 20
LEAST = 10


def run(*words):
    return subprocess.run([VMSND, *words], capture_output=True, text=True, timeout=LIMIT_S)


def tree(*words):
    result = run("config", "show", *words, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def check(path):
    shown = tree("--config", path)
    cards = shown.get("cards", {})
    outputs = sum(len(card.get("outputs", [])) for card in cards.values())
    result = run("config", "check", path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (f"{path} is right: {len(cards)} card{'s' * (len(cards) != 1)}, "
                             f"{outputs} output{'s' * (outputs != 1)}\n"), result.stdout
    assert len(cards) > 0 and outputs > 0
    return shown


def again(path):
    """What 'show' prints is a configuration, and the same one, in YAML and in JSON."""
    shown = tree("--config", path)
    for name, words in (("again.yaml", []), ("again.json", ["--json"]), ("all.yaml", ["--defaults"])):
        with open(name, "w") as file:
            file.write(run("config", "show", "--config", path, *words).stdout)
        assert run("config", "check", name).returncode == 0, run("config", "check", name).stderr
    assert tree("--config", "again.yaml") == shown
    assert tree("--config", "again.json") == shown


def serve(path, shown):
    """Starts it with its sockets here; a VMM can connect to each, and it ends in order."""
    words = ["serve", "--config", path]
    if "control" in shown:
        words += ["--set", "control=control.sock"]
    for name in shown["cards"]:
        words += ["--set", f"cards.{name}.socket={name}.sock"]
    process = subprocess.Popen([VMSND, *words], stderr=subprocess.PIPE, text=True)
    said, ready = [], threading.Event()

    def read():
        left = len(shown["cards"])
        for line in process.stderr:
            said.append(line)
            left -= "listening" in line
            if left == 0:
                ready.set()
        ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert ready.wait(LIMIT_S), said
        for name in shown["cards"]:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(f"{name}.sock")
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(LIMIT_S)
        reader.join()
    assert code == 0, said
    assert not any("error" in line for line in said), said
    assert not any(name.endswith(".sock") for name in os.listdir(".")), os.listdir(".")


HOSTS = {"pipewire", "pulse", "alsa", "jack"}
BACKENDS = set(re.findall(r"^(\w+)$", run("backends").stdout, re.M))


def example(path):
    with open(path) as file:
        if set(re.findall(r"backend: (\w+)", file.read())) & HOSTS - BACKENDS:
            return "a module that is not built"
    shown = check(path)
    again(path)
    serve(path, shown)


def manual():
    """Every file that the manual page or another text names is there."""
    names = {os.path.basename(path) for path in EXAMPLES}
    assert len(names) >= LEAST, names
    root = os.path.dirname(os.path.dirname(EXAMPLES[0]))
    for text in ("README.md", "docs/vmsnd.yaml.5.scd", "docs/configuration.md"):
        path = os.path.join(root, text)
        if os.path.exists(path):
            with open(path) as file:
                for name in re.findall(r"examples/([\w-]+\.yaml)", file.read()):
                    assert name in names, (text, name)


def main():
    tests = [(os.path.basename(path), example, [path]) for path in EXAMPLES]
    tests.append(("examples that are named are there", manual, []))
    print(f"1..{len(tests)}")
    failed = 0
    for number, (name, test, words) in enumerate(tests, 1):
        try:
            skip = test(*words)
            print(f"ok {number} - {name}" + (f" # SKIP {skip}" if skip else ""), flush=True)
        except Exception as error:  # one failure must not hide the tests after it
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in f"{type(error).__name__}: {error}".split("\n"):
                print(f"# {line}")
    return failed > 0


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    subprocess.run([VMSND, "demo", "--fast", "--output", "voice.wav"], stdout=subprocess.DEVNULL, timeout=LIMIT_S, check=True)
    code = main()
    os.chdir("/")
sys.exit(code)
