/* SPDX-License-Identifier: BSD-3-Clause */
/* The card's two windows: the codecs' mixers (NAM) and the bus master (NABM), as I/O ports and, of
 * ICH4, as memory (A9-05, A9-06, A9-14, A9-15). */
#include <string.h>

#include "devices/ac97/ac97.h"

enum which { BDBAR, CIV, LVI, SR, PICB, PIV, CR, GLOB_CNT, GLOB_STA, CAS, SDM };

#define LVI_BITS   0x1fu
#define BDBAR_BITS UINT32_C(0xfffffff8)
#define STA_ICH    UINT32_C(0x00030000) /* plain bits of GLOB_STA */
#define STA_BY_1   UINT32_C(0x20008c01)
#define SDM_BITS   0xf8u
#define CAS_BIT    0x01u

/* ---- an engine's box ---- */

/* Rows serve boxes from a first one on; it is in `which` above the register. */
#define BOX(first) ((first) << 4)

static struct ac97_engine *engine_of(struct vmsnd_ac97 *card, unsigned instance, unsigned which)
{
	return &card->engines[instance + (which >> 4)];
}

static uint32_t box_read(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	struct ac97_engine *engine = engine_of(ctx, instance, which);

	switch ((enum which)(which & 15)) {
	case BDBAR:
		return engine->bdbar;
	case CIV:
		return engine->civ;
	case LVI:
		return engine->lvi;
	case SR:
		return engine->sr;
	case PICB:
		return ac97_engine_picb(engine, now);
	case PIV:
		return engine->piv;
	default:
		return engine->cr;
	}
}

static void bdbar_write(void *ctx, unsigned instance, unsigned which,
			const struct vmsnd_register_write *write)
{
	struct ac97_engine *engine = engine_of(ctx, instance, which);

	engine->bdbar = vmsnd_register_merge(engine->bdbar, BDBAR_BITS, write);
}

static void lvi_write(void *ctx, unsigned instance, unsigned which,
		      const struct vmsnd_register_write *write)
{
	struct ac97_engine *engine = engine_of(ctx, instance, which);

	engine->lvi = (uint8_t)(write->value & LVI_BITS);
	ac97_engine_more(ctx, engine, write->now);
}

static void sr_write(void *ctx, unsigned instance, unsigned which,
		     const struct vmsnd_register_write *write)
{
	struct ac97_engine *engine = engine_of(ctx, instance, which);

	engine->sr &= (uint16_t) ~(write->value & AC97_SR_CLEARED_BY_1);
}

/* A9-12. The reset bit clears itself; what is written with it counts for nothing. */
static void cr_write(void *ctx, unsigned instance, unsigned which,
		     const struct vmsnd_register_write *write)
{
	struct vmsnd_ac97 *card = ctx;
	struct ac97_engine *engine = engine_of(card, instance, which);

	if (write->value & AC97_CR_RESET) {
		ac97_engine_reset(card, engine, write->now);
		return;
	}
	engine->cr = (uint8_t)(write->value & (AC97_CR_ENABLES | AC97_CR_RUN));
	ac97_engine_sync(card, engine, write->now);
}

#define BOX_ROWS(first)                                                                            \
	{.offset = 0x0,                                                                            \
	 .bytes = 4,                                                                               \
	 .which = BOX(first) | BDBAR,                                                              \
	 .read = box_read,                                                                         \
	 .write = bdbar_write},                                                                    \
	    {.offset = 0x4, .bytes = 1, .which = BOX(first) | CIV, .read = box_read},              \
	    {.offset = 0x5,                                                                        \
	     .bytes = 1,                                                                           \
	     .which = BOX(first) | LVI,                                                            \
	     .read = box_read,                                                                     \
	     .write = lvi_write},                                                                  \
	    {.offset = 0x6,                                                                        \
	     .bytes = 2,                                                                           \
	     .which = BOX(first) | SR,                                                             \
	     .read = box_read,                                                                     \
	     .write = sr_write},                                                                   \
	    {.offset = 0x8, .bytes = 2, .which = BOX(first) | PICB, .read = box_read},             \
	    {.offset = 0xa, .bytes = 1, .which = BOX(first) | PIV, .read = box_read},              \
	{                                                                                          \
		.offset = 0xb, .bytes = 1, .which = BOX(first) | CR, .read = box_read,             \
		.write = cr_write                                                                  \
	}

