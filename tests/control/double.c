/* SPDX-License-Identifier: BSD-3-Clause */
#include "double.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_stream(struct double_card *card, enum vmsnd_dir dir)
{
	card->streams[card->n_streams++] = (struct vmsnd_stream_status){
	    .dir = dir,
	    .backend = "null",
	    .host = "none",
	    .state = dir == VMSND_PLAYBACK ? "NOPLAY" : "NO_CAPTURE",
	};
}

void double_init(struct vmsnd_machine *machine)
{
	static const char *const names[DOUBLE_CARDS] = {"first", "second", "third"};

	*machine =
	    (struct vmsnd_machine){.status = {.cards = 2, .lanes = 1}, .phase = VMSND_MACHINE_ON};
	for (unsigned i = 0; i < DOUBLE_CARDS; i++) {
		machine->cards[i].name = names[i];
		machine->cards[i].on[VMSND_PLAYBACK] = true;
		machine->cards[i].guard.trusted = true;
		for (unsigned j = 0; j < 4; j++)
			machine->cards[i].mixers[j / 2][j % 2].sources = UINT32_MAX;
		add_stream(&machine->cards[i], VMSND_PLAYBACK);
		add_stream(&machine->cards[i], VMSND_CAPTURE);
	}
}

__attribute__((format(printf, 2, 3))) static enum vmsnd_rc called(struct vmsnd_machine *machine,
								  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(machine->called, sizeof(machine->called), format, arguments);
	va_end(arguments);
	machine->calls++;
	if (machine->during)
		machine->during(machine->during_ctx);
	if (machine->line)
		machine->log->write(machine->log->ctx, VMSND_LOG_ERROR, machine->line);
	return machine->rc;
}

struct vmsnd_machine_status vmsnd_machine_status(const struct vmsnd_machine *machine)
{
	return machine->status;
}

unsigned vmsnd_machine_cards_end(const struct vmsnd_machine *machine)
{
	unsigned end = machine->status.cards;

	for (unsigned i = 0; i < DOUBLE_CARDS; i++)
		end += machine->cards[i].gone;
	return end;
}

const char *vmsnd_machine_card_name(const struct vmsnd_machine *machine, unsigned card)
{
	return card < vmsnd_machine_cards_end(machine) && !machine->cards[card].gone
		   ? machine->cards[card].name
		   : NULL;
}

enum vmsnd_rc vmsnd_machine_card_find(const struct vmsnd_machine *machine, const char *name,
				      unsigned *card)
{
	for (unsigned i = 0; i < vmsnd_machine_cards_end(machine); i++) {
		const char *have = vmsnd_machine_card_name(machine, i);

		if (!have || strcmp(have, name) != 0)
			continue;
		*card = i;
		return VMSND_OK;
	}
	return VMSND_E_NO_CARD;
}

struct vmsnd_registry *vmsnd_machine_registry(const struct vmsnd_machine *machine)
{
	return machine->registry;
}

enum vmsnd_machine_phase vmsnd_machine_phase(const struct vmsnd_machine *machine)
{
	return machine->phase;
}

size_t vmsnd_machine_counters(const struct vmsnd_machine *machine, unsigned card,
			      struct vmsnd_named_counter *out, size_t max)
{
	if (max > 0) {
		snprintf(out[0].name, sizeof(out[0].name), "tx_messages");
		out[0].value = UINT64_MAX - card;
	}
	return 1;
}

size_t vmsnd_machine_streams(const struct vmsnd_machine *machine, unsigned card,
			     struct vmsnd_stream_status *out, size_t max)
{
	const struct double_card *from = &machine->cards[card];

	for (size_t i = 0; i < max && i < from->n_streams; i++)
		out[i] = from->streams[i];
	return from->n_streams;
}

enum vmsnd_rc vmsnd_machine_output(const struct vmsnd_machine *machine, unsigned card,
				   unsigned output, struct vmsnd_output_status *out)
{
	const struct double_card *from = &machine->cards[card];

	*out = from->outputs[output];
	for (size_t i = 0; !out->backend && i < from->n_streams; i++)
		if (from->streams[i].output == output) {
			*out = (struct vmsnd_output_status){.backend = from->streams[i].backend};
			snprintf(out->text, sizeof(out->text), "%s", out->backend);
		}
	return out->backend ? VMSND_OK : VMSND_E_NO_OUTPUT;
}

