/* SPDX-License-Identifier: BSD-3-Clause */
/* V18-V39 and V85-V89: what there is, item by item. */
#include <inttypes.h>
#include <string.h>

#include "base/endian.h"
#include "request.h"
#include "stream.h"

#define ITEMS_MAX    64u
#define FORMATS_ALL  (BIT(25) - 1)
#define RATES_ALL    (BIT(16) - 1)
#define FEATURES_ALL 0x1fu
#define SHMEM        0x3u
#define REMAP        1u
#define POSITIONS    37u
#define CHANNELS_MAX 18u

/* The three kinds of items that every back end can be asked for. */
struct kind {
	const char *name;
	uint32_t code, item_bytes, n;
};

static unsigned kinds_of(const struct run *run, struct kind out[3])
{
	const struct config *config = &run->front->config;

	out[0] = (struct kind){"PCM_INFO", R_PCM_INFO, PCM_INFO_BYTES, config->streams};
	out[1] = (struct kind){"CHMAP_INFO", R_CHMAP_INFO, CHMAP_INFO_BYTES, config->chmaps};
	out[2] = (struct kind){"JACK_INFO", R_JACK_INFO, JACK_INFO_BYTES, config->jacks};
	for (unsigned i = 0; i < 3; i++)
		if (out[i].n > ITEMS_MAX)
			out[i].n = ITEMS_MAX;
	return 3;
}

static bool read_items(struct run *run, const struct kind *kind, uint8_t *to)
{
	struct answer answer = request_info(run, kind->code, 0, kind->n, kind->item_bytes);

	if (!run_must(run, answer.status == S_OK, "%s of all %u: %s", kind->name, kind->n,
		      status_text(answer.status)))
		return false;
	memcpy(to, answer.items, (size_t)kind->n * kind->item_bytes);
	return true;
}

/* ---- framing ----------------------------------------------------------------------------------
 */

static void one_by_one(struct run *run)
{
	uint8_t all[ITEMS_MAX * PCM_INFO_BYTES];
	struct kind kinds[3];
	unsigned n = kinds_of(run, kinds);

	for (unsigned k = 0; k < n; k++) {
		const struct kind *kind = &kinds[k];

		if (kind->n == 0 || !read_items(run, kind, all))
			continue;
		for (uint32_t i = 0; i < kind->n; i++) {
			struct answer one = request_info(run, kind->code, i, 1, kind->item_bytes);

			run_must(run,
				 one.status == S_OK && memcmp(one.items, all + i * kind->item_bytes,
							      kind->item_bytes) == 0,
				 "%s of %u alone is not what it is among all", kind->name, i);
		}
	}
}

static void beyond(struct run *run)
{
	struct kind kinds[3];
	unsigned n = kinds_of(run, kinds);

	for (unsigned k = 0; k < n; k++) {
		const uint32_t pairs[][2] = {{kinds[k].n, 1},          {0, UINT32_MAX},
					     {1, UINT32_MAX},          {UINT32_MAX, 1},
					     {UINT32_MAX, UINT32_MAX}, {0x80000000, 0x80000000},
					     {0, 0x08000001},          {2, UINT32_MAX - 1}};

		for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
			const uint32_t query[4] = {kinds[k].code, pairs[i][0], pairs[i][1],
						   kinds[k].item_bytes};
			struct answer answer = request_info_into(run, query, 1024);

			run_must(run, answer.whole_guard, "%s of %u from %u on: written too far",
				 kinds[k].name, pairs[i][1], pairs[i][0]);
			run_must(run, answer.status != S_OK,
				 "%s of %u from %u on, of %u, is answered OK", kinds[k].name,
				 pairs[i][1], pairs[i][0], kinds[k].n);
		}
	}
}

/* count x size at the edges, with little room behind it. */
static void wrapping_size(struct run *run)
{
	static const uint32_t sizes[] = {0, UINT32_MAX, 0x80000000, 0xfffffffc, 0x10000000};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned all = 0; all < 2; all++) {
			uint32_t count = all ? run->n_streams : 1;
			const uint32_t query[4] = {R_PCM_INFO, 0, count, sizes[i]};
			struct answer answer = request_info_into(run, query, 64);

			run_must(run, answer.whole_guard && answer.bytes <= 64,
				 "%u items of %u bytes in a room of 64: written too far", count,
				 sizes[i]);
			if (sizes[i] != 0)
				run_must(run, answer.status != S_OK,
					 "%u items of %u bytes in a room of 64: OK", count,
					 sizes[i]);
		}
}

