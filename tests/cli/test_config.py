#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""vmsnd config: exit codes, what counts more than what, and that the manual page has every key.

usage: test_config.py VMSND VMSND.YAML.5.SCD; prints TAP. Everything happens in a temporary folder."""
import json
import os
import re
import subprocess
import sys
import tempfile

VMSND, MANUAL = (os.path.abspath(path) for path in sys.argv[1:3])
LIMIT_S = 20
FILE = """\
version: 1
lanes: 2
cards:
  vm1:
    device: virtio-snd
    socket: /run/vm1.sock
    outputs:
      - backend: file
        path: a.wav
"""


def run(*words):
    return subprocess.run([VMSND, "config", *words], capture_output=True, text=True, timeout=LIMIT_S)


def tree(*words):
    result = run("show", *words, "--json")
    assert result.returncode == 0 and result.stderr == "", result
    return json.loads(result.stdout)


def write(text, name="vm.yaml"):
    with open(name, "w") as file:
        file.write(text)
    return name


def fails(code, line, *words):
    result = run(*words)
    assert (result.returncode, result.stdout) == (code, ""), result
    assert result.stderr == line + "\n", result.stderr


# ---- check ---------------------------------------------------------------------------------


def test_a_right_file_is_one_line():
    write(FILE)
    result = run("check", "vm.yaml")
    assert (result.returncode, result.stderr) == (0, ""), result
    assert result.stdout == "vm.yaml is right: 1 card, 1 output\n"
    result = run("check", "vm.yaml", "--set", "cards.b.device=virtio-snd")
    assert result.stdout == "vm.yaml is right: 2 cards, 1 output\n", result
    result = run("check", write("", "empty.yaml"))
    assert result.stdout == "empty.yaml is right: 0 cards, 0 outputs\n", result


def test_a_wrong_one_is_one_line_and_code_1():
    write(FILE.replace("socket:", "sockt:"))
    result = run("check", "vm.yaml")
    assert (result.returncode, result.stdout) == (1, ""), result
    assert result.stderr.startswith("vmsnd: error: vm.yaml:6:5: cards.vm1 has no option 'sockt' (did you mean "
                                    "'socket'?); allowed: device "), result.stderr
    assert result.stderr.count("\n") == 1


def test_files_that_cannot_be_read():
    fails(1, "vmsnd: error: no.yaml: there is no such file", "check", "no.yaml")
    os.mkdir("folder.yaml")
    fails(1, "vmsnd: error: folder.yaml: it is a folder: name a file in it", "check", "folder.yaml")
    fails(1, "vmsnd: error: vm.yaml/x: there is no such file: part of the path is no folder", "check", write(FILE) + "/x")
    if os.geteuid() != 0:
        os.chmod(write(FILE, "secret.yaml"), 0)
        fails(1, "vmsnd: error: secret.yaml: it may not be read: change its rights, or run as a user who may",
              "check", "secret.yaml")
    fails(1, "vmsnd: error: no.yaml: there is no such file", "show", "--config", "no.yaml")


def test_wrong_usage_is_code_2():
    see = "; see 'vmsnd config --help'"
    write(FILE)
    fails(2, "vmsnd config: it needs 'check FILE' or 'show'" + see)
    fails(2, "vmsnd config: it needs 'check FILE' or 'show'" + see, "chekc", "vm.yaml")
    fails(2, "vmsnd config: 'check' takes the name of one file" + see, "check")
    fails(2, "vmsnd config: 'check' takes the name of one file" + see, "check", "vm.yaml", "vm.yaml")
    fails(2, "vmsnd config: '--config' is not an option" + see, "check", "--config", "vm.yaml")
    fails(2, "vmsnd config: '--set' lacks its value" + see, "check", "vm.yaml", "--set")
    fails(2, "vmsnd config: every argument of 'show' is an option" + see, "show", "vm.yaml")
    fails(2, "vmsnd config: a --backend belongs to the --device before it" + see, "show", "-b", "null")
    fails(2, "vmsnd config: a --driver belongs to the --backend before it" + see, "show", "-d", "virtio-snd",
          "--driver", "delay")
    fails(2, "vmsnd config: a card takes at most 8 --backend" + see, "show", "-d", "virtio-snd", *["-b", "null"] * 9)
    fails(2, "vmsnd config: a --backend takes at most 8 --driver" + see, "show", "-d", "virtio-snd", "-b", "null",
          *["--driver", "delay"] * 9)
    fails(2, "vmsnd config: --config is given twice" + see, "show", "-f", "vm.yaml", "-f", "vm.yaml")


# ---- options -------------------------------------------------------------------------------


def test_options_are_a_tree():
    shown = tree("-d", "virtio-snd,socket=/a,,b.sock,input=on", "-b", "file,path=a.wav", "--driver", "delay,ms=5",
                 "--driver", "map", "-b", "null", "-d", "virtio-snd,name=left,socket=/c", "--lanes", "3",
                 "--workers", "2", "-c", "/run/ctl")
    assert shown == {
        "lanes": 3, "workers": 2, "control": "/run/ctl",
        "cards": {
            "card0": {"device": "virtio-snd", "socket": "/a,b.sock", "input": True,
                      "outputs": [{"backend": "file", "path": "a.wav",
                                   "drivers": [{"driver": "delay", "ms": 5}, {"driver": "map"}]},
                                  {"backend": "null"}]},
            "left": {"device": "virtio-snd", "socket": "/c"}}}, shown


def test_the_file_then_options_then_set():
    write(FILE)
    shown = tree("--set", "lanes=4", "--lanes", "3", "-d", "virtio-snd,socket=/x", "-f", "vm.yaml",
                 "--set", "cards.vm1.outputs.0.path=b.wav", "--set", "cards.card0.number=7")
    assert shown["lanes"] == 4
    assert list(shown["cards"]) == ["vm1", "card0"]
    assert shown["cards"]["vm1"]["outputs"] == [{"backend": "file", "path": "b.wav"}]
    assert shown["cards"]["card0"]["number"] == 7
    assert tree("-f", "vm.yaml", "--lanes", "3")["lanes"] == 3


def test_set_makes_and_takes_out():
    write(FILE)
    assert "lanes" not in tree("-f", "vm.yaml", "--set", "lanes")
    assert tree("-f", "vm.yaml", "--set", "cards.vm1")["cards"] == {}
    shown = tree("-f", "vm.yaml", "--set", "cards.vm1.outputs.1.backend=null", "--set", "cards.vm1.outputs.1.volume=-6")
    assert shown["cards"]["vm1"]["outputs"][1] == {"backend": "null", "volume": -6}
    fails(2, "vmsnd: error: --set: there is no 'cards.vm2' to remove", "show", "-f", "vm.yaml", "--set", "cards.vm2")
    result = run("check", "vm.yaml", "--set", "cards.vm1.outputs.0.pth=x")
    assert result.returncode == 2 and result.stderr.startswith(
        "vmsnd: error: --set: cards.vm1.outputs.0 has no option 'pth' (did you mean 'path'?)"), result


def test_names_of_cards():
    write(FILE)
    card = "virtio-snd,socket=/x"
    assert list(tree(*["-d", "virtio-snd"] * 3)["cards"]) == ["card0", "card1", "card2"]
    assert list(tree("-d", card + ",name=card0", "-d", "virtio-snd")["cards"]) == ["card0", "card1"]
    fails(2, "vmsnd: error: --device: name=vm1: another card has this name", "show", "-f", "vm.yaml",
          "-d", card + ",name=vm1")
    fails(2, "vmsnd: error: --device: name=a.b: a card's name has at most 63 bytes, no dot and no control character", "show",
          "-d", card + ",name=a.b")


def test_messages_about_options_name_them():
    for words, line in (
            (["-d", "virtio-snd,sockt=x"], "--device: cards.card0 has no option 'sockt' (did you mean 'socket'?)"),
            (["-d", "vrtio-snd"], "--device: there is no device 'vrtio-snd' (did you mean 'virtio-snd'?)"),
            (["-d", "virtio-snd", "-b", "nul"], "--backend: there is no backend 'nul' (did you mean 'null'?)"),
            (["-d", "virtio-snd", "-b", "pulse"],
             "--backend: there is no backend 'pulse'; there are: null loop file; it is a module and needs libpulse: 'vmsnd modules' says"),
            (["-d", "virtio-snd", "-b", "null", "--driver", "dela"], "--driver: there is no driver 'dela'"),
            (["--lanes", "many"], "--lanes: the configuration: lanes=many is not a number from 1 to 64"),
            (["-d", "virtio-snd,socket"], "--device: socket needs a value")):
        result = run("show", *words)
        assert (result.returncode, result.stdout) == (2, ""), result
        assert result.stderr.startswith("vmsnd: error: " + line), result.stderr


def test_serve_and_config_end_with_the_same_code():
    """vmsnd(1): 2 when the command line is wrong, 1 when it is a file."""
    write(FILE)
    write(FILE.replace("socket:", "sockt:"), "bad.yaml")
    write(FILE.replace("    socket: /run/vm1.sock\n", ""), "nosocket.yaml")
    for code, line, words in (
            (1, "bad.yaml:6:5: cards.vm1 has no option 'sockt'", ["--config", "bad.yaml"]),
            (1, "bad.yaml:6:5: cards.vm1 has no option 'sockt'", ["--config", "bad.yaml", "-d", "virtio-snd"]),
            (1, "/nonexistent: there is no such file", ["--config", "/nonexistent"]),
            (2, "--set: 'a..b' is no path", ["--config", "vm.yaml", "--set", "a..b=1"]),
            (2, "--set: cards.vm1: playback=99", ["--config", "vm.yaml", "--set", "cards.vm1.playback=99"]),
            (2, "--set: cards.b names no device", ["--config", "vm.yaml", "--set", "cards.b.socket=x"]),
            (2, "--device: there is no device 'x'", ["--config", "vm.yaml", "-d", "x"]),
            (2, "--lanes: ", ["-d", "virtio-snd,socket=x", "--lanes", "many"])):
        for command in (["serve"], ["config", "show"]):
            result = subprocess.run([VMSND, *command, *words], capture_output=True, text=True, timeout=LIMIT_S)
            assert (result.returncode, result.stdout) == (code, ""), result
            assert result.stderr.startswith("vmsnd: error: " + line) and result.stderr.count("\n") == 1, result
    # What only serve can find out.
    result = subprocess.run([VMSND, "serve", "--config", "nosocket.yaml"], capture_output=True, text=True, timeout=LIMIT_S)
    assert result.returncode == 1 and "no socket" in result.stderr, result


# ---- show ----------------------------------------------------------------------------------


def test_show_is_readable():
    write(FILE)
    assert run("show", "-f", "vm.yaml").stdout == FILE


def test_defaults_are_shown_when_asked_for():
    write(FILE)
    card = tree("-f", "vm.yaml", "--defaults")["cards"]["vm1"]
    assert card["playback"] == 1 and card["input"] is False and card["transport"] == "vhost-user"
    assert card["outputs"][0]["pace"] == "real" and card["outputs"][0]["path"] == "a.wav"
    assert tree("-d", "virtio-snd", "--defaults")["cards"]["card0"]["outputs"][0]["backend"] == "null"


def test_chains_are_shown_as_rules_leave_them():
    rules = """\
