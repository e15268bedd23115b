#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each fault of the faulty card is found by the row that is about it, and by no row that is not named here.

usage: test_faults.py CONFORMANCE FAULTY [FAULT]..."""

import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

# Fault -> the row that has to find it with its verdict, then rows that may find it, too.
EXPECTED = {
    "none": "",
    "feature-unknown": "V3/features FAIL",
    "version-missing": "V8/version WARN",
    "maps-fewer": "V7/served FAIL | V19/beyond",
    "controls-told": "V5/controls WARN",
    # A kind of items that is told of and not there is seen wherever items are read.
    "jacks-told": "V7/served FAIL | V18/items V20/stride V22/groups V23/items V24/features V25/padding V27/remap",
    "status-missing": "V13/unknown WARN",
    "unknown-ok": "V13/unknown FAIL",
    "unknown-silent": "V13/unknown FAIL",
    "unknown-fatal": "V13/unknown FAIL",
    "short-silent": "V14/short FAIL",
    "short-ok": "V14/short FAIL",
    "room-overrun": "V15/room FAIL",
    "length-less": "V16/length FAIL | V105/metadata",
    "length-whole": "V16/length FAIL | V105/metadata",
    "twice": "V17/once FAIL",
    "interrupt-missing": "V17/interrupt WARN",
    "item-alone": "V18/items FAIL",
    "sum-wraps": "V19/beyond FAIL",
    "size-wraps": "V19/size FAIL",
    "stride-ignored": "V20/stride FAIL",
    "stride-tail": "V20/stride WARN",
    "none-refused": "V21/none WARN",
    "group-other": "V22/groups WARN | V88/fits",
    "pcm-feature": "V31/values FAIL",
    "pcm-padding": "V32/padding FAIL",
    "pcm-shmem": "V33/shmem WARN",
    "channels-none": "V38/ranges FAIL",
    "format-told": "V40/formats FAIL",
    "rate-refused": "V46/rates FAIL",
    "map-direction": "V86/direction FAIL | V88/fits",
    "map-channels": "V87/channels FAIL | V88/fits V89/positions",
    "map-position": "V89/positions FAIL",
    "channels-any": "V51/channels FAIL",
    "number-any": "V52/numbers FAIL",
    "feature-any": "V53/features FAIL",
    "padding-matters": "V54/padding WARN",
    "division-any": "V50/division WARN",
    "frames-part": "V56/frames WARN",
    "stream-unknown": "V58/unknown FAIL",
    "order-any": "V59/refused FAIL",
    # What nobody can do without is missed by many.
    "release-refused": "V59/allowed FAIL | *",
    "stop-refused": "V59/allowed FAIL | *",
    "release-early": "V62/order FAIL",
    "release-loses": "V61/completes FAIL | V62/order V67/short",
    "status-first": "V67/playback FAIL",
    "status-capture": "V67/capture FAIL",
    "status-short": "V67/short FAIL | V76/sizes",
    "message-unknown-ok": "V73/unknown FAIL",
    "message-unknown-bad": "V73/unknown WARN",
    "message-misled": "V74/direction FAIL",
    "message-unprepared": "V75/unprepared FAIL",
    "size-refused": "V76/sizes WARN",
    "header-taken": "V76/header FAIL",
    "status-overrun": "V77/status FAIL",
    "latency-much": "V69/latency FAIL",
    "capture-part": "V71/full FAIL | V72/length",
    "capture-length": "V72/length FAIL | V71/full",
    "playback-slow": "V78/playback FAIL | V63/pause V8/full",
    "capture-slow": "V78/capture FAIL | V63/pause",
    "playback-at-once": "V78/playback FAIL | V60/prebuffer V63/pause V70/consumed V80/underrun",
    "capture-at-once": "V78/capture FAIL | V63/pause",
    "second-starves": "V79/beside FAIL",
    "cut-request": "V8/control FAIL",
    "cut-data": "V8/data FAIL",
    "cut-table": "V9/indirect FAIL",
    "ctl-more": "V90/served FAIL",
    "ctl-beyond": "V90/beyond FAIL",
    "ctl-range": "V91/layout FAIL | V100/read V103/range",
    "ctl-role": "V92/roles FAIL | V111/decibels",
    "ctl-access": "V95/types FAIL",
    "ctl-none": "V96/counts FAIL",
    "ctl-name": "V97/names FAIL | V98/unique",
    "ctl-same": "V98/unique FAIL",
    "ctl-items": "V99/items FAIL",
    "ctl-value": "V100/read FAIL | V101/write V103/range",
    "ctl-write": "V101/write FAIL",
    "ctl-right": "V102/access WARN",
    "ctl-tlv-length": "V105/metadata FAIL",
    "ctl-tlv-room": "V106/room WARN",
    "ctl-tlv-any": "V107/length WARN",
    "ctl-tlv-type": "V111/decibels WARN",
    "ctl-notice": "V109/notices FAIL",
    "jack-connected": "V23/items FAIL",
    "jack-feature": "V24/features FAIL",
    "jack-padding": "V25/padding FAIL",
    "jack-remap": "V27/remap FAIL",
    "jack-unknown": "V28/unknown WARN",
    "xrun-untold": "V82/xruns FAIL",
    "period-untold": "V81/periods FAIL",
    "event-overrun": "V84/short FAIL",
    "event-readable": "V84/readable FAIL",
    "stale": "V64/stale FAIL | V63/pause",
    "stop-any": "V64/fresh WARN | V59/refused",
    "prebuffer-refused": "V60/prebuffer FAIL | *",
    "pause-loses": "V63/pause WARN",
    "duplex-starves": "V78/duplex FAIL | V8/data V9/indirect V35/polling V63/pause V69/latency V76/sizes V77/status",
    "channels-refused": "V38/channels FAIL",
    "status-odd": "V10/status FAIL | *",
    "code-odd": "V12/codes FAIL",
    "long-refused": "V14/long WARN",
    "params-refused": "V49/params FAIL | *",
    "streams-many": "V4/fields FAIL | *",
    "event-unknown": "V83/events FAIL",
    "event-unasked": "V82/unasked FAIL",
}
# How many cards are served at a time: they mostly wait.
AT_ONCE = 40


def examine(conformance, faulty, fault, folder):
    """Verdicts other than PASS and SKIP, by row. Where many may complain, only the one that has to is asked."""
    row, _, others = EXPECTED.get(fault, "").partition(" | ")
    only = ["--row", row.split()[0]] if others == "*" else []
    socket = os.path.join(folder, fault + ".sock")
    ran = subprocess.run([conformance, *only, "--format", "json", "--timeout", "1500", "--spawn",
                          f"exec '{faulty}' {fault} '{socket}' 2>/dev/null", socket],
                         capture_output=True, text=True, timeout=200)
    rows = json.loads(ran.stdout)["rows"]
    return {f"{r['row']}/{r['name']}": (r["verdict"], r["text"]) for r in rows
            if r["verdict"] in ("FAIL", "WARN")}


def judge(found, expected):
    """What is wrong with what was found, as lines."""
    named, _, others = expected.partition(" | ")
    row, _, verdict = named.partition(" ")
    if row and row not in found:
        yield f"{row} has not found it"
    elif row and found[row][0] != verdict:
        yield f"{row} says {found[row][0]}, not {verdict}: {found[row][1]}"
    for other, (its, text) in found.items():
        if other != row and others != "*" and other not in others.split():
            yield f"{other} says {its}: {text}"


def main():
    conformance, faulty, *wanted = sys.argv[1:]
    listed = subprocess.run([faulty, "--list"], capture_output=True, text=True, check=True).stdout.split()
    names = wanted or listed
    bad = 0
    print(f"1..{len(names) + 1}")
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(lambda n: examine(conformance, faulty, n, folder), names))
        for number, (name, found) in enumerate(zip(names, runs), 1):
            expected = EXPECTED.get(name, "no row is named")
            problems = list(judge(found, expected))
            # Rows are about time, and all these cards at once take it from each other.
            for _ in range(2):
                if problems:
                    problems = list(judge(examine(conformance, faulty, name, folder), expected))
            bad += bool(problems)
            print(f"{'not ok' if problems else 'ok'} {number} - {name}", flush=True)
            for problem in problems:
                print(f"# {problem}")
    missing = set(EXPECTED) ^ set(listed)
    print(f"{'not ok' if missing else 'ok'} {len(names) + 1} - every fault is expected of a row {missing or ''}")
    sys.exit(bool(bad or missing))


main()
