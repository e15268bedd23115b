/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/state.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/endian.h"
#include "vmsnd/machine.h"

#define HEADER_BYTES  28u
#define SECTION_BYTES 40u
#define TRIES_MAX     16u

static const char magic[8] = "VMSNDST1";

static uint32_t crc_of(const uint8_t *head, size_t head_bytes, const uint8_t *payload, size_t bytes)
{
	uLong crc = crc32_z(crc32_z(0, NULL, 0), head, head_bytes);

	return (uint32_t)crc32_z(crc, bytes ? payload : head, bytes);
}

/* ---- writing ---- */

static bool reserve(struct vmsnd_state_out *out, size_t bytes)
{
	size_t room = out->room;
	uint8_t *grown;

	if (out->failed || bytes > VMSND_STATE_BYTES_MAX - out->used) {
		out->failed = true;
		return false;
	}
	while (room < out->used + bytes)
		room = room < 65536 ? 65536 : room * 2;
	if (room == out->room)
		return true;
	grown = realloc(out->bytes, room);
	out->failed = !grown;
	if (!grown)
		return false;
	out->bytes = grown;
	out->room = room;
	return true;
}

void vmsnd_state_begin(struct vmsnd_state_out *out)
{
	*out = (struct vmsnd_state_out){0};
	if (reserve(out, HEADER_BYTES))
		memset(out->bytes, 0, HEADER_BYTES);
	out->used = HEADER_BYTES;
}

/* The payload behind where a head will be; false: no room to be had. A guest that writes its rings
 * meanwhile may make a card's part longer than it was counted; not for ever. */
static bool write_payload(struct vmsnd_state_out *out, struct vmsnd_state_writer *payload,
			  void (*write)(void *ctx, struct vmsnd_state_writer *to), void *ctx)
{
	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		struct vmsnd_state_writer count = {0};

		write(ctx, &count);
		if (!reserve(out, SECTION_BYTES + count.used))
			return false;
		*payload = (struct vmsnd_state_writer){.to = out->bytes + out->used + SECTION_BYTES,
						       .room = count.used};
		write(ctx, payload);
		if (!payload->full)
			return true;
	}
	out->failed = true;
	return false;
}

void vmsnd_state_section(struct vmsnd_state_out *out, const struct vmsnd_state_key *key,
			 void (*write)(void *ctx, struct vmsnd_state_writer *to), void *ctx)
{
	struct vmsnd_state_writer head, payload;
	uint8_t *at;

	if (!write_payload(out, &payload, write, ctx))
		return;
	at = out->bytes + out->used;
	head = (struct vmsnd_state_writer){.to = at, .room = SECTION_BYTES};
	vmsnd_state_put(&head, key->name, sizeof(key->name));
	vmsnd_state_put_u32(&head, key->card);
	vmsnd_state_put_u32(&head, key->part);
	vmsnd_state_put_u16(&head, key->major);
	vmsnd_state_put_u16(&head, key->minor);
	vmsnd_state_put_u64(&head, payload.used);
	vmsnd_state_put_u32(&head, crc_of(at, head.used, at + SECTION_BYTES, payload.used));
	out->used += SECTION_BYTES + payload.used;
	out->sections++;
}

bool vmsnd_state_finish(struct vmsnd_state_out *out)
{
	struct vmsnd_state_writer head = {.to = out->bytes, .room = HEADER_BYTES};

	if (out->failed) {
		free(out->bytes);
		*out = (struct vmsnd_state_out){.failed = true};
		return false;
	}
	vmsnd_state_put(&head, magic, sizeof(magic));
	vmsnd_state_put_u16(&head, VMSND_STATE_MAJOR);
	vmsnd_state_put_u16(&head, VMSND_STATE_MINOR);
	vmsnd_state_put_u32(&head, out->sections);
	vmsnd_state_put_u64(&head, out->used);
	vmsnd_state_put_u32(&head, crc_of(out->bytes, head.used, NULL, 0));
	return true;
}

/* ---- reading ---- */

static bool check_header(const uint8_t *bytes, size_t n_bytes, uint32_t *sections,
			 const char **what, enum vmsnd_rc *rc)
{
	*rc = VMSND_E_DAMAGED;
	*what = "it is no saved state of vmsnd";
	if (n_bytes < HEADER_BYTES || memcmp(bytes, magic, sizeof(magic)) != 0)
		return false;
	*what = "its header is damaged";
	if (vmsnd_le32(bytes + 24) != crc_of(bytes, 24, NULL, 0))
		return false;
	*what = "it was saved by a vmsnd that is too new";
	*rc = VMSND_E_VERSION;
	if (vmsnd_le16(bytes + 8) != VMSND_STATE_MAJOR)
		return false;
	*sections = vmsnd_le32(bytes + 12);
	*what = "it is not whole";
	*rc = VMSND_E_DAMAGED;
	return vmsnd_le64(bytes + 16) == n_bytes && *sections <= VMSND_STATE_SECTIONS_MAX;
}

enum vmsnd_rc vmsnd_state_check(const uint8_t *bytes, size_t n_bytes, const char **what)
{
	uint32_t sections = 0;
	size_t at = HEADER_BYTES;
	enum vmsnd_rc rc;

	if (!check_header(bytes, n_bytes, &sections, what, &rc))
		return rc;
	*what = "one of its sections is damaged";
	for (; sections > 0; sections--) {
		const uint8_t *head = bytes + at;
		uint64_t length;

		if (n_bytes - at < SECTION_BYTES)
			return VMSND_E_DAMAGED;
		length = vmsnd_le64(head + 28);
		if (length > n_bytes - at - SECTION_BYTES ||
		    vmsnd_le32(head + 36) != crc_of(head, 36, head + SECTION_BYTES, length))
			return VMSND_E_DAMAGED;
		at += SECTION_BYTES + length;
	}
	return at == n_bytes ? VMSND_OK : VMSND_E_DAMAGED;
}

bool vmsnd_state_next(struct vmsnd_state_in *in, struct vmsnd_state_key *key,
		      struct vmsnd_state_reader *payload)
{
	struct vmsnd_state_reader head = {.from = in->bytes, .at = in->at, .bytes = in->n_bytes};
	uint64_t length;

	if (head.at == 0)
		head.at = HEADER_BYTES;
	vmsnd_state_get(&head, key->name, sizeof(key->name));
	key->card = vmsnd_state_get_u32(&head);
	key->part = vmsnd_state_get_u32(&head);
	key->major = vmsnd_state_get_u16(&head);
	key->minor = vmsnd_state_get_u16(&head);
	length = vmsnd_state_get_u64(&head);
	vmsnd_state_get_u32(&head);
	if (head.bad || length > head.bytes - head.at)
		return false;
	*payload = (struct vmsnd_state_reader){.from = head.from + head.at, .bytes = length};
	in->at = head.at + length;
	return true;
}

bool vmsnd_state_find(struct vmsnd_state_in *in, struct vmsnd_state_key *key,
		      struct vmsnd_state_reader *payload)
{
	struct vmsnd_state_in at = *in;
	struct vmsnd_state_key found;

	while (vmsnd_state_next(&at, &found, payload) && found.card == key->card) {
		if (memcmp(found.name, key->name, sizeof(found.name)) != 0 ||
		    found.part != key->part)
			continue;
		*key = found;
		*in = at;
		return true;
	}
	return false;
}
