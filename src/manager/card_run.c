/* SPDX-License-Identifier: BSD-3-Clause */
/* A card in time: steps from deadline to deadline, what its VMM does, what it counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"

/* Steps one advance may take before others get a turn: in all, and at one moment. A guest that
 * keeps a queue full asks for another step for ever. */
#define STEPS_MAX    4096u
#define AGAIN_MAX    8u
#define COUNTERS_MAX 64u

static vmsnd_ns earlier(vmsnd_ns a, vmsnd_ns b)
{
	return a < b ? a : b;
}

static vmsnd_ns advance_ports(struct vmsnd_card *card, vmsnd_ns at)
{
	vmsnd_ns next = VMSND_NEVER;

	for (unsigned i = 0; i < card->n_ports; i++)
		next = earlier(next, vmsnd_port_advance(card->ports[i].port, at));
	return next;
}

/* One moment: the backends move their blocks, the device gives back what has been moved and hands
 * over more, and ports and backends look once more, since that may just have started them. */
static vmsnd_ns step(struct vmsnd_card *card, vmsnd_ns at)
{
	vmsnd_ns next = vmsnd_card_tend(card, at);

	next = earlier(next, vmsnd_card_jacks(card, at));
	vmsnd_card_move(card, at);
	advance_ports(card, at);
	next = earlier(next, card->cls->advance(card->dev, at));
	next = earlier(next, advance_ports(card, at));
	next = earlier(next, vmsnd_card_move(card, at));
	if (card->bus && card->transport->advance)
		next = earlier(next, card->transport->advance(card->bus, at));
	return earlier(next, vmsnd_card_watch(card, at));
}

void vmsnd_card_bring_up(struct vmsnd_card *card, vmsnd_ns now)
{
	if (now > card->time)
		card->time = now;
	vmsnd_card_move(card, card->time);
	advance_ports(card, card->time);
	card->cls->advance(card->dev, card->time);
	advance_ports(card, card->time);
}

vmsnd_ns vmsnd_card_advance(struct vmsnd_card *card, vmsnd_ns now)
{
	unsigned again = 0;

	/* Who has waited for the lane may be a little behind. */
	if (now < card->time)
		now = card->time;
	for (unsigned steps = 0; card->touched || card->next <= now; steps++) {
		vmsnd_ns at = card->next < now ? card->next : now;

		if (steps == STEPS_MAX || again == AGAIN_MAX)
			return now;
		if (at < card->time)
			at = card->time;
		if (at == now)
			card->touched = false;
		card->time = at;
		card->next = step(card, at);
		again = card->next <= at ? again + 1 : 0;
		/* What is left is done at the time it is then, or the card's time would stand still
		 * as long as there is more. */
		if (again == AGAIN_MAX)
			card->next = now;
	}
	return earlier(card->next, vmsnd_card_guard_tend(card, now));
}

void vmsnd_card_ready(struct vmsnd_card *card, unsigned tag, vmsnd_ns now)
{
	vmsnd_card_advance(card, now);
	if (now > card->time) /* of what it calls back, too */
		card->time = now;
	card->transport->ready(card->bus, tag, now);
	vmsnd_card_touch(card);
}

/* What Linux' driver and most others ask for: backends may warm up (BE-06). */
static void hint(struct vmsnd_card *card)
{
	static const struct vmsnd_stream_params usual = {
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
	    .buffer_frames = 4800,
	    .period_frames = 1200};

	for (unsigned i = 0; i < card->n_ports; i++)
		vmsnd_port_hint(card->ports[i].port, &usual, card->time);
}

void vmsnd_card_guest_fault(void *ctx, enum vmsnd_fault what, uint64_t detail)
{
	struct vmsnd_card *card = ctx;
	uint32_t bit = UINT32_C(1) << ((unsigned)what & 31);

	if (card->faults_told & bit)
		return;
	card->faults_told |= bit;
	vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_WARNING,
		   "%s: the guest's driver made a mistake: %s (detail %#llx); answered and counted",
		   card->name, vmsnd_fault_text(what), (unsigned long long)detail);
}

static uint64_t counter_of(const struct vmsnd_counter *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	return 0;
}

