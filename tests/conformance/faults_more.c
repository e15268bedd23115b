/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of jacks, events and of time, and coarse ones that many rows notice. */
#include <string.h>

#include "faulty.h"

#define OK       0x8000u
#define BAD_MSG  0x8001u
#define NOT_SUPP 0x8002u
#define IO_ERR   0x8003u

enum {
	JACK_INFO = 1,
	JACK_REMAP = 2,
	PCM_INFO = 0x100,
	SET_PARAMS = 0x101,
	PREPARE = 0x102,
	STOP = 0x105,
	TLV_READ = 0x304
};

/* ---- jacks --------------------------------------------------------------------------------- */

static void jack_unknown(struct faulty *f, struct entry *e)
{
	if (is_control(e, JACK_REMAP) && e->words[1] == 0x80000000)
		chain_status(f, e, OK);
}

/* ---- events --------------------------------------------------------------------------------- */

static void no_xrun(struct faulty *f, struct entry *e)
{
	e->drop = e->queue == EVENT && e->status == 0x1101;
}

static void no_period(struct faulty *f, struct entry *e)
{
	e->drop = e->queue == EVENT && e->status == 0x1100;
}

static bool is_short(const struct chain *chain)
{
	return chain->room > 0 && chain->room < 8;
}

static bool is_readable(const struct chain *chain)
{
	return chain->room == 0;
}

static void event_overrun(struct faulty *f, unsigned queue)
{
	if (queue == TX)
		tell_event_if(f, is_short);
}

static void event_readable(struct faulty *f, unsigned queue)
{
	if (queue == TX)
		tell_event_if(f, is_readable);
}

/* ---- drivers, streams, time -------------------------------------------------------------------
 */

/* Late, but not those that RELEASE brings back: they reach whoever has the queue by then. */
static void stale(struct faulty *f, struct entry *e)
{
	if (e->queue == TX && e->in_batch == 1 && stream_is_running(f, e->words[0]))
		e->hold_ms = 25;
}

static void stop_any(struct faulty *f, struct entry *e)
{
	if (is_control(e, STOP) && e->status == NOT_SUPP && e->chain.ask_bytes == 8)
		chain_status(f, e, OK);
}

static void prebuffer_refused(struct faulty *f, unsigned queue)
{
	if (queue == TX && !stream_is_running(f, 0) && !stream_is_running(f, 1))
		finish_all(f, TX, IO_ERR);
}

static void pause_loses(struct faulty *f, struct entry *e)
{
	if (is_control(e, STOP) && e->status == OK && e->words[1] < 2)
		finish_all(f, TX, IO_ERR);
}

static void duplex_starves(struct faulty *f, struct entry *e)
{
	e->drop = e->queue == RX && stream_is_running(f, 0) && stream_is_running(f, 2);
}

static void channels_refused(struct faulty *f, struct entry *e)
{
	uint8_t asked[24];

	memcpy(asked, e->words, sizeof(asked));
	if (is_control(e, SET_PARAMS) && e->status == OK && asked[20] == 1)
		chain_status(f, e, NOT_SUPP);
}

/* ---- coarse -----------------------------------------------------------------------------------
 */

static void status_odd(struct faulty *f, struct entry *e)
{
	if (is_control(e, PCM_INFO) && e->status == OK)
		chain_status(f, e, 0x80000000);
}

static void code_odd(struct faulty *f, struct entry *e)
{
	if (is_control(e, TLV_READ) && e->words[1] == UINT32_MAX)
		chain_status(f, e, 5);
}

static void long_refused(struct faulty *f, struct entry *e)
{
	if (is_control(e, PCM_INFO) && e->chain.ask_bytes > 16)
		chain_status(f, e, BAD_MSG);
}

static void params_refused(struct faulty *f, struct entry *e)
{
	if (is_control(e, SET_PARAMS) && e->status == OK)
		chain_status(f, e, IO_ERR);
}

static void many_streams(uint32_t words[4])
{
	words[1] = 100000;
}

static const struct fault faults[] = {
    {"jack-connected", .items = {JACK_INFO, 16, 2}},
    {"jack-feature", .items = {JACK_INFO, 5, 0x10}},
    {"jack-padding", .items = {JACK_INFO, 23, 1}},
    {"jack-remap", .items = {JACK_INFO, 4, 1}}, /* Told of, and not there. */
    {"jack-unknown", .entry = jack_unknown},
    {"xrun-untold", .entry = no_xrun},
    {"period-untold", .entry = no_period},
    {"event-overrun", .kick = event_overrun},
    {"event-readable", .kick = event_readable},
    {"stale", .entry = stale},
    {"stop-any", .entry = stop_any},
    {"prebuffer-refused", .kick = prebuffer_refused},
    {"pause-loses", .entry = pause_loses},
    {"duplex-starves", .entry = duplex_starves},
    {"channels-refused", .entry = channels_refused},
    {"status-odd", .entry = status_odd},
    {"code-odd", .entry = code_odd},
    {"long-refused", .entry = long_refused},
    {"params-refused", .entry = params_refused},
    {"streams-many", .config = many_streams},
};

const struct fault_table faults_more = {faults, sizeof(faults) / sizeof(faults[0])};
