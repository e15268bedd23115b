/* SPDX-License-Identifier: BSD-3-Clause */
/* What all engines share: global control and status, resets, the interrupt (A9-11, A9-13). */
#include "devices/ac97/ac97.h"

/* Hardwired: 4 and 6 channels; of ICH4 also 20-bit samples. */
#define STA_CAPABLE      UINT32_C(0x00300000)
#define STA_CAPABLE_ICH4 UINT32_C(0x00700000)
#define STA_BCS          UINT32_C(0x08000000) /* ICH4: the link has no clock */
#define STA_SEMAPHORES   UINT32_C(0x00030000) /* of power-down, for software alone */
#define CNT_ICH          UINT32_C(0x0030003b) /* what can be written; without the warm reset */
#define CNT_ICH4         UINT32_C(0xc0f0007b)

/* Of GLOB_STA: an engine interrupts. */
static const uint32_t summaries[AC97_ENGINES] = {
    [AC97_PCM_IN] = 0x20,     [AC97_PCM_OUT] = 0x40,       [AC97_MIC] = 0x80,
    [AC97_MIC2] = 0x01000000, [AC97_PCM_IN2] = 0x02000000, [AC97_SPDIF_OUT] = 0x04000000,
};

static const struct {
	uint32_t ready, resume, resume_enable;
} codec_rows[AC97_CODECS_MAX] = {
    {0x100, AC97_STA_PRI, AC97_CNT_PRIE},
    {0x200, AC97_STA_SRI, AC97_CNT_SRIE},
    {0x10000000, AC97_STA_TRI, AC97_CNT_TRIE},
};

void ac97_fault(struct vmsnd_ac97 *card, enum vmsnd_fault what, uint64_t detail)
{
	card->counters.faults[what]++;
	card->env.guest_fault(card->env.ctx, what, detail);
}

bool ac97_link_up(const struct vmsnd_ac97 *card)
{
	return (card->glob_cnt & AC97_CNT_COLD) && !(card->glob_cnt & AC97_CNT_LINK_OFF);
}

static const struct {
	uint8_t status, enable; /* of SR, of CR */
} cause_rows[] = {
    {AC97_SR_BCIS, AC97_CR_IOCE},
    {AC97_SR_LVBCI, AC97_CR_LVBIE},
    {AC97_SR_FIFOE, AC97_CR_FEIE},
};
#define ENGINE_CAUSES (sizeof(cause_rows) / sizeof(cause_rows[0]))
/* Causes as vmsnd_pci_interrupt has them: engines first, then codecs. */
#define CAUSE_GPIO   (UINT32_C(1) << ENGINE_CAUSES * AC97_ENGINES)
#define CAUSE_RESUME (CAUSE_GPIO << 1) /* and following */

static uint32_t engine_causes(const struct ac97_engine *engine)
{
	uint32_t causes = 0;

	for (unsigned i = 0; i < ENGINE_CAUSES; i++)
		if ((engine->sr & cause_rows[i].status) && (engine->cr & cause_rows[i].enable))
			causes |= UINT32_C(1) << i;
	return causes;
}

uint32_t ac97_glob_sta(const struct vmsnd_ac97 *card)
{
	bool ich4 = card->conf.variant == AC97_VARIANT_ICH4;
	uint32_t sta = card->glob_sta | (ich4 ? STA_CAPABLE_ICH4 : STA_CAPABLE);

	for (unsigned i = 0; i < card->n_engines; i++)
		if (engine_causes(&card->engines[i]) != 0)
			sta |= summaries[i];
	for (unsigned i = 0; ac97_link_up(card) && i < card->conf.n_codecs; i++)
		sta |= codec_rows[i].ready;
	if (ich4 && !ac97_link_up(card))
		sta |= STA_BCS;
	return sta;
}