static void check_stride(struct run *run, const struct kind *kind, const uint8_t *all,
			 uint32_t size)
{
	struct answer answer = request_info(run, kind->code, 0, kind->n, size);
	uint32_t known = size < kind->item_bytes ? size : kind->item_bytes;

	run_must(run, answer.whole_guard, "%s in items of %u bytes: written too far", kind->name,
		 size);
	if (!run_expect(run, answer.status == S_OK, "%s in items of %u bytes: %s", kind->name, size,
			status_text(answer.status)))
		return;
	for (uint32_t i = 0; i < kind->n; i++) {
		const uint8_t *item = answer.items + i * size;

		run_must(run, memcmp(item, all + i * kind->item_bytes, known) == 0,
			 "%s: item %u is not at %u x %u", kind->name, i, i, size);
		for (uint32_t j = known; j < size; j++)
			run_expect(run, item[j] == 0,
				   "%s: byte %u of an item of %u is 0x%02x, not zero", kind->name,
				   j, size, item[j]);
	}
}

/* An older or newer driver's idea of an item's size. */
static void strides(struct run *run)
{
	static const uint32_t sizes[] = {8, 16, 20, 28, 33, 40, 64};
	uint8_t all[ITEMS_MAX * PCM_INFO_BYTES];
	struct kind kinds[3];
	unsigned n = kinds_of(run, kinds);

	for (unsigned k = 0; k < n; k++)
		if (kinds[k].n > 0 && read_items(run, &kinds[k], all))
			for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
				check_stride(run, &kinds[k], all, sizes[i]);
}

static void none(struct run *run)
{
	struct kind kinds[3];
	unsigned n = kinds_of(run, kinds);

	for (unsigned k = 0; k < n; k++) {
		uint32_t status =
		    request_info(run, kinds[k].code, 0, 0, kinds[k].item_bytes).status;

		run_expect(run, status == S_OK, "%s of none: %s", kinds[k].name,
			   status_text(status));
	}
}

/* Everything belongs to a group that has streams. */
static void groups(struct run *run)
{
	uint8_t all[ITEMS_MAX * PCM_INFO_BYTES];
	struct kind kinds[3];
	unsigned n = kinds_of(run, kinds);

	for (unsigned k = 1; k < n; k++) {
		if (kinds[k].n == 0 || !read_items(run, &kinds[k], all))
			continue;
		for (uint32_t i = 0; i < kinds[k].n; i++) {
			uint32_t group = vmsnd_le32(all + i * kinds[k].item_bytes);
			bool known = false;

			for (unsigned s = 0; s < run->n_streams; s++)
				known = known || run->streams[s].group == group;
			run_should(run, known, "%s %u is of group %u, which has no stream",
				   kinds[k].name, i, group);
		}
	}
}

/* ---- jacks ------------------------------------------------------------------------------------
 */

