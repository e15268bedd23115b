# SPDX-License-Identifier: BSD-3-Clause
"""A QMP client, written from QEMU's description of the protocol and from nothing else: what it does
with vmsnd it would do with any server of the protocol.

- The server speaks first: {"QMP": {"version": ..., "capabilities": [...]}}.
- The session begins in negotiation mode; qmp_capabilities ends it. It may enable capabilities that
  the greeting offered.
- A command is {"execute": NAME, "arguments": {...}, "id": ANY}; the last two may be left out. Its
  answer is {"return": ..., "id": ANY} or {"error": {"class": ..., "desc": ...}, "id": ANY}.
- Answers come in the order of the commands, but for those executed out of band. Members of objects
  come in any order, and a client ignores those it does not know.
- Events {"event": NAME, "data": {...}, "timestamp": {"seconds": S, "microseconds": U}} come at any
  time once negotiation is over, between two answers, too; "data" may be left out.
- Messages are JSON objects, each ended by CRLF or a newline, in pieces as the transport has them."""
import json
import socket


class QMPError(Exception):
    """The server answered with an error."""

    def __init__(self, error):
        super().__init__(f"{error['class']}: {error['desc']}")
        self.cls, self.desc = error["class"], error["desc"]


class ProtocolError(Exception):
    """The server said what the protocol does not have."""


def check_event(message):
    """Events have these members and no answer's."""
    stamp = message.get("timestamp")
    if not isinstance(message["event"], str) or not isinstance(message.get("data", {}), dict):
        raise ProtocolError(message)
    if not isinstance(stamp, dict) or not isinstance(stamp.get("seconds"), int):
        raise ProtocolError(message)
    # -1 in both: the host has no clock.
    if not -1 <= stamp.get("microseconds", -2) < 1000000 or "return" in message or "id" in message:
        raise ProtocolError(message)


def check_answer(message):
    if ("return" in message) == ("error" in message):
        raise ProtocolError(message)
    error = message.get("error", {"class": "", "desc": ""})
    if not isinstance(error.get("class"), str) or not isinstance(error.get("desc"), str):
        raise ProtocolError(message)


class QMPClient:
    def __init__(self, path, limit_s=20):
        self.peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.peer.settimeout(limit_s)
        self.peer.connect(path)
        self.buffer = b""
        self.events = []
        self.next_id = 0
        self.waiting = []  # ids of commands that are not answered, in their order
        self.answers = {}
        self.greeting = self.read_message()
        if set(self.greeting or {}) != {"QMP"} or "version" not in self.greeting["QMP"]:
            raise ProtocolError(self.greeting)
        self.capabilities = self.greeting["QMP"]["capabilities"]

    # ---- messages ----

    def read_message(self):
        """One JSON object; None when the server has closed."""
        while b"\n" not in self.buffer:
            piece = self.peer.recv(4096)
            if not piece:
                if self.buffer.strip():
                    raise ProtocolError(self.buffer)
                return None
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ProtocolError(message)
        return message

    def take_message(self):
        """Puts the next one where it belongs. False at the end."""
        message = self.read_message()
        if message is None:
            return False
        if "event" in message:
            check_event(message)
            self.events.append(message)
            return True
        check_answer(message)
        if not self.waiting or message.get("id") != self.waiting[0]:
            raise ProtocolError(f"an answer nobody waits for: {message}")
        self.answers[self.waiting.pop(0)] = message
        return True

    # ---- commands ----

    def negotiate(self, enable=()):
        return self.execute("qmp_capabilities", **({"enable": list(enable)} if enable else {}))

    def send(self, command, arguments=None, pieces=None):
        """Sends it and gives its id. `pieces`: in pieces of so many bytes."""
        self.next_id += 1
        message = {"execute": command, "id": self.next_id}
        if arguments:
            message["arguments"] = arguments
        text = json.dumps(message).encode() + b"\r\n"
        for at in range(0, len(text), pieces or len(text)):
            self.peer.sendall(text[at:at + (pieces or len(text))])
        self.waiting.append(self.next_id)
        return self.next_id

    def answer(self, number):
        """The return value of the command with this id."""
        while number not in self.answers:
            if not self.take_message():
                raise ProtocolError("the server has closed with a command unanswered")
        message = self.answers.pop(number)
        if "error" in message:
            raise QMPError(message["error"])
        return message["return"]

    def execute(self, command, **arguments):
        """Members with a dash are written with an underscore."""
        return self.answer(self.send(command, {k.replace("_", "-"): v
                                               for k, v in arguments.items()}))

    # ---- events ----

    def wait_event(self, name):
        """The first one of that name that was not taken yet."""
        while True:
            for index, event in enumerate(self.events):
                if event["event"] == name:
                    return self.events.pop(index)
            if not self.take_message():
                raise ProtocolError(f"the server has closed without {name}")

    def read_to_end(self):
        while self.take_message():
            pass

    def close(self):
        self.peer.close()
