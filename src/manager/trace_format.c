/* SPDX-License-Identifier: BSD-3-Clause */
/* The kinds of records, and their bytes. */
#include "manager/trace_format.h"

#include <string.h>

#include "base/endian.h"

#define N(name)                                                                                    \
	{                                                                                          \
		name, VMSND_TRACE_FORM_NUMBER                                                      \
	}
#define HEX(name)                                                                                  \
	{                                                                                          \
		name, VMSND_TRACE_FORM_HEX                                                         \
	}
#define FORM(form) VMSND_TRACE_FORM_##form

/* clang-format off */
static const struct vmsnd_trace_kind kinds[VMSND_TRACE_COUNT] = {
	[VMSND_TRACE_GAP] = {"gap", NULL, {N("records")}, FORM(NONE)},
	[VMSND_TRACE_DEV_ADVANCE] = {"dev.advance", NULL, {{NULL, FORM(NONE)}}, FORM(TIME)},
	[VMSND_TRACE_DEV_RESET] = {"dev.reset", NULL, {{"why", FORM(RESET)}}, FORM(NONE)},
	[VMSND_TRACE_DEV_LIFE] = {"dev.life", NULL, {{"what", FORM(LIFE)}}, FORM(RC)},
	[VMSND_TRACE_DEV_INIT_COMPLETE] = {"dev.init_complete", NULL, {{NULL, FORM(NONE)}}, FORM(RC)},
	[VMSND_TRACE_DEV_SAVE] = {"dev.save", NULL, {{NULL, FORM(NONE)}}, FORM(NUMBER)},
	[VMSND_TRACE_DEV_LOAD] = {"dev.load", NULL, {N("minor")}, FORM(RC)},
	[VMSND_TRACE_DEV_FINI] = {"dev.fini", NULL, {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_DEV_FEATURES] = {"dev.features", NULL, {{NULL, FORM(NONE)}}, FORM(HEX)},
	[VMSND_TRACE_DEV_SET_FEATURES] = {"dev.set_features", NULL, {HEX("accepted")}, FORM(NONE)},
	[VMSND_TRACE_DEV_CONFIG_READ] = {"dev.config_read", NULL, {N("offset"), N("bytes")}, FORM(NONE)},
	[VMSND_TRACE_DEV_QUEUE_START] = {"dev.queue_start", "queue",
		{N("size"), N("next_avail"), HEX("desc"), HEX("avail"), HEX("used")}, FORM(RC)},
	[VMSND_TRACE_DEV_QUEUE_STOP] = {"dev.queue_stop", "queue", {{NULL, FORM(NONE)}}, FORM(NUMBER)},
	[VMSND_TRACE_DEV_QUEUE_ENABLE] = {"dev.queue_enable", "queue", {{"on", FORM(BOOL)}}, FORM(NONE)},
	[VMSND_TRACE_DEV_QUEUE_PLACE] = {"dev.queue_place", "queue", {{NULL, FORM(NONE)}}, FORM(NUMBER)},
	[VMSND_TRACE_DEV_QUEUE_RESET] = {"dev.queue_reset", "queue", {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_DEV_KICK] = {"dev.kick", "queue", {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_PORT_HINT] = {"port.hint", "stream",
		{{"sample", FORM(SAMPLE)}, N("rate_hz"), N("channels"), N("buffer_frames"), N("period_frames")}, FORM(NONE)},
	[VMSND_TRACE_PORT_PREPARE] = {"port.prepare", "stream",
		{{"sample", FORM(SAMPLE)}, N("rate_hz"), N("channels"), N("buffer_frames"), N("period_frames")}, FORM(RC)},
	[VMSND_TRACE_PORT_FITS] = {"port.fits", "stream",
		{{"sample", FORM(SAMPLE)}, N("rate_hz"), N("channels"), N("buffer_frames"), N("period_frames")}, FORM(BOOL)},
	[VMSND_TRACE_PORT_START] = {"port.start", "stream", {{NULL, FORM(NONE)}}, FORM(RC)},
	[VMSND_TRACE_PORT_STOP] = {"port.stop", "stream", {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_PORT_DRAIN] = {"port.drain", "stream", {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_PORT_RELEASE] = {"port.release", "stream", {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_PORT_WANTED] = {"port.wanted", "stream", {{NULL, FORM(NONE)}}, FORM(NUMBER)},
	[VMSND_TRACE_PORT_BEGIN] = {"port.begin", "stream", {N("frames")}, FORM(NUMBER)},
	[VMSND_TRACE_PORT_COMMIT] = {"port.commit", "stream", {N("frames")}, FORM(NONE)},
	[VMSND_TRACE_PORT_DONE_FRAMES] = {"port.done_frames", "stream", {{NULL, FORM(NONE)}}, FORM(NUMBER)},
	[VMSND_TRACE_PORT_DELAY_FRAMES] = {"port.delay_frames", "stream", {{NULL, FORM(NONE)}}, FORM(NUMBER)},
	[VMSND_TRACE_PORT_DUE] = {"port.due", "stream", {N("frames")}, FORM(TIME)},
	[VMSND_TRACE_MEM_CHECK] = {"mem.check", NULL, {HEX("gpa"), N("bytes"), {"rights", FORM(RIGHTS)}}, FORM(RC)},
	[VMSND_TRACE_MEM_READ] = {"mem.read", NULL, {HEX("gpa"), N("bytes")}, FORM(RC)},
	[VMSND_TRACE_MEM_WRITE] = {"mem.write", NULL, {HEX("gpa"), N("bytes")}, FORM(RC)},
	[VMSND_TRACE_MEM_LOAD16] = {"mem.load16", NULL, {HEX("gpa"), N("value")}, FORM(RC)},
	[VMSND_TRACE_MEM_STORE16] = {"mem.store16", NULL, {HEX("gpa"), N("value")}, FORM(RC)},
	[VMSND_TRACE_MEM_ADD] = {"mem.add", NULL, {HEX("gpa"), N("bytes"), {"rights", FORM(RIGHTS)}}, FORM(RC)},
	[VMSND_TRACE_MEM_REMOVE] = {"mem.remove", NULL, {HEX("gpa"), N("bytes")}, FORM(RC)},
	[VMSND_TRACE_IRQ_NOTIFY] = {"irq.notify", "vector", {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_FAULT] = {"fault", NULL, {{"what", FORM(FAULT)}, HEX("detail")}, FORM(NONE)},
	[VMSND_TRACE_DEV_JACK_SET] = {"dev.jack_set", "jack", {{"connected", FORM(BOOL)}}, FORM(NONE)},
	[VMSND_TRACE_DEV_MIXER_CHANGED] = {"dev.mixer_changed", "stream", {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_MIXER_SET] = {"port.mixer_set", "stream", {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_DEV_INFLIGHT] = {"dev.inflight", NULL, {N("queues"), N("size"), N("bytes")}, FORM(RC)},
	[VMSND_TRACE_CONFIG_CHANGED] = {"config_changed", NULL, {{NULL, FORM(NONE)}}, FORM(NONE)},
	[VMSND_TRACE_DEV_PCI_READ] = {"dev.pci_read", "region", {HEX("offset"), N("bytes")}, FORM(HEX)},
	[VMSND_TRACE_DEV_PCI_WRITE] = {"dev.pci_write", "region", {HEX("offset"), N("bytes"), HEX("value")}, FORM(NONE)},
	[VMSND_TRACE_IRQ_LINE] = {"irq.line", NULL, {{"high", FORM(BOOL)}}, FORM(NONE)},
	[VMSND_TRACE_IRQ_MESSAGE] = {"irq.message", "vector", {HEX("address"), HEX("data")}, FORM(NONE)},
};
/* clang-format on */

const struct vmsnd_trace_kind *vmsnd_trace_kind(unsigned what)
{
	return what < VMSND_TRACE_COUNT && kinds[what].name ? &kinds[what] : NULL;
}

void vmsnd_trace_pack(const struct vmsnd_trace_record *record, uint8_t *bytes)
{
	vmsnd_put_le64(bytes, record->time);
	vmsnd_put_le16(bytes + 8, record->what);
	bytes[10] = record->phase;
	bytes[11] = record->dir;
	vmsnd_put_le32(bytes + 12, record->index);
	for (unsigned i = 0; i < VMSND_TRACE_ARGS; i++)
		vmsnd_put_le64(bytes + 16 + (size_t)8 * i, record->args[i]);
	vmsnd_put_le64(bytes + 56, record->result);
}

bool vmsnd_trace_unpack(const uint8_t *bytes, struct vmsnd_trace_record *record)
{
	record->time = vmsnd_le64(bytes);
	record->what = vmsnd_le16(bytes + 8);
	record->phase = bytes[10];
	record->dir = bytes[11];
	record->index = vmsnd_le32(bytes + 12);
	for (unsigned i = 0; i < VMSND_TRACE_ARGS; i++)
		record->args[i] = vmsnd_le64(bytes + 16 + (size_t)8 * i);
	record->result = vmsnd_le64(bytes + 56);
	return vmsnd_trace_kind(record->what) && record->phase <= VMSND_TRACE_LEAVE &&
	       record->dir <= VMSND_CAPTURE;
}

/* Magic 0, version 8, sizes 12 and 16, the card's name 24, its class 88. */
void vmsnd_trace_header_pack(const char *card, const char *cls, uint8_t *bytes)
{
	memset(bytes, 0, VMSND_TRACE_HEADER_BYTES);
	memcpy(bytes, VMSND_TRACE_MAGIC, 8);
	vmsnd_put_le16(bytes + 8, VMSND_TRACE_MAJOR);
	vmsnd_put_le16(bytes + 10, VMSND_TRACE_MINOR);
	vmsnd_put_le32(bytes + 12, VMSND_TRACE_HEADER_BYTES);
	vmsnd_put_le32(bytes + 16, VMSND_TRACE_RECORD_BYTES);
	memcpy(bytes + 24, card, strnlen(card, 63));
	memcpy(bytes + 88, cls, strnlen(cls, 31));
}

enum vmsnd_trace_header_fault vmsnd_trace_header_unpack(const uint8_t *bytes,
							struct vmsnd_trace_header *header)
{
	if (memcmp(bytes, VMSND_TRACE_MAGIC, 8) != 0)
		return VMSND_TRACE_HEADER_FOREIGN;
	header->major = vmsnd_le16(bytes + 8);
	header->minor = vmsnd_le16(bytes + 10);
	memcpy(header->card, bytes + 24, sizeof(header->card));
	memcpy(header->cls, bytes + 88, sizeof(header->cls));
	header->card[sizeof(header->card) - 1] = header->cls[sizeof(header->cls) - 1] = '\0';
	if (header->major != VMSND_TRACE_MAJOR)
		return VMSND_TRACE_HEADER_VERSION;
	return vmsnd_le32(bytes + 12) == VMSND_TRACE_HEADER_BYTES &&
		       vmsnd_le32(bytes + 16) == VMSND_TRACE_RECORD_BYTES
		   ? VMSND_TRACE_HEADER_FINE
		   : VMSND_TRACE_HEADER_FOREIGN;
}
