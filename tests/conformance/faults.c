/* SPDX-License-Identifier: BSD-3-Clause */
/* The faults, each a change of one thing that the card does right. */
#include <stdlib.h>
#include <string.h>

#include "faulty.h"

#define OK       0x8000u
#define BAD_MSG  0x8001u
#define NOT_SUPP 0x8002u
#define IO_ERR   0x8003u
#define FILL     0xa5
#define STREAMS  4u
#define BIT(n)   (UINT64_C(1) << (n))

enum {
	JACK_INFO = 1,
	JACK_REMAP = 2,
	PCM_INFO = 0x100,
	SET_PARAMS = 0x101,
	PREPARE = 0x102,
	RELEASE = 0x103,
	START = 0x104,
	STOP = 0x105,
	CHMAP_INFO = 0x200
};

bool is_control(const struct entry *e, uint32_t code)
{
	return e->queue == CONTROL && e->words[0] == code;
}

static bool is_refused(const struct entry *e)
{
	return e->status > OK && e->status <= IO_ERR;
}

/* A refusal of this code becomes OK. */
static void accept(struct faulty *f, struct entry *e, uint32_t code)
{
	if (is_control(e, code) && is_refused(e))
		chain_status(f, e, OK);
}

static bool is_known_code(uint32_t code)
{
	return code == JACK_INFO || code == JACK_REMAP || (code >= PCM_INFO && code <= STOP) ||
	       code == CHMAP_INFO || (code >= 0x300 && code <= 0x306);
}

/* ---- features, configuration ------------------------------------------------------------------
 */

static uint64_t unknown_feature(uint64_t features)
{
	return features | BIT(5);
}

static uint64_t no_version(uint64_t features)
{
	return features & ~BIT(32);
}

static void fewer_maps(uint32_t words[4])
{
	words[2]--;
}

static uint64_t no_controls(uint64_t features)
{
	return features & ~BIT(0);
}

static void controls_told(uint32_t words[4])
{
	words[3] = 3;
}

static void jacks_told(uint32_t words[4])
{
	words[0] += 2;
}

/* ---- framing -----------------------------------------------------------------------------------
 */

static void no_status(struct faulty *f, struct entry *e)
{
	if (e->queue == CONTROL && e->chain.ask_bytes >= 4 && !is_known_code(e->words[0]))
		chain_status(f, e, 0);
}

static void unknown_ok(struct faulty *f, struct entry *e)
{
	if (e->queue == CONTROL && e->chain.ask_bytes >= 4 && !is_known_code(e->words[0]))
		chain_status(f, e, OK);
}

static void unknown_silent(struct faulty *f, struct entry *e)
{
	e->drop = e->queue == CONTROL && e->chain.ask_bytes >= 4 && !is_known_code(e->words[0]);
}

static void unknown_fatal(struct faulty *f, struct entry *e)
{
	if (e->queue == CONTROL && e->chain.ask_bytes >= 4 && !is_known_code(e->words[0]))
		_Exit(1);
}

static void short_silent(struct faulty *f, struct entry *e)
{
	e->drop = e->queue == CONTROL && e->chain.ask_bytes < 4;
}

static void short_ok(struct faulty *f, struct entry *e)
{
	if (e->queue == CONTROL && e->words[0] == PREPARE && e->chain.ask_bytes < 8)
		chain_status(f, e, OK);
}

static void room_overrun(struct faulty *f, struct entry *e)
{
	if (is_control(e, PCM_INFO) && e->chain.room > 0 && e->chain.room < 36)
		chain_overrun(f, &e->chain, 8);
}

static void length_less(struct faulty *f, struct entry *e)
{
	if (e->queue == CONTROL && e->bytes >= 4)
		e->bytes -= 4;
}

static void length_whole(struct faulty *f, struct entry *e)
{
	if (e->queue == CONTROL)
		e->bytes = e->chain.room;
}

static void twice(struct faulty *f, struct entry *e)
{
	e->twice = e->queue == CONTROL && e->in_batch > 8;
}

/* ---- items --------------------------------------------------------------------------------------
 */

static bool is_info(const struct entry *e, uint32_t code)
{
	return is_control(e, code) && e->status == OK && e->words[2] > 0;
}

void set_in_items(struct faulty *f, struct entry *e, const struct item_byte *byte)
{
	uint32_t bytes = e->words[3];

	for (uint32_t i = 0; is_info(e, byte->code) && i < e->words[2] && byte->at < bytes; i++)
		chain_write(f, &e->chain, 4 + i * bytes + byte->at, &byte->value, 1);
}

static void wrong_alone(struct faulty *f, struct entry *e)
{
	if (is_info(e, PCM_INFO) && e->words[1] == 1 && e->words[2] == 1)
		set_in_items(f, e, &(struct item_byte){PCM_INFO, 26, 17});
}

