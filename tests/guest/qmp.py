#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""qmp.py SOCKET WORD... - says each WORD to a QEMU as a QMP command; a number is a pause in seconds."""
import json
import socket
import sys
import time

peer = socket.socket(socket.AF_UNIX)
peer.settimeout(10)
peer.connect(sys.argv[1])
stream = peer.makefile("rw")
stream.readline()  # the greeting


def say(word):
    stream.write(json.dumps({"execute": word}) + "\n")
    stream.flush()
    for line in stream:
        answer = json.loads(line)
        if "return" in answer:
            return
        if "error" in answer:
            sys.exit("%s: %s" % (word, answer["error"]["desc"]))
    sys.exit("%s: QEMU left" % word)


say("qmp_capabilities")
for word in sys.argv[2:]:
    try:
        time.sleep(float(word))
    except ValueError:
        say(word)
