/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd demo: a guest with a virtio-snd card. */
#include <stdio.h>

#include "cli/demo.h"
#include "guests/player.h"

struct virtio_guest {
	struct vmsnd_guest guest;
	struct vmsnd_guest_player player;
};

static struct virtio_guest *guest_of(const struct demo *demo)
{
	return demo->state;
}

static void name_features(uint64_t features, char *line, size_t bytes)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {{32, " VERSION_1"},    {29, ", EVENT_IDX"}, {28, ", INDIRECT_DESC"},
		     {34, ", RING_PACKED"}, {35, ", IN_ORDER"},  {40, ", RING_RESET"}};
	size_t used =
	    (size_t)snprintf(line, bytes, "features %#llx:", (unsigned long long)features);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && used < bytes; i++)
		if (features & UINT64_C(1) << names[i].bit)
			used += (size_t)snprintf(line + used, bytes - used, "%s", names[i].name);
}

static int virtio_open(struct demo *demo)
{
	struct vmsnd_guest_conf conf = {.memory = demo->memory,
					.memory_bytes = DEMO_MEMORY_BYTES,
					.gpa = DEMO_MEMORY_GPA,
					.event_idx = true,
					.indirect = true,
					.packed = true,
					.in_order = true,
					.ring_reset = true,
					.by_interrupt = true};
	struct vmsnd_guest *guest = &guest_of(demo)->guest;
	char line[160];
	enum vmsnd_rc rc;

	if (vmsnd_machine_guest_bus(demo->machine, 0, &conf.bus))
		return demo_failed(demo, "the guest", "no way to the card");
	rc = vmsnd_guest_open(guest, &conf, demo->now);
	if (rc)
		return demo_failed(demo, "the guest's driver", vmsnd_rc_text(rc));
	snprintf(line, sizeof(line),
		 "found the card: streams: %u, channel maps: %u, queues: %d of %u entries",
		 guest->config.streams, guest->config.chmaps, VIRTIO_SND_VQ_MAX, 64u);
	demo_line("driver", line);
	name_features(guest->features, line, sizeof(line));
	demo_line("negotiate", line);
	return VMSND_EXIT_DONE;
}

static void message_back(void *ctx, const struct vmsnd_guest_done *message)
{
	demo_period_back(ctx, message->at);
}

static void virtio_begin(struct demo *demo)
{
	struct vmsnd_guest_player_conf conf = {
	    .stream = 0,
	    .params = {.format = {.sample = VMSND_SAMPLE_S16,
				  .rate_hz = VMSND_TUNE_RATE_HZ,
				  .channels = VMSND_TUNE_CHANNELS},
		       .period_frames = DEMO_PERIOD_FRAMES,
		       .periods = DEMO_PERIODS},
	    .frames = vmsnd_tune_frames(),
	    .ctx = demo,
	    .read = demo_read_tune,
	    .done = message_back};

	vmsnd_guest_player_init(&guest_of(demo)->player, &guest_of(demo)->guest, &conf);
}

static bool virtio_step(struct demo *demo)
{
	struct vmsnd_guest_player *player = &guest_of(demo)->player;
	bool more = vmsnd_guest_player_step(player, demo->now);

	if (player->state == VMSND_GUEST_PLAYER_FAILED)
		demo->failed = "the card refused a request";
	return more;
}

const struct demo_driver demo_driver_virtio = {
    .device = "virtio-snd",
    .card = "a virtio-snd card",
    .bytes = sizeof(struct virtio_guest),
    .open = virtio_open,
    .begin = virtio_begin,
    .step = virtio_step,
};