static void wrapping_sum(struct faulty *f, struct entry *e)
{
	if (is_control(e, PCM_INFO) && is_refused(e) && e->words[1] + e->words[2] <= STREAMS &&
	    e->words[2] > STREAMS)
		chain_status(f, e, OK);
}

static void wrapping_size(struct faulty *f, struct entry *e)
{
	if (is_control(e, PCM_INFO) && is_refused(e) && e->words[2] <= STREAMS &&
	    e->words[3] >= 0x10000000 && e->words[2] * e->words[3] <= e->chain.room)
		chain_status(f, e, OK);
}

/* Items side by side at their own size, whatever was asked for. */
static void no_stride(struct faulty *f, struct entry *e)
{
	uint8_t item[32] = {0};

	for (uint32_t i = 1; is_info(e, PCM_INFO) && i < e->words[2]; i++) {
		chain_read(f, &e->chain, 4 + i * e->words[3], item,
			   e->words[3] < 32 ? e->words[3] : 32);
		chain_write(f, &e->chain, 4 + i * 32, item, 32);
	}
}

static void none_refused(struct faulty *f, struct entry *e)
{
	if ((is_control(e, PCM_INFO) || is_control(e, CHMAP_INFO)) && e->status == OK &&
	    e->words[2] == 0)
		chain_status(f, e, BAD_MSG);
}

/* 23 is DSD_U32, which our card offers only where it was asked for. */
static void format_told(struct faulty *f, struct entry *e)
{
	uint8_t byte = 0;

	for (uint32_t i = 0; is_info(e, PCM_INFO) && i < e->words[2] && e->words[3] >= 16; i++) {
		chain_read(f, &e->chain, 4 + i * e->words[3] + 10, &byte, 1);
		byte |= 0x80;
		chain_write(f, &e->chain, 4 + i * e->words[3] + 10, &byte, 1);
	}
}

static void rate_refused(struct faulty *f, struct entry *e)
{
	if (is_control(e, SET_PARAMS) && e->status == OK && (e->words[5] >> 16 & 0xff) == 6)
		chain_status(f, e, NOT_SUPP);
}

/* ---- parameters
 * ---------------------------------------------------------------------------------- */

struct asked {
	uint32_t buffer, period, features;
	uint8_t channels, format, rate, padding;
};

static bool is_params(const struct entry *e, struct asked *out)
{
	if (!is_control(e, SET_PARAMS) || e->chain.ask_bytes < 24 || e->words[1] >= STREAMS)
		return false;
	memcpy(out, &e->words[2], sizeof(*out));
	return true;
}

static void any_channels(struct faulty *f, struct entry *e)
{
	struct asked asked;

	if (is_params(e, &asked) && asked.channels == 255)
		accept(f, e, SET_PARAMS);
}

static void any_number(struct faulty *f, struct entry *e)
{
	struct asked asked;

	if (is_params(e, &asked) && (asked.format == 5 + 64 || asked.rate == 7 + 64))
		accept(f, e, SET_PARAMS);
}

static void any_feature(struct faulty *f, struct entry *e)
{
	struct asked asked;

	if (is_params(e, &asked) && asked.features != 0)
		accept(f, e, SET_PARAMS);
}

static void padding_matters(struct faulty *f, struct entry *e)
{
	struct asked asked;

	if (is_params(e, &asked) && asked.padding != 0)
		chain_status(f, e, BAD_MSG);
}

static void any_division(struct faulty *f, struct entry *e)
{
	struct asked asked;

	if (is_params(e, &asked) && asked.channels == 2 && asked.format == 5 && asked.period != 0 &&
	    asked.period % 4 == 0 && asked.buffer % asked.period != 0)
		accept(f, e, SET_PARAMS);
}

static void part_frames(struct faulty *f, struct entry *e)
{
	struct asked asked;

	if (is_params(e, &asked) && asked.period % 4 == 1 && asked.buffer % asked.period == 0)
		accept(f, e, SET_PARAMS);
}

static void unknown_stream_ok(struct faulty *f, struct entry *e)
{
	if (e->queue == CONTROL && e->words[0] >= PREPARE && e->words[0] <= STOP &&
	    e->chain.ask_bytes == 8 && e->words[1] == 0x80000000)
		chain_status(f, e, OK);
}

/* ---- life
 * ------------------------------------------------------------------------------------------ */

static void any_order(struct faulty *f, struct entry *e)
{
	if (e->queue == CONTROL && e->words[0] == START && e->words[1] < STREAMS &&
	    e->chain.ask_bytes == 8 && is_refused(e))
		chain_status(f, e, OK);
}

static void release_refused(struct faulty *f, struct entry *e)
{
	if (is_control(e, RELEASE) && e->status == OK)
		chain_status(f, e, NOT_SUPP);
}

