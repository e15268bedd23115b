/* SPDX-License-Identifier: BSD-3-Clause */
/* V90-V99: what control elements there are. */
#include "ctl.h"

#include <stdio.h>
#include <string.h>

#include "base/endian.h"

#define ACCESS_ALL 0x7fu
#define KIND_MAX   3u

unsigned ctl_read_all(struct run *run, struct ctl out[CTLS_MAX])
{
	uint8_t bytes[16];
	uint32_t n;
	struct answer answer;

	/* Once more: it counts now that CTLS is accepted. */
	if (front_config_read(run->front, 0, bytes, 16) != 16) {
		run_must(run, false, "the field that counts controls cannot be read");
		return 0;
	}
	n = vmsnd_le32(bytes + 12);
	run->front->config.controls = n;
	n = n < CTLS_MAX ? n : CTLS_MAX;
	answer = request_info(run, R_CTL_INFO, 0, n, CTL_INFO_BYTES);
	if (!run_must(run, answer.status == S_OK, "CTL_INFO of %u: %s", n,
		      status_text(answer.status)))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *item = answer.items + i * CTL_INFO_BYTES;
		bool wide = vmsnd_le32(item + 8) == CTL_INTEGER64;

		out[i] = (struct ctl){.id = i,
				      .group = vmsnd_le32(item),
				      .role = vmsnd_le32(item + 4),
				      .type = vmsnd_le32(item + 8),
				      .access = vmsnd_le32(item + 12),
				      .count = vmsnd_le32(item + 16),
				      .index = vmsnd_le32(item + 20)};
		memcpy(out[i].name, item + 24, sizeof(out[i].name));
		out[i].items = vmsnd_le32(item + 72);
		out[i].min = wide ? (int64_t)vmsnd_le64(item + 72) : (int32_t)vmsnd_le32(item + 72);
		out[i].max = wide ? (int64_t)vmsnd_le64(item + 80) : (int32_t)vmsnd_le32(item + 76);
		out[i].step = wide ? vmsnd_le64(item + 88) : vmsnd_le32(item + 80);
	}
	return n;
}

static void each(struct run *run, void (*check)(struct run *run, const struct ctl *ctl))
{
	struct ctl ctls[CTLS_MAX];
	unsigned n = ctl_read_all(run, ctls);

	for (unsigned i = 0; i < n && run->verdict != VERDICT_FAIL; i++)
		check(run, &ctls[i]);
	run_note(run, "%u controls", n);
}

static void served(struct run *run)
{
	struct ctl ctls[CTLS_MAX];
	unsigned n = ctl_read_all(run, ctls);
	uint32_t all = run->front->config.controls;

	run_must(run, all > 0, "CTLS is offered, and there are no controls");
	if (n == all)
		run_must(run,
			 request_info(run, R_CTL_INFO, 0, n + 1, CTL_INFO_BYTES).status != S_OK,
			 "%u controls are told of, and %u are served", n, n + 1);
	run_must(run, request_info(run, R_CTL_INFO, all, 1, CTL_INFO_BYTES).status != S_OK,
		 "control %u of %u is served", all, all);
}

static void layout_of(struct run *run, const struct ctl *ctl)
{
	if (ctl->type == CTL_INTEGER || ctl->type == CTL_INTEGER64)
		run_expect(run, ctl->min <= ctl->max, "control %u: from %lld to %lld", ctl->id,
			   (long long)ctl->min, (long long)ctl->max);
	if (ctl->type == CTL_ENUMERATED)
		run_expect(run, ctl->items > 0 && ctl->items <= 65536, "control %u: %u items",
			   ctl->id, ctl->items);
}

static void layout(struct run *run)
{
	each(run, layout_of);
}

static void role_of(struct run *run, const struct ctl *ctl)
{
	run_expect(run, ctl->role == 0 || (ctl->role >= 2 && ctl->role >> 1 <= KIND_MAX),
		   "control %u: role %u", ctl->id, ctl->role);
}

static void roles(struct run *run)
{
	each(run, role_of);
}

static void type_of(struct run *run, const struct ctl *ctl)
{
	run_expect(run, ctl->type <= CTL_IEC958, "control %u: type %u", ctl->id, ctl->type);
	run_expect(run, !(ctl->access & ~ACCESS_ALL), "control %u: access 0x%x", ctl->id,
		   ctl->access);
}

