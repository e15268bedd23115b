/* SPDX-License-Identifier: BSD-3-Clause */
/* V1-V9: features, queues, configuration. */
#include <inttypes.h>
#include <string.h>

#include "request.h"
#include "transports/vhost_user_codec.h"

/* Bits that belong to the device type; of these the sound device has bit 0. */
#define DEVICE_BITS (BIT(24) - 1)
/* More of anything is a mistake, not a card. */
#define COUNT_MAX 4096u

static void four_queues(struct run *run)
{
	const struct front *front = run->front;

	if (front->protocol & BIT(VMSND_VU_P_MQ))
		run_expect(run, front->queue_num >= QUEUES,
			   "GET_QUEUE_NUM tells %" PRIu64 ", not 4", front->queue_num);
}

static void known_features(struct run *run)
{
	uint64_t unknown = run->front->offered & DEVICE_BITS & ~F_CTLS;

	run_expect(run, unknown == 0, "feature bits that the standard does not know: 0x%" PRIx64,
		   unknown);
}

static void version_1(struct run *run)
{
	run_expect(run, run->front->offered & F_VERSION_1, "VERSION_1 is not offered");
}

static void config_fields(struct run *run)
{
	const struct front *front = run->front;

	run_expect(run, front->config.streams > 0, "no stream at all");
	run_expect(run,
		   front->config.streams <= COUNT_MAX && front->config.jacks <= COUNT_MAX &&
		       front->config.chmaps <= COUNT_MAX,
		   "%u jacks, %u streams, %u channel maps: these are no counts",
		   front->config.jacks, front->config.streams, front->config.chmaps);
	if (front->offered & F_CTLS)
		run_must(run, front->config_bytes >= 16,
			 "CTLS is offered, and the field that counts controls is not there");
}

static void controls_field(struct run *run)
{
	if (run->front->offered & F_CTLS)
		run_skip(run, "CTLS is offered: V90 looks at the controls");
	else
		run_expect(run, run->front->config.controls == 0,
			   "%u controls are told of without the feature CTLS",
			   run->front->config.controls);
}

/* 12 + 16 bytes: offset, size, flags, data. */
static void config_write(struct run *run)
{
	struct front *front = run->front;
	uint8_t payload[12 + 16], before[16] = {0}, after[16] = {0};
	uint32_t n = front_config_read(front, 0, before, front->config_bytes);

	memset(payload, 0x77, sizeof(payload));
	memset(payload, 0, 12);
	payload[4] = 16;
	/* An error as its answer is as good as none. */
	if (!front_send(front, VMSND_VU_SET_CONFIG, payload, sizeof(payload), -1) &&
	    !front_connect(front)) {
		run_must(run, false, "%s", front->why);
		return;
	}
	run_must(run, front_config_read(front, 0, after, n) == n && memcmp(before, after, n) == 0,
		 "a write has changed the configuration");
}

static void config_far_read(struct run *run)
{
	static const uint32_t places[][2] = {{0, 4},   {4, 8},   {12, 4}, {13, 3},
					     {16, 16}, {250, 6}, {255, 1}};
	struct front *front = run->front;

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint8_t bytes[256];

		front_config_read(front, places[i][0], bytes, places[i][1]);
		if (!front_answers(front) && !front_connect(front)) {
			run_must(run, false, "after a read of %u bytes at %u: %s", places[i][1],
				 places[i][0], front->why);
			return;
		}
	}
}

struct counted {
	const char *name;
	uint32_t code, item_bytes;
};

static void count_is_served(struct run *run, const struct counted *what, uint32_t n)
{
	struct answer answer;

	if (n > COUNT_MAX)
		return;
	answer = request_info(run, what->code, 0, n, what->item_bytes);
	if (n > 0)
		run_must(run, answer.status == S_OK, "%u %s are told of; asked for them: %s", n,
			 what->name, status_text(answer.status));
	answer = request_info(run, what->code, 0, n + 1, what->item_bytes);
	run_must(run, answer.status != S_OK, "%u %s are told of, and %u are served", n, what->name,
		 n + 1);
}

static void counts_served(struct run *run)
{
	const struct config *config = &run->front->config;

	count_is_served(run, &(struct counted){"jacks", R_JACK_INFO, JACK_INFO_BYTES},
			config->jacks);
	count_is_served(run, &(struct counted){"streams", R_PCM_INFO, PCM_INFO_BYTES},
			config->streams);
	count_is_served(run, &(struct counted){"channel maps", R_CHMAP_INFO, CHMAP_INFO_BYTES},
			config->chmaps);
}

static const struct row rows[] = {
    {"V2", "queues", 'F', 0, "there are four queues", four_queues},
    {"V3", "features", 'F', 0, "no feature bits the standard does not know", known_features},
    {"V4", "fields", 'F', 0, "the configuration has plausible counts", config_fields},
    {"V5", "controls", 'D', 0, "no controls are told of without CTLS", controls_field},
    {"V6", "write", 'P', 0, "writes to the configuration change nothing", config_write},
    {"V6", "range", 'P', 0, "reads beyond the configuration are harmless", config_far_read},
    {"V7", "served", 'P', NEED_RINGS, "what the configuration counts is served, and no more",
     counts_served},
    {"V8", "version", 'P', 0, "VERSION_1 is offered", version_1},
};

const struct row_table rows_config = {rows, sizeof(rows) / sizeof(rows[0])};
