/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd demo: a guest with an AC'97 card. */
#include <stdio.h>

#include "cli/demo.h"
#include "guests/ac97_player.h"

struct ac97_guest {
	struct vmsnd_ac97_guest guest;
	struct vmsnd_ac97_player player;
	bool line; /* INTx, as it is now */
};

static struct ac97_guest *guest_of(const struct demo *demo)
{
	return demo->state;
}

/* ---- the machine that the driver runs on ---- */

static void on_level(void *ctx, bool high)
{
	struct ac97_guest *guest = ctx;

	guest->line = high;
}

static vmsnd_ns host_now(void *ctx)
{
	const struct demo *demo = ctx;

	return demo->now;
}

static void host_wait(void *ctx, vmsnd_ns ns)
{
	struct demo *demo = ctx;
	vmsnd_ns until = demo->now + ns;

	while (demo->now < until) {
		vmsnd_ns next = vmsnd_machine_advance(demo->machine, demo->now);

		demo_wait_until(demo, next > demo->now && next < until ? next : until);
	}
	vmsnd_machine_advance(demo->machine, demo->now);
}

static enum vmsnd_rc host_share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct demo *demo = ctx;
	const struct vmsnd_region region = {
	    .gpa = gpa, .bytes = bytes, .at = at, .rights = VMSND_READ | VMSND_WRITE};

	return vmsnd_machine_memory_add(demo->machine, 0, &region, demo->now);
}

static bool host_interrupted(void *ctx)
{
	const struct demo *demo = ctx;

	return guest_of(demo)->line;
}

/* ---- steps ---- */

static const char *bar_text(const struct vmsnd_ac97_guest *guest)
{
	return guest->by_memory ? "memory" : "ports";
}

static void say_found(const struct vmsnd_ac97_guest *guest)
{
	char line[200];

	snprintf(line, sizeof(line),
		 "found PCI %04x:%04x, subsystem %04x:%04x: %s, %u bytes for the codec, %u for the "
		 "controller",
		 guest->pci.vendor, guest->pci.device, guest->pci.subsystem_vendor,
		 guest->pci.subsystem, bar_text(guest), guest->pci.bars[guest->mixer_bar].bytes,
		 guest->pci.bars[guest->master_bar].bytes);
	demo_line("driver", line);
	snprintf(line, sizeof(line),
		 "codec %08x ready after cold reset, unmuted; variable rate: %s",
		 guest->codec_vendor, guest->extended_id & 1 ? "yes" : "no");
	demo_line("negotiate", line);
}

static int ac97_open(struct demo *demo)
{
	struct ac97_guest *state = guest_of(demo);
	const struct vmsnd_interrupt interrupt = {.ctx = state, .level = on_level};
	struct vmsnd_ac97_guest_conf conf = {.pci.host = {.ctx = demo,
							  .now = host_now,
							  .wait = host_wait,
							  .share = host_share,
							  .interrupted = host_interrupted},
					     .memory = demo->memory,
					     .memory_bytes = DEMO_MEMORY_BYTES,
					     .gpa = DEMO_MEMORY_GPA};
	enum vmsnd_rc rc;

	if (vmsnd_machine_pci_bus(demo->machine, 0, &conf.pci.bus) ||
	    vmsnd_machine_interrupt(demo->machine, 0, &interrupt))
		return demo_failed(demo, "the guest", "no way to the card");
	rc = vmsnd_ac97_guest_open(&state->guest, &conf);
	if (rc)
		return demo_failed(demo, "the guest's driver", vmsnd_rc_text(rc));
	say_found(&state->guest);
	return VMSND_EXIT_DONE;
}

static void ac97_begin(struct demo *demo)
{
	const struct vmsnd_ac97_player_conf conf = {
	    .stream = VMSND_AC97_PCM_OUT,
	    .params = {.format = {.sample = VMSND_SAMPLE_S16,
				  .rate_hz = VMSND_TUNE_RATE_HZ,
				  .channels = VMSND_TUNE_CHANNELS},
		       .period_frames = DEMO_PERIOD_FRAMES,
		       .periods = DEMO_PERIODS},
	    .frames = vmsnd_tune_frames(),
	    .ctx = demo,
	    .read = demo_read_tune};

	vmsnd_ac97_player_init(&guest_of(demo)->player, &guest_of(demo)->guest, &conf);
}

static bool ac97_step(struct demo *demo)
{
	struct vmsnd_ac97_player *player = &guest_of(demo)->player;
	bool more;

	vmsnd_ac97_guest_poll(&guest_of(demo)->guest);
	more = vmsnd_ac97_player_step(player);
	while (demo->n_back < player->frames_completed / DEMO_PERIOD_FRAMES)
		demo_period_back(demo, demo->now);
	if (player->state == VMSND_AC97_PLAYER_FAILED)
		demo->failed = vmsnd_rc_text(player->rc);
	if (player->xruns > 0)
		demo->failed = "the card ran out of sound";
	return more && !demo->failed;
}

const struct demo_driver demo_driver_ac97 = {
    .device = "ac97",
    .card = "an AC'97 card",
    .bytes = sizeof(struct ac97_guest),
    .tail_frames = DEMO_PERIOD_FRAMES,
    .open = ac97_open,
    .begin = ac97_begin,
    .step = ac97_step,
};
