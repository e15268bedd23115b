#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes vfio.corpus: what clients of vfio-user say from their start on, as records of fuzz_vfio.c.

usage: vfio_corpus.py CORPUS

QEMU 11.1's order of messages, with its memory cut to what the target has; then a client that moves
the card, one whose memory only it can reach, and one of libvfio-user's kind."""

import base64
import json
import pathlib
import struct
import sys

VERSION, DMA_MAP, DMA_UNMAP, INFO, REGION_INFO, IO_FDS, IRQ_INFO, SET_IRQS, READ, WRITE = range(1, 11)
RESET, MULTI, FEATURE, MIG_READ, MIG_WRITE = 13, 15, 16, 17, 18
RAW, TIME, SCRIBBLE, CARD_READ, CARD_WRITE, REPLY, LINE, AGAIN = range(32, 40)
GET, SET, PROBE = 0x10000, 0x20000, 0x40000
STOP, RUNNING, STOP_COPY, RESUMING, PRE_COPY = 1, 2, 3, 4, 6
MEMORY, EVENT = 0x01, 0x09  # one descriptor: of guest memory, of an interrupt
NO_REPLY = 0x80
CONFIG = 7
PAGE = 4096


def record(op, data=b"", extra=0):
    return struct.pack("<BBH", op, extra, len(data)) + data


def version(capabilities):
    text = json.dumps({"capabilities": capabilities}).encode() + b"\0"
    return record(VERSION, struct.pack("<HH", 0, 1) + text)


def dma_map(at, size, offset=0, flags=3, fd=MEMORY):
    return record(DMA_MAP, struct.pack("<IIQQQ", 32, flags, offset, at, size), fd)


def dma_unmap(at, size, flags=0, bitmap=b"", room=0):
    return record(DMA_UNMAP, struct.pack("<IIQQ", 24 + len(bitmap) + room, flags, at, size) + bitmap)


def read(region, offset, size):
    return record(READ, struct.pack("<QII", offset, region, size))


def write(region, offset, data, extra=0):
    return record(WRITE, struct.pack("<QII", offset, region, len(data)) + data, extra)


def irqs(flags, index, count=1, extra=0, start=0):
    return record(SET_IRQS, struct.pack("<IIIII", 20, flags, index, start, count), extra)


def feature(flags, data=b"", argsz=4096):
    return record(FEATURE, struct.pack("<II", argsz, flags) + data)


def state(number):
    return feature(SET | 2, struct.pack("<II", number, 0))


QEMU = {"max_msg_fds": 8, "max_data_xfer_size": 1048576, "pgsizes": 4096, "max_dma_maps": 65535,
        "migration": {"pgsize": 4096, "max_bitmap_size": 268435456}, "write_multiple": True}


def start():
    out = version(QEMU)
    out += record(INFO, struct.pack("<IIII", 16, 0, 0, 0))
    for index in range(9):
        out += record(REGION_INFO, struct.pack("<IIIIQQ", 32, 0, index, 0, 0, 0))
    out += record(IRQ_INFO, struct.pack("<IIII", 16, 0, 3, 0))
    out += dma_map(0, 0xA0000) + dma_map(0xC0000, 0x40000, 0xC0000)
    out += read(CONFIG, 0, 256)
    for index in (0, 1, 2):
        out += record(IRQ_INFO, struct.pack("<IIII", 16, 0, index, 0))
    out += write(CONFIG, 0x10, b"\xff\xff\xff\xff") + read(CONFIG, 0x10, 4)
    out += write(CONFIG, 4, b"\x00\x00") + record(RESET) + write(CONFIG, 4, b"\x07\x00")
    return out + irqs(4 | 32, 0, extra=EVENT)


def play():
    """Sixteen descriptors, one period each, as snd-intel8x0 sets PCM out going (ICH4, BAR 3)."""
    table = b"".join(struct.pack("<II", 0x20000 + i * 4096, 0x80000000 | 2048) for i in range(32))
    out = record(SCRIBBLE, struct.pack("<I", 0x10000) + table)
    out += write(3, 0x2C, struct.pack("<I", 2)) + record(TIME, b"", 2) + read(3, 0x30, 4)
    out += write(2, 2, b"\0\0") + write(2, 0x18, b"\x08\x08")
    out += write(3, 0x10, struct.pack("<I", 0x10000)) + write(3, 0x15, b"\x1f")
    out += write(3, 0x1B, b"\x1d", NO_REPLY)
    for _ in range(4):
        out += record(TIME, b"", 25) + read(3, 0x30, 4) + irqs(1 | 16, 0) + read(3, 0x16, 2)
        out += read(3, 0x14, 1) + write(3, 0x16, b"\x1c\0") + read(3, 0x18, 2)
    return out


