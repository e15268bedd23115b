#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The program as its user meets it: exit codes, one-line errors, sockets, signals, help.

usage: test_cli.py VMSND; prints TAP. Everything happens in a temporary folder."""
import fcntl
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

VMSND = sys.argv[1]
LIMIT_S = 20
CARD = "virtio-snd,socket=s.sock"


def run(*words):
    return subprocess.run([VMSND, *words], capture_output=True, text=True, timeout=LIMIT_S)


class Server:
    """A vmsnd that has said how many cards listen, or ended."""

    def __init__(self, *words, listening=1, **options):
        self.lines = []
        self.process = subprocess.Popen([VMSND, "serve", *words], stderr=subprocess.PIPE,
                                        text=True, **options)
        self.ready = threading.Event()
        self.listening = listening
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        assert self.ready.wait(LIMIT_S), "vmsnd said nothing"

    def read(self):
        left = self.listening
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            left -= "listening" in line
            if left == 0:
                self.ready.set()
        self.ready.set()

    def end(self, with_signal=None):
        if with_signal:
            self.process.send_signal(with_signal)
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "did not end"
        self.reader.join()
        return code


def connect(path):
    """A VMM that has said something; who says nothing is none."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.settimeout(LIMIT_S)
    client.sendall(struct.pack("<III", 1, 1, 0))  # GET_FEATURES
    assert len(client.recv(20, socket.MSG_WAITALL)) == 20
    return client


def usage_error(result, *parts):
    """Exit code 2 and one line with these parts."""
    assert result.returncode == 2, result
    assert result.stdout == "", result.stdout
    assert result.stderr.count("\n") == 1, result.stderr
    for part in parts:
        assert part in result.stderr, (part, result.stderr)


# ---- usage ---------------------------------------------------------------------------------


def test_version():
    result = run("--version")
    assert result.returncode == 0 and re.fullmatch(r"vmsnd \d+\.\d+\.\d+\n", result.stdout)


def test_help_names_every_subcommand():
    result = run("--help")
    assert result.returncode == 0
    names = re.findall(r"^  ([a-z]+) +\S", result.stdout.split("vmsnd SUBCOMMAND --help")[0], re.M)
    assert set(names) == {"serve", "check", "config", "ctl", "demo", "devices", "backends", "drivers", "modules", "trace"}, names
    for name in names:
        assert run(name, "--help").stdout.startswith(f"Usage: vmsnd {name}")
    for words in (["serve", "--quiet"], ["config", "check"], ["config", "show"], ["ctl", "reattach"]):
        result = run(*words, "--help")
        assert result.returncode == 0 and result.stdout == run(words[0], "--help").stdout, words


def test_nothing_asked_for_is_a_usage_error():
    result = run()
    assert result.returncode == 2 and "Usage:" in result.stderr


def test_wrong_words_get_one_line():
    usage_error(run("srve"), "'srve'", "vmsnd --help")
    usage_error(run("serve"), "needs a --device")
    usage_error(run("serve", "--backend", "null"), "belongs to the --device before it")
    usage_error(run("serve", "-d", CARD, *["-b", "null"] * 9), "at most 8 --backend")
    usage_error(run("serve", "-d", CARD, "extra"), "every argument is an option")
    usage_error(run("serve", "--dvice", CARD), "'--dvice' is not an option")
    for words, line in (
            (["serve", "-d"], "'-d' lacks its value"),
            (["serve", "--config"], "'--config' lacks its value"),
            (["serve", "--dvice=x"], "'--dvice=x' is not an option"),
            (["serve", "-qx"], "'-x' is not an option"),
            (["serve", "--once=yes"], "'--once=yes' takes no value"),
            (["config", "show", "--lanes"], "'--lanes' lacks its value"),
            (["config", "check", "--lanes"], "'--lanes' is not an option"),
            (["demo", "--output"], "'--output' lacks its value"),
            (["backends", "-m"], "'-m' lacks its value"),
            (["modules", "--modul", "x", "--mdule"], "'--mdule' is not an option"),
            (["trace", "--limit"], "'--limit' lacks its value"),
            (["trace", "--limt"], "'--limt' is not an option")):
        result = run(*words)
        assert result.returncode == 2, result
        assert result.stderr == f"vmsnd {words[0]}: {line}; see 'vmsnd {words[0]} --help'\n", result.stderr
    usage_error(run("demo", "--fst"), "'--fst' is not an option")
    usage_error(run("devices", "x"), "takes no arguments")


