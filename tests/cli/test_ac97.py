#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The AC'97 card as its owner meets it: options, sockets, configuration, vmsnd ctl.

usage: test_ac97.py VMSND [TOP]; prints TAP."""
import json
import os
import re
import socket
import struct
import subprocess

from program import LIMIT_S, VMSND, Server, ctl_fine, ctl_wrong, run_tests

AC97 = "ac97,socket=a.sock,name=old"


def run(*words):
    return subprocess.run([VMSND, *words], capture_output=True, text=True, timeout=LIMIT_S)


def refused(code, device, part):
    """One line with this part, and nothing is left behind."""
    result = run("serve", "--device", device)
    assert result.returncode == code and result.stdout == "", result
    assert result.stderr.count("\n") == 1 and part in result.stderr, result.stderr
    assert not os.path.exists("a.sock")


def client(path):
    """A VMM that has agreed on a version of vfio-user."""
    text = json.dumps({"capabilities": {"max_msg_fds": 8, "max_data_xfer_size": 1048576}}).encode() + b"\0"
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(LIMIT_S)
    peer.connect(path)
    peer.sendall(struct.pack("<HHIIIHH", 1, 1, 20 + len(text), 0, 0, 0, 1) + text)
    head = peer.recv(16, socket.MSG_WAITALL)
    _, command, size, flags, error = struct.unpack("<HHIII", head)
    assert (command, flags & 0xf, error) == (1, 1, 0), head
    peer.recv(size - 16, socket.MSG_WAITALL)
    return peer


def config_word(peer, offset):
    """Four bytes of the configuration space, region 7."""
    peer.sendall(struct.pack("<HHIII", 2, 9, 32, 0, 0) + struct.pack("<QII", offset, 7, 4))
    answer = peer.recv(36, socket.MSG_WAITALL)
    return struct.unpack("<I", answer[32:])[0]


def test_what_is_wrong_is_said_in_one_line():
    refused(2, "ac97,socket=a.sock,transport=vhost-user", "is a PCI card, and the transport vhost-user takes virtio cards")
    refused(2, "virtio-snd,socket=a.sock,transport=vfio-user", "leave 'transport' out, or say vhost-user")
    refused(2, "ac97,socket=a.sock,codec=ad1881", "codec: there are stac9700, ad1980, ad1981b and alc650")
    refused(2, "ac97,socket=a.sock,channels=5", "channels: it plays 2, 4 or 6")
    refused(2, "ac97,socket=a.sock,playback=2", "playback: ich has engines for 1 stream, ich4 for 2")
    refused(2, "ac97,socket=a.sock,timer-hz=5", "timer-hz=5 is not a number from 10 to 1000")
    refused(2, "ac97,socket=a.sock,formats=all", "has no option 'formats'")
    refused(2, "ac97,socket=a.sock,varient=ich4", "did you mean 'variant'?")
    refused(2, "ac79,socket=a.sock", "did you mean 'ac97'?")
    refused(2, "ac97", "it has no socket: add socket=PATH")
    refused(1, "ac97,socket=no/such/folder/a.sock", "cannot listen at no/such/folder/a.sock")


def test_it_is_found_over_vfio_user_by_itself():
    with Server(cards=(AC97,)) as server:
        assert server.says("old: listening at a.sock (vfio-user)")
        peer = client("a.sock")
        assert config_word(peer, 0) == 0x24158086
        assert config_word(peer, 0x2c) == 0x11001af4
        assert re.search(r"VMMs connected: 1", ctl_fine("status"))
        peer.close()
        assert server.says("old: ")


def test_two_cards_are_what_they_were_told_to_be():
    with Server(cards=(AC97, "ac97,socket=b.sock,variant=ich4,codec=ad1981b,playback=2,capture=4")):
        one, two = client("a.sock"), client("b.sock")
        assert config_word(one, 0) == 0x24158086 and config_word(two, 0) == 0x24c58086
        assert config_word(two, 0x2c) == 0x01ad1028
        shown = ctl_fine("status")
        for card, playback, capture in (("old", 1, 2), ("card0", 2, 4)):
            assert len(re.findall(rf"^{card} +playback \d", shown, re.M)) == playback, shown
            assert len(re.findall(rf"^{card} +capture \d", shown, re.M)) == capture, shown
        one.close()
        two.close()


def test_what_vmm_speaks_the_wrong_protocol_is_told():
    with Server(cards=(AC97,)) as server:
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(LIMIT_S)
        peer.connect("a.sock")
        peer.sendall(struct.pack("<III", 1, 1, 0))  # GET_FEATURES of vhost-user
        peer.sendall(bytes(64))
        assert server.says("warning: old: "), server.lines
        peer.close()
        client("a.sock").close()


def test_its_configuration_stands_for_what_it_says():
    with open("old.yaml", "w", encoding="utf-8") as file:
        file.write("cards:\n  old:\n    device: ac97\n    socket: a.sock\n    codec: alc650\n")
    shown = json.loads(run("config", "show", "--config", "old.yaml", "--defaults", "--json").stdout)
    card = shown["cards"]["old"]
    assert (card["transport"], card["playback"], card["capture"]) == ("vfio-user", 1, 2), card
    assert (card["variant"], card["timer-hz"], card["msi"]) == ("ich", 100, False), card
    assert "old.yaml is right: 1 card" in run("config", "check", "old.yaml").stdout
    wrong = run("config", "check", "old.yaml", "--set", "cards.old.outlet=rear")
    assert wrong.returncode == 2 and "outlet: there are line, headphone and mono" in wrong.stderr, wrong
    refused(2, "ac97,socket=a.sock,codec=ad1981b,channels=6", "channels: this codec has no DACs for so many")
    refused(2, "ac97,socket=a.sock,outlet=headphone", "outlet: this codec has no headphone output")
    text = run("devices").stdout.split("\nac97\n")[1].split("\nevery card:")[0]
    assert re.search(r"^ +transport=TEXT .*\(default: vfio-user\)$", text, re.M), text
    assert re.search(r"^ +capture=N .*\(default: 2\)$", text, re.M), text
    assert "playback=" not in text, text


def test_its_jacks_and_mixer_are_turned():
    with Server(cards=(AC97 + ",jacks=on", "ac97,socket=b.sock")):
        jacks = ctl_fine("jack", "--card", "old")
        assert [line.split()[0] for line in jacks.splitlines()[1:]] == ["line-out", "headphone", "mic", "line-in"]
        ctl_fine("jack", "--card", "old", "headphone", "unplugged")
        assert re.search(r"^headphone +unplugged", ctl_fine("jack", "--card", "old"), re.M)
        assert ctl_fine("jack", "--card", "card0") == "the card has no jacks\n"
        # As the codec comes up.
        assert re.search(r"^playback 0 +0\.0 dB, muted", ctl_fine("mixer", "--card", "old"), re.M)
        ctl_fine("mixer", "--card", "old", "-6")
        ctl_fine("mixer", "--card", "old", "unmute")
        assert re.search(r"^playback 0 +-6\.0 dB +-", ctl_fine("mixer", "--card", "old"), re.M), ctl_fine("mixer", "--card", "old")


def test_cards_are_added_saved_and_removed():
    with Server(cards=(AC97,)) as server:
        assert ctl_fine("cards", "add", "more", "ac97,socket=b.sock,variant=ich4", "null") == "card 1\n"
        ctl_wrong(1, "cards", "add", "bad", "ac97,socket=d.sock,transport=vhost-user", part="leave 'transport' out")
        client("b.sock").close()
        ctl_fine("suspend")
        ctl_fine("save", "both.state")
        ctl_fine("resume")
        names = [line.split()[0] for line in ctl_fine("counters", "--card", "more").splitlines()]
        assert len(names) == len(set(names)) and "holds" in names, names
        ctl_fine("cards", "remove", "more")
        assert not os.path.exists("b.sock")
        assert server.end() == 0
    with Server("--restore", "both.state", cards=(), count=2):
        assert re.search(r"^1 +more +on +off +1$", ctl_fine("cards"), re.M), ctl_fine("cards")
        client("b.sock").close()


run_tests(globals())
