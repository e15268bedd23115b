#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""tones.py FILE.wav - where the tones of speaker-test are: for each channel of a 16-bit WAV file, in the order
in which they sound, the channel's number, its tone in Hz, its seconds, and its peak beside the loudest peak of
any other channel meanwhile (0: silence)."""
import array
import struct
import sys


def read(path):
    """Channels, rate and samples; the module `wave` refuses headers with a channel mask."""
    with open(path, "rb") as f:
        data = f.read()
    at, n, rate, bits = 12, 0, 0, 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if name == b"fmt ":
            n, rate, bits = struct.unpack_from("<2xHI6xH", data, at + 8)
        elif name == b"data" and bits == 16:
            end = min(at + 8 + size, len(data))
            return n, rate, array.array("h", data[at + 8:end - (end - at - 8) % (2 * n)])
        at += 8 + size + size % 2
    return sys.exit("tones: %s: no WAV file of 16 bits" % path)


def main():
    n, rate, data = read(sys.argv[1])
    channels = [data[c::n] for c in range(n)]
    found = []
    for number, samples in enumerate(channels):
        loud = [i for i, v in enumerate(samples) if abs(v) > 1000]
        if not loud:
            continue
        first, last = loud[0], loud[-1]
        rises = sum(a < 0 <= b for a, b in zip(samples[first:last], samples[first + 1:last + 1]))
        others = max([abs(v) for c, other in enumerate(channels) if c != number
                      for v in other[first:last + 1]] or [0])
        seconds = (last - first) / rate
        found.append((first, number, rises / seconds if seconds else 0, seconds, max(map(abs, samples)), others))
    for _, number, hz, seconds, peak, others in sorted(found):
        print("channel %d: %.1f Hz, %.2f s, peak %d, others %d" % (number, hz, seconds, peak, others))


main()