static void tell_port(struct vmsnd_card *card, unsigned index)
{
	struct vmsnd_card_port *slot = &card->ports[index];
	bool playback = index < card->n_playback;
	struct vmsnd_counter list[COUNTERS_MAX];
	size_t n = vmsnd_port_counters(slot->port, list, COUNTERS_MAX);
	uint64_t swallowed = playback ? counter_of(list, n, "dropped_frames") : 0;
	uint64_t frames = counter_of(list, n, "frames") - swallowed;
	uint64_t runs = counter_of(list, n, playback ? "underruns" : "overruns");
	uint64_t run_frames = counter_of(list, n, playback ? "underrun_frames" : "overrun_frames");
	uint64_t *told = slot->told;

	if (frames != told[0] || runs != told[1])
		vmsnd_logf(
		    vmsnd_machine_log(card->machine), VMSND_LOG_INFO,
		    "%s: %s%u: %llu frames %s, %llu %s (%llu frames)", card->name,
		    playback ? "playback" : "capture", playback ? index : index - card->n_playback,
		    (unsigned long long)(frames - told[0]), playback ? "played" : "recorded",
		    (unsigned long long)(runs - told[1]), playback ? "underruns" : "overruns",
		    (unsigned long long)(run_frames - told[2]));
	told[0] = frames;
	told[1] = runs;
	told[2] = run_frames;
}

/* Everything that is counted, for whoever asked for more than a line. */
static void tell_counters(const struct vmsnd_card *card)
{
	size_t n = vmsnd_card_counters(card, NULL, 0);
	struct vmsnd_named_counter *list = calloc(n, sizeof(*list));

	if (list)
		vmsnd_card_counters(card, list, n);
	for (size_t i = 0; list && i < n; i++)
		if (list[i].value != 0)
			vmsnd_logf(vmsnd_machine_log(card->machine), VMSND_LOG_DEBUG, "%s: %s %llu",
				   card->name, list[i].name, (unsigned long long)list[i].value);
	free(list);
}

void vmsnd_card_peer(void *ctx, enum vmsnd_peer_event what)
{
	struct vmsnd_card *card = ctx;

	if (what == VMSND_PEER_CONNECTED) {
		card->connected = true;
		card->faults_told = 0;
		card->state_told = false;
	}
	if (what == VMSND_PEER_READY)
		hint(card);
	vmsnd_machine_tell_changed(card->machine);
	if (what != VMSND_PEER_LEFT)
		return;
	card->connected = false;
	card->sessions_ended++;
	tell_counters(card);
	/* The next VMM finds a fresh card, and meanwhile no microphone stays open. */
	for (unsigned i = 0; i < card->n_ports; i++) {
		tell_port(card, i);
		vmsnd_port_close(card->ports[i].port, card->time);
	}
	card->paused = false;
	card->moving = false;
	vmsnd_card_stand(card, card->time);
	vmsnd_card_watch_anew(card);
}

/* Where figures go, as far as there is room. */
struct figures {
	struct vmsnd_named_counter *out;
	size_t n, max;
};

static void add_figures(struct figures *to, const char *prefix, const struct vmsnd_counter *list,
			size_t n)
{
	for (size_t i = 0; i < n && i < COUNTERS_MAX; i++, to->n++) {
		if (to->n >= to->max)
			continue;
		snprintf(to->out[to->n].name, sizeof(to->out->name), "%s%s", prefix, list[i].name);
		to->out[to->n].value = list[i].value;
	}
}

size_t vmsnd_card_counters(const struct vmsnd_card *card, struct vmsnd_named_counter *out,
			   size_t max)
{
	struct vmsnd_counter list[COUNTERS_MAX];
	struct figures to = {.out = out, .max = max};

	add_figures(&to, "", list, card->cls->counters(card->dev, list, COUNTERS_MAX));
	add_figures(&to, "", list, vmsnd_card_guard_counters(card, list));
	if (card->bus && card->transport->counters)
		add_figures(&to, "", list,
			    card->transport->counters(card->bus, list, COUNTERS_MAX));
	for (unsigned p = 0; p < card->n_ports; p++) {
		bool playback = p < card->n_playback;
		char prefix[24];

		snprintf(prefix, sizeof(prefix), "%s%u.", playback ? "playback" : "capture",
			 playback ? p : p - card->n_playback);
		add_figures(&to, prefix, list,
			    vmsnd_port_counters(card->ports[p].port, list, COUNTERS_MAX));
	}
	return to.n;
}