static bool all_zero(const uint8_t *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static const uint8_t *jack_item(struct run *run, uint32_t jack)
{
	struct answer answer = request_info(run, R_JACK_INFO, jack, 1, JACK_INFO_BYTES);

	run_must(run, answer.status == S_OK, "JACK_INFO of %u: %s", jack,
		 status_text(answer.status));
	return answer.status == S_OK ? answer.items : NULL;
}

static void jack_items(struct run *run)
{
	for (uint32_t i = 0; i < run->front->config.jacks; i++) {
		const uint8_t *item = jack_item(run, i);

		if (item)
			run_expect(run, item[16] <= 1, "jack %u: connected is %u", i, item[16]);
	}
}

static void jack_features(struct run *run)
{
	for (uint32_t i = 0; i < run->front->config.jacks; i++) {
		const uint8_t *item = jack_item(run, i);

		if (item)
			run_expect(run, !(vmsnd_le32(item + 4) & ~REMAP), "jack %u: features 0x%x",
				   i, vmsnd_le32(item + 4));
	}
}

static void jack_padding(struct run *run)
{
	for (uint32_t i = 0; i < run->front->config.jacks; i++) {
		const uint8_t *item = jack_item(run, i);

		if (item)
			run_expect(run, all_zero(item + 17, 7), "jack %u: its padding is not zero",
				   i);
	}
}

/* Association in bits 4..7, sequence in 0..3 of the pin configuration (HDA 7.3.3.31). */
static void jack_remap(struct run *run)
{
	bool any = false;

	for (uint32_t i = 0; i < run->front->config.jacks; i++) {
		const uint8_t *item = jack_item(run, i);
		bool can = item && (vmsnd_le32(item + 4) & REMAP);
		const uint32_t words[4] = {R_JACK_REMAP, i, 5, 3};
		uint32_t status;

		if (!item)
			return;
		any = any || can;
		status = request_words(run, words, 4, 4).status;
		if (!can) {
			run_must(run, status != S_OK, "jack %u cannot be remapped, and was", i);
			continue;
		}
		item = jack_item(run, i);
		run_must(run, status == S_OK && item && (vmsnd_le32(item + 8) & 0xff) == 0x53,
			 "jack %u remapped to 5, 3: %s, pin configuration 0x%x", i,
			 status_text(status), item ? vmsnd_le32(item + 8) : 0);
	}
	if (!any)
		run_note(run, "no jack can be remapped");
}

static void remap_unknown(struct run *run)
{
	const uint32_t ids[] = {run->front->config.jacks, 0x80000000, UINT32_MAX};

	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const uint32_t words[4] = {R_JACK_REMAP, ids[i], 1, 1};
		uint32_t status = request_words(run, words, 4, 4).status;

		run_expect(run, status == S_BAD_MSG || status == S_NOT_SUPP, "jack %u: %s", ids[i],
			   status_text(status));
	}
}

/* ---- streams -----------------------------------------------------------------------------------
 */

static void pcm_values(struct run *run)
{
	for (unsigned i = 0; i < run->n_streams; i++) {
		const struct pcm_info *info = &run->streams[i];

		run_expect(run, !(info->features & ~FEATURES_ALL), "stream %u: features 0x%x", i,
			   info->features);
		run_expect(run, !(info->formats & ~FORMATS_ALL), "stream %u: formats 0x%" PRIx64, i,
			   info->formats);
		run_expect(run, !(info->rates & ~RATES_ALL), "stream %u: rates 0x%" PRIx64, i,
			   info->rates);
		run_expect(run, info->direction <= 1, "stream %u: direction %u", i,
			   info->direction);
	}
}

static void pcm_padding(struct run *run)
{
	for (uint32_t i = 0; i < run->n_streams; i++) {
		struct answer answer = request_info(run, R_PCM_INFO, i, 1, PCM_INFO_BYTES);

		if (run_must(run, answer.status == S_OK, "PCM_INFO of %u: %s", i,
			     status_text(answer.status)))
			run_expect(run, all_zero(answer.items + 27, 5),
				   "stream %u: its padding is not zero", i);
	}
}

static void pcm_shmem(struct run *run)
{
	for (unsigned i = 0; i < run->n_streams; i++)
		run_should(run, !(run->streams[i].features & SHMEM),
			   "stream %u offers shared memory, which the standard only reserves", i);
}

static void pcm_ranges(struct run *run)
{
	for (unsigned i = 0; i < run->n_streams; i++) {
		const struct pcm_info *info = &run->streams[i];

		run_expect(run, info->channels_min > 0 && info->channels_min <= info->channels_max,
			   "stream %u: %u to %u channels", i, info->channels_min,
			   info->channels_max);
		run_expect(run, info->formats != 0 && info->rates != 0,
			   "stream %u has no format or no rate", i);
	}
}

/* ---- channel maps ------------------------------------------------------------------------------
 */