def test_wrong_options_of_a_card_get_one_line():
    usage_error(run("serve", "-d", "virtio-sound,socket=s"), "no device 'virtio-sound'", "did you mean 'virtio-snd'")
    usage_error(run("serve", "-d", CARD, "-b", "pulseadio"), "no backend 'pulseadio'", "there are: ")
    usage_error(run("serve", "-d", "foo"), "no device 'foo'")
    usage_error(run("serve", "-d", "virtio-snd,sockt=s.sock"), "'sockt'", "did you mean 'socket'")
    usage_error(run("serve", "-d", "virtio-snd,name=a,,socket=sock"), "no socket")
    usage_error(run("serve", "-d", "virtio-snd,name=a.b,socket=s.sock"), "name=a.b", "no dot")
    usage_error(run("serve", "-d", CARD + ",plyback=2"), "'plyback'", "did you mean 'playback'")
    usage_error(run("serve", "-d", CARD + ",playback=65"), "playback=65", "0 to 64")
    usage_error(run("serve", "-d", CARD + ",playback=40,capture=40"), "40 playback and 40 capture")
    usage_error(run("serve", "-d", CARD, "-b", "file,pth=x.wav"), "'pth'", "did you mean 'path'")
    usage_error(run("serve", "-d", CARD, "-b", "null,pace=fast"), "pace")
    usage_error(run("serve", "-d", CARD, "-b", "null", "-b", "null,volume=loud"), "volume", "-6.5")
    usage_error(run("serve", "-d", CARD, "-b", "null", "-b", "nil"), "no backend 'nil'")
    usage_error(run("serve", "-d", CARD, "-b", "file,path=x.ogg"), "x.ogg", ".wav")
    usage_error(run("serve", "-d", "virtio-snd"), "no socket", "socket=PATH")
    assert not os.path.exists("s.sock")


def test_lists_show_options_and_defaults():
    devices, backends = run("devices"), run("backends")
    assert devices.returncode == 0 and backends.returncode == 0
    for key in ("socket=", "socket-fd=", "playback=", "capture=", "input="):
        assert key in devices.stdout
    assert "(default: off)" in devices.stdout
    for transport in ("vhost-user", "virtio-mmio", "in-process"):
        assert transport in devices.stdout
    for key in ("path=", "in=", "loop=", "pace=", "(default: real)"):
        assert key in backends.stdout
    own, every = backends.stdout.split("every backend:\n")
    for key in ("dir=", "sample=", "rate=", "channels=", "period-ms=", "buffer-ms=", "prebuffer-ms=",
                "quality=", "dither=", "volume=", "mute="):
        assert key in every and key not in own


# ---- sockets -------------------------------------------------------------------------------


def stop_in_order(with_signal):
    server = Server("-d", CARD)
    assert os.path.exists("s.sock")
    client = connect("s.sock")
    assert server.end(with_signal) == 0, server.lines
    assert not os.path.exists("s.sock")
    client.close()


def test_sigterm_ends_in_order():
    stop_in_order(signal.SIGTERM)


def test_sigint_ends_in_order():
    stop_in_order(signal.SIGINT)


def test_a_stale_socket_is_replaced():
    stale = socket.socket(socket.AF_UNIX)
    stale.bind("s.sock")
    stale.close()
    server = Server("-d", CARD)
    connect("s.sock").close()
    assert server.end(signal.SIGTERM) == 0


def test_a_live_socket_is_an_error():
    server = Server("-d", CARD)
    second = run("serve", "-d", CARD)
    assert second.returncode == 1 and second.stderr.count("\n") == 1, second
    assert "s.sock" in second.stderr
    connect("s.sock").close()  # the first one still listens
    assert server.end(signal.SIGTERM) == 0


def test_a_file_that_is_no_socket_stays():
    with open("s.sock", "w") as file:
        file.write("letter")
    result = run("serve", "-d", CARD)
    assert result.returncode == 1 and "s.sock" in result.stderr
    assert open("s.sock").read() == "letter"
    os.unlink("s.sock")


