/* SPDX-License-Identifier: BSD-3-Clause */
/* V100-V111: values and metadata of control elements. What is written is put back. */
#include <string.h>

#include "base/endian.h"
#include "ctl.h"

#define TLV_BYTES_MAX 65536u
#define ROLE_VOLUME   1u
#define EVENT_NOTIFY  0x1200u

struct value {
	uint8_t bytes[CTL_VALUE_BYTES];
};

static uint32_t read_value(struct run *run, uint32_t id, struct value *out)
{
	const uint32_t words[2] = {R_CTL_READ, id};
	struct answer answer = request_words(run, words, 2, 4 + CTL_VALUE_BYTES);

	if (answer.came)
		memcpy(out->bytes, answer.items, CTL_VALUE_BYTES);
	return answer.status;
}

static uint32_t write_value(struct run *run, uint32_t id, const struct value *value)
{
	uint8_t bytes[8 + CTL_VALUE_BYTES];

	vmsnd_put_le32(bytes, R_CTL_WRITE);
	vmsnd_put_le32(bytes + 4, id);
	memcpy(bytes + 8, value->bytes, CTL_VALUE_BYTES);
	return request(run, bytes, sizeof(bytes), 4).status;
}

/* How many bytes of a value count. */
static uint32_t value_bytes(const struct ctl *ctl)
{
	static const uint32_t each[] = {4, 4, 8, 4, 1, 176};

	return ctl->type <= CTL_IEC958 ? ctl->count * each[ctl->type] : 0;
}

static bool is_numeric(const struct ctl *ctl)
{
	return ctl->type <= CTL_ENUMERATED;
}

static int64_t number(const struct ctl *ctl, const struct value *value, uint32_t i)
{
	if (ctl->type == CTL_INTEGER64)
		return (int64_t)vmsnd_le64(value->bytes + 8 * i);
	return (int32_t)vmsnd_le32(value->bytes + 4 * i);
}

static void set_number(const struct ctl *ctl, struct value *value, uint32_t i, int64_t to)
{
	if (ctl->type == CTL_INTEGER64)
		vmsnd_put_le64(value->bytes + 8 * i, (uint64_t)to);
	else
		vmsnd_put_le32(value->bytes + 4 * i, (uint32_t)to);
}

static int64_t lowest(const struct ctl *ctl)
{
	return ctl->type == CTL_INTEGER || ctl->type == CTL_INTEGER64 ? ctl->min : 0;
}

static int64_t highest(const struct ctl *ctl)
{
	if (ctl->type == CTL_BOOLEAN)
		return 1;
	return ctl->type == CTL_ENUMERATED ? (int64_t)ctl->items - 1 : ctl->max;
}

static bool within(const struct ctl *ctl, const struct value *value)
{
	for (uint32_t i = 0; i < ctl->count; i++)
		if (number(ctl, value, i) < lowest(ctl) || number(ctl, value, i) > highest(ctl))
			return false;
	return true;
}

static void each(struct run *run, void (*check)(struct run *run, const struct ctl *ctl))
{
	struct ctl ctls[CTLS_MAX];
	unsigned n = ctl_read_all(run, ctls);

	for (unsigned i = 0; i < n && run->verdict != VERDICT_FAIL; i++)
		if (!(ctls[i].access & CTL_INACTIVE) && ctls[i].count <= 128)
			check(run, &ctls[i]);
}

/* ---- values ------------------------------------------------------------------------------------
 */

static void read_of(struct run *run, const struct ctl *ctl)
{
	struct value value;
	uint32_t status;

	if (!(ctl->access & CTL_CAN_READ))
		return;
	status = read_value(run, ctl->id, &value);
	run_must(run, status == S_OK, "control %u '%.43s' cannot be read: %s", ctl->id, ctl->name,
		 status_text(status));
	if (status == S_OK && is_numeric(ctl))
		run_expect(run, within(ctl, &value), "control %u '%.43s' is out of its range",
			   ctl->id, ctl->name);
}

static void reading(struct run *run)
{
	each(run, read_of);
}

static void write_of(struct run *run, const struct ctl *ctl)
{
	struct value before, other, after;
	uint32_t status;

	if (!(ctl->access & CTL_CAN_READ) || !(ctl->access & CTL_CAN_WRITE) ||
	    read_value(run, ctl->id, &before) != S_OK)
		return;
	other = before;
	for (uint32_t i = 0; is_numeric(ctl) && i < ctl->count; i++)
		set_number(ctl, &other, i,
			   number(ctl, &before, i) == lowest(ctl) ? highest(ctl) : lowest(ctl));
	status = write_value(run, ctl->id, &other);
	run_must(run, status == S_OK, "control %u '%.43s' cannot be written: %s", ctl->id,
		 ctl->name, status_text(status));
	read_value(run, ctl->id, &after);
	if (!(ctl->access & CTL_VOLATILE))
		run_expect(run, memcmp(other.bytes, after.bytes, value_bytes(ctl)) == 0,
			   "control %u '%.43s' is not what was written", ctl->id, ctl->name);
	write_value(run, ctl->id, &before);
}