def record_sound():
    table = b"".join(struct.pack("<II", 0x40000 + i * 4096, 0x80000000 | 2048) for i in range(32))
    out = record(SCRIBBLE, struct.pack("<I", 0x11000) + table)
    out += write(3, 0x00, struct.pack("<I", 0x11000)) + write(3, 0x05, b"\x1f")
    return out + write(3, 0x0B, b"\x1d") + record(TIME, b"", 60)


def move():
    out = feature(PROBE | GET | 1) + feature(GET | 1) + feature(SET | 6, struct.pack("<QII", PAGE, 0, 0))
    out += state(PRE_COPY) + record(MIG_READ, struct.pack("<II", 108, 100)) + record(TIME, b"", 30)
    out += feature(GET | 8, struct.pack("<QQQ", 0, 1 << 20, PAGE)) + state(STOP_COPY)
    for _ in range(3):
        out += record(MIG_READ, struct.pack("<II", 1032, 1024))
    out += dma_unmap(0xC0000, 0x40000, 1, struct.pack("<QQ", PAGE, 8), 8)
    return out + feature(SET | 7) + state(RUNNING) + feature(GET | 2)


def resume():
    out = state(RESUMING)
    out += record(MIG_WRITE, struct.pack("<II", 24, 16) + b"VMSNDST1" + b"w" * 8)
    return out + state(STOP) + state(RUNNING)


def remote():
    out = version({"max_data_xfer_size": 64}) + dma_map(0x100000, 0x10000, fd=0)
    out += record(CARD_READ, struct.pack("<QH", 0x100010, 100)) + record(REPLY, b"abc")
    out += record(CARD_READ, struct.pack("<QH", 0x100010, 100)) + record(REPLY, b"", 1)
    out += record(CARD_WRITE, struct.pack("<QH", 0x100020, 200)) + record(REPLY) + record(REPLY, b"", 4)
    out += record(CARD_READ, struct.pack("<QH", 0x100000, 8)) + dma_unmap(0x100000, 0x10000)
    return out + record(REPLY, b"late") + record(TIME, b"", 1)


def lines():
    out = irqs(4 | 32, 1, extra=EVENT) + record(LINE, b"", 2) + record(LINE, b"", 1) + irqs(1 | 16, 0)
    out += record(TIME, b"", 6) + irqs(4 | 16, 0, extra=EVENT) + record(LINE) + irqs(1 | 8, 0)
    return out + irqs(1 | 32, 0) + irqs(2 | 32, 0) + irqs(1 | 32, 1, 0) + irqs(1 | 32, 0, 0)


def library():
    out = version({"max_msg_fds": 8, "max_data_xfer_size": 1048576})
    out += record(INFO, struct.pack("<IIII", 16, 0, 0, 0)) + record(IO_FDS, struct.pack("<IIII", 16, 0, 0, 0))
    out += dma_map(0, PAGE, flags=7) + dma_map(PAGE, PAGE, PAGE)
    out += record(MULTI, struct.pack("<QQIIQ", 1, 4, 0, 4, 7)) + dma_unmap(0, 0, 2)
    return out + record(RAW, struct.pack("<HHIII", 1, 99, 16, 1, 0)) + record(AGAIN) + version({})


CORPUS = [
    start(), start() + play(), start() + record_sound(), start() + play() + move(),
    start() + play() + record(RESET) + dma_unmap(0, 0xA0000) + dma_map(0, 0xC0000),
    start() + move() + resume(), start() + resume(), remote(), start() + lines(), library(),
    start() + play() + record(AGAIN) + start(),
]

pathlib.Path(sys.argv[1]).write_text(
    "\n".join(base64.b64encode(data).decode() for data in CORPUS) + "\n")