static void types(struct run *run)
{
	each(run, type_of);
}

static void count_of(struct run *run, const struct ctl *ctl)
{
	static const uint32_t most[] = {128, 128, 64, 128, 512, 1};

	run_expect(run, ctl->type > CTL_IEC958 || (ctl->count > 0 && ctl->count <= most[ctl->type]),
		   "control %u of type %u has %u values", ctl->id, ctl->type, ctl->count);
}

static void counts(struct run *run)
{
	each(run, count_of);
}

/* Not empty, with its end, and ASCII up to there. */
static bool is_name(const char *text, size_t bytes)
{
	size_t n = strnlen(text, bytes);

	if (n == 0 || n == bytes)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return true;
}

static void name_of(struct run *run, const struct ctl *ctl)
{
	run_expect(run, is_name(ctl->name, sizeof(ctl->name)),
		   "control %u has no name of ASCII with an end", ctl->id);
}

static void names(struct run *run)
{
	each(run, name_of);
}

static void unique(struct run *run)
{
	struct ctl ctls[CTLS_MAX];
	unsigned n = ctl_read_all(run, ctls);

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < i; j++)
			run_expect(run,
				   ctls[i].index != ctls[j].index ||
				       memcmp(ctls[i].name, ctls[j].name, sizeof(ctls[i].name)),
				   "controls %u and %u are both '%.43s' %u", j, i, ctls[i].name,
				   ctls[i].index);
}

static void items_of(struct run *run, const struct ctl *ctl)
{
	const uint32_t words[2] = {R_CTL_ENUM_ITEMS, ctl->id};
	uint32_t n = ctl->items < CTLS_MAX ? ctl->items : CTLS_MAX;
	struct answer answer;

	if (ctl->type != CTL_ENUMERATED) {
		run_expect(run, request_words(run, words, 2, 256).status != S_OK,
			   "control %u is no enumeration, and has items", ctl->id);
		return;
	}
	answer = request_words(run, words, 2, 4 + n * CTL_ITEM_BYTES);
	if (n != ctl->items || !run_must(run, answer.status == S_OK, "ENUM_ITEMS of control %u: %s",
					 ctl->id, status_text(answer.status)))
		return;
	for (uint32_t i = 0; i < n; i++)
		run_expect(run,
			   is_name((const char *)answer.items + i * CTL_ITEM_BYTES, CTL_ITEM_BYTES),
			   "item %u of control %u has no name of ASCII with an end", i, ctl->id);
}

static void items(struct run *run)
{
	each(run, items_of);
}

static void refused_beyond(struct run *run)
{
	const uint32_t ids[] = {run->front->config.controls, 0x80000000, UINT32_MAX};

	for (unsigned i = 0; i < 3; i++)
		for (uint32_t code = R_CTL_ENUM_ITEMS; code <= R_CTL_TLV_COMMAND; code++) {
			uint32_t words[2 + CTL_VALUE_BYTES / 4] = {code, ids[i]};
			uint32_t status =
			    request_words(run, words, 2 + CTL_VALUE_BYTES / 4, 516).status;

			run_must(run, status != S_OK, "request 0x%x of control %u: OK", code,
				 ids[i]);
		}
}

static const struct row rows[] = {
    {"V90", "served", 'F', NEED_CTLS, "controls are as many as the configuration tells", served},
    {"V90", "beyond", 'F', NEED_CTLS, "requests for controls that there are not are refused",
     refused_beyond},
    {"V91", "layout", 'F', NEED_CTLS, "ranges and numbers of items make sense at their places",
     layout},
    {"V92", "roles", 'F', NEED_CTLS, "roles are those of the standard", roles},
    {"V95", "types", 'M', NEED_CTLS, "no undefined types and access rights (V93-V95)", types},
    {"V96", "counts", 'M', NEED_CTLS, "numbers of values are within their type's limits", counts},
    {"V97", "names", 'M', NEED_CTLS, "names are ASCII with an end", names},
    {"V98", "unique", 'M', NEED_CTLS, "no two controls have a name and index", unique},
    {"V99", "items", 'F', NEED_CTLS, "enumerations have named items", items},
};

const struct row_table rows_ctl = {rows, sizeof(rows) / sizeof(rows[0])};