static void stop_refused(struct faulty *f, struct entry *e)
{
	if (is_control(e, STOP) && e->status == OK)
		chain_status(f, e, IO_ERR);
}

/* Only RELEASE brings so many back at once. */
static void early_release(struct faulty *f, struct entry *e)
{
	if ((e->queue == TX || e->queue == RX) && e->in_batch >= 6)
		e->hold_ms = 30;
}

static void lost_in_release(struct faulty *f, struct entry *e)
{
	e->drop = (e->queue == TX || e->queue == RX) && e->in_batch >= 6;
}

/* ---- data
 * --------------------------------------------------------------------------------------------- */

static void status_first(struct faulty *f, struct entry *e)
{
	uint8_t status[8], fill[8];

	if (e->queue != TX || e->chain.room < 16)
		return;
	memset(fill, FILL, sizeof(fill));
	chain_read(f, &e->chain, e->chain.room - 8, status, 8);
	chain_write(f, &e->chain, e->chain.room - 8, fill, 8);
	chain_write(f, &e->chain, 0, status, 8);
}

static void capture_status_first(struct faulty *f, struct entry *e)
{
	uint32_t none = 0;

	if (e->queue == RX && e->chain.n_writable == 1 && e->chain.room > 16)
		chain_write(f, &e->chain, e->chain.room - 8, &none, 4);
}

/* Right behind what was recorded, as one knows it from elsewhere. */
static void status_behind_data(struct faulty *f, struct entry *e)
{
	uint32_t none = 0;

	if (e->queue == RX && e->chain.room > 16 && e->status == OK && e->bytes < e->chain.room)
		chain_write(f, &e->chain, e->chain.room - 8, &none, 4);
}

static bool is_message(const struct entry *e)
{
	return (e->queue == TX || e->queue == RX) && e->chain.ask_bytes >= 4;
}

static bool is_misled(const struct entry *e)
{
	return is_message(e) && e->words[0] < STREAMS && (e->words[0] >= 2) != (e->queue == RX);
}

static void unknown_message_ok(struct faulty *f, struct entry *e)
{
	if (is_message(e) && e->words[0] >= STREAMS)
		chain_status(f, e, OK);
}

static void unknown_message_bad(struct faulty *f, struct entry *e)
{
	if (is_message(e) && e->words[0] >= STREAMS)
		chain_status(f, e, BAD_MSG);
}

static void misled_ok(struct faulty *f, struct entry *e)
{
	if (is_misled(e))
		chain_status(f, e, OK);
}

static void unprepared_ok(struct faulty *f, struct entry *e)
{
	if (is_message(e) && e->words[0] < STREAMS && !is_misled(e) &&
	    !stream_is_prepared(f, e->words[0]) && e->in_batch == 1)
		chain_status(f, e, OK);
}

static void part_frame_refused(struct faulty *f, struct entry *e)
{
	if (e->queue == TX && e->words[0] < STREAMS && (e->chain.ask_bytes - 4) % 4 != 0)
		chain_status(f, e, IO_ERR);
}

static void header_taken(struct faulty *f, struct entry *e)
{
	if ((e->queue == TX || e->queue == RX) && e->chain.ask_bytes < 4 && e->chain.room >= 8)
		chain_status(f, e, OK);
}

static void status_overrun(struct faulty *f, struct entry *e)
{
	if ((e->queue == TX || e->queue == RX) && e->chain.room < 8)
		chain_overrun(f, &e->chain, 8 - e->chain.room);
}

static void latency(struct faulty *f, struct entry *e)
{
	const uint32_t much = 0x7fffffff;

	if (is_message(e) && e->chain.room >= 8)
		chain_write(f, &e->chain, e->chain.room - 4, &much, 4);
}

static void not_full(struct faulty *f, struct entry *e)
{
	if (e->queue == RX && e->status == OK && e->bytes > 100)
		e->bytes -= 64;
}

static void length_of_data(struct faulty *f, struct entry *e)
{
	if (e->queue == RX && e->status == OK && e->bytes > 100)
		e->bytes -= 8;
}

static void slow(struct faulty *f, struct entry *e)
{
	if (e->queue == TX && stream_is_running(f, e->words[0]))
		e->hold_ms = 110;
}

static void slow_capture(struct faulty *f, struct entry *e)
{
	if (e->queue == RX && stream_is_running(f, e->words[0]))
		e->hold_ms = 110;
}

static void at_once(struct faulty *f, unsigned queue)
{
	if (queue == TX)
		finish_all(f, TX, OK);
}

static void capture_at_once(struct faulty *f, unsigned queue)
{
	if (queue == RX && (stream_is_running(f, 2) || stream_is_running(f, 3)))
		finish_all(f, RX, OK);
}

