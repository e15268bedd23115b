#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The program while it runs: its control socket as a QMP client meets it, and vmsnd ctl.

usage: test_ctl.py VMSND [TOP]; prints TAP. Everything happens in a temporary folder. TOP: the
       source tree, for its documentation and completion scripts.
       test_ctl.py VMSND --reference; prints the reference of all commands, as Markdown."""
import json
import os
import re
import select
import shlex
import signal
import socket
import stat
import subprocess
import tempfile
import time

from program import (CARD, LIMIT_S, TOP, VMSND, WANTS_REFERENCE, Qmp, Server, Vmm, card_works, ctl,
                     ctl_fine, ctl_wrong, run_tests)

# ---- the protocol --------------------------------------------------------------------------


def test_a_QMP_client_drives_a_whole_session():
    with Server() as server:
        qmp = Qmp(negotiate=False)
        assert set(qmp.greeting) == {"QMP"} and qmp.greeting["QMP"]["capabilities"] == []
        version = qmp.greeting["QMP"]["version"]
        assert set(version["vmsnd"]) == {"major", "minor", "micro"} and version["package"] == ""
        qmp.send({"execute": "query-status"})
        assert qmp.answer()["error"]["class"] == "CommandNotFound"
        assert qmp.execute("qmp_capabilities") == {}
        assert qmp.execute("query-version") == version
        names = [row["name"] for row in qmp.execute("query-commands")]
        assert {"qmp_capabilities", "query-status", "enable", "quit"} <= set(names)
        assert qmp.execute("query-status")["running"] is True
        assert qmp.ask("no-such")["error"]["class"] == "CommandNotFound"
        assert qmp.ask("enable")["error"]["class"] == "GenericError"
        assert qmp.ask("pause", card="none")["error"]["class"] == "DeviceNotFound"
        assert qmp.execute("attach", backend="file,path=a.wav") == {"output": 1}
        added = qmp.event("OUTPUT_ADDED")
        assert added["data"] == {"card": 0, "name": "vm1", "output": 1, "backend": "file"}
        assert abs(added["timestamp"]["seconds"] - time.time()) < LIMIT_S
        assert qmp.execute("volume", output=1, gain_db=-3.5) == {}
        shown = {s["output"]: s for s in qmp.execute("query-streams") if s["direction"] == "playback"}
        assert shown[1]["volume"]["gain-db"] == -3.5 and shown[0]["volume"]["gain-db"] == 0
        assert qmp.execute("detach", output=1) == {}
        assert qmp.event("OUTPUT_REMOVED")["data"]["output"] == 1
        assert qmp.execute("quit") == {}
        assert qmp.event("SHUTDOWN")["data"] == {}
        assert qmp.receive() is None
        assert server.end(None) == 0, server.lines
    assert not os.path.exists("c.sock") and not os.path.exists("s.sock")


def test_requests_need_no_lines_and_come_in_any_pieces():
    with Server():
        qmp = Qmp()
        text = b'{"execute":"query-status","id":1} {"id":2,\n"execute" :"query-cards"}'
        for i in range(len(text)):
            qmp.send(text[i:i + 1])
        assert qmp.answer()["id"] == 1 and qmp.answer()["id"] == 2
        qmp.close()


def test_broken_requests_harm_nobody():
    with Server():
        qmp = Qmp()
        for text in (b"GET / HTTP/1.0\r\n", b'{"execute": nul}', b"[1, 2]", b"\xff", b"}\n",
                     b'{"execute": "enable", "execute": "quit"}', b'{"a": "\xc3\x28"}'):
            qmp.send(text)
            assert qmp.answer()["error"]["class"] == "GenericError", text
        assert qmp.execute("query-status")["running"] is True
        for text in (b"{" + b" " * 65536, b"[" * 40):
            broken = Qmp()
            broken.send(text)
            assert "at most" in broken.answer()["error"]["desc"]
            assert broken.receive() is None
        assert qmp.execute("query-status")["running"] is True
        assert card_works()
        qmp.close()


# ---- the socket ----------------------------------------------------------------------------


def test_the_socket_is_for_its_owner_only():
    before = os.umask(0)
    try:
        with Server():
            mode = os.stat("c.sock").st_mode
            assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)
    finally:
        os.umask(before)
    assert not os.path.exists("c.sock")


def greeting_of_a_stranger():
    """What another user gets: "no entry", or how many bytes of a greeting."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setresuid(65534, 65534, 65534)
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(LIMIT_S)
                peer.connect("c.sock")
                said = str(len(peer.recv(100)))
        except OSError as error:
            said = "no entry" if isinstance(error, PermissionError) else str(error)
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    said = os.read(reading, 100).decode()
    os.close(reading)
    os.waitpid(child, 0)
    return said


