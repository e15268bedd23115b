#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""vmsnd ctl: cards, chains, the machine as a whole, and completion.

usage: test_ctl_machine.py VMSND [TOP]; prints TAP. TOP: the source tree, for its manual and completion
       scripts."""
import json
import os
import re
import shutil
import stat
import subprocess

from program import (CARD, LIMIT_S, TOP, VMSND, Qmp, Server, card_works, ctl, ctl_fine, ctl_wrong,
                     run_tests)

SCRIPTS = TOP and TOP + "/src/cli/completion"

# ---- the whole machine, its cards and drivers -----------------------------------------------


def test_every_command_is_in_the_help_and_the_manual():
    text = subprocess.run([VMSND, "ctl", "--help"], capture_output=True, text=True).stdout
    manual = TOP and open(TOP + "/docs/vmsnd-ctl.1.scd", encoding="utf-8").read()
    names = verbs()
    assert len(names) > 25, names
    for name in names:
        assert re.search(rf"\b{name}\b", text), name
        assert not manual or f"*{name}*" in manual, name


def test_cards_are_added_and_removed():
    with Server():
        qmp = Qmp()
        assert ctl_fine("cards", "add", "vm2", "virtio-snd,socket=t.sock", "null",
                        "file,path=b.wav") == "card 1\n"
        assert qmp.event("CARD_ADDED")["data"] == {"card": 1, "name": "vm2"}
        assert os.path.exists("t.sock")
        assert re.search(r"^1 +vm2 +on +off +2$", ctl_fine("cards"), re.M), ctl_fine("cards")
        ctl_wrong(1, "cards", "add", "vm2", "virtio-snd,socket=u.sock", part="'vm2': a card of this name is there already")
        ctl_wrong(1, "cards", "add", "vm3", "virtio-sound,socket=u.sock", part="virtio-sound")
        ctl_wrong(1, "cards", "add", "vm3", "virtio-snd,sokcet=u.sock", part="sokcet")
        ctl_wrong(2, "cards", "add", "vm3", part="it is: cards add NAME DEVICE")
        assert not os.path.exists("u.sock")
        ctl_fine("cards", "remove", "vm2")
        assert qmp.event("CARD_REMOVED")["data"] == {"card": 1, "name": "vm2"}
        assert not os.path.exists("t.sock")
        ctl_wrong(1, "cards", "remove", "vm2", part="no card 'vm2'; there are: vm1")
        ctl_wrong(2, "--card", "vm1", "cards", part="not about one card")
        assert card_works()
        qmp.close()


def test_chains_and_drivers():
    with Server():
        assert ctl_fine("attach", "null", "--driver", "delay,ms=10", "-D", "map") == "output 1\n"
        assert "\n  output 1: delay,ms=10 > map > null;" in ctl_fine("status")
        ctl_fine("driver", "add", "1", "delay,ms=20")
        ctl_fine("driver", "add", "1", "delay,ms=30", "map")
        assert "1: delay,ms=20 > delay,ms=10 > delay,ms=30 > map > null;" in ctl_fine("status")
        ctl_fine("driver", "remove", "1", "delay:1")
        ctl_fine("driver", "replace", "1", "0", "delay,ms=40")
        assert "1: delay,ms=40 > delay,ms=30 > map > null;" in ctl_fine("status")
        ctl_wrong(1, "driver", "remove", "1", "gain",
                  part="has no such driver; it has: delay,ms=40, delay,ms=30, map")
        ctl_wrong(1, "driver", "add", "1", "dealy", part="dealy")
        ctl_wrong(2, "driver", "remove", "first", "0", part="'first' is no output")
        ctl_wrong(2, "detach", "1", "--driver", "map", part="detach takes no --driver")
        ctl_fine("reattach", "1", "file,path=a.wav", "--driver", "map")
        assert "1: map > file,path=a.wav; playback" in ctl_fine("status")
        ctl_wrong(1, "reattach", "1", "fille", part="fille")
        ctl_wrong(1, "reattach", "5", "null", part="vm1 has no output 5")
        assert "1: map > file,path=a.wav; playback" in ctl_fine("status")
        assert ctl_fine("drivers").startswith("delay\n")


def test_the_mixer_is_turned_and_shown():
    def mixer(*words):
        return ctl_fine("--card", "vm2", "mixer", *words)

    with Server():
        ctl_fine("cards", "add", "vm2", "virtio-snd,socket=t.sock,playback=2,input=on")
        mixer("-6.5")
        mixer("1", "mute")
        mixer("source", "0")
        mixers = json.loads(mixer("--json"))
        assert [(m["direction"], m["stream"], m["gain-db"], m["mute"]) for m in mixers] == [
            ("playback", 0, -6.5, False), ("playback", 1, -6.5, True), ("capture", 0, 0, False)], mixers
        assert mixers[2]["sources"] == [0], mixers
        assert re.search(r"^playback 1 +-6.5 dB, muted +-$", mixer(), re.M), mixer()
        assert re.search(r"^capture 0 +0.0 dB, input 0 +-$", mixer(), re.M), mixer()
        status = ctl_fine("status")
        assert "0.0 dB; guest -6.5 dB, muted" in status and "0.0 dB; guest 0.0 dB, input 0" in status, status
        mixer("0", "playback")
        mixer("1", "unmute")
        mixer("0", "source", "all")
        assert "guest" not in ctl_fine("status"), ctl_fine("status")
        for words in (["loud"], ["source"], ["source", "x"], ["-6", "sideways"], ["0", "-6", "playback", "x"], ["0", "-6", "x"]):
            ctl_wrong(2, "--card", "vm2", "mixer", *words, part="mixer [STREAM]")
        ctl_wrong(1, "--card", "vm2", "mixer", "5", "mute", part="no such stream")


def test_jacks_are_plugged_in_and_pulled_out():
    with Server(cards=(CARD + ",jacks=on",)):
        qmp = Qmp()
        answer = qmp.execute("query-jacks")
        assert [(j["jack"], j["connected"], j["state"], j["output"]) for j in answer] == [
            ("line-out", True, "follow", 0), ("mic", True, "follow", 0)], answer
        assert answer[0]["pin-config"] == "0x01014010", answer
        assert json.loads(ctl_fine("jack", "-j")) == answer
        assert re.search(r"^line-out +plugged +follow +0 +0x01014010$", ctl_fine("jack"), re.M)
        ctl_fine("jack", "line-out", "unplugged")
        event = qmp.event("JACK_CHANGED")["data"]
        assert (event["name"], event["jack"], event["connected"]) == ("vm1", "line-out", False), event
        assert re.search(r"^line-out +unplugged +unplugged +0 ", ctl_fine("jack"), re.M)
        ctl_fine("jack", "line-out", "follow")
        assert qmp.event("JACK_CHANGED")["data"]["connected"] is True
        ctl_wrong(1, "jack", "phones", "plugged", part="there is no jack 'phones'; query-jacks lists them")
        ctl_wrong(1, "jack", "mic", "in", part="'state' has to be")
        ctl_wrong(2, "jack", "mic", part="jack [NAME plugged|unplugged|follow]")
        assert complete("jack", "", socket_path="c.sock") == ["line-out", "mic"]
        assert complete("jack", "mic", "") == ["plugged", "unplugged", "follow"]
        qmp.close()
    with Server():
        assert ctl_fine("jack") == "the card has no jacks\n"


def test_classes_are_listed_with_options():
    with Server():
        qmp = Qmp()
        for verb in ("backends", "drivers"):
            answer, shown = qmp.execute("query-" + verb), ctl_fine(verb)
            assert json.loads(ctl_fine(verb, "-j")) == answer
            assert [row["name"] for row in answer] == re.findall(r"^\S.*$", shown, re.M), shown
            lines = re.findall(r"^ {4}([a-z-]+) {2,}\S.*$", shown, re.M)
            assert lines == [option["name"] for row in answer for option in row["options"]], shown
        assert re.search(r"^null\n    \S.*\n    pace  .* \(default: real\)$", ctl_fine("backends"), re.M)
        # An option without a default shows none.
        assert re.search(r"^    path  .*[^)]$", ctl_fine("backends"), re.M), ctl_fine("backends")
        assert "backends" in complete("")
        qmp.close()


def test_the_machine_is_suspended_saved_and_goes_on():
    with Server():
        qmp = Qmp()
        ctl_wrong(1, "resume", part="resume: the machine runs")
        ctl_fine("suspend")
        assert qmp.event("SUSPEND")["data"] == {}
        assert qmp.execute("query-status")["status"] == "suspended"
        ctl_wrong(1, "suspend", part="suspend: the machine is suspended")
        said = ctl_fine("save", "vm1.state")
        size, path = re.fullmatch(r"(\d+) bytes in (.*)\n", said).groups()
        assert os.path.samefile(path, "vm1.state") and os.path.getsize(path) == int(size) > 100
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        ctl_wrong(1, "save", "no/vm1.state", part="cannot write")
        ctl_fine("resume")
        assert qmp.event("RESUME")["data"] == {}
        assert ctl_fine("status").split("\n")[0].split(", ")[1] == "running"
        qmp.close()


def test_a_card_that_is_not_trusted_or_traced_says_so():
    options = ",trusted=off,window=0-0xfffff,trace=a.trace"
    with Server(cards=(CARD + options,)):
        assert card_works()
        qmp = Qmp()
        card = qmp.execute("query-cards")[0]
        assert card["trusted"] is False and card["refusals"] == 0, card
        assert card["trace"] == "a.trace" and card["trace-records"] > 0 == card["trace-lost"], card
        shown = ctl_fine("status")
        assert "\n  not trusted: refused guest memory 0 times\n" in shown, shown
        assert re.search(r"^  traced: \d+ records, a\.trace$", shown, re.M), shown
        assert ctl_fine("statistics", "vm1.memory_refusals") == "0\n"
        ctl_wrong(1, "cards", "add", "vm2", "virtio-snd,socket=t.sock,trace=no/a.trace",
                  part="cannot trace into no/a.trace: No such file or directory")
        ctl_wrong(1, "cards", "add", "vm2", "virtio-snd,socket=t.sock,window=1-2",
                  part="add trusted=off, or leave window out")
        assert not os.path.exists("t.sock")
        qmp.close()
    printed = subprocess.run([VMSND, "trace", "a.trace"], capture_output=True, text=True, timeout=LIMIT_S)
    assert printed.returncode == 0 and printed.stdout.startswith("card vm1, virtio-snd\n"), printed
    assert " dev.features -> 0x" in printed.stdout, printed
    with Server():
        shown = ctl_fine("status")
        assert "trusted" not in shown and "traced" not in shown, shown


def test_trees_for_people_and_programs():
    with Server():
        tree = json.loads(ctl_fine("statistics", "--json"))
        assert tree["vm1"]["tx_messages"] == 0
        assert re.search(r"^vm1\.tx_messages +0$", ctl_fine("statistics"), re.M)
        assert ctl_fine("statistics", "vm1.tx_messages") == "0\n"
        ctl_wrong(1, "statistics", "vm2", part="there is no 'vm2'")
        assert json.loads(ctl_fine("config", "-j"))["cards"]["vm1"]["device"] == "virtio-snd"
        shown = ctl_fine("config")
        assert "\ncards:\n  vm1:\n    device: virtio-snd\n" in shown, shown
        # The first output goes both ways, a file without in= but one.
        ctl_fine("attach", "file,path=loud.wav")
        ctl_fine("volume", "0", "-7")
        ctl_fine("volume", "1", "-8")
        outputs = json.loads(ctl_fine("config", "-j"))["cards"]["vm1"]["outputs"]
        assert "volume" not in outputs[0] and outputs[1]["volume"] == -8, outputs
        # A file of it is the same machine, with all that is not a card's.
        assert "control: c.sock\n" in shown, shown
        with open("now.yaml", "w") as file:
            file.write(shown)
        assert subprocess.run([VMSND, "config", "check", "now.yaml"], capture_output=True).returncode == 0
        assert ctl_fine("modules") == "no module was loaded\n"
        qmp = Qmp()
        # With a dash in it: what is answered is what the protocol has.
        assert json.loads(ctl_fine("cards", "-j")) == qmp.execute("query-cards")
        assert json.loads(ctl_fine("drivers", "-j")) == qmp.execute("query-drivers")
        qmp.close()


# ---- completion ------------------------------------------------------------------------------


def verbs():
    """All commands of vmsnd ctl, by its completion: "cards add", too."""
    first = [word for word in complete("") if word != "driver"]
    return first + [f"{name} {word}" for name in ("cards", "driver") for word in complete(name, "")
                    if word in ("add", "remove", "replace")]


def complete(*words, socket_path=None):
    """What vmsnd ctl --complete offers."""
    result = ctl("--complete", *words, socket_path=socket_path)
    assert result.returncode == 0 and result.stderr == "", (words, result)
    return result.stdout.split("\n")[:-1]


def test_completion_knows_words_without_a_program():
    assert {"status", "cards", "driver", "suspend", "quit"} <= set(complete("s"))
    assert complete("-") == ["--socket", "--card", "--driver", "--json", "--help"]
    assert complete("enable", "") == ["playback", "capture"]
    assert complete("volume", "0", "") == ["mute", "unmute"]
    assert complete("volume", "0", "-6", "p") == ["playback", "capture"]
    assert complete("host-volume", "0", "") == ["mute", "unmute"]
    assert {"null"} <= set(complete("attach", "")) and "delay" in complete("attach", "-D", "")
    assert complete("driver", "") == ["add", "replace", "remove"]
    assert set(complete("cards", "")) == {"add", "remove"}
    assert complete("cards", "add", "vm2", "") == ["virtio-snd", "ac97"]
    assert complete("save", "") == [":files"] and complete("--socket", "") == [":files"]
    assert complete("--socket", "=", "") == [":files"]
    assert complete("status", "") == [] and complete("no-such", "") == []
    assert complete("detach", "") == [] and complete("--card", "") == []
    assert complete() == []


def test_completion_asks_the_program():
    with Server(cards=(CARD, "virtio-snd,socket=t.sock,name=vm 2")):
        ctl_fine("-c", "vm1", "attach", "null")
        with_it = {"socket_path": "c.sock"}
        assert complete("--card", "", **with_it) == ["vm1", "vm 2"]
        assert complete("cards", "remove", "", **with_it) == ["vm1", "vm 2"]
        assert complete("detach", "", **with_it) == ["0", "1"]
        assert complete("--card", "vm 2", "detach", "", **with_it) == ["0"]
        assert complete("--socket", "c.sock", "-c", "vm1", "detach", "") == ["0", "1"]
        assert complete("-c", "vm1", "tap", "", **with_it) == ["0"]
        assert complete("-c", "vm1", "device", "0", "", **with_it) == ["default"]
        assert "query-cards" in complete("raw", "", **with_it)


BASH_LINE = r"""
source "$1"
shift
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE=$LINE
_vmsnd
printf '%s\n' "${COMPREPLY[@]}"
"""


def bash_completes(*words, line=None):
    """What bash would offer for the last word."""
    env = dict(os.environ, VMSND_CONTROL="c.sock", LINE=line or " ".join((VMSND, *words)))
    result = subprocess.run(["bash", "--norc", "-c", BASH_LINE, "bash", SCRIPTS + "/vmsnd.bash",
                             VMSND, *words], capture_output=True, text=True, timeout=LIMIT_S,
                            env=env)
    assert result.returncode == 0 and result.stderr == "", (words, result)
    return [word for word in result.stdout.split("\n") if word]


def test_bash_completes():
    if not SCRIPTS:
        return "SKIP no source tree was given"
    with Server(cards=(CARD, "virtio-snd,socket=t.sock,name=vm 2")):
        subcommands = bash_completes("")
        assert {"serve", "ctl", "demo", "--help"} <= set(subcommands), subcommands
        assert "vmsnd" not in subcommands
        assert bash_completes("se") == ["serve"]
        assert bash_completes("ctl", "sus") == ["suspend"]
        assert bash_completes("ctl", "--card", "") == ["vm1", r"vm\ 2"]
        assert bash_completes("ctl", "-c", "vm1", "detach", "") == ["0"]
        assert bash_completes("ctl", "--so") == ["--socket"]
        # bash takes "--card=vm" apart, and replaces what is behind the '=' only.
        assert bash_completes("ctl", "status", "--card", "=", "vm1",
                              line="vmsnd ctl status --card=vm1") == ["vm1"]
        assert bash_completes("serve", "--dev") == ["--device"]
        assert bash_completes("serve", "--device", "") == ["virtio-snd", "ac97"]
        assert "null" in bash_completes("serve", "-d", "virtio-snd", "-b", "")
        open("some file", "w").close()
        assert bash_completes("ctl", "save", "some") == ["some file"]
        shell_completes_what_vmsnd_has(bash_completes)


SERVE_OPTIONS = {"--device", "--backend", "--driver", "--control", "--config", "--set", "--restore", "--lanes",
                 "--workers", "--realtime", "--once", "--quiet", "--verbose", "--help"}
SHOW_OPTIONS = {"--config", "--device", "--backend", "--driver", "--control", "--lanes", "--workers", "--realtime", "--set",
                "--defaults", "--json", "--help"}


def shell_completes_what_vmsnd_has(completes):
    """And no other program's options, of which a help's examples are full."""
    def exactly(wanted, *words):
        offered = completes(*words)
        assert len(offered) == len(wanted) and set(offered) == wanted, (words, offered)

    exactly(SERVE_OPTIONS, "serve", "--")
    exactly(SHOW_OPTIONS, "config", "show", "--")
    exactly({"--set", "--help"}, "config", "check", "--")
    exactly({"check", "show", "--help"}, "config", "")
    exactly({"--output", "--fast", "--module", "--backend", "--device", "--help"}, "demo", "--")
    exactly({"--only", "--limit", "--help"}, "trace", "--")
    exactly({"--tone", "--json", "--module", "--help"}, "check", "--")
    exactly({"--verbose", "--module", "--help"}, "backends", "--")
    assert "null" in completes("check", "--tone", "")
    for name in ("devices", "drivers", "modules"):
        exactly({"--module", "--help"}, name, "--")
    exactly({"delay", "map"}, "serve", "-d", "virtio-snd", "-b", "null", "--driver", "")
    assert "null" in completes("demo", "-b", "")
    exactly({"delay"}, "config", "show", "-d", "virtio-snd", "-b", "null", "--driver", "d")


ZSH_LINE = r"""
script=$1
shift
words=("$@")
CURRENT=$#
compadd() { local all=("${(@P)2}"); print -l -- "${(@M)all:#${words[CURRENT]}*}" }
compset() { return 0 }
_files() { print :files }
source $script
"""


def zsh_completes(*words):
    """What zsh would offer for the last word, ":files" for files. A leak checker stops the program by
    ptrace when it ends, and in zsh's command substitution it has waited for that for ever."""
    checks = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    result = subprocess.run(["zsh", "-f", "-c", ZSH_LINE, "zsh", SCRIPTS + "/_vmsnd", VMSND, *words],
                            capture_output=True, text=True, timeout=LIMIT_S,
                            env=dict(os.environ, VMSND_CONTROL="c.sock", ASAN_OPTIONS=checks))
    assert result.returncode == 0 and result.stderr == "", (words, result)
    return [word for word in result.stdout.split("\n") if word]


def test_zsh_completes():
    if not SCRIPTS or not shutil.which("zsh"):
        return "SKIP zsh is not installed"
    with Server(cards=(CARD, "virtio-snd,socket=t.sock,name=vm 2")):
        subcommands = zsh_completes("")
        assert {"serve", "ctl", "demo", "--help", "--version"} <= set(subcommands), subcommands
        assert "vmsnd" not in subcommands
        assert zsh_completes("se") == ["serve"]
        assert zsh_completes("ctl", "sus") == ["suspend"]
        assert zsh_completes("ctl", "--card", "") == ["vm1", "vm 2"]
        assert zsh_completes("ctl", "-c", "vm1", "detach", "") == ["0"]
        assert zsh_completes("ctl", "--so") == ["--socket"]
        assert zsh_completes("ctl", "save", "some") == [":files"]
        assert zsh_completes("serve", "--dev") == ["--device"]
        assert set(zsh_completes("serve", "--device", "")) == {"virtio-snd", "ac97"}
        assert "null" in zsh_completes("serve", "-d", "virtio-snd", "-b", "")
        assert zsh_completes("config", "check", "") == [":files"]
        shell_completes_what_vmsnd_has(zsh_completes)


run_tests(globals())
