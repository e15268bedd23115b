/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of control elements. */
#include <string.h>

#include "faulty.h"

#define OK       0x8000u
#define BAD_MSG  0x8001u
#define VALUE_AT 4u

enum {
	CTL_INFO = 0x300,
	ENUM_ITEMS = 0x301,
	CTL_READ = 0x302,
	CTL_WRITE = 0x303,
	TLV_READ = 0x304,
	TLV_WRITE = 0x305
};

static void served_more(struct faulty *f, struct entry *e)
{
	if (is_control(e, CTL_INFO) && e->status != OK && e->words[2] == 1 && e->words[3] == 96)
		chain_status(f, e, OK);
}

static void beyond_ok(struct faulty *f, struct entry *e)
{
	if (is_control(e, CTL_READ) && e->words[1] == UINT32_MAX)
		chain_status(f, e, OK);
}

/* The first one over again. */
static void same(struct faulty *f, struct entry *e)
{
	uint8_t bytes[48];

	if (!is_control(e, CTL_INFO) || e->status != OK || e->words[2] < 2 || e->words[3] != 96)
		return;
	chain_read(f, &e->chain, 4 + 20, bytes, sizeof(bytes));
	chain_write(f, &e->chain, 4 + 96 + 20, bytes, sizeof(bytes));
}

static void items_unnamed(struct faulty *f, struct entry *e)
{
	const uint8_t end = 0;

	if (is_control(e, ENUM_ITEMS) && e->status == OK)
		chain_write(f, &e->chain, VALUE_AT, &end, 1);
}

static void out_of_range(struct faulty *f, struct entry *e)
{
	const uint32_t much = 0x7ffffff0;

	if (is_control(e, CTL_READ) && e->status == OK)
		chain_write(f, &e->chain, VALUE_AT, &much, sizeof(much));
}

static void write_refused(struct faulty *f, struct entry *e)
{
	if (is_control(e, CTL_WRITE) && e->status == OK)
		chain_status(f, e, BAD_MSG);
}

static void without_right(struct faulty *f, struct entry *e)
{
	if (is_control(e, TLV_WRITE) && e->words[3] == 4 && e->words[1] != UINT32_MAX &&
	    e->chain.ask_bytes == 20)
		chain_status(f, e, OK);
}

static void tlv_length(struct faulty *f, struct entry *e)
{
	const uint32_t odd = 7;

	if (is_control(e, TLV_READ) && e->status == OK)
		chain_write(f, &e->chain, VALUE_AT + 4, &odd, sizeof(odd));
}

static void tlv_room(struct faulty *f, struct entry *e)
{
	if (is_control(e, TLV_READ) && e->status == OK && e->chain.room < 20) {
		chain_status(f, e, BAD_MSG);
		e->bytes = 4;
	}
}

static void tlv_any_length(struct faulty *f, struct entry *e)
{
	if (is_control(e, TLV_WRITE) && e->words[3] == 65540)
		chain_status(f, e, OK);
}

static void tlv_type(struct faulty *f, struct entry *e)
{
	const uint32_t type = 99;

	if (is_control(e, TLV_READ) && e->status == OK)
		chain_write(f, &e->chain, VALUE_AT, &type, sizeof(type));
}

static void notice_mask(struct faulty *f, struct entry *e)
{
	if (is_control(e, CTL_WRITE) && e->status == OK && e->words[1] == 0)
		tell_event(f, 0x1200, 0x80u << 16);
}

static const struct fault faults[] = {
    {"ctl-more", .entry = served_more},
    {"ctl-beyond", .entry = beyond_ok},
    /* The sign of the greatest: below any least. */
    {"ctl-range", .items = {CTL_INFO, 79, 0x80}},
    {"ctl-role", .items = {CTL_INFO, 4, 9}},
    {"ctl-access", .items = {CTL_INFO, 15, 0x80}},
    {"ctl-none", .items = {CTL_INFO, 16, 0}},
    {"ctl-name", .items = {CTL_INFO, 24, 0x07}},
    {"ctl-same", .entry = same},
    {"ctl-items", .entry = items_unnamed},
    {"ctl-value", .entry = out_of_range},
    {"ctl-write", .entry = write_refused},
    {"ctl-right", .entry = without_right},
    {"ctl-tlv-length", .entry = tlv_length},
    {"ctl-tlv-room", .entry = tlv_room},
    {"ctl-tlv-any", .entry = tlv_any_length},
    {"ctl-tlv-type", .entry = tlv_type},
    {"ctl-notice", .entry = notice_mask},
};

const struct fault_table faults_ctl = {faults, sizeof(faults) / sizeof(faults[0])};