static const uint8_t *chmap_item(struct run *run, uint32_t map)
{
	struct answer answer = request_info(run, R_CHMAP_INFO, map, 1, CHMAP_INFO_BYTES);

	run_must(run, answer.status == S_OK, "CHMAP_INFO of %u: %s", map,
		 status_text(answer.status));
	return answer.status == S_OK ? answer.items : NULL;
}

static void chmap_direction(struct run *run)
{
	for (uint32_t i = 0; i < run->front->config.chmaps; i++) {
		const uint8_t *item = chmap_item(run, i);

		if (item)
			run_expect(run, item[4] <= 1, "map %u: direction %u", i, item[4]);
	}
}

static void chmap_channels(struct run *run)
{
	for (uint32_t i = 0; i < run->front->config.chmaps; i++) {
		const uint8_t *item = chmap_item(run, i);

		if (item)
			run_expect(run, item[5] > 0 && item[5] <= CHANNELS_MAX,
				   "map %u: %u channels", i, item[5]);
	}
}

static void chmap_positions(struct run *run)
{
	for (uint32_t i = 0; i < run->front->config.chmaps; i++) {
		const uint8_t *item = chmap_item(run, i);

		for (unsigned c = 0; item && c < item[5] && c < CHANNELS_MAX; c++)
			run_expect(run, item[6 + c] < POSITIONS,
				   "map %u: channel %u is at position %u", i, c, item[6 + c]);
	}
}

/* A map that no stream can have is of no use. */
static void chmap_fits(struct run *run)
{
	for (uint32_t i = 0; i < run->front->config.chmaps; i++) {
		const uint8_t *item = chmap_item(run, i);
		bool fits = false;

		for (unsigned s = 0; item && s < run->n_streams; s++)
			fits = fits || (run->streams[s].direction == item[4] &&
					run->streams[s].group == vmsnd_le32(item) &&
					run->streams[s].channels_min <= item[5] &&
					run->streams[s].channels_max >= item[5]);
		if (item)
			run_should(run, fits, "map %u of %u channels fits no stream", i, item[5]);
	}
}

static const struct row rows[] = {
    {"V18", "items", 'F', NEED_RINGS, "items are the same one by one and all at once", one_by_one},
    {"V19", "beyond", 'D', NEED_RINGS, "items beyond the last are refused, also by wrapped sums",
     beyond},
    {"V19", "size", 'D', NEED_RINGS, "item sizes whose product wraps are refused", wrapping_size},
    {"V20", "stride", 'D', NEED_RINGS, "the driver's item size is the stride", strides},
    {"V21", "none", 'P', NEED_RINGS, "a query of no items is answered OK", none},
    {"V22", "groups", 'F', NEED_RINGS, "maps and jacks belong to a group with streams", groups},
    {"V23", "items", 'F', NEED_JACKS, "jacks are connected (1) or not (0)", jack_items},
    {"V24", "features", 'M', NEED_JACKS, "jacks have no undefined features", jack_features},
    {"V25", "padding", 'M', NEED_JACKS, "padding of jacks is zero", jack_padding},
    {"V27", "remap", 'F', NEED_JACKS, "jacks with REMAP are remapped, others refuse", jack_remap},
    {"V28", "unknown", 'P', NEED_RINGS, "a remap of a jack that there is not is refused",
     remap_unknown},
    {"V31", "values", 'M', NEED_RINGS, "no undefined features, formats, rates, directions",
     pcm_values},
    {"V32", "padding", 'M', NEED_RINGS, "padding of streams is zero", pcm_padding},
    {"V33", "shmem", 'F', NEED_RINGS, "shared memory is not offered (V33, V34)", pcm_shmem},
    {"V38", "ranges", 'F', NEED_RINGS, "streams have formats, rates and channels", pcm_ranges},
    {"V86", "direction", 'M', NEED_CHMAPS, "maps are for output or input", chmap_direction},
    {"V87", "channels", 'M', NEED_CHMAPS, "maps have 1 to 18 channels", chmap_channels},
    {"V88", "fits", 'F', NEED_CHMAPS, "maps are for streams that there are", chmap_fits},
    {"V89", "positions", 'F', NEED_CHMAPS, "positions are those of the standard", chmap_positions},
};

const struct row_table rows_info = {rows, sizeof(rows) / sizeof(rows[0])};