static void writing(struct run *run)
{
	each(run, write_of);
}

static void access_of(struct run *run, const struct ctl *ctl)
{
	const uint32_t read_tlv[2] = {R_CTL_TLV_READ, ctl->id};
	const uint32_t write_tlv[5] = {R_CTL_TLV_WRITE, ctl->id, 1, 4, 0};
	const uint32_t order_tlv[5] = {R_CTL_TLV_COMMAND, ctl->id, 1, 4, 0};
	struct value value = {{0}};

	if (!(ctl->access & CTL_CAN_READ))
		run_expect(run, read_value(run, ctl->id, &value) != S_OK,
			   "control %u is read without the right", ctl->id);
	else
		read_value(run, ctl->id, &value);
	if (!(ctl->access & CTL_CAN_WRITE))
		run_expect(run, write_value(run, ctl->id, &value) != S_OK,
			   "control %u is written without the right", ctl->id);
	if (!(ctl->access & CTL_CAN_TLV_READ))
		run_expect(run, request_words(run, read_tlv, 2, 516).status != S_OK,
			   "metadata of control %u is read without the right", ctl->id);
	if (!(ctl->access & CTL_CAN_TLV_WRITE))
		run_expect(run, request_words(run, write_tlv, 5, 4).status != S_OK,
			   "metadata of control %u is written without the right", ctl->id);
	if (!(ctl->access & CTL_CAN_TLV_ORDER))
		run_expect(run, request_words(run, order_tlv, 5, 516).status != S_OK,
			   "metadata of control %u is commanded without the right", ctl->id);
}

static void access_rights(struct run *run)
{
	each(run, access_of);
}

/* Refused, or brought into the range. */
static void range_of(struct run *run, const struct ctl *ctl)
{
	const int64_t wrong[] = {highest(ctl) + 1, lowest(ctl) - 1, INT32_MAX, INT32_MIN};
	struct value before, after;

	if (!is_numeric(ctl) || !(ctl->access & CTL_CAN_READ) || !(ctl->access & CTL_CAN_WRITE) ||
	    ctl->count == 0 || read_value(run, ctl->id, &before) != S_OK)
		return;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct value value = before;

		if (wrong[i] >= lowest(ctl) && wrong[i] <= highest(ctl))
			continue;
		set_number(ctl, &value, ctl->count - 1, wrong[i]);
		write_value(run, ctl->id, &value);
		read_value(run, ctl->id, &after);
		run_expect(run, within(ctl, &after),
			   "control %u '%.43s' takes %lld, out of its range", ctl->id, ctl->name,
			   (long long)wrong[i]);
	}
	write_value(run, ctl->id, &before);
}

static void ranges(struct run *run)
{
	each(run, range_of);
}

/* ---- metadata ----------------------------------------------------------------------------------
 */

static void tlv_of(struct run *run, const struct ctl *ctl)
{
	const uint32_t words[2] = {R_CTL_TLV_READ, ctl->id};
	struct answer answer;
	uint32_t bytes;

	if (!(ctl->access & CTL_CAN_TLV_READ))
		return;
	answer = request_words(run, words, 2, 4 + 4096);
	if (!run_must(run, answer.status == S_OK && answer.bytes >= 12,
		      "metadata of control %u: %s, %u bytes", ctl->id, status_text(answer.status),
		      answer.bytes))
		return;
	bytes = vmsnd_le32(answer.items + 4);
	run_expect(run, bytes % 4 == 0 && bytes <= TLV_BYTES_MAX,
		   "metadata of control %u: length %u", ctl->id, bytes);
	if (bytes <= 4096 - 8)
		run_expect(run, answer.bytes == 12 + bytes,
			   "metadata of control %u: length %u, used length %u", ctl->id, bytes,
			   answer.bytes);
}

static void tlv(struct run *run)
{
	each(run, tlv_of);
}