void ac97_settle(struct vmsnd_ac97 *card)
{
	uint32_t causes = 0;

	for (unsigned i = 0; i < card->n_engines; i++)
		causes |= engine_causes(&card->engines[i]) << ENGINE_CAUSES * i;
	if ((card->glob_sta & AC97_STA_GSCI) && (card->glob_cnt & AC97_CNT_GIE))
		causes |= CAUSE_GPIO;
	for (unsigned i = 0; i < card->conf.n_codecs; i++)
		if ((card->glob_sta & codec_rows[i].resume) &&
		    (card->glob_cnt & codec_rows[i].resume_enable))
			causes |= CAUSE_RESUME << i;
	card->counters.interrupts += causes != 0 && card->pci.causes == 0;
	vmsnd_pci_interrupt(&card->pci, causes);
}

bool ac97_globals_are_possible(const struct vmsnd_ac97 *card)
{
	bool ich4 = card->conf.variant == AC97_VARIANT_ICH4;
	uint32_t sta = STA_SEMAPHORES | AC97_STA_GSCI | AC97_STA_PRI | AC97_STA_SRI | AC97_STA_RCS |
		       AC97_STA_TRI;

	return !(card->glob_cnt & ~(ich4 ? CNT_ICH4 : CNT_ICH)) && !(card->glob_sta & ~sta) &&
	       (ich4 ? !(card->sdm & 0x04) : card->sdm == 0);
}

/* ---- resets ---- */

/* What the link's reset line does: codecs are as at power-on, and engines have nothing to feed. */
static void cold_reset(struct vmsnd_ac97 *card, vmsnd_ns now)
{
	for (unsigned i = 0; i < card->n_engines; i++) {
		card->engines[i].cr = 0;
		ac97_engine_reset(card, &card->engines[i], now);
	}
	for (unsigned i = 0; i < card->conf.n_codecs; i++)
		ac97_codec_reset(&card->codecs[i]);
	ac97_sound_reset(&card->sound);
	ac97_sound_changed(&card->sound);
	ac97_mixers(card, now);
	card->cas = 0;
	card->glob_sta &= STA_SEMAPHORES;
}

/* Codecs that had shut the link down are woken: their PR4 falls (AC'97 2.3, 3.5.2.1). */
static void warm_reset(struct vmsnd_ac97 *card)
{
	for (unsigned i = 0; i < card->conf.n_codecs; i++) {
		struct ac97_codec *codec = &card->codecs[i];
		uint16_t power = ac97_codec_read(codec, 0x26);

		if (power & 0x1000)
			ac97_codec_write(codec, 0x26, (uint16_t)(power & ~0x1000));
	}
}

void ac97_glob_cnt_write(struct vmsnd_ac97 *card, uint32_t value, vmsnd_ns now)
{
	uint32_t writable = card->conf.variant == AC97_VARIANT_ICH4 ? CNT_ICH4 : CNT_ICH;
	uint32_t before = card->glob_cnt;

	card->glob_cnt = value & writable;
	if ((before & AC97_CNT_COLD) && !(value & AC97_CNT_COLD))
		cold_reset(card, now);
	/* Ignored in a cold reset. Clears itself before anybody could see it. */
	if ((value & AC97_CNT_WARM) && (value & before & AC97_CNT_COLD)) {
		card->glob_cnt &= ~(uint32_t)AC97_CNT_LINK_OFF;
		warm_reset(card);
	}
	for (unsigned i = 0; i < card->n_engines; i++)
		ac97_engine_sync(card, &card->engines[i], now);
}

void ac97_reset(struct vmsnd_ac97 *card, vmsnd_ns now)
{
	cold_reset(card, now); /* codecs first: Windows XP looks for their vendor (A9-29) */
	card->glob_cnt = 0;
	card->glob_sta = 0;
	card->sdm = 0;
	for (unsigned i = 0; i < card->n_engines; i++)
		ac97_port_release(&card->engines[i], now);
	vmsnd_pci_reset(&card->pci);
	card->counters.resets++;
}
