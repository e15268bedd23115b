#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a guest boots from, made without root.

guestfs.py vmlinux BZIMAGE OUT
    The ELF kernel inside a bzImage. QEMU enters it by its PVH note, so the
    guest does not spend its first second unpacking itself.
guestfs.py initramfs OUT --tree DIR --kernel DIR --init FILE [--driver DRIVER]... [--set SET]...
    [--add FILE:NAME]...
    A newc archive: busybox, aplay, arecord and what they load from the package
    tree, kernel modules with a load list for each driver that the kernel has, and
    our own files and folders. Each SET is more programs; each DRIVER must be there.
"""
import argparse
import os
import re
import stat
import struct
import subprocess
import sys

APPLETS = """sh mount cat echo insmod awk sleep basename dirname poweroff reboot dd grep sed cut tr
head tail wc ls mkdir uname date dmesg sync mv test true false cmp kill ps rm rmmod timeout sort uniq env od""".split()
LIBDIRS = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib", "lib")
LIB = "usr/lib/x86_64-linux-gnu/"
SPA, PIPEWIRE = LIB + "spa-0.2/", LIB + "pipewire-0.3/libpipewire-module-"
# set: programs and what they open by name (shared objects bring what they need), folders as they are
SETS = {
    "alsa": (["usr/bin/amixer", "usr/bin/speaker-test", "usr/bin/alsabat", "usr/sbin/alsactl",
              LIB + "libgcc_s.so.1"], []),
    "pipewire": (["usr/bin/" + p for p in
                  ("pipewire", "pw-cat", "pw-cli", "pw-link", "pw-top", "pw-dump", "wireplumber", "wpctl")] +
                 [SPA + p for p in ("alsa/libspa-alsa.so", "audioconvert/libspa-audioconvert.so",
                                    "audiomixer/libspa-audiomixer.so", "support/libspa-support.so")] +
                 [PIPEWIRE + m + ".so" for m in
                  ("access", "adapter", "client-device", "client-node", "link-factory", "metadata",
                   "profiler", "protocol-native", "rt", "session-manager", "spa-device-factory",
                   "spa-node-factory")],
                 ["usr/share/pipewire", "usr/share/wireplumber", "usr/share/alsa-card-profile", LIB + "wireplumber-0.5"]),
}
# driver: modules in load order, each after what it depends on. Kernels before 6.9 of Debian have no virtio_snd.
DRIVERS = {"virtio": ["virtio_pci", "virtio_snd"], "ac97": ["snd_intel8x0"]}
# magic bytes: how to unpack
PACKERS = ((b"\x28\xb5\x2f\xfd", ["zstd", "-qdc"]), (b"\xfd7zXZ", ["xz", "-dc"]),
           (b"\x1f\x8b", ["gzip", "-dc"]))


def fail(text):
    sys.exit("guestfs: " + text)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def unpacked(data, what):
    for magic, command in PACKERS:
        if data.startswith(magic):
            return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
    return fail("%s: unknown compression" % what)


def vmlinux(bzimage, out):
    """Offsets are those of the Linux x86 boot protocol's set-up header."""
    data = read(bzimage)
    sectors = data[0x1F1] or 4
    at, length = struct.unpack_from("<II", data, 0x248)
    at += (sectors + 1) * 512
    kernel = unpacked(data[at:at + length - 4], bzimage)  # the last 4 bytes are the size
    if not kernel.startswith(b"\x7fELF"):
        fail("%s: no ELF kernel inside" % bzimage)
    with open(out, "wb") as f:
        f.write(kernel)


class Archive:
    """A newc cpio archive in memory. Device nodes are only entries, so no root."""

    def __init__(self):
        self.names, self.parts, self.inode = set(), [], 0

    def entry(self, name, mode, data=b"", device=(0, 0)):
        parent = os.path.dirname(name)
        if parent and parent not in self.names:
            self.entry(parent, stat.S_IFDIR | 0o755)
        if name in self.names:
            return
        self.names.add(name)
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % v for v in fields) + name.encode() + b"\0"
        self.parts += [head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)]

    def folder(self, name):
        self.entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o755):
        self.entry(name, stat.S_IFREG | mode, data)

    def link(self, name, to):
        self.entry(name, stat.S_IFLNK | 0o777, to.encode())

    def node(self, name, mode, major, minor):
        self.entry(name, stat.S_IFCHR | mode, device=(major, minor))

    def write(self, out):
        self.entry("TRAILER!!!", 0)
        with open(out + ".new", "wb") as f:
            f.write(b"".join(self.parts))
        os.rename(out + ".new", out)


def needed(path):
    """Names of the shared objects that `path` names (DT_NEEDED), and its interpreter."""
    text = subprocess.run(["readelf", "-dl", path], stdout=subprocess.PIPE, check=True,
                          env=dict(os.environ, LC_ALL="C")).stdout.decode()
    loader = re.findall(r"interpreter: ([^\]]+)\]", text)
    return re.findall(r"\(NEEDED\).*\[(.+)\]", text), loader