static void small_tlv_of(struct run *run, const struct ctl *ctl)
{
	const uint32_t words[2] = {R_CTL_TLV_READ, ctl->id};

	if (!(ctl->access & CTL_CAN_TLV_READ))
		return;
	for (uint32_t room = 4; room <= 16; room += 3) {
		struct answer answer = request_words(run, words, 2, room);

		run_must(run, answer.whole_guard && answer.bytes <= room,
			 "metadata of control %u in %u bytes: written too far", ctl->id, room);
		run_expect(run, answer.status == S_OK, "metadata of control %u in %u bytes: %s",
			   ctl->id, room, status_text(answer.status));
	}
}

static void small_tlv(struct run *run)
{
	each(run, small_tlv_of);
}

static void large_tlv_of(struct run *run, const struct ctl *ctl)
{
	static const uint32_t lengths[] = {65540, 0x80000000, UINT32_MAX - 3, 3};

	for (unsigned i = 0; i < 4; i++) {
		const uint32_t words[8] = {R_CTL_TLV_WRITE, ctl->id, 1, lengths[i]};

		run_expect(run, request_words(run, words, 8, 4).status != S_OK,
			   "metadata of control %u with length %u is taken", ctl->id, lengths[i]);
	}
}

static void large_tlv(struct run *run)
{
	each(run, large_tlv_of);
}

/* ALSA's types: scale, linear, range of two kinds. */
static void decibels_of(struct run *run, const struct ctl *ctl)
{
	const uint32_t words[2] = {R_CTL_TLV_READ, ctl->id};
	struct answer answer;
	uint32_t type;

	if (ctl->role >> 1 != ROLE_VOLUME || ctl->type != CTL_INTEGER)
		return;
	if (!run_expect(run, ctl->access & CTL_CAN_TLV_READ, "volume %u '%.43s' tells no decibels",
			ctl->id, ctl->name))
		return;
	answer = request_words(run, words, 2, 516);
	type = answer.came && answer.bytes >= 12 ? vmsnd_le32(answer.items) : 0;
	run_expect(run, type >= 1 && type <= 5, "volume %u '%.43s': metadata of type %u", ctl->id,
		   ctl->name, type);
}

static void decibels(struct run *run)
{
	each(run, decibels_of);
}

/* ---- notices ------------------------------------------------------------------------------------
 */

static void post_event(struct front *front)
{
	struct segment buffer = {front_alloc(front, 8), 8, true};

	ring_post(front, QUEUE_EVENT, &buffer, 1, front->memory + buffer.at);
}

/* Writes that change nothing are no news; what is told has a mask that there is. */
static void notices(struct run *run)
{
	struct ctl ctls[CTLS_MAX];
	struct front *front = run->front;
	unsigned n = ctl_read_all(run, ctls), told = 0, written = 0;
	struct used used;

	for (unsigned i = 0; i < 16; i++)
		post_event(front);
	ring_kick(front, QUEUE_EVENT);
	for (unsigned i = 0; i < n; i++) {
		struct value value;

		if ((ctls[i].access & 3) != 3 || read_value(run, ctls[i].id, &value) != S_OK)
			continue;
		for (unsigned j = 0; j < 4; j++)
			written += write_value(run, ctls[i].id, &value) == S_OK;
	}
	while (told < 1000 && ring_take(front, QUEUE_EVENT, 30, &used)) {
		const uint8_t *event = used.cookie;

		post_event(front);
		ring_kick(front, QUEUE_EVENT);
		if (vmsnd_le32(event) != EVENT_NOTIFY)
			continue;
		told++;
		run_expect(run, vmsnd_le16(event + 4) < n && !(vmsnd_le16(event + 6) & ~7u),
			   "a notice of control %u with mask 0x%x", vmsnd_le16(event + 4),
			   vmsnd_le16(event + 6));
	}
	run_should(run, told == 0, "%u notices of %u writes that changed nothing", told, written);
}

static const struct row rows[] = {
    {"V100", "read", 'F', NEED_CTLS, "readable controls are read, within their range", reading},
    {"V101", "write", 'F', NEED_CTLS, "writable controls are what was written", writing},
    {"V102", "access", 'D', NEED_CTLS, "requests without the right to them are refused",
     access_rights},
    {"V103", "range", 'P', NEED_CTLS, "values out of range are not taken", ranges},
    {"V105", "metadata", 'F', NEED_CTLS, "metadata is type, length and words", tlv},
    {"V106", "room", 'S', NEED_CTLS, "metadata into little room: what fits, and OK", small_tlv},
    {"V107", "length", 'D', NEED_CTLS, "metadata of impossible length is refused", large_tlv},
    {"V109", "notices", 'M', NEED_CTLS, "notices have a mask that there is (V108-V110)", notices},
    {"V111", "decibels", 'P', NEED_CTLS, "volumes tell their decibels", decibels},
};

const struct row_table rows_value = {rows, sizeof(rows) / sizeof(rows[0])};