static void second_starves(struct faulty *f, struct entry *e)
{
	e->drop =
	    e->queue == TX && e->chain.ask_bytes > 4 && e->words[0] == 1 && stream_is_running(f, 1);
}

/* ---- layouts, events
 * --------------------------------------------------------------------------------------
 */

static void cut_request(struct faulty *f, struct entry *e)
{
	if (is_control(e, PCM_INFO) && !e->chain.indirect && e->chain.n_readable > 2)
		chain_status(f, e, BAD_MSG);
}

static void cut_data(struct faulty *f, struct entry *e)
{
	if (is_message(e) && !e->chain.indirect && e->chain.n_readable + e->chain.n_writable > 8)
		chain_status(f, e, IO_ERR);
}

static void cut_table(struct faulty *f, struct entry *e)
{
	if (is_message(e) && e->chain.indirect)
		chain_status(f, e, IO_ERR);
}

static void unknown_event(struct faulty *f, unsigned queue)
{
	if (queue == TX)
		tell_event(f, 0x1300, 0);
}

static void xrun_unasked(struct faulty *f, unsigned queue)
{
	if (queue == TX)
		tell_event(f, 0x1101, 0);
}

static const struct fault faults[] = {
    {"none", .mute = 0},
    {"feature-unknown", .features = unknown_feature},
    {"version-missing", .features = no_version},
    {"maps-fewer", .config = fewer_maps},
    {"controls-told", .features = no_controls, .config = controls_told},
    {"jacks-told", .config = jacks_told},
    {"status-missing", .entry = no_status},
    {"unknown-ok", .entry = unknown_ok},
    {"unknown-silent", .entry = unknown_silent},
    {"unknown-fatal", .entry = unknown_fatal},
    {"short-silent", .entry = short_silent},
    {"short-ok", .entry = short_ok},
    {"room-overrun", .entry = room_overrun},
    {"length-less", .entry = length_less},
    {"length-whole", .entry = length_whole},
    {"twice", .entry = twice},
    {"interrupt-missing", .mute = 1u << CONTROL},
    {"item-alone", .entry = wrong_alone},
    {"sum-wraps", .entry = wrapping_sum},
    {"size-wraps", .entry = wrapping_size},
    {"stride-ignored", .entry = no_stride},
    {"stride-tail", .items = {PCM_INFO, 32, FILL}},
    {"none-refused", .entry = none_refused},
    {"group-other", .items = {CHMAP_INFO, 0, 7}},
    {"pcm-feature", .items = {PCM_INFO, 7, 0x40}},
    {"pcm-padding", .items = {PCM_INFO, 29, 1}},
    {"pcm-shmem", .items = {PCM_INFO, 4, 0x1d}}, /* Beside polling and events. */
    {"channels-none", .items = {PCM_INFO, 25, 0}},
    {"format-told", .entry = format_told},
    {"rate-refused", .entry = rate_refused},
    {"map-direction", .items = {CHMAP_INFO, 4, 2}},
    {"map-channels", .items = {CHMAP_INFO, 5, 19}},
    {"map-position", .items = {CHMAP_INFO, 6, 40}},
    {"channels-any", .entry = any_channels},
    {"number-any", .entry = any_number},
    {"feature-any", .entry = any_feature},
    {"padding-matters", .entry = padding_matters},
    {"division-any", .entry = any_division},
    {"frames-part", .entry = part_frames},
    {"stream-unknown", .entry = unknown_stream_ok},
    {"order-any", .entry = any_order},
    {"release-refused", .entry = release_refused},
    {"stop-refused", .entry = stop_refused},
    {"release-early", .entry = early_release},
    {"release-loses", .entry = lost_in_release},
    {"status-first", .entry = status_first},
    {"status-capture", .entry = capture_status_first},
    {"status-short", .entry = status_behind_data},
    {"message-unknown-ok", .entry = unknown_message_ok},
    {"message-unknown-bad", .entry = unknown_message_bad},
    {"message-misled", .entry = misled_ok},
    {"message-unprepared", .entry = unprepared_ok},
    {"size-refused", .entry = part_frame_refused},
    {"header-taken", .entry = header_taken},
    {"status-overrun", .entry = status_overrun},
    {"latency-much", .entry = latency},
    {"capture-part", .entry = not_full},
    {"capture-length", .entry = length_of_data},
    {"playback-slow", .entry = slow},
    {"capture-slow", .entry = slow_capture},
    {"playback-at-once", .kick = at_once},
    {"capture-at-once", .kick = capture_at_once},
    {"second-starves", .entry = second_starves},
    {"cut-request", .entry = cut_request},
    {"cut-data", .entry = cut_data},
    {"cut-table", .entry = cut_table},
    {"event-unknown", .kick = unknown_event},
    {"event-unasked", .kick = xrun_unasked},
};

const struct fault_table faults_card = {faults, sizeof(faults) / sizeof(faults[0])};
