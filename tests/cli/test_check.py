#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""vmsnd check, and vmsnd backends -v, with a backend whose host is as the test says.

usage: test_check.py VMSND MODULE; prints TAP."""
import json
import os
import subprocess
import sys
import time

from program import run_tests

VMSND, MODULE = (os.path.abspath(path) for path in sys.argv[1:3])
LIMIT_S = 20


def run(*words, code=0):
    """With no other module than the test's, and no bus."""
    empty = os.path.abspath("empty")
    os.makedirs(empty, exist_ok=True)
    env = {**os.environ, "VMSND_MODULE_PATH": empty, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"}
    result = subprocess.run([VMSND, *words], capture_output=True, text=True, timeout=LIMIT_S, env=env)
    assert result.returncode == code, (words, result)
    return result


def check(*words, code=0):
    return run("check", "--module", MODULE, *words, code=code).stdout


def backend_of(*words, code=0):
    answer = json.loads(check("--json", *words, code=code))
    assert len(answer["backends"]) == 1, answer
    return answer, answer["backends"][0]


def test_a_host_that_works_is_shown_and_recommended():
    text = check()
    assert "hostwords  works: Words 1.0" in text, text
    assert "through       /run/words" in text and "whose         root (0)" in text, text
    assert "plays to      out (A ?[1mloud one)" in text and "\x1b" not in text, text
    assert text.endswith("--backend hostwords\n"), text
    for name in ("pipewire", "pulse", "jack", "alsa"):
        assert f"{name:10} is not installed" in text and f"Install vmsnd with its module {name}.so" in text, text


def test_json_has_all_of_it():
    answer, backend = backend_of()
    assert answer["backend"] == "hostwords" and backend["state"] == "works", answer
    assert backend["facts"][0] == {"name": "server", "text": "Words 1.0"}, backend
    assert backend["devices"][0]["default-playback"] is True, backend
    assert {row["name"] for row in answer["missing"]} == {"pipewire", "pulse", "jack", "alsa"}, answer
    assert answer["user"]["uid"] == os.geteuid() and "realtime" in answer and "memory-lock" in answer, answer


def test_troubles_come_with_advice_and_the_options_in_the_end():
    text = check("hostwords,host=trouble")
    assert "works, but not everything does" in text, text
    assert text.index("It has no microphone.") < text.index("what to do    Plug one in."), text
    assert text.endswith("--backend hostwords,host=trouble\n"), text


def test_a_host_that_is_away_fails():
    text = check("hostwords,host=away", code=1)
    assert "hostwords  does not work" in text and "Start it." in text, text
    assert "--backend file,path=guest.wav" in text, text
    answer, backend = backend_of("hostwords,host=away", code=1)
    assert answer["backend"] is None and backend["state"] == "fails", answer


def test_one_of_several_is_enough():
    text = check("hostwords,host=away", "hostwords")
    assert text.endswith("--backend hostwords\n"), text


def test_a_host_that_hangs_is_left_behind():
    begin = time.monotonic()
    text = check("hostwords,host=hangs", "hostwords")
    assert time.monotonic() - begin < 10, "it hangs"
    assert "hostwords  does not answer" in text and "hostwords  works" in text, text


def test_options_that_make_no_sense_are_said():
    text = check("hostwords,host=refuses", code=1)
    assert "these options make no sense" in text, text
    text = run("check", "--module", MODULE, "hostwords,hots=fine", code=2).stderr
    assert "hostwords has no option 'hots' (did you mean 'host'?)" in text and text.count("\n") == 1, text


def test_a_tone_is_played_whole_or_not():
    text = check("--tone", "hostwords")
    assert "tone          a tone of 1.5 s was played" in text, text
    text = check("--tone", "hostwords,host=deaf", code=1)
    assert "it took 0.0 s of a tone of 1.5 s" in text, text


def test_wrong_words():
    assert "there is no backend 'horn'" in run("check", "horn", code=2).stderr
    assert "it is a module and needs libpipewire: 'vmsnd modules' says" in run("check", "pipewire", code=2).stderr
    assert "'--loud' is not an option" in run("check", "--loud", code=2).stderr


def run_with_folder(*words):
    os.makedirs("folder", exist_ok=True)
    if not os.path.exists("folder/words.so"):
        os.symlink(MODULE, "folder/words.so")
    env = {**os.environ, "VMSND_MODULE_PATH": os.path.abspath("folder")}
    return subprocess.run([VMSND, *words], capture_output=True, text=True, timeout=LIMIT_S, env=env)


def test_demo_finds_backends_of_the_folder():
    result = run_with_folder("demo", "--backend", "hostwords,host=refuses")
    assert "these options make no sense" in result.stderr, result


def test_completion_offers_backends_of_the_folder():
    result = run_with_folder("ctl", "--complete", "attach", "")
    assert "hostwords" in result.stdout.split("\n") and "null" in result.stdout.split("\n"), result
    assert "" == result.stderr, result


def test_backends_v_lists_devices_of_the_host():
    text = run("backends", "-v", "--module", MODULE).stdout
    part = text[text.index("hostwords\n"):]
    assert "device out: A loud one (plays 2 channels, default)" in part, part
    assert "device " not in run("backends", "--module", MODULE).stdout


run_tests(globals())
