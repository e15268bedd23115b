/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of descriptors: what is fetched, skipped and completed (A9-05, A9-07 .. A9-10). */
#include "base/endian.h"
#include "devices/ac97/ac97.h"
#include "vmsnd/transport.h"

#define DESCRIPTOR_BYTES 8u
#define IOC              UINT32_C(0x80000000)
#define BUP              UINT32_C(0x40000000)

static uint8_t after(uint8_t index)
{
	return (uint8_t)((index + 1) % AC97_DESCRIPTORS);
}

static void halt(struct ac97_engine *engine, uint16_t why)
{
	engine->sr |= (uint16_t)(AC97_SR_DCH | why);
	engine->phase = AC97_HALTED;
	engine->under_way = false;
	engine->left_samples = 0;
	engine->idle_frames = 0;
}

static enum vmsnd_rc read_entry(struct vmsnd_ac97 *card, const struct ac97_engine *engine,
				uint8_t index, struct ac97_descriptor *out)
{
	/* A 32-bit bus: what lies beyond 4 GiB is address 0. */
	uint32_t at = engine->bdbar + index * DESCRIPTOR_BYTES;
	uint8_t bytes[DESCRIPTOR_BYTES];
	enum vmsnd_rc rc = vmsnd_gmem_read(card->env.mem, at, bytes, sizeof(bytes));

	if (rc)
		return rc;
	*out = (struct ac97_descriptor){.address = vmsnd_le32(bytes) & ~UINT32_C(3),
					.samples = vmsnd_le32(bytes + 4) & 0xffff,
					.ioc = (vmsnd_le32(bytes + 4) & IOC) != 0,
					.bup = (vmsnd_le32(bytes + 4) & BUP) != 0};
	return VMSND_OK;
}

bool ac97_prefetch(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	enum vmsnd_rc rc;

	if (engine->civ == engine->lvi || engine->ahead)
		return true;
	rc = read_entry(card, engine, engine->piv, &engine->next);
	if (rc == VMSND_E_AGAIN && ac97_engine_waits(engine, now))
		return false;
	if (rc == VMSND_E_AGAIN)
		ac97_engine_fifo_error(card, engine);
	engine->ahead = rc == VMSND_OK;
	engine->asked_since = VMSND_NEVER;
	return true;
}

/* The entry CIV. False: it has not come yet, or is not there. */
static bool read_current(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	enum vmsnd_rc rc = VMSND_OK;

	if (engine->ahead)
		engine->list = engine->next;
	else
		rc = read_entry(card, engine, engine->civ, &engine->list);
	engine->ahead = false;
	if (rc == VMSND_E_AGAIN && ac97_engine_waits(engine, now))
		return false;
	engine->asked_since = VMSND_NEVER;
	if (!rc)
		return true;
	/* No list, nothing to go on with. */
	if (rc != VMSND_E_AGAIN) {
		ac97_fault(card, VMSND_FAULT_LIST, engine->bdbar + engine->civ * DESCRIPTOR_BYTES);
		vmsnd_pci_master_abort(&card->pci);
	}
	ac97_engine_fifo_error(card, engine);
	halt(engine, 0);
	return false;
}

/* True: it was the last valid one. */
static bool pass(struct vmsnd_ac97 *card, struct ac97_engine *engine)
{
	unsigned id = (unsigned)(engine - card->engines);

	if (engine->list.ioc) {
		engine->sr |= AC97_SR_BCIS;
		card->counters.completions[id]++;
	}
	if (engine->civ == engine->lvi) {
		halt(engine, AC97_SR_CELV | AC97_SR_LVBCI);
		return true;
	}
	engine->civ = engine->piv;
	engine->piv = after(engine->piv);
	return false;
}

void ac97_fetch(struct vmsnd_ac97 *card, struct ac97_engine *engine, vmsnd_ns now)
{
	if (engine->fresh) /* A9-07 */
		engine->piv = after(engine->civ);
	engine->fresh = false;
	/* CIV meets LVI within 32 steps. */
	for (;;) {
		if (!read_current(card, engine, now))
			return;
		if (engine->list.samples > 0)
			break;
		if (pass(card, engine))
			return;
	}
	if (engine->list.samples % engine->params.format.channels != 0)
		ac97_fault(card, VMSND_FAULT_LIST, engine->list.samples);
	engine->left_samples = engine->list.samples;
	engine->under_way = true;
	engine->phase = AC97_MOVING;
}

void ac97_complete(struct vmsnd_ac97 *card, struct ac97_engine *engine)
{
	engine->under_way = false;
	if (!pass(card, engine))
		engine->phase = AC97_WANTING;
}

void ac97_pass_on(struct ac97_engine *engine)
{
	engine->sr &= (uint16_t)~AC97_SR_CELV;
	engine->civ = engine->piv;
	engine->piv = after(engine->piv);
}
