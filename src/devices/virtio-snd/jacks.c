/* SPDX-License-Identifier: BSD-3-Clause */
/* Jacks: what the driver reads of them, and what their owner does with them (V23-V29). */
#include <stddef.h>
#include <string.h>

#include "base/endian.h"
#include "devices/virtio-snd/snd.h"

/* HDA 7.3.3.31: association and sequence are the lowest byte. */
#define FIELD_MAX     15u
#define REMAPPED_BITS 0xffu

void snd_jack_item(const struct vmsnd_snd *snd, uint32_t id, void *to)
{
	const struct snd_jack_plan *plan = &snd->plan.jacks[id];
	const struct virtio_snd_jack_info info = {
	    .hdr.hda_fn_nid = plan->group,
	    .features = plan->remap ? UINT32_C(1) << VIRTIO_SND_JACK_F_REMAP : 0,
	    .hda_reg_defconf = snd->jacks[id].pin_config,
	    .hda_reg_caps = plan->pin_caps,
	    .connected = snd->jacks[id].connected,
	};

	memcpy(to, &info, sizeof(info));
}

void snd_jacks_told(struct vmsnd_snd *snd, const struct virtio_snd_query_info *info)
{
	/* An older driver's item may end before it. */
	if (info->size <= offsetof(struct virtio_snd_jack_info, connected))
		return;
	for (uint32_t i = 0; i < info->count; i++) {
		snd->jacks[info->start_id + i].known = snd->jacks[info->start_id + i].connected;
		snd->events.jacks &= ~(UINT32_C(1) << (info->start_id + i));
	}
}

static bool offers_remap(const struct vmsnd_snd *snd)
{
	for (uint32_t i = 0; i < snd->plan.n_jacks; i++)
		if (snd->plan.jacks[i].remap)
			return true;
	return false;
}

uint32_t snd_jack_remap(struct vmsnd_snd *snd, const void *request)
{
	const struct virtio_snd_jack_remap *wanted = request;
	uint32_t id = wanted->hdr.jack_id;

	if (!offers_remap(snd))
		return VIRTIO_SND_S_NOT_SUPP;
	if (id >= snd->plan.n_jacks || wanted->association > FIELD_MAX ||
	    wanted->sequence > FIELD_MAX)
		return VIRTIO_SND_S_BAD_MSG;
	if (!snd->plan.jacks[id].remap)
		return VIRTIO_SND_S_NOT_SUPP;
	snd->jacks[id].pin_config = (snd->jacks[id].pin_config & ~REMAPPED_BITS) |
				    wanted->association << 4 | wanted->sequence;
	return VIRTIO_SND_S_OK;
}

/* ---- the owner's side ---- */

bool snd_jack_get(const struct vmsnd_snd *snd, unsigned index, struct vmsnd_jack *out)
{
	const struct snd_jack_plan *plan = &snd->plan.jacks[index];

	if (index >= snd->plan.n_jacks)
		return false;
	memcpy(out->name, plan->name, sizeof(out->name));
	out->connected = snd->jacks[index].connected;
	out->dirs[VMSND_PLAYBACK] = (plan->pin_caps & SND_PIN_OUTPUT) != 0;
	out->dirs[VMSND_CAPTURE] = (plan->pin_caps & SND_PIN_INPUT) != 0;
	out->output = plan->output;
	out->pin_config = snd->jacks[index].pin_config;
	return true;
}

void snd_jack_set(struct vmsnd_snd *snd, unsigned index, bool connected)
{
	if (index >= snd->plan.n_jacks || snd->jacks[index].connected == connected)
		return;
	snd->jacks[index].connected = connected;
	/* Whoever comes first will ask. */
	if (!snd->events.met)
		snd->jacks[index].known = connected;
	snd_events_jack(snd, index);
}

/* What is plugged in stays so whatever the driver does, and so does what it has been told: one that
 * was suspended does not ask again, and hears of what changed meanwhile. */
void snd_jacks_reset(struct vmsnd_snd *snd, enum vmsnd_reset why)
{
	for (uint32_t i = 0; i < snd->plan.n_jacks; i++) {
		snd->jacks[i].pin_config = snd->plan.jacks[i].pin_config;
		if (why == VMSND_RESET_BUS)
			continue;
		snd->jacks[i].known = snd->jacks[i].connected;
		snd->events.jacks &= ~(UINT32_C(1) << i);
	}
	snd->events.met &= why == VMSND_RESET_BUS;
}

void snd_jacks_init(struct vmsnd_snd *snd)
{
	for (uint32_t i = 0; i < snd->plan.n_jacks; i++)
		snd->jacks[i].connected = snd->plan.jacks[i].connected;
}

/* ---- saved state ---- */

void snd_jacks_save(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u8(to, (uint8_t)snd->plan.n_jacks);
	for (uint32_t i = 0; i < snd->plan.n_jacks; i++) {
		vmsnd_state_put_u8(to, snd->jacks[i].connected);
		vmsnd_state_put_u8(to, snd->jacks[i].known);
		vmsnd_state_put_u8(to, (uint8_t)snd->jacks[i].pin_config);
	}
}

/* Only the lowest byte of a pin's configuration can change. */
void snd_jacks_load(struct vmsnd_snd *snd, struct vmsnd_state_reader *from)
{
	uint8_t n = vmsnd_state_get_u8(from);

	from->bad |= n != snd->plan.n_jacks;
	for (uint32_t i = 0; i < snd->plan.n_jacks && !from->bad; i++) {
		struct snd_jack *jack = &snd->jacks[i];
		uint32_t config = snd->plan.jacks[i].pin_config;
		uint8_t remapped;

		jack->connected = vmsnd_state_get_bool(from);
		jack->known = vmsnd_state_get_bool(from);
		remapped = vmsnd_state_get_u8(from);
		from->bad |= !snd->plan.jacks[i].remap && remapped != (config & REMAPPED_BITS);
		jack->pin_config = (config & ~REMAPPED_BITS) | remapped;
	}
}