/* ---- global registers ---- */

static uint32_t global_read(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	struct vmsnd_ac97 *card = ctx;
	uint8_t cas = card->cas;

	switch ((enum which)which) {
	case GLOB_CNT:
		return card->glob_cnt;
	case GLOB_STA:
		return ac97_glob_sta(card);
	case CAS: /* whoever reads 0 has it (A9-14) */
		card->cas = CAS_BIT;
		return cas;
	default:
		return card->sdm;
	}
}

static void glob_cnt_write(void *ctx, unsigned instance, unsigned which,
			   const struct vmsnd_register_write *write)
{
	struct vmsnd_ac97 *card = ctx;

	ac97_glob_cnt_write(card, vmsnd_register_merge(card->glob_cnt, UINT32_MAX, write),
			    write->now);
}

static void glob_sta_write(void *ctx, unsigned instance, unsigned which,
			   const struct vmsnd_register_write *write)
{
	struct vmsnd_ac97 *card = ctx;

	card->glob_sta = vmsnd_register_merge(card->glob_sta, STA_ICH, write);
	card->glob_sta &= ~(write->value & STA_BY_1);
}

static void sdm_write(void *ctx, unsigned instance, unsigned which,
		      const struct vmsnd_register_write *write)
{
	struct vmsnd_ac97 *card = ctx;

	card->sdm = (uint8_t)vmsnd_register_merge(card->sdm, SDM_BITS, write);
}

static const struct vmsnd_register first_rows[] = {BOX_ROWS(AC97_PCM_IN)};
static const struct vmsnd_register mic_rows[] = {BOX_ROWS(AC97_MIC)};
static const struct vmsnd_register second_rows[] = {BOX_ROWS(AC97_MIC2)};
static const struct vmsnd_register global_rows[] = {
    {.offset = 0x0, .bytes = 4, .which = GLOB_CNT, .read = global_read, .write = glob_cnt_write},
    {.offset = 0x4, .bytes = 4, .which = GLOB_STA, .read = global_read, .write = glob_sta_write},
    {.offset = 0x8, .bytes = 1, .which = CAS, .read = global_read},
};
static const struct vmsnd_register steering_rows[] = {
    {.offset = 0x0, .bytes = 1, .which = SDM, .read = global_read, .write = sdm_write},
};

#define ROWS(table) .rows = table, .n_rows = sizeof(table) / sizeof(table[0])

/* Global control lies in what would be the microphone's box (A9-05). */
static const struct vmsnd_register_block master_blocks[] = {
    {.offset = 0x00, .stride = 0x10, .instances = 2, ROWS(first_rows)},
    {.offset = 0x20, .stride = 0x0c, .instances = 1, ROWS(mic_rows)},
    {.offset = 0x2c, .stride = 0x14, .instances = 1, ROWS(global_rows)},
    {.offset = 0x40, .stride = 0x10, .instances = 3, ROWS(second_rows)},
    {.offset = 0x80, .stride = 0x80, .instances = 1, ROWS(steering_rows)},
};

/* ---- the codecs ---- */

static uint32_t mixer_read(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	struct vmsnd_ac97 *card = ctx;
	unsigned codec = instance / AC97_CODEC_REGISTERS;

	card->cas = 0;
	if (codec >= card->conf.n_codecs || !ac97_link_up(card)) {
		card->glob_sta |= AC97_STA_RCS;
		return 0xffff;
	}
	if (card->conf.variant == AC97_VARIANT_ICH4)
		card->sdm = (uint8_t)((card->sdm & SDM_BITS) | codec);
	return ac97_codec_read(&card->codecs[codec], instance % AC97_CODEC_REGISTERS * 2);
}