def add_program(archive, tree, name):
    path = os.path.join(tree, name)
    archive.file(name, read(path))
    todo, done = [path], set()
    while todo:
        user = todo.pop()
        libs, loader = needed(user)
        for lib in libs + [os.path.basename(x) for x in loader]:
            if lib in done:
                continue
            done.add(lib)
            beside = os.path.join(os.path.dirname(user), lib)  # a plugin that uses another one
            if "/pipewire-0.3/" in user and os.path.exists(beside):
                archive.file(os.path.relpath(beside, tree), read(beside))
                todo.append(beside)
                continue
            found = [p for p in (os.path.join(tree, d, lib) for d in LIBDIRS) if os.path.exists(p)]
            if not found:
                fail("%s needs %s, which is not in the tree" % (name, lib))
            archive.file("lib/x86_64-linux-gnu/" + lib, read(found[0]))
            todo.append(found[0])
        for path in loader:
            if not path.startswith("/lib/x86_64-linux-gnu/"):
                archive.link(path[1:], "/lib/x86_64-linux-gnu/" + os.path.basename(path))


def add_tree(archive, base, name):
    for folder, _, files in os.walk(os.path.join(base, name)):
        for f in files:
            path = os.path.join(folder, f)
            archive.file(os.path.relpath(path, base), read(path), 0o644)


def add_set(archive, tree, name):
    programs, folders = SETS[name]
    for program in programs:
        add_program(archive, tree, program)
    for folder in folders:
        for base, _, files in os.walk(os.path.join(tree, folder)):
            for f in files:
                path = os.path.relpath(os.path.join(base, f), tree)
                if re.search(r"\.so(\.|$)", f):
                    add_program(archive, tree, path)
                else:
                    archive.file(path, read(os.path.join(tree, path)), 0o644)


def add_own(archive, path, name):
    """A file of ours, or a folder of them."""
    if not os.path.isdir(path):
        archive.file(name, read(path))
        return
    for base, _, files in os.walk(path):
        for f in files:
            inside = os.path.relpath(os.path.join(base, f), path)
            archive.file(os.path.join(name, inside), read(os.path.join(base, f)))


def module_index(kernel):
    """Module name (dashes as underscores) to path."""
    index = {}
    for folder, _, files in os.walk(kernel):
        for f in files:
            m = re.match(r"(.+)\.ko(\.\w+)?$", f)
            if m:
                index[m.group(1).replace("-", "_")] = os.path.join(folder, f)
    return index


def module(path):
    data = read(path)
    return data if data.startswith(b"\x7fELF") else unpacked(data, path)


def add_module(archive, index, name, order):
    name = name.replace("-", "_")
    if name not in index:  # built in, or not there: the guest will say
        return
    data = module(index[name])
    depends = re.search(rb"\0depends=([^\0]*)\0", data)
    for d in depends.group(1).decode().split(",") if depends else []:
        if d:
            add_module(archive, index, d, order)
    if name not in order:
        order.append(name)
        archive.file("modules/%s.ko" % name, data, 0o644)


def initramfs(args):
    a = Archive()
    for d in ("dev", "proc", "sys", "tmp", "etc", "run"):
        a.folder(d)
    a.node("dev/console", 0o600, 5, 1)
    a.node("dev/null", 0o666, 1, 3)
    a.file("bin/busybox", read(os.path.join(args.tree, "usr/bin/busybox")))
    for name in APPLETS:
        a.link("bin/" + name, "busybox")
    add_program(a, args.tree, "usr/bin/aplay")
    a.link("usr/bin/arecord", "aplay")
    for name in args.sets:
        add_set(a, args.tree, name)
    for name in ("alsa.conf", "pcm", "ctl", "cards/aliases.conf", "cards/ICH.conf"):
        path = os.path.join(args.tree, "usr/share/alsa", name)
        if os.path.isdir(path):
            add_tree(a, args.tree, "usr/share/alsa/" + name)
        elif os.path.exists(path):
            a.file("usr/share/alsa/" + name, read(path), 0o644)
    index = module_index(args.kernel)
    for driver, names in DRIVERS.items():
        order = []
        if names[-1] not in index and driver not in args.drivers:
            continue
        for name in names:
            add_module(a, index, name, order)
        if names[-1] not in order:
            fail("no module for %s in %s" % (driver, args.kernel))
        a.file("modules/%s.list" % driver, "".join(n + "\n" for n in order).encode(), 0o644)
    a.file("init", read(args.init))
    for item in args.add:
        add_own(a, *item.rsplit(":", 1))
    a.write(args.out)


def main():
    parser = argparse.ArgumentParser(description="what a guest boots from")
    jobs = parser.add_subparsers(dest="job", required=True)
    p = jobs.add_parser("vmlinux")
    p.add_argument("bzimage")
    p.add_argument("out")
    p = jobs.add_parser("initramfs")
    p.add_argument("out")
    p.add_argument("--tree", required=True)
    p.add_argument("--kernel", required=True)
    p.add_argument("--init", required=True)
    p.add_argument("--add", action="append", default=[])
    p.add_argument("--driver", action="append", default=[], dest="drivers", choices=DRIVERS)
    p.add_argument("--set", action="append", default=[], dest="sets", choices=SETS)
    args = parser.parse_args()
    if args.job == "vmlinux":
        vmlinux(args.bzimage, args.out)
    else:
        initramfs(args)


main()