size_t vmsnd_machine_taps(const struct vmsnd_machine *machine, unsigned card,
			  struct vmsnd_tap_conf *out, size_t max)
{
	if (!machine->cards[card].tap.path)
		return 0;
	if (max > 0)
		*out = machine->cards[card].tap;
	return 1;
}

enum vmsnd_rc vmsnd_machine_paused(const struct vmsnd_machine *machine, unsigned card, bool *on)
{
	*on = machine->cards[card].paused;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_guard(const struct vmsnd_machine *machine, unsigned card,
				  struct vmsnd_guard_status *out)
{
	*out = machine->cards[card].guard;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_enabled(const struct vmsnd_machine *machine, unsigned card,
				    enum vmsnd_dir dir, bool *on)
{
	*on = machine->cards[card].on[dir];
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_enable(struct vmsnd_machine *machine, unsigned card, enum vmsnd_dir dir,
				   bool on, vmsnd_ns now)
{
	if (!machine->rc)
		machine->cards[card].on[dir] = on;
	return called(machine, "enable %u %d %d", card, (int)dir, on);
}

static const char *words_of(const struct vmsnd_chain_conf *chain, char *text, size_t bytes)
{
	size_t at = (size_t)snprintf(text, bytes, "%s", chain->backend);

	for (unsigned i = 0; i < VMSND_DRIVERS_MAX && chain->drivers[i] && at < bytes; i++)
		at += (size_t)snprintf(text + at, bytes - at, " <- %s", chain->drivers[i]);
	return text;
}

enum vmsnd_rc vmsnd_machine_attach_chain(struct vmsnd_machine *machine, unsigned card,
					 const struct vmsnd_chain_conf *chain, vmsnd_ns now,
					 unsigned *output)
{
	char text[200];

	*output = 5;
	return called(machine, "attach %u %s", card, words_of(chain, text, sizeof(text)));
}

enum vmsnd_rc vmsnd_machine_reattach(struct vmsnd_machine *machine, struct vmsnd_reattach *which,
				     const struct vmsnd_chain_conf *chain, vmsnd_ns now)
{
	char text[200];

	machine->reattaching = which->card;
	which->number = DOUBLE_REATTACH;
	return called(machine, "reattach %u %u %s", which->card, which->output,
		      words_of(chain, text, sizeof(text)));
}

enum vmsnd_rc vmsnd_machine_reattached(const struct vmsnd_machine *machine,
				       struct vmsnd_reattach *which)
{
	if (which->card != machine->reattaching)
		return VMSND_OK;
	if (which->number == 0)
		which->number = DOUBLE_REATTACH;
	if (which->number != DOUBLE_REATTACH)
		return VMSND_E_INVALID;
	return machine->again > 0 ? VMSND_E_AGAIN : machine->reattached;
}

enum vmsnd_rc vmsnd_machine_driver_find(const struct vmsnd_machine *machine,
					struct vmsnd_driver_place *place, const char *name,
					unsigned occurrence)
{
	if (strcmp(name, "delay") != 0 || occurrence > 1)
		return VMSND_E_NO_DRIVER;
	place->at = 3 + occurrence;
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_driver_attach(struct vmsnd_machine *machine,
					  const struct vmsnd_driver_place *place,
					  const char *driver, vmsnd_ns now)
{
	return called(machine, "driver-attach %u %u %u %s", place->card, place->output, place->at,
		      driver);
}

enum vmsnd_rc vmsnd_machine_driver_reattach(struct vmsnd_machine *machine,
					    const struct vmsnd_driver_place *place,
					    const char *driver, vmsnd_ns now)
{
	return called(machine, "driver-reattach %u %u %u %s", place->card, place->output, place->at,
		      driver);
}

enum vmsnd_rc vmsnd_machine_driver_detach(struct vmsnd_machine *machine,
					  const struct vmsnd_driver_place *place, vmsnd_ns now)
{
	return called(machine, "driver-detach %u %u %u", place->card, place->output, place->at);
}

enum vmsnd_rc vmsnd_machine_add_node(struct vmsnd_machine *machine, const struct vmsnd_node *node,
				     int listen_fd, vmsnd_ns now, unsigned *card)
{
	char *text = vmsnd_yaml_dump(node);

	snprintf(machine->node, sizeof(machine->node), "%s", text ? text : "");
	free(text);
	*card = 2;
	if (!machine->rc) {
		machine->cards[2].gone = false;
		machine->status.cards = 0;
		for (unsigned i = 0; i < DOUBLE_CARDS; i++)
			machine->status.cards += !machine->cards[i].gone;
	}
	return called(machine, "add %s %d", vmsnd_node_name(node), listen_fd);
}

enum vmsnd_rc vmsnd_machine_remove(struct vmsnd_machine *machine, unsigned card, vmsnd_ns now)
{
	if (!machine->rc) {
		machine->cards[card].gone = true;
		machine->status.cards--;
	}
	return called(machine, "remove %u", card);
}

/* ---- the whole machine ---- */

enum vmsnd_rc vmsnd_machine_life(struct vmsnd_machine *machine, enum vmsnd_life what, vmsnd_ns now)
{
	static const enum vmsnd_machine_phase from[] = {
	    [VMSND_LIFE_SUSPEND] = VMSND_MACHINE_ON, [VMSND_LIFE_RESUME] = VMSND_MACHINE_SUSPENDED};
	static const enum vmsnd_machine_phase to[] = {
	    [VMSND_LIFE_SUSPEND] = VMSND_MACHINE_SUSPENDED, [VMSND_LIFE_RESUME] = VMSND_MACHINE_ON};
	bool under_way = machine->phase == VMSND_MACHINE_CHANGING && machine->life == what;

	if (!under_way && machine->phase != from[what])
		return VMSND_E_INVALID;
	machine->life = what;
	machine->phase = machine->again > 0 ? VMSND_MACHINE_CHANGING : to[what];
	called(machine, "life %d", (int)what);
	return machine->again > 0 ? VMSND_E_AGAIN : machine->rc;
}

enum vmsnd_rc vmsnd_machine_save(struct vmsnd_machine *machine, vmsnd_ns now, uint8_t **bytes,
				 size_t *n_bytes)
{
	if (machine->saved)
		return machine->saved;
	*n_bytes = 100000;
	*bytes = malloc(*n_bytes);
	memset(*bytes, 'x', *n_bytes);
	return called(machine, "save");
}

/* Trees of the same shape as the real ones. */
static struct vmsnd_node *tree_of(const char *yaml)
{
	struct vmsnd_error error;
	struct vmsnd_node *root = NULL;

	vmsnd_yaml_parse("double", yaml, strlen(yaml), &root, &error);
	return root;
}

struct vmsnd_node *vmsnd_machine_tree(const struct vmsnd_machine *machine, bool defaults)
{
	return tree_of(defaults ? "cards: {first: {device: virtio-snd, input: off}}"
				: "cards: {first: {device: virtio-snd, outputs: [{backend: 'null', "
				  "volume: -3.5}, {backend: file}], window: {from: -1}}}");
}

struct vmsnd_node *vmsnd_machine_statistics(const struct vmsnd_machine *machine)
{
	return tree_of("first: {tx_messages: 18446744073709551615, playback0: {underruns: 3}}");
}

enum vmsnd_rc vmsnd_machine_detach(struct vmsnd_machine *machine, unsigned card, unsigned output,
				   vmsnd_ns now)
{
	return called(machine, "detach %u %u", card, output);
}

enum vmsnd_rc vmsnd_machine_pause(struct vmsnd_machine *machine, unsigned card, bool on,
				  vmsnd_ns now)
{
	return called(machine, "pause %u %d", card, on);
}

enum vmsnd_rc vmsnd_machine_volume(struct vmsnd_machine *machine, unsigned card, unsigned output,
				   enum vmsnd_dir dir, const struct vmsnd_volume *volume)
{
	machine->volume = *volume;
	return called(machine, "volume %u %u %d %d %x", card, output, (int)dir, volume->gain_mdb,
		      volume->muted);
}

enum vmsnd_rc vmsnd_machine_mixer(const struct vmsnd_machine *machine,
				  const struct vmsnd_mixer_place *place, struct vmsnd_mixer *out)
{
	if (place->card >= DOUBLE_CARDS || !machine->cards[place->card].name || place->stream >= 2)
		return VMSND_E_INVALID;
	*out = machine->cards[place->card].mixers[place->dir][place->stream];
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_mixer_set(struct vmsnd_machine *machine,
				      const struct vmsnd_mixer_place *place,
				      const struct vmsnd_mixer *mixer, vmsnd_ns now)
{
	if (place->card >= DOUBLE_CARDS || place->stream >= 2)
		return VMSND_E_INVALID;
	machine->cards[place->card].mixers[place->dir][place->stream] = *mixer;
	return called(machine, "mixer %u %d %u %d %x %x", place->card, (int)place->dir,
		      place->stream, mixer->volume.gain_mdb, mixer->volume.muted, mixer->sources);
}

enum vmsnd_rc vmsnd_machine_tap(struct vmsnd_machine *machine, unsigned card,
				const struct vmsnd_tap_conf *tap, vmsnd_ns now)
{
	return called(machine, "tap %u %d %u %d %s", card, (int)tap->dir, tap->stream,
		      (int)tap->point, tap->path ? tap->path : "(off)");
}

size_t vmsnd_machine_host_devices(const struct vmsnd_machine *machine, unsigned card,
				  unsigned output, struct vmsnd_host_device *out, size_t max)
{
	for (unsigned i = 0; i < machine->n_host_devices && i < max; i++) {
		out[i] =
		    (struct vmsnd_host_device){.playback_channels = 2, .default_playback = i == 0};
		snprintf(out[i].id, sizeof(out[i].id), "hw:%u", i);
		snprintf(out[i].name, sizeof(out[i].name), "Card \xe9 %u", i);
	}
	return machine->n_host_devices;
}

enum vmsnd_rc vmsnd_machine_host_ask(struct vmsnd_machine *machine, unsigned card, unsigned output,
				     vmsnd_ns now)
{
	return machine->n_facts > 0 ? VMSND_OK : VMSND_E_UNSUPPORTED;
}

enum vmsnd_rc vmsnd_machine_host_facts(const struct vmsnd_machine *machine, unsigned card,
				       unsigned output, struct vmsnd_fact *out, size_t *n)
{
	/* What it counts down is the test's, not the machine's. */
	struct vmsnd_machine *own = (struct vmsnd_machine *)(uintptr_t)machine;

	if (own->again > 0) {
		own->again--;
		return VMSND_E_AGAIN;
	}
	*n = machine->n_facts;
	for (size_t i = 0; i < *n; i++)
		out[i] = machine->facts[i];
	return VMSND_OK;
}

enum vmsnd_rc vmsnd_machine_host_refresh(struct vmsnd_machine *machine, unsigned card,
					 unsigned output, vmsnd_ns now)
{
	return called(machine, "refresh %u %u", card, output);
}

enum vmsnd_rc vmsnd_machine_jack(const struct vmsnd_machine *machine, unsigned card, unsigned jack,
				 struct vmsnd_jack_status *out)
{
	*out = machine->cards[card].jack;
	return jack == 0 && out->jack.name[0] ? VMSND_OK : VMSND_E_INVALID;
}

enum vmsnd_rc vmsnd_machine_jack_set(struct vmsnd_machine *machine, unsigned card, const char *name,
				     enum vmsnd_jack_want want, vmsnd_ns now)
{
	return called(machine, "jack %u %s %d", card, name, (int)want);
}

enum vmsnd_rc vmsnd_machine_host_volume(struct vmsnd_machine *machine, unsigned card,
					unsigned output, enum vmsnd_dir dir,
					const struct vmsnd_host_volume *want)
{
	if (!want->sets_gain && !want->sets_mute)
		return VMSND_E_INVALID;
	return called(machine, "host-volume %u %u %d %s%d %s", card, output, (int)dir,
		      want->sets_gain ? "" : "-", want->sets_gain ? want->gain_mdb : 0,
		      want->sets_mute ? want->muted ? "mute" : "unmute" : "-");
}

enum vmsnd_rc vmsnd_machine_host_device(struct vmsnd_machine *machine, unsigned card,
					unsigned output, enum vmsnd_dir dir, const char *id,
					vmsnd_ns now)
{
	return called(machine, "host-device %u %u %d %s", card, output, (int)dir,
		      id ? id : "(default)");
}