def test_a_missing_folder_is_named():
    result = run("serve", "-d", "virtio-snd,socket=no/where.sock")
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert "no/where.sock" in result.stderr


def test_a_failing_second_card_takes_the_first_socket_along():
    result = run("serve", "-d", CARD, "-d", "virtio-snd,socket=no/where.sock")
    assert result.returncode == 1
    assert not os.path.exists("s.sock")


def test_two_cards_in_one_command():
    server = Server("-d", CARD, "-b", "null", "-d", "virtio-snd,socket=t.sock,name=second", listening=2)
    first, second = connect("s.sock"), connect("t.sock")
    assert server.end(signal.SIGTERM) == 0
    assert any("second: listening" in line for line in server.lines), server.lines
    first.close()
    second.close()
    assert not os.path.exists("s.sock") and not os.path.exists("t.sock")


def test_once_ends_with_the_vmm():
    server = Server("-d", CARD, "--once")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect("s.sock")  # who says nothing is no VMM
    connect("s.sock").close()
    assert server.end() == 0
    assert not os.path.exists("s.sock")


def listener(path):
    made = socket.socket(socket.AF_UNIX)
    made.bind(path)
    made.listen()
    return made


def test_socket_fd_is_taken():
    with listener("l.sock") as made:
        number = made.fileno()
        server = Server("-d", f"virtio-snd,socket-fd={number}", "--once", pass_fds=[number])
    connect("l.sock").close()
    assert server.end() == 0, server.lines
    assert os.path.exists("l.sock")  # whoever made it removes it
    os.unlink("l.sock")


def test_systemd_socket_activation():
    with listener("l.sock") as made:
        number = made.fileno()
        shell = f'exec 3<&{number}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve -d virtio-snd --once'
        process = subprocess.Popen(["sh", "-c", shell, VMSND], pass_fds=[number],
                                   stderr=subprocess.PIPE, text=True)
    connect("l.sock").close()
    _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0 and "listening" in said, said
    os.unlink("l.sock")


def test_readiness_is_told():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind("n.sock")
        notify.settimeout(LIMIT_S)
        server = Server("-d", CARD, env={**os.environ, "NOTIFY_SOCKET": os.path.abspath("n.sock")})
        assert notify.recv(100) == b"READY=1"
        assert server.end(signal.SIGTERM) == 0
        assert notify.recv(100) == b"STOPPING=1"
    os.unlink("n.sock")


# ---- what is said, and what the help promises ------------------------------------------------


def test_a_line_when_it_listens_and_for_each_vmm():
    server = Server("-d", CARD)
    for _ in range(2):
        connect("s.sock").close()
        limit = time.monotonic() + LIMIT_S
        while sum("left" in line for line in server.lines) < 1 and time.monotonic() < limit:
            time.sleep(0.01)
    assert server.end(signal.SIGTERM) == 0
    assert sum("listening" in line for line in server.lines) == 1, server.lines
    assert any("a VMM has connected" in line for line in server.lines), server.lines


