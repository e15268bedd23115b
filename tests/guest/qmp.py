#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""qmp.py SOCKET WORD... - says each WORD to a QEMU as a QMP command; a number is a pause in seconds,
@EVENT waits for that event, =STATUS until the machine has that status, NAME,KEY=VALUE... is a command with arguments, and
so is NAME{JSON}."""
import json
import socket
import sys
import time

peer = socket.socket(socket.AF_UNIX)
peer.settimeout(20)
peer.connect(sys.argv[1])
stream = peer.makefile("rw")
stream.readline()  # the greeting


events = []


def answer():
    for line in stream:
        found = json.loads(line)
        if "event" not in found:
            return found
        events.append(found["event"])
    return sys.exit("QEMU left")


def say(word):
    name, brace, text = word.partition("{")
    if not brace:
        name, *arguments = word.split(",")
    command = {"execute": name, "arguments": json.loads("{" + text) if brace else dict(a.split("=", 1) for a in arguments)}
    stream.write(json.dumps(command) + "\n")
    stream.flush()
    found = answer()
    if "error" in found:
        sys.exit("%s: %s" % (word, found["error"]["desc"]))
    return found["return"]


def wait_for(event):
    while event not in events:
        found = json.loads(stream.readline() or sys.exit("QEMU left"))
        events.append(found.get("event"))
    events.remove(event)


say("qmp_capabilities")
for word in sys.argv[2:]:
    if word.startswith("@"):
        wait_for(word[1:])
        continue
    if word.startswith("="):
        while say("query-status")["status"] != word[1:]:
            time.sleep(0.05)
        continue
    try:
        time.sleep(float(word))
    except ValueError:
        say(word)