def test_another_user_is_turned_away():
    if os.geteuid() != 0:
        return "SKIP it takes root to be another user"
    os.chmod(".", 0o711)
    with Server() as server:
        assert greeting_of_a_stranger() == "no entry"
        os.chmod("c.sock", 0o666)  # its owner was careless
        assert greeting_of_a_stranger() == "0"
        assert server.says("user 65534 was turned away"), server.lines
        Qmp().close()


def test_a_stale_socket_is_replaced_a_live_one_is_an_error():
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind("c.sock")
    with Server():
        second = subprocess.run([VMSND, "serve", "-d", "virtio-snd,socket=t.sock", "--control",
                                 "c.sock"], capture_output=True, text=True, timeout=LIMIT_S)
        assert second.returncode == 1 and second.stderr.count("\n") == 1, second
        assert "c.sock" in second.stderr and not os.path.exists("t.sock")
        ctl_fine("status")


def test_a_card_that_fails_takes_the_control_socket_along():
    result = subprocess.run([VMSND, "serve", "-d", "virtio-snd,socket=no/where.sock", "--control",
                             "c.sock"], capture_output=True, text=True, timeout=LIMIT_S)
    assert result.returncode == 1 and not os.path.exists("c.sock"), result


# ---- clients beside each other ---------------------------------------------------------------


def test_what_one_does_the_other_hears():
    with Server() as server:
        one, other = Qmp(), Qmp()
        assert one.execute("enable", direction="capture", on=True) == {}
        data = {"card": 0, "name": "vm1", "direction": "capture", "on": True}
        assert other.event("DIRECTION_SWITCHED")["data"] == data
        assert one.event("DIRECTION_SWITCHED")["data"] == data
        one.close()
        assert server.says("control: enable, asked for by process"), server.lines
        ctl_fine("disable", "input")
        assert other.event("DIRECTION_SWITCHED")["data"]["on"] is False
        other.close()


def test_a_VMM_that_comes_and_goes_is_told():
    with Server():
        qmp = Qmp()
        vmm = Vmm()
        assert qmp.event("VMMS_CHANGED")["data"] == {"connected": 1}
        vmm.close()
        assert qmp.event("VMMS_CHANGED")["data"] == {"connected": 0}
        qmp.close()


def test_a_client_that_never_reads_holds_nobody_up():
    with Server():
        deaf = Qmp()
        deaf.peer.setblocking(False)
        sent = 0
        try:
            while sent < 10_000_000:
                sent += deaf.peer.send(b'{"execute":"query-schema"}' * 100)
        except BlockingIOError:
            pass
        assert 0 < sent < 10_000_000  # it is not asked for ever more
        assert card_works()
        for _ in range(20):
            ctl_fine("status")
        deaf.close()
        ctl_fine("status")


def test_sixteen_clients_and_no_more():
    with Server():
        clients = [Qmp() for _ in range(16)]
        assert "16 clients" in Qmp(negotiate=False).greeting["error"]["desc"]
        ctl_wrong(1, "status", part="16 clients")
        for client in clients:
            assert client.execute("query-status")["running"] is True
            client.close()
        ctl_fine("status")


def test_who_closes_the_sending_side_gets_all_answers():
    with Server():
        qmp = Qmp()
        qmp.send(b'{"execute":"query-status"}' * 30)
        qmp.peer.shutdown(socket.SHUT_WR)
        assert all("return" in qmp.answer() for _ in range(30))
        assert qmp.receive() is None


# ---- vmsnd ctl -----------------------------------------------------------------------------


def test_wrong_words_get_one_line():
    ctl_wrong(2, part="needs a command")
    ctl_wrong(2, "stats", part="no command 'stats'")
    ctl_wrong(2, "--sokcet", "status", part="vmsnd ctl: '--sokcet' is not an option; see")
    ctl_wrong(2, "status", "--card", part="vmsnd ctl: '--card' lacks its value; see")
    ctl_wrong(2, "status", "more", part="it is: status")
    ctl_wrong(2, "volume", "0", part="it is: volume OUTPUT DB|mute|unmute")
    ctl_wrong(2, "status", part="needs --socket PATH", socket_path=None)
    ctl_wrong(1, "status", part="cannot reach c.sock: No such file")
    ctl_wrong(1, "--socket=no/where", "status", part="cannot reach no/where", socket_path=None)
    with Server():
        ctl_wrong(2, "enable", "microphone", part="'microphone' is no direction")
        ctl_wrong(2, "volume", "first", "0", part="'first' is no output")
        ctl_wrong(2, "volume", "0", "loud", part="'loud' is no loudness from -144 to 24 dB")
        ctl_wrong(2, "volume", "0", "nan", part="'nan' is no loudness from -144 to 24 dB")
        ctl_wrong(2, "tap", "0", "guest", "a.wav", part="'guest' is no point")
        ctl_wrong(2, "raw", "enable", "{on}", part="'{on}' is no JSON object")


