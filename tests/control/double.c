/* SPDX-License-Identifier: BSD-3-Clause */
#include "double.h"

#include <stdarg.h>
#include <stdio.h>
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

	*machine = (struct vmsnd_machine){.status = {.cards = 2}};
	for (unsigned i = 0; i < DOUBLE_CARDS; i++) {
		machine->cards[i].name = names[i];
		machine->cards[i].on[VMSND_PLAYBACK] = true;
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

const char *vmsnd_machine_card_name(const struct vmsnd_machine *machine, unsigned card)
{
	return card < machine->status.cards ? machine->cards[card].name : NULL;
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
		if (from->streams[i].output == output)
			*out = (struct vmsnd_output_status){.backend = from->streams[i].backend,
							    .text = from->streams[i].backend};
	return out->backend ? VMSND_OK : VMSND_E_INVALID;
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

enum vmsnd_rc vmsnd_machine_attach(struct vmsnd_machine *machine, unsigned card,
				   const char *backend, vmsnd_ns now, unsigned *output)
{
	*output = 5;
	return called(machine, "attach %u %s", card, backend);
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

enum vmsnd_rc vmsnd_machine_host_refresh(struct vmsnd_machine *machine, unsigned card,
					 unsigned output, vmsnd_ns now)
{
	return called(machine, "refresh %u %u", card, output);
}

enum vmsnd_rc vmsnd_machine_host_device(struct vmsnd_machine *machine, unsigned card,
					unsigned output, enum vmsnd_dir dir, const char *id,
					vmsnd_ns now)
{
	return called(machine, "host-device %u %u %d %s", card, output, (int)dir,
		      id ? id : "(default)");
}
