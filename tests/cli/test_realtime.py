#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""vmsnd and rtkit (MX-38): a service of ours on a private bus gives real-time priority, refuses it, or sleeps. vmsnd
runs as nobody, with no limit of its own, so that the system gives none by itself.

usage: test_realtime.py VMSND FAKE_RTKIT; prints TAP."""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

VMSND, RTKIT = (os.path.abspath(path) for path in sys.argv[1:3])
LIMIT_S = 20
NOBODY = 65534
CONF = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy>
</busconfig>"""


class Bus:
    """A bus, and whoever is asked on it; `how` None: nobody."""

    def __init__(self, how):
        self.folder = tempfile.mkdtemp(prefix="vmsnd-bus-")
        os.chmod(self.folder, 0o777)
        with open(self.folder + "/conf", "w", encoding="utf-8") as file:
            file.write(CONF % self.folder)
        self.env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.folder}/bus"}
        self.daemon = subprocess.Popen(["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={self.folder}/conf",
                                        "--print-address"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.daemon.stdout.readline().startswith("unix:"), "no bus"
        self.rtkit = None
        try:
            self.start(how)
        except AssertionError:
            self.__exit__()
            raise

    def start(self, how):
        if how:
            self.rtkit = subprocess.Popen([RTKIT, how], env=self.env, stdout=subprocess.PIPE, text=True)
            assert self.rtkit.stdout.readline() == "ready\n", "no rtkit"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.rtkit, self.daemon):
            if process:
                process.kill()
                process.wait()
                process.stdout.close()
        shutil.rmtree(self.folder)


def drop():
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def serve(bus, *words, until, still_s=0.0):
    """What vmsnd says till it has said `until`, and for a while after that."""
    with subprocess.Popen([VMSND, "serve", "-d", f"virtio-snd,socket={bus.folder}/s.sock", "-v", *words], env=bus.env,
                          stderr=subprocess.PIPE, text=True, preexec_fn=drop) as process:
        begin, said = time.monotonic(), []
        try:
            for line in process.stderr:
                said.append(line)
                if re.search(until, line):
                    break
            took = time.monotonic() - begin
            time.sleep(still_s)
        finally:
            process.send_signal(signal.SIGTERM)
        said += process.stderr.readlines()
        assert process.wait(LIMIT_S) == 0, said
        return "".join(said), took


def refused(said):
    return re.findall(r"no real-time priority.*", said)


def test_MX_38_rtkit_gives_it_within_its_most():
    with Bus("give") as bus:
        said, _ = serve(bus, "--realtime", "9", until="has real-time priority")
        asked = re.fullmatch(r"asked (\d+) (\d+)\n", bus.rtkit.stdout.readline())
        assert asked and asked.group(2) == "3", asked
        assert f"thread {asked.group(1)} has" in said and not refused(said), said


def test_MX_38_rtkit_refuses_and_one_line_says_so():
    with Bus("refuse") as bus:
        said, _ = serve(bus, "--lanes", "3", until="no real-time priority", still_s=0.3)
        assert len(refused(said)) == 1, said
        assert "you look too eager" in said and "'vmsnd check'" in said, said


def test_MX_38_no_rtkit_there():
    with Bus(None) as bus:
        said, _ = serve(bus, until="no real-time priority")
        assert "rtkit is not there" in said and "ulimit -r" in said, said


def test_MX_38_rtkit_that_sleeps_holds_up_no_card():
    with Bus("sleep") as bus:
        said, took = serve(bus, until="listening")
        assert took < 1.5, took
        said, took = serve(bus, until="no real-time priority")
        assert took < 8, took


def test_MX_38_off_asks_nobody():
    with Bus("give") as bus:
        said, _ = serve(bus, "--realtime", "off", until="power-on is done", still_s=0.3)
        assert "real-time" not in said, said


def test_a_wrong_priority_is_a_mistake_of_the_command_line():
    for word in ("0", "100", "high", "-1", "1x"):
        result = subprocess.run([VMSND, "serve", "-d", "virtio-snd,socket=s.sock", "--realtime", word],
                                capture_output=True, text=True, timeout=LIMIT_S)
        assert result.returncode == 2 and "neither a number from 1 to 99 nor off" in result.stderr, (word, result)


if not shutil.which("dbus-daemon"):
    if os.environ.get("CI") == "true":
        sys.exit("dbus-daemon is not installed")
    print("1..0 # SKIP dbus-daemon is not installed")
    sys.exit(0)
TESTS = [(name, test) for name, test in list(globals().items()) if name.startswith("test_")]
print(f"1..{len(TESTS)}")
FAILED = 0
for number, (name, test) in enumerate(TESTS, 1):
    try:
        test()
        print(f"ok {number} - {name}", flush=True)
    except Exception as error:  # one failure must not hide the tests after it
        FAILED += 1
        print(f"not ok {number} - {name}\n# {type(error).__name__}: {str(error)!r}", flush=True)
sys.exit(FAILED > 0)
