#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""vmsnd serve tells its parts of power-on and power-off.

usage: test_life.py VMSND TOP MODULE; prints TAP. MODULE: of words.c, whose backend says what it hears."""
import os
import signal
import sys
import time

from program import LIMIT_S, Server, Vmm, card_works, ctl_fine, run_tests

MODULE = os.path.abspath(sys.argv[3])


def words(server):
    return [line.split("words: ")[1] for line in server.lines if "words: " in line]


def serve(*backends):
    """A card with these backends; the file's name is s.yaml."""
    outputs = ", ".join("{" + backend + "}" for backend in backends)
    with open("s.yaml", "w", encoding="utf-8") as file:
        file.write(f"modules: {{folder: no, load: [{{module: {MODULE}}}]}}\n"
                   "control: c.sock\n"
                   f"cards: {{vm1: {{device: virtio-snd, socket: s.sock, outputs: [{outputs}]}}}}\n")
    return Server("--config", "s.yaml", cards=(), path=None, count=1)


def test_the_end_is_a_power_off():
    server = serve("backend: words")
    assert server.end(signal.SIGTERM) == 0
    assert words(server) == ["power-on", "power-off", "close"], server.lines
    server = serve("backend: words")
    ctl_fine("quit")
    assert server.end(None) == 0
    assert words(server) == ["power-on", "power-off", "close"], server.lines


def test_so_it_is_when_the_machine_is_suspended():
    server = serve("backend: words")
    ctl_fine("suspend")
    assert server.end() == 0
    assert words(server) == ["power-on", "suspend", "power-off", "close"], server.lines


def test_a_part_that_does_not_come_to_its_end_is_left():
    server = serve("backend: words, late: on", "backend: words")
    begin = time.monotonic()
    assert server.end() == 0
    assert time.monotonic() - begin < LIMIT_S / 2
    # The other one has heard of it; then both are closed.
    assert words(server) == ["power-on", "power-on", "power-off", "close", "close"], server.lines
    assert any("power-off is not done after 2 s; it ends without it" in line
               for line in server.lines), server.lines


def test_a_vmm_that_is_there_is_let_go():
    server = serve("backend: words")
    assert card_works()
    vmm = Vmm()
    assert server.end() == 0
    assert words(server)[-2:] == ["power-off", "close"], server.lines
    vmm.peer.close()


run_tests(globals())