def test_quiet_says_nothing():
    process = subprocess.Popen([VMSND, "serve", "-d", CARD, "--once", "--quiet"],
                               stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + LIMIT_S
    while True:
        try:  # there is a file a moment before somebody listens at it
            connect("s.sock").close()
            break
        except (FileNotFoundError, ConnectionRefusedError):
            assert time.monotonic() < limit
            time.sleep(0.01)
    assert process.communicate(timeout=LIMIT_S)[1] == "" and process.returncode == 0


def examples(*words):
    """The commands of a help text that begin with vmsnd, joined where they are continued."""
    text = run(*words, "--help").stdout.replace("\\\n", " ")
    return [shlex.split(line) for line in text.split("\n") if line.startswith("  vmsnd ")
            and not re.match(r"  vmsnd (SUBCOMMAND|--version)", line)]


def test_examples_of_serve_work():
    found = examples("serve") + examples()
    assert len(found) >= 7, found
    for example in found:
        if example[1] == "demo":
            assert run(*example[1:], "--fast").returncode == 0
            continue
        if example[1] == "check":  # test_check.py
            continue
        words = ["s.sock".join(re.split(r"/tmp/vm1-\w+.sock", w)) for w in example[2:] if w != "&"]
        server = Server(*words)
        if any(word.startswith("virtio-snd") for word in words):
            connect("s.sock").close()
        assert os.path.exists("s.sock")
        assert server.end(signal.SIGTERM) == 0, (example, server.lines)


def test_examples_of_demo_work():
    found = [e for e in examples("demo") + examples() if e[1] == "demo"]
    assert len(found) == 2, found
    for example in found:
        words = example[1:example.index("&&")] if "&&" in example else example[1:]
        result = run(*words, "--fast")
        assert result.returncode == 0 and os.path.getsize("tune.wav") > 500000, result


def test_demo_tells_its_steps():
    result = run("demo", "--fast", "--output", "a, b.wav")
    assert result.returncode == 0
    for step in ("card", "driver", "negotiate", "stream", "played", "latency", "file"):
        assert re.search(f"^{step} ", result.stdout, re.M), result.stdout
    frames = re.search(r"(\d+) frames in, (\d+) frames out, 0 underruns", result.stdout)
    assert frames and frames[1] == frames[2]
    assert os.path.getsize("a, b.wav") == 44 + 4 * int(frames[1])


def test_demo_over_other_rings():
    for options, words in (("packed=on", "RING_PACKED"), ("in-order=on", "IN_ORDER"),
                           ("packed=on,in-order=on,ring-reset=on", "RING_PACKED, IN_ORDER, RING_RESET"),
                           ("packed=on,event-idx=off,indirect=off", "VERSION_1, RING_PACKED")):
        result = run("demo", "--fast", "--device", "virtio-snd," + options, "--output", "rings.wav")
        assert result.returncode == 0 and words in result.stdout, result
        frames = re.search(r"(\d+) frames in, (\d+) frames out, 0 underruns", result.stdout)
        assert frames and frames[1] == frames[2], result.stdout


def test_demo_with_an_ac97_card():
    for options, words in (("", "found PCI 8086:2415"), (",variant=ich4", "found PCI 8086:24c5"),
                           (",codec=ad1980", "codec 41445370 ready")):
        result = run("demo", "--fast", "--device", "ac97" + options, "--output", "ac97.wav")
        assert result.returncode == 0 and words in result.stdout, result
        assert "every one of the 240000 frames is as it was played" in result.stdout, result.stdout
        # What the driver's buffer held until it stopped may follow: a period, and a block's silence.
        assert 240000 <= (os.path.getsize("ac97.wav") - 44) // 4 <= 240000 + 960


def test_demo_that_cannot_write_says_so():
    result = run("demo", "--fast", "--output", "no/where.wav")
    assert result.returncode == 1 and result.stderr.count("\n") == 1, result
    assert "no/where.wav" in result.stderr


def ask_features(path):
    """A VMM's first question and its answer: the server is alive."""
    with connect(path) as client:
        client.settimeout(LIMIT_S)
        client.sendall(struct.pack("<III", 1, 1, 0))
        reply = b""
        while len(reply) < 20:
            part = client.recv(20 - len(reply))
            assert part, "no answer"
            reply += part


def test_a_log_that_nobody_reads_holds_nothing_up():
    reading, writing = os.pipe()
    fcntl.fcntl(writing, 1031, 16384)  # F_SETPIPE_SZ: full after some hundred lines
    process = subprocess.Popen([VMSND, "serve", "-d", CARD], stderr=writing)
    os.close(writing)
    try:
        assert b"listening" in os.read(reading, 4096)
        for _ in range(300):
            ask_features("s.sock")
        assert os.read(reading, 65536)  # somebody reads again
        ask_features("s.sock")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
        said = b"".join(iter(lambda: os.read(reading, 65536), b""))
        assert re.search(rb"^vmsnd: [1-9]\d+ lines were left out", said), said
        assert b"connected" in said, said
    finally:
        process.kill()
        process.wait()
        os.close(reading)


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
            for path in ("s.sock", "l.sock", "n.sock"):
                if os.path.exists(path):
                    os.unlink(path)
    return failed > 0


with tempfile.TemporaryDirectory() as folder:
    VMSND = os.path.abspath(VMSND)
    os.chdir(folder)
    code = main()
    os.chdir("/")
sys.exit(code)