def test_what_the_program_refuses_is_a_failure_with_its_line():
    with Server():
        ctl_wrong(1, "volume", "0", "25", part="a number from -144 to 24")
        ctl_wrong(1, "volume", "7", "0", part="no output 7 that does playback")
        for word in ("loud", "%", "-1%", "nan%", "50 %", "50%%"):
            ctl_wrong(2, "host-volume", "0", word, part=f"'{word}' is no loudness up to 251%")
        ctl_wrong(2, "host-volume", "0", "50%", "sideways", part="'sideways' is no direction")
        ctl_wrong(1, "host-volume", "0", "252%", part="a number from -144 to 24")
        for word in ("50%", "0%", "-6", "mute"):
            ctl_wrong(1, "host-volume", "0", word, part="the host of output 0 (null) has no volume for a stream; 'volume' sets")
        ctl_wrong(1, "host-volume", "7", "50%", part="no output 7; it has: 0 (null)")
        ctl_wrong(1, "detach", "3", part="vm1 has no output 3; it has: 0 (null)")
        ctl_wrong(1, "devices", "5", part="vm1 has no output 5; it has: 0 (null)")
        ctl_wrong(1, "attach", "fille,path=a.wav", part="no backend 'fille'")
        ctl_wrong(1, "attach", "file,pth=a.wav", part="did you mean 'path'")
        ctl_wrong(1, "tap", "4", "device", "a.wav", part="no such stream")
        ctl_wrong(1, "--card", "vm2", "enable", "input", part="no card 'vm2'")
        ctl_wrong(1, "raw", "no-such", part="no command 'no-such'")
        ctl_wrong(1, "device", "0", "hw:0", part="no devices to choose from")


def test_privacy_can_be_seen_and_switched():
    with Server():
        assert "card 0, vm1: playback on, capture off" in ctl_fine("status")
        for words, shown in ((["enable", "capture"], "playback on, capture on"),
                             (["disable", "output"], "playback off, capture on"),
                             (["disable", "input"], "playback off, capture off"),
                             (["enable", "playback"], "playback on, capture off")):
            assert ctl_fine(*words) == ""
            assert shown in ctl_fine("status"), (words, ctl_fine("status"))
    with Server(cards=(CARD + ",input=on",)):
        assert "playback on, capture on" in ctl_fine("status")


def test_outputs_volume_and_taps():
    with Server():
        assert ctl_fine("attach", "file,path=a.wav") == "output 1\n"
        status = ctl_fine("status")
        assert "\n  output 0: null; playback stopped; capture stopped\n" in status, status
        assert "\n  output 1: file,path=a.wav; playback stopped\n" in status, status
        assert re.search(r"playback 0 +1 file", status), status
        ctl_fine("volume", "1", "-6.5")
        ctl_fine("volume", "0", "mute")
        status = ctl_fine("status")
        assert re.search(r"1 file .*-6\.5 dB$", status, re.M), status
        assert re.search(r"0 null .*0\.0 dB, muted$", status, re.M), status
        ctl_fine("volume", "0", "unmute")
        ctl_fine("volume", "0", "3", "input")
        assert "muted" not in ctl_fine("status")
        assert re.search(r"capture 0 +0 null .* 3\.0 dB$", ctl_fine("status"), re.M)
        ctl_fine("detach", "1")
        assert "output 0: null" in ctl_fine("status") and "output 1" not in ctl_fine("status")
        ctl_fine("tap", "0", "device", "tap.wav")
        shown = f"\n  tap of playback 0, device: {os.getcwd()}/tap.wav\n"
        assert shown in ctl_fine("status"), ctl_fine("status")
        ctl_fine("tap", "0", "device", "off")
        assert "tap of" not in ctl_fine("status")
        ctl_fine("pause")
        assert "capture off, paused\n" in ctl_fine("status")
        ctl_fine("unpause")
        assert "paused" not in ctl_fine("status")
        assert "tx_messages " in ctl_fine("counters")
        assert "no devices" in ctl_fine("devices")


def test_an_output_without_a_stream_is_an_output():
    with Server(cards=(CARD + ",capture=0",)):
        qmp = Qmp()
        assert ctl_fine("attach", "null,dir=capture") == "output 1\n"
        data = {"card": 0, "name": "vm1", "output": 1, "backend": "null"}
        assert qmp.event("OUTPUT_ADDED")["data"] == data
        status = ctl_fine("status")
        assert "\n  output 1: null,dir=capture; capture stopped\n" in status, status
        ctl_fine("detach", "1")
        assert qmp.event("OUTPUT_REMOVED")["data"] == data
        qmp.close()


