#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A module from outside the tree: vmsnd is installed into a temporary folder, the template in
examples/module-backend is built there with pkg-config alone, loaded, and played through.

usage: test_module.py BUILD_DIR SOURCE_DIR; prints TAP."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD, SOURCE = (os.path.abspath(path) for path in sys.argv[1:3])
HOME = tempfile.mkdtemp(prefix="vmsnd-module-")
ENV = {k: v for k, v in os.environ.items() if k not in ("VMSND_MODULE_PATH", "DESTDIR", "CFLAGS")}
TEMPLATE = os.path.join(HOME, "template")


def run(*words, fails=False, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=ENV, **options)
    assert (done.returncode != 0) == fails, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def installed(pattern):
    found = glob.glob(os.path.join(HOME, "root", "**", pattern), recursive=True)
    assert found, f"{pattern} was not installed"
    return found[0]


def vmsnd(*words, **options):
    return run(installed("bin/vmsnd"), *words, cwd=TEMPLATE, **options)


def test_installation():
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", os.path.join(HOME, "root"))
    described = installed("vmsnd.pc")
    with open(described, encoding="utf-8") as f:
        text = f.read()
    prefix = re.search(r"^prefix=(.*)$", text, re.M)[1]
    with open(described, "w", encoding="utf-8") as f:
        f.write(text.replace(f"prefix={prefix}", f"prefix={HOME}/root{prefix}", 1))
    ENV["PKG_CONFIG_PATH"] = os.path.dirname(described)
    shutil.copytree(os.path.join(SOURCE, "examples", "module-backend"), TEMPLATE)
    assert os.path.exists(installed("libvmsnd.so.0")) and os.path.exists(installed("libvmsnd.a"))


def test_those_of_our_own_are_installed():
    listed = vmsnd("modules").stdout
    for module in glob.glob(os.path.join(BUILD, "src", "modules", "*.so")):
        own = installed(os.path.join("vmsnd", os.path.basename(module)))
        assert f"{os.path.basename(own)}\n    loads: backend" in listed, listed
        os.remove(own)  # from here on there is the template alone


def test_nothing_is_found_where_nothing_is():
    assert "There are no modules in" in vmsnd("modules").stdout
    # Not installed: its own folder is not one either.
    uninstalled = run(os.path.join(BUILD, "src", "vmsnd"), "modules")
    assert "There are no modules in" in uninstalled.stdout, uninstalled.stdout


def test_the_template_builds_with_make():
    run("make", "-C", TEMPLATE, "CFLAGS=-O2 -Wall -Wextra -Werror")


def test_it_is_loaded_by_its_path():
    assert "meter" not in vmsnd("backends").stdout
    listed = vmsnd("backends", "--module", "./meter.so").stdout
    assert "meter\n    says in the log how loud the guest plays" in listed
    assert re.search(r"every=N +milliseconds .*\(default: 1000\)", listed)
    assert vmsnd("modules", "-m", "./meter.so").stdout == "./meter.so\n    loads: backend meter\n"


def test_it_is_played_through():
    played = vmsnd("demo", "--fast", "--module", "./meter.so", "--backend", "meter,every=500")
    peaks = [float(x) for x in re.findall(r"meter: peak (-?\d+\.\d) dB", played.stderr)]
    assert len(peaks) > 3 and all(-60 < x <= 0 for x in peaks), played.stderr
    frames = re.search(r"(\d+) frames in, (\d+) frames out, 0 underruns", played.stdout)
    assert frames and frames[1] == frames[2], played.stdout


def test_its_options_are_checked():
    wrong = vmsnd("demo", "--fast", "-m", "./meter.so", "-b", "meter,every=5", fails=True)
    assert "every" in wrong.stderr and "10" in wrong.stderr, wrong.stderr
    missing = vmsnd("demo", "--fast", "-m", "./metre.so", fails=True)
    assert "module ./metre.so does not load" in missing.stderr, missing.stderr


def test_installed_it_is_found():
    run("make", "-C", TEMPLATE, "install")
    assert "loads: backend meter" in vmsnd("modules").stdout
    assert "how loud the guest plays" in vmsnd("backends").stdout


def test_one_that_does_not_load_says_why():
    folder = os.path.dirname(installed("vmsnd/meter.so"))
    with open(os.path.join(folder, "broken.so"), "w", encoding="utf-8") as f:
        f.write("no object\n")
    tried = vmsnd("modules", fails=True).stdout
    assert "broken.so does not load" in tried and "loads: backend meter" in tried, tried
    listed = vmsnd("backends")
    assert "warning: module" in listed.stderr and "how loud" in listed.stdout


def test_the_template_builds_with_meson():
    run("meson", "setup", "build", "-Dwerror=true", cwd=TEMPLATE)
    run("meson", "compile", "-C", "build", cwd=TEMPLATE)
    assert "loads: backend meter" in vmsnd("modules", "-m", "./build/meter.so").stdout


def test_both_libraries_link():
    with open(os.path.join(HOME, "a.c"), "w", encoding="utf-8") as f:
        f.write('#include <vmsnd/machine.h>\n#include <stdio.h>\nint main(void)\n{\n'
                '\tputs(vmsnd_registry_find_backend(NULL, "null")->name);\n}\n')
    flags = run("pkg-config", "--cflags", "--libs", "vmsnd").stdout.split()
    run("cc", "a.c", "-o", "shared", *flags, cwd=HOME)
    needed = run("readelf", "-d", "shared", cwd=HOME).stdout
    assert "[libvmsnd.so.0]" in needed, needed
    # Not --static: distributions lack the static halves of what sndfile stands on.
    below = [line.split()[0] for line in
             run("pkg-config", "--print-requires-private", "vmsnd").stdout.splitlines()]
    more = run("pkg-config", "--libs", *below).stdout.split()
    cflags = run("pkg-config", "--cflags", "vmsnd").stdout.split()
    run("cc", "a.c", "-o", "static", *cflags, installed("libvmsnd.a"), *more, "-lm", "-pthread", cwd=HOME)
    assert run("./static", cwd=HOME).stdout == "null\n"
    ENV["LD_LIBRARY_PATH"] = os.path.dirname(installed("libvmsnd.so.0"))
    assert run("./shared", cwd=HOME).stdout == "null\n"
    del ENV["LD_LIBRARY_PATH"]


TESTS = [value for name, value in globals().items() if name.startswith("test_")]
print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    try:
        test()
        print(f"ok {number} - {test.__name__}")
    except Exception as error:  # the next ones still say something
        failed += 1
        print(f"not ok {number} - {test.__name__}")
        print("".join(f"# {line}\n" for line in f"{type(error).__name__}: {error}".splitlines()), end="")
shutil.rmtree(HOME)
sys.exit(1 if failed else 0)
