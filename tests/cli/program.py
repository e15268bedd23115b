# SPDX-License-Identifier: BSD-3-Clause
"""A vmsnd serve that runs, its clients, and the harness of the tests of them. The first argument of
the program that imports this is vmsnd, the second (if any) the source tree."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

VMSND = os.path.abspath(sys.argv[1])
WANTS_REFERENCE = sys.argv[2:] == ["--reference"]
TOP = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 and not WANTS_REFERENCE else None
LIMIT_S = 20
CARD = "virtio-snd,socket=s.sock,name=vm1"


def ctl(*words, socket_path="c.sock"):
    env = {k: v for k, v in os.environ.items() if k != "VMSND_CONTROL"}
    if socket_path:
        env["VMSND_CONTROL"] = socket_path
    return subprocess.run([VMSND, "ctl", *words], capture_output=True, text=True, timeout=LIMIT_S,
                          env=env)


def ctl_fine(*words):
    result = ctl(*words)
    assert result.returncode == 0 and result.stderr == "", (words, result)
    return result.stdout


def ctl_wrong(code, *words, part, **options):
    """That exit code, and one line with this part."""
    result = ctl(*words, **options)
    assert result.returncode == code, (words, result)
    assert result.stderr.count("\n") == 1 and result.stdout == "", (words, result)
    assert part in result.stderr, (part, result.stderr)


class Server:
    """A vmsnd whose control socket answers, and whose cards listen."""

    def __init__(self, *words, cards=(CARD,), path="c.sock", count=None):
        """`count`: of cards, where they are among the words. No path: as the words have it."""
        devices = [word for card in cards for word in ("-d", card)]
        control = ["--control", path] if path else []
        self.lines = []
        self.process = subprocess.Popen([VMSND, "serve", *devices, *words, *control],
                                        stderr=subprocess.PIPE, text=True)
        self.ready = threading.Event()
        self.left = len(cards) if count is None else count
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        assert self.ready.wait(LIMIT_S), "vmsnd said nothing"
        assert self.left == 0, self.lines

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            self.left -= "listening" in line
            if self.left == 0:
                self.ready.set()
        self.ready.set()

    def says(self, part):
        """Whether a line with this part comes."""
        limit = time.monotonic() + LIMIT_S
        while not any(part in line for line in self.lines) and time.monotonic() < limit:
            time.sleep(0.01)
        return any(part in line for line in self.lines)

    def end(self, with_signal=signal.SIGTERM):
        if with_signal:
            self.process.send_signal(with_signal)
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "did not end"
        self.reader.join()
        return code

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            code = self.end()
            assert kind or code == 0, (code, self.lines)
        self.reader.join()


class Qmp:
    """A client that knows nothing but QMP: a greeting, one JSON object after another."""

    def __init__(self, path="c.sock", negotiate=True):
        self.peer = socket.socket(socket.AF_UNIX)
        self.peer.settimeout(LIMIT_S)
        self.peer.connect(path)
        self.text = ""
        self.events = []
        self.greeting = self.receive()
        if negotiate:
            assert self.execute("qmp_capabilities") == {}

    def receive(self):
        """The next object, None at the end."""
        while True:
            try:
                found, end = json.JSONDecoder().raw_decode(self.text)
                self.text = self.text[end:].lstrip()
                return found
            except json.JSONDecodeError:
                try:
                    more = self.peer.recv(65536)
                except ConnectionResetError:  # closed, with some of ours unread
                    more = b""
                if not more:
                    return None
                self.text += more.decode("ascii")

    def send(self, message):
        self.peer.sendall(message if isinstance(message, bytes) else json.dumps(message).encode())

    def answer(self):
        while True:
            message = self.receive()
            assert message is not None, "it has closed"
            if "event" not in message:
                return message
            self.events.append(message)

    def ask(self, command, **arguments):
        """Return or error. Members with a dash are written with an underscore."""
        self.send({"execute": command, "id": [command],
                   "arguments": {k.replace("_", "-"): v for k, v in arguments.items()}})
        message = self.answer()
        assert message.pop("id") == [command], message
        return message

    def execute(self, command, **arguments):
        message = self.ask(command, **arguments)
        assert set(message) == {"return"}, message
        return message["return"]

    def event(self, name):
        """The next event of that name."""
        while True:
            while self.events:
                found = self.events.pop(0)
                if found["event"] == name:
                    return found
            message = self.receive()
            assert message is not None and "event" in message, message
            self.events.append(message)

    def close(self):
        self.peer.close()


class Vmm:
    """A VMM that has asked its first question."""

    def __init__(self):
        self.peer = socket.socket(socket.AF_UNIX)
        self.peer.settimeout(LIMIT_S)
        self.peer.connect("s.sock")
        self.peer.sendall(struct.pack("<III", 1, 1, 0))  # GET_FEATURES
        self.is_answered = len(self.peer.recv(20, socket.MSG_WAITALL)) == 20

    def close(self):
        self.peer.close()
        return self.is_answered


def card_works():
    return Vmm().close()


def run_tests(tests):
    """All of the module's functions whose names begin with test_, as TAP, in a folder of their
    own. Ends the program."""
    tests = [(n, t) for n, t in tests.items() if n.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for number, (name, test) in enumerate(tests, 1):
            for path in ("s.sock", "c.sock", "t.sock"):
                if os.path.exists(path):
                    os.unlink(path)
            try:
                skip = test()
                print(f"ok {number} - {name}{' # ' + skip if skip else ''}", flush=True)
            except Exception as error:  # one failure must not hide the tests after it
                failed += 1
                print(f"not ok {number} - {name}", flush=True)
                for line in f"{type(error).__name__}: {error}".split("\n"):
                    print(f"# {line}")
        os.chdir("/")
    sys.exit(failed > 0)