def test_with_several_cards_one_has_to_be_named():
    with Server(cards=(CARD, "virtio-snd,socket=t.sock,name=vm2")):
        ctl_wrong(1, "enable", "input", part="there are 2 cards")
        ctl_fine("--card", "vm2", "enable", "input")
        ctl_fine("enable", "output", "-c", "0")
        status = ctl_fine("status")
        assert "card 0, vm1: playback on, capture off" in status, status
        assert "card 1, vm2: playback on, capture on" in status, status
        assert "vm1" not in ctl_fine("status", "--card=1")


def test_json_is_for_programs():
    with Server():
        status = json.loads(ctl_fine("--json", "status"))
        assert status["cards"][0]["streams"][0]["direction"] == "playback"
        assert json.loads(ctl_fine("attach", "null", "-j")) == {"output": 1}
        assert json.loads(ctl_fine("raw", "query-streams", '{"card": 0}'))[0]["stream"] == 0
        assert json.loads(ctl_fine("counters", "--json"))["tx_messages"] == 0


def test_events_are_printed_until_the_end():
    with Server() as server:
        process = subprocess.Popen([VMSND, "ctl", "-s", "c.sock", "events"], stdout=subprocess.PIPE)
        limit = time.monotonic() + LIMIT_S
        on = heard = False
        # Until it listens, which is some time after it was started.
        while not heard and time.monotonic() < limit:
            on = not on
            ctl_fine("enable" if on else "disable", "input")
            heard = bool(select.select([process.stdout], [], [], 0.1)[0])
        ctl_fine("quit")
        said = process.communicate(timeout=LIMIT_S)[0].decode()
        assert re.match(r"\d\d:\d\d:\d\d DIRECTION_SWITCHED card=0 name=vm1 direction=capture "
                        r"on=(true|false)\n", said), said
        assert said.endswith(" SHUTDOWN\n") and process.returncode == 0, said
        assert server.end(None) == 0


def test_names_cannot_move_the_cursor():
    process = subprocess.run([VMSND, "serve", "-d", "virtio-snd,socket=s.sock,name=\x1b[2Jvm"],
                             capture_output=True, text=True)
    assert process.returncode == 2 and "no control character" in process.stderr, process
    assert "\x1b" not in process.stderr, process.stderr


def test_examples_of_the_help_work():
    text = subprocess.run([VMSND, "ctl", "--help"], capture_output=True, text=True).stdout
    found = [shlex.split(line) for line in text.split("\n") if line.startswith("  vmsnd ")]
    assert found[0][1] == "serve" and found[-1] == ["vmsnd", "ctl", "quit"], found
    words = [w.replace("/tmp/vm1-snd.sock", "s.sock").replace("/tmp/vm1-ctl.sock", "c.sock")
             for w in found[0][1:-1]]
    process = subprocess.Popen([VMSND, *words], stderr=subprocess.PIPE, text=True)
    try:
        while "listening" not in process.stderr.readline():
            pass
        for words in found[1:]:
            ctl_fine(*words[2:])
        assert process.communicate(timeout=LIMIT_S) is not None and process.returncode == 0
    finally:
        process.kill()
        process.communicate()


# ---- the reference -------------------------------------------------------------------------


def reference(schema):
    """All commands and events as Markdown."""
    for command in schema["commands"]:
        yield f"### {command['name']}\n\n{command['help']}\n"
        if command["arguments"]:
            yield "| argument | value | what |\n|---|---|---|"
            for arg in command["arguments"]:
                may = " (optional)" if arg["optional"] else ""
                yield f"| `{arg['name']}`{may} | {arg['value']} | {arg['help']} |"
            yield ""
        yield f"Returns: {command['returns']}\n"
    yield "## Events\n\n| event | when, and its members |\n|---|---|"
    for event in schema["events"]:
        yield f"| `{event['name']}` | {event['help']} |"


def made_reference():
    with Server():
        return "\n".join(reference(json.loads(ctl_fine("raw", "query-schema")))) + "\n"


def test_the_reference_has_what_the_program_has():
    if not TOP:
        return "SKIP no source tree was given"
    document = open(TOP + "/docs/control.md", encoding="utf-8").read()
    written = document.split("## Commands\n\n", 1)[1]
    made = made_reference()
    for number, (have, wanted) in enumerate(zip(written.split("\n"), made.split("\n"))):
        assert have == wanted, f"line {number} after 'Commands': {have!r}, not {wanted!r}"
    assert written == made, "docs/control.md is longer or shorter than test_ctl.py --reference"


if WANTS_REFERENCE:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        print(made_reference(), end="")
        os.chdir("/")
else:
    run_tests(globals())