static void mixer_write(void *ctx, unsigned instance, unsigned which,
			const struct vmsnd_register_write *write)
{
	struct vmsnd_ac97 *card = ctx;
	unsigned codec = instance / AC97_CODEC_REGISTERS;
	unsigned offset = instance % AC97_CODEC_REGISTERS * 2;
	uint32_t value = write->value;

	card->cas = 0;
	if (codec >= card->conf.n_codecs || !ac97_link_up(card))
		return;
	/* The link carries 16 bits: one byte goes with the other as it is (A9-15), but for what a 1
	 * would clear in that. */
	if (write->mask != 0xffff)
		value = vmsnd_register_merge(ac97_codec_kept(&card->codecs[codec], offset), 0xffff,
					     write);
	if (!ac97_codec_write(&card->codecs[codec], offset, (uint16_t)value) || codec != 0)
		return;
	ac97_sound_changed(&card->sound);
	ac97_mixers(card, write->now);
}

static const struct vmsnd_register mixer_rows[] = {
    {.offset = 0, .bytes = 2, .read = mixer_read, .write = mixer_write},
};
static const struct vmsnd_register_block mixer_blocks[] = {
    {.offset = 0,
     .stride = 2,
     .instances = AC97_CODECS_MAX * AC97_CODEC_REGISTERS,
     ROWS(mixer_rows)},
};
static const struct vmsnd_register_block mixer_blocks_io[] = {
    {.offset = 0, .stride = 2, .instances = 2 * AC97_CODEC_REGISTERS, ROWS(mixer_rows)},
};

/* ---- BARs ---- */

/* I/O shows the first two codecs and three engines, memory all. */
static const struct {
	struct vmsnd_register_space space;
	bool io, ich4_only;
} bars[] = {
    {{.blocks = mixer_blocks_io, .n_blocks = 1, .bytes = 256}, true, false},
    {{.blocks = master_blocks, .n_blocks = 3, .bytes = 64}, true, false},
    {{.blocks = mixer_blocks, .n_blocks = 1, .bytes = 512}, false, true},
    {{.blocks = master_blocks, .n_blocks = 5, .bytes = 256}, false, true},
};
#define BARS (sizeof(bars) / sizeof(bars[0]))

static bool is_there(const struct ac97_conf *conf, unsigned index)
{
	return index < BARS && (conf->variant == AC97_VARIANT_ICH4 || !bars[index].ich4_only);
}

void ac97_window_bars(const struct ac97_conf *conf, struct vmsnd_pci_bar out[VMSND_PCI_BARS])
{
	for (unsigned i = 0; i < VMSND_PCI_BARS; i++)
		if (is_there(conf, i))
			out[i] = (struct vmsnd_pci_bar){bars[i].space.bytes, bars[i].io};
		else
			out[i] = (struct vmsnd_pci_bar){.bytes = 0};
}

/* NULL: it is not there, or asleep. */
static const struct vmsnd_register_space *space_of(const struct vmsnd_ac97 *card, unsigned region)
{
	if (!is_there(&card->conf, region) || !vmsnd_pci_awake(&card->pci))
		return NULL;
	return &bars[region].space;
}

void ac97_window_read(struct vmsnd_ac97 *card, const struct vmsnd_pci_access *access, void *to)
{
	const struct vmsnd_register_space *space = space_of(card, access->region);
	const struct vmsnd_register_access at = {access->offset, access->bytes, access->now};

	if (!space)
		memset(to, 0xff, access->bytes);
	if (!space || !vmsnd_registers_read(space, card, &at, to))
		ac97_fault(card, VMSND_FAULT_REGISTER, access->offset);
}

void ac97_window_write(struct vmsnd_ac97 *card, const struct vmsnd_pci_access *access,
		       const void *from)
{
	const struct vmsnd_register_space *space = space_of(card, access->region);
	const struct vmsnd_register_access at = {access->offset, access->bytes, access->now};

	if (!space || !vmsnd_registers_write(space, card, &at, from))
		ac97_fault(card, VMSND_FAULT_REGISTER, access->offset);
}
