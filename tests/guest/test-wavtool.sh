#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# test-wavtool.sh VMSND - the judge itself: every kind of damage is seen, and counted right.
. "$(dirname "$0")/lib.sh"
need wavtool
cd "$work" || exit 1

frames() { tail -c +$(($2 * $bytes + 1)) "$1" | head -c $((($3 - $2) * bytes)); } # FILE FROM TO
silence() { if [ "$format" = U8 ]; then head -c $(($1 * bytes)) /dev/zero | tr '\0' '\200'; else head -c $(($1 * bytes)) /dev/zero; fi; }
sees() { # NAME EXIT-STATUS WANTED... of what stands in got.raw; MORE= further signals
	local name=$1 want=$2 verdict status rc=0 w
	shift 2
	verdict=$("$wavtool" check got.raw "$format" 48000 "$channels" 20000 0 ${MORE:-} 2>/dev/null)
	status=$?
	[ $status = "$want" ] || rc=1
	for w; do [[ " $verdict " == *" $w "* ]] || rc=1; done
	ok $rc "$format, $channels channels: $name" || note "wanted $want $*" "got $status $verdict"
}

for kind in S16_LE/2/4 U8/1/1 S24_LE/2/8 FLOAT_LE/1/4; do
	IFS=/ read -r format channels bytes <<<"$kind"
	"$wavtool" gen "$format" 48000 "$channels" 20000 0 a.raw
	"$wavtool" gen "$format" 48000 "$channels" 5000 1 b.raw
	cp a.raw got.raw
	sees 'all there' 0 good=20000 lost=0 repeated=0 bad=0 tail_missing=0 gap_frames=0
	{ frames a.raw 0 8000; frames a.raw 8100 20000; } >got.raw
	sees '100 lost' 1 lost=100 repeated=0 bad=0 tail_missing=0
	{ frames a.raw 0 8000; frames a.raw 7000 20000; } >got.raw
	sees '1000 repeated' 1 lost=0 repeated=1000 bad=0 jump_to=7000
	{ frames a.raw 0 8000; silence 480; frames a.raw 8000 20000; } >got.raw
	sees '480 silent in between' 0 lost=0 gaps=1 gap_frames=480
	{ frames a.raw 0 8000; silence 480; frames a.raw 8480 20000; } >got.raw
	sees '480 replaced by silence' 1 lost=480 gap_frames=480
	{ silence 300; frames a.raw 0 19999; silence 20; } >got.raw
	sees 'the last one missing' 1 lost=0 tail_missing=1 lead=300 trail=20
	frames a.raw 1 20000 >got.raw
	sees 'the first one missing' 1 lost=1 tail_missing=0
	{ frames a.raw 0 8000; frames b.raw 0 1; frames a.raw 8001 20000; } >got.raw
	sees 'one changed' 1 bad=1 lost=1
	{ cat a.raw; silence 60; cat b.raw; } >got.raw
	MORE='5000 1' sees 'two signals, silence between them' 0 good=25000 between=60 gap_frames=0
	silence 20000 >got.raw
	sees 'nothing but silence' 1 good=0 tail_missing=20000
done

"$wavtool" gen S16_LE 48000 2 2000 0 a.wav
"$wavtool" gen S16_LE 44100 2 2000 0 b.wav
! "$wavtool" compare a.wav b.wav >/dev/null
ok $? 'another rate is not the same sound'
# frames that went through a rate conversion
for kind in 'none lost' 'one lost at 60000 60001' 'one repeated at 60000 59999' '100 silent at 60000 60100'; do
	"$wavtool" gen S16_LE 48000 2 72000 0 line.wav
	at=${kind##* } # where it goes on
	[ "$kind" = 'none lost' ] || {
		mv line.wav whole.wav
		{
			head -c $((44 + 60000 * 4)) whole.wav
			[[ $kind != *silent* ]] || head -c 400 /dev/zero
			tail -c +$((45 + at * 4)) whole.wav
		} >line.wav
	}
	v=$("$wavtool" line line.wav 48000 72000)
	case $kind in
	none*) [ $? = 0 ] && [ "$(value off "$v")" = 0 ] ;;
	*silent*) [ $? = 1 ] && [ "$(value off "$v")" = 100 ] ;;
	*) [ $? = 1 ] && [ "$(value off "$v")" -gt 10000 ] ;;
	esac
	ok $? "numbers on a line: ${kind% at*}" || note "$v"
done
# what hardware plays between the last period's interrupt and the driver's stop
"$wavtool" gen S16_LE 48000 2 2000 0 first.raw
"$wavtool" gen S16_LE 48000 2 2000 1 second.raw
for tail in 96 97; do
	{
		cat first.raw
		head -c 400 /dev/zero
		tail -c $((tail * 4)) first.raw
		cat second.raw
		head -c $((tail * 4)) first.raw
	} >tails.raw
	v=$("$wavtool" -t2 check tails.raw S16_LE 48000 2 2000 0 2000 1 2>/dev/null)
	rc=$?
	[ "$rc $(value good "$v") $(value stale_least "$v") $(value stale "$v") $(value between "$v")" = '0 4000 96 192 100' ]
	[ $? = $((tail - 96)) ]
	ok $? "$tail frames after each end: $([ $tail = 96 ] && echo stale || echo a fault)" || note "$v"
done
! "$wavtool" check tails.raw S16_LE 48000 2 2000 0 2000 1 >/dev/null 2>&1
ok $? 'without -tMS they are faults'
head -c 6044 a.wav >short.wav
v=$("$wavtool" -p compare a.wav short.wav)
[ "$(value header "$v") $(value good "$v")" = 'long 1500' ]
ok $? 'a header that promises too much is seen' || note "$v"

done_testing
