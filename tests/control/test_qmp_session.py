#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A client that knows QMP, and nothing of how vmsnd is made, drives a whole session.

usage: test_qmp_session.py VMSND; prints TAP."""
import os
import stat
import sys
import time

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from program import Server, card_works, run_tests  # noqa: E402
from qmp_client import QMPClient, QMPError  # noqa: E402


def refused(client, command, **arguments):
    """The error's class and line."""
    try:
        client.execute(command, **arguments)
    except QMPError as error:
        assert "\n" not in error.desc and error.desc, error.desc
        return error.cls, error.desc
    raise AssertionError(f"{command} {arguments} was done")


def open_client():
    client = QMPClient("c.sock")
    assert client.negotiate() == {}
    return client


def test_negotiation():
    with Server():
        client = QMPClient("c.sock")
        assert isinstance(client.capabilities, list)
        assert refused(client, "query-status")[0] == "CommandNotFound"
        assert refused(client, "qmp_capabilities", enable=["no-such"])[0] == "GenericError"
        assert client.negotiate() == {}
        assert refused(client, "qmp_capabilities")[0] == "CommandNotFound"
        names = {row["name"] for row in client.execute("query-commands")}
        assert {"qmp_capabilities", "query-commands", "query-version", "query-status", "quit"} <= names
        # As a QEMU of the run state "running" answers.
        status = client.execute("query-status")
        assert status["status"] == "running" and status["running"] is True
        assert set(client.execute("query-version")) == {"vmsnd", "package"}
        client.close()


def test_pipelining_and_pieces():
    with Server():
        client = open_client()
        numbers = [client.send("query-status" if i % 3 else "no-such", pieces=i % 7 + 1)
                   for i in range(60)]
        # Asked for in another order than they come in.
        for i in reversed(range(60)):
            try:
                assert client.answer(numbers[i])["running"] is True and i % 3
            except QMPError as error:
                assert error.cls == "CommandNotFound" and i % 3 == 0
        # A command that takes time holds back what the same client said behind it, and nobody else.
        slow = client.send("suspend")
        behind = client.send("query-status")
        other = open_client()
        other.execute("query-status")
        assert client.answer(behind)["status"] == "suspended" and client.answer(slow) == {}
        other.close()
        client.close()


def outputs_of(client, name):
    card = [card for card in client.execute("query-cards") if card["name"] == name][0]
    return {output["output"]: output for output in card["outputs"]}


def test_a_whole_session():
    with Server() as server:
        client, witness = open_client(), open_client()
        # Cards.
        assert [card["name"] for card in client.execute("query-cards")] == ["vm1"]
        added = client.execute("card-add", name="vm2", node={
            "device": "virtio-snd", "socket": os.path.abspath("t.sock"),
            "outputs": [{"backend": "null", "drivers": [{"driver": "delay", "ms": 5}]}]})
        assert added == {"card": 1} and stat.S_ISSOCK(os.stat("t.sock").st_mode)
        event = witness.wait_event("CARD_ADDED")
        assert event["data"] == {"card": 1, "name": "vm2"}
        assert abs(event["timestamp"]["seconds"] - time.time()) < 60
        assert outputs_of(client, "vm2")[0]["drivers"] == ["delay,ms=5"]
        assert refused(client, "card-add", name="vm2", node={"device": "virtio-snd"})
        assert "no-such" in refused(client, "card-add", name="vm3", node={"device": "no-such"})[1]
        assert refused(client, "attach", backend="null")[0] == "GenericError"  # which card?
        assert refused(client, "attach", card="vm3", backend="null")[0] == "DeviceNotFound"
        # Outputs and their chains.
        assert client.execute("attach", card="vm1", backend="file,path=a.wav",
                              drivers=["delay,ms=20"]) == {"output": 1}
        assert witness.wait_event("OUTPUT_ADDED")["data"]["backend"] == "file"
        assert client.execute("driver-attach", card="vm1", output=1, driver="map") == {"at": 0}
        assert outputs_of(client, "vm1")[1]["drivers"] == ["map", "delay,ms=20"]
        client.execute("driver-reattach", card="vm1", output=1, name="delay", driver="delay,ms=40")
        client.execute("driver-detach", card="vm1", output=1, at=0)
        assert outputs_of(client, "vm1")[1]["drivers"] == ["delay,ms=40"]
        client.execute("reattach", card="vm1", output=1, backend="null", drivers=["map"])
        assert witness.wait_event("REATTACHED")["data"] == {
            "card": 0, "name": "vm1", "output": 1, "backend": "null"}
        assert outputs_of(client, "vm1")[1]["drivers"] == ["map"]
        assert refused(client, "reattach", card="vm1", output=6, backend="null")[0] == "DeviceNotFound"
        assert refused(client, "reattach", card="vm1", output=1, backend="nul")[0] == "DeviceNotFound"
        assert outputs_of(client, "vm1")[1]["backend"] == "null"
        # The configuration has all of it.
        cards = client.execute("query-config")["cards"]
        assert set(cards) == {"vm1", "vm2"}
        assert cards["vm1"]["outputs"][1]["drivers"][0]["driver"] == "map"
        assert client.execute("query-statistics", path="vm2.tx_messages") == 0
        # The whole machine.
        client.execute("suspend")
        witness.wait_event("SUSPEND")
        path = os.path.abspath("machine.state")
        saved = client.execute("save", file=path)
        assert saved == {"file": path, "bytes": os.path.getsize(path)}
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert refused(client, "save", file="machine.state")[0] == "GenericError"
        client.execute("resume")
        witness.wait_event("RESUME")
        assert card_works()
        # The end.
        client.execute("card-remove", card="vm2")
        assert witness.wait_event("CARD_REMOVED")["data"]["name"] == "vm2"
        assert not os.path.exists("t.sock")
        assert client.execute("quit") == {}
        for one in (client, witness):
            one.wait_event("SHUTDOWN")
            one.read_to_end()
            one.close()
        assert server.end(None) == 0, server.lines


run_tests(globals())