version: 1
transforms:
  - {below: "null", drivers: [{driver: delay, ms: 5}]}
  - {below: file, action: remove}
cards:
  a: {device: virtio-snd}
  b:
    device: virtio-snd
    outputs: [{backend: file, path: a.wav}, {backend: "null", volume: -3, drivers: [{driver: map}]}]
  c: {device: virtio-snd, outputs: [{backend: "null", transforms: off}]}
"""
    delay = {"injected": "0", "driver": "delay", "ms": 5}
    cards = tree("-f", write(rules))["cards"]
    assert cards["a"]["outputs"] == [{"backend": "null", "drivers": [delay]}], cards
    assert cards["b"]["outputs"] == {"1": {"backend": "null", "volume": -3, "drivers": [{"driver": "map"}, delay]}}, cards
    assert cards["c"]["outputs"] == [{"backend": "null", "transforms": False}], cards
    # It is a configuration again, and the same one.
    shown = run("show", "-f", "vm.yaml").stdout
    assert run("check", write(shown, "again.yaml")).returncode == 0
    assert run("show", "-f", "again.yaml").stdout == shown
    # Defaults are those of what the rules brought, too.
    rules = "transforms: [{below: 'null', drivers: [{driver: delay}]}]\ncards: {a: {device: virtio-snd}}\n"
    drivers = tree("-f", write(rules), "--defaults")["cards"]["a"]["outputs"][0]["drivers"]
    assert drivers == [{"injected": "0", "driver": "delay", "ms": 100}], drivers


def test_modules_that_are_not_there():
    write("modules: {load: [{module: ./none.so, required: no}]}\n")
    result = run("check", "vm.yaml")
    assert result.returncode == 0 and result.stderr.startswith("vmsnd: warning: ") and "none.so" in result.stderr, result
    write("modules: {load: [{module: ./none.so}]}\n")
    result = run("check", "vm.yaml")
    assert result.returncode == 1 and result.stderr.startswith("vmsnd: error: ") and "none.so" in result.stderr, result
    assert result.stderr.count("\n") == 1, result
    write("modules: {builtin: off}\n" + FILE)
    result = run("check", "vm.yaml")
    assert result.returncode == 1 and "there is no device 'virtio-snd'; there are: none" in result.stderr, result


# ---- the manual page -----------------------------------------------------------------------


def allowed(text):
    """The keys that may stand where the key '?' does, as the message about it lists them."""
    result = run("check", write(text))
    match = re.search(r"has no option '\?'.*allowed: (.*)\n", result.stderr)
    assert match, result
    return set(match[1].split())


def keys(*titles):
    """The keys that the manual page explains below headings."""
    found, title = set(), ""
    with open(MANUAL) as file:
        for line in file:
            if line.startswith("#"):
                title = line.lstrip("#").strip()
            match = re.match(r"\*([a-z0-9-]+)\*:", line)
            if match and title in titles:
                found.add(match[1])
    return found


def classes(sort, card):
    """Those that there are, as the line says about a card with one that is not there."""
    result = run("check", write("cards: {vm1: {device: %s}}\n" % card))
    assert f"there is no {sort} 'x'" in result.stderr, result
    return re.search(r"there are: (.*)\n", result.stderr)[1].split()


def test_the_manual_page_has_every_key():
    any_card = "cards: {vm1: {device: %s, '?': 1}}\n"
    card = "cards: {vm1: {device: virtio-snd, %s}}\n"
    output = card % "outputs: [{backend: %s, '?': 1}]"
    driver = card % "outputs: [{backend: null, drivers: [{driver: %s, '?': 1}]}]"
    assert allowed("'?': 1\n") == keys("THE MACHINE")
    assert allowed("modules: {'?': 1}\n") == keys("MODULES")
    assert allowed("modules: {load: [{'?': 1}]}\n") == keys("Items of load")
    for device in classes("device", "x"):
        assert allowed(any_card % device) == keys("CARDS", f"Card {device}"), device
    for backend in ("null", "file"):
        assert allowed(output % backend) == keys("OUTPUTS", f"Backend {backend}"), backend
    for name in ("delay", "map"):
        assert allowed(driver % name) == keys("DRIVERS", f"Driver {name}"), name


def test_the_manual_page_has_every_class():
    with open(MANUAL) as file:
        text = file.read()
    chain = "virtio-snd, outputs: [{%s}]"
    for title, sort, card in (("Card", "device", "x"), ("Backend", "backend", chain % "backend: x"),
                              ("Driver", "driver", chain % "backend: null, drivers: [{driver: x}]")):
        for name in classes(sort, card):
            assert f"\n## {title} {name}\n" in text, name


def main():
    tests = [(n, t) for n, t in globals().items() if n.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except Exception as error:  # one failure must not hide the tests after it
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in f"{type(error).__name__}: {error}".split("\n"):
                print(f"# {line}")
    return failed > 0


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    code = main()
    os.chdir("/")
sys.exit(code)
