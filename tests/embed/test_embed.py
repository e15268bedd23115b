#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The example of a VMM, in the tree and outside of it: what it plays arrives, sample by sample.

usage: test_embed.py EMBED SOURCE [BUILD COMPILER...]; prints TAP. With a build directory the
example is also built against what that installs, with pkg-config, shared and static."""
import math
import os
import shlex
import subprocess
import sys
import tempfile
import time
import wave

EMBED, SOURCE = (os.path.abspath(path) for path in sys.argv[1:3])
BUILD, COMPILER = (sys.argv[3], sys.argv[4:]) if len(sys.argv) > 3 else (None, None)
FRAMES, RATE, PERIOD = 48000, 48000, 480
LIMIT_S = 60


def run(*words, **more):
    result = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, **more)
    assert result.returncode == 0, (words, result.returncode, result.stdout, result.stderr)
    return result


def sound(path):
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 2, 2)
        data = memoryview(file.readframes(file.getnframes())).cast("h")
    assert data[0::2].tolist() == data[1::2].tolist(), "left is not right"
    return data[0::2].tolist()


def loudest(samples):
    """The frequency at which there is most, of every 10 Hz up to 2 kHz."""
    def power(hz):
        turns = [2 * math.pi * hz * i / RATE for i in range(0, 4800)]
        return math.hypot(sum(s * math.cos(t) for s, t in zip(samples, turns)),
                          sum(s * math.sin(t) for s, t in zip(samples, turns)))
    return max(range(10, 2000, 10), key=power)


def tone(frame):
    return 16000 * math.sin(math.pi * 880 * frame / 48000)


def check_tone(samples):
    assert loudest(samples) == 440
    for i in range(FRAMES):
        assert abs(samples[i] - tone(i)) <= 1, (i, samples[i], tone(i))


def plays_by_its_own_loop(embed, **more):
    path = "own.wav"
    result = run(embed, f"file,path={path}", **more)
    assert result.stderr == "", result.stderr
    samples = sound(path)
    os.unlink(path)
    assert len(samples) == FRAMES, len(samples)
    check_tone(samples)


def test_example_by_its_own_loop():
    plays_by_its_own_loop(EMBED)


def test_example_by_a_lane():
    path, start = "lane.wav", time.monotonic()
    result = run(EMBED, f"file,path={path}", "lane")
    took = time.monotonic() - start
    assert result.stderr == "", result.stderr
    samples = sound(path)
    # Real time: not sooner than the sound is long, less what is under way before START.
    assert took > 0.95, took
    # A machine that is busy lets the guest come late; then there is silence between two frames, but
    # none is missing, twice or in another order. A block of it may have begun before STOP, too.
    frame = 0
    for at, sample in enumerate(samples):
        if frame < FRAMES and abs(sample - tone(frame)) <= 1:
            frame += 1
        else:
            assert sample == 0, (at, frame, sample)
    assert frame == FRAMES, frame


def test_example_refuses_nonsense():
    for words in ([], ["nonsense"], ["file,path=/nonexistent/x.wav", "nonsense"]):
        result = subprocess.run([EMBED, *words], capture_output=True, text=True, timeout=LIMIT_S)
        assert result.returncode == 1 and result.stderr, (words, result)


def build_outside(prefix, out, static=False):
    """As a stranger would: a compiler, pkg-config and the installed files."""
    where = [os.path.join(folder, "vmsnd.pc") for folder, _, names in os.walk(prefix)
             if "vmsnd.pc" in names]
    assert len(where) == 1, where
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(where[0]))
    # It was installed into a folder that is not where it says that it is.
    said = run("pkg-config", "--variable=prefix", "vmsnd", env=environment).stdout.strip()
    define = f"--define-variable=prefix={prefix}{said}"
    flags = run("pkg-config", define, "--cflags", "--libs", "vmsnd", env=environment).stdout
    words = shlex.split(flags)
    if static:
        # What it stands on itself; --static would name all that those stand on, too.
        needs = [line.split()[0] for line in
                 run("pkg-config", "--print-requires-private", "vmsnd", env=environment)
                 .stdout.splitlines()]
        words += shlex.split(run("pkg-config", "--libs", *needs).stdout)
    run(*COMPILER, "-O1", "-Wall", "-Werror", os.path.join(SOURCE, "embed.c"), "-o", out, *words,
        "-lm", "-pthread")
    return run("pkg-config", define, "--variable=libdir", "vmsnd", env=environment).stdout.strip()


def linked(program):
    return "libvmsnd" in run("readelf", "-d", program).stdout


def test_example_outside_the_tree_shared():
    folder = build_outside(INSTALLED, "./shared")
    assert linked("./shared"), "not linked to the shared library"
    plays_by_its_own_loop("./shared", env=dict(os.environ, LD_LIBRARY_PATH=folder))


def test_example_outside_the_tree_static():
    folders = [folder for folder, _, names in os.walk(INSTALLED) if "libvmsnd.a" in names]
    assert len(folders) == 1, folders
    # With both in one folder a linker takes the shared one.
    for name in os.listdir(folders[0]):
        if name.startswith("libvmsnd.so"):
            os.unlink(os.path.join(folders[0], name))
    build_outside(INSTALLED, "./static", static=True)
    assert not linked("./static"), "linked to a shared library"
    plays_by_its_own_loop("./static")


tests = [test_example_by_its_own_loop, test_example_by_a_lane, test_example_refuses_nonsense]
if BUILD:
    tests += [test_example_outside_the_tree_shared, test_example_outside_the_tree_static]
failed = 0
print(f"1..{len(tests)}")
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    if BUILD:
        INSTALLED = os.path.join(folder, "installed")
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", INSTALLED)
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {test.__name__}")
        except Exception as error:
            failed += 1
            print(f"not ok {number} - {test.__name__}: {error!r}"[:2000])
    os.chdir("/")
sys.exit(1 if failed else 0)
