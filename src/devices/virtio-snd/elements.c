/* SPDX-License-Identifier: BSD-3-Clause */
/* Control elements: volume, mute and choice of input, for each function group and each direction
 * in which it has streams. The values live in the ports (vmsnd_port_mixer), where the owner turns
 * them, too; setting an element sets the mixers of all streams of its group and direction. */
#include "devices/virtio-snd/elements.h"

#include <string.h>

#include "devices/virtio-snd/snd.h"
#include "vmsnd/tree.h"

/* V111: half a decibel a step, mute at the bottom, 0 dB at the top: on top of what the owner has
 * set for each output, so that no guest is louder than its owner wants. */
#define STEP_MDB    500
#define STEPS       120
#define BOTTOM_MDB  (-STEPS * STEP_MDB)
#define TLV_DB      1u /* SNDRV_CTL_TLVT_DB_SCALE */
#define TLV_DB_MUTE UINT32_C(0x10000)

/* Words that Linux' simple mixer knows. */
static const struct {
	const char *names[2]; /* by enum vmsnd_dir; NULL: not in that direction */
	uint32_t role, type, access, max;
} kinds[] = {
    [SND_ELEMENT_VOLUME] = {{"Master Playback Volume", "Capture Volume"},
			    SND_CTL_KIND_VOLUME,
			    SND_CTL_INTEGER,
			    SND_CTL_MAY_READ | SND_CTL_MAY_WRITE | SND_CTL_MAY_READ_TLV,
			    STEPS},
    [SND_ELEMENT_SWITCH] = {{"Master Playback Switch", "Capture Switch"},
			    SND_CTL_KIND_MUTE,
			    SND_CTL_BOOLEAN,
			    SND_CTL_MAY_READ | SND_CTL_MAY_WRITE,
			    1},
    [SND_ELEMENT_SOURCE] = {{NULL, "Capture Source"},
			    SND_CTL_KIND_UNDEFINED,
			    SND_CTL_ENUMERATED,
			    SND_CTL_MAY_READ | SND_CTL_MAY_WRITE,
			    0},
};

static const char every_input[] = "All inputs";

static const struct snd_stream_plan *plan_of(const struct vmsnd_snd *snd,
					     const struct snd_element *element)
{
	return &snd->plan.streams[element->stream];
}

static bool are_together(const struct snd_stream_plan *a, const struct snd_stream_plan *b)
{
	return a->group == b->group && a->dir == b->dir;
}

/* ---- which there are ---- */

/* "0 alsa"; what is no printable ASCII is replaced (V97). */
static void name_input(char *to, uint32_t number, const char *backend)
{
	size_t n = 0;

	to[n++] = (char)('0' + number);
	if (*backend)
		to[n++] = ' ';
	for (; *backend && n < SND_CTL_ITEM_BYTES - 1; backend++)
		to[n++] = *backend > ' ' && *backend < 0x7F ? *backend : '?';
	to[n] = 0;
}

static uint32_t number_of(const char *name)
{
	return name[0] >= '0' && name[0] < '0' + (char)SND_INPUTS_MAX && !name[1]
		   ? (uint32_t)(name[0] - '0')
		   : SND_INPUTS_MAX;
}

/* Outputs of the card that are inputs, too. Where nothing is said of them, there is one. */
static void read_inputs(struct snd_elements *elements, const struct vmsnd_node *node)
{
	const struct vmsnd_node *list = node ? vmsnd_node_find(node, "outputs") : NULL;

	if (!list)
		name_input(elements->inputs[0], 0, "");
	for (list = list ? vmsnd_node_first(list) : NULL; list; list = vmsnd_node_next(list)) {
		uint32_t number = number_of(vmsnd_node_name(list));
		const char *backend, *dir;

		vmsnd_leaf_text(list, "backend", "", &backend);
		vmsnd_leaf_text(list, "dir", "", &dir);
		if (number < SND_INPUTS_MAX && strcmp(dir, "playback") != 0)
			name_input(elements->inputs[number], number, backend);
	}
}

static uint8_t index_of(const struct vmsnd_snd *snd, uint32_t group)
{
	uint8_t index = 0;

	for (uint32_t i = 0; snd->plan.streams[i].group != group; i++) {
		uint32_t first = 0;

		while (snd->plan.streams[first].group != snd->plan.streams[i].group)
			first++;
		index = (uint8_t)(index + (first == i));
	}
	return index;
}

/* As wide as the widest stream of the group, and all inputs that one of them hears. */
static struct snd_element element_of(const struct vmsnd_snd *snd, uint32_t first)
{
	const struct snd_stream_plan *plan = &snd->plan.streams[first];
	struct snd_element made = {.stream = (uint8_t)first, .index = index_of(snd, plan->group)};

	for (uint32_t i = first; i < snd->plan.n_streams; i++) {
		const struct snd_stream_plan *other = &snd->plan.streams[i];

		if (!are_together(plan, other))
			continue;
		if (other->channels_max > made.count)
			made.count = other->channels_max;
		made.inputs |= (uint8_t)other->outputs;
	}
	for (uint32_t i = 0; i < SND_INPUTS_MAX; i++)
		if (!snd->elements.inputs[i][0])
			made.inputs &= (uint8_t) ~(1u << i);
	return made;
}

static void add(struct vmsnd_snd *snd, uint32_t first)
{
	struct snd_element made = element_of(snd, first);
	uint8_t channels = made.count;

	for (uint8_t kind = SND_ELEMENT_VOLUME; kind <= SND_ELEMENT_SOURCE; kind++) {
		if (!kinds[kind].names[plan_of(snd, &made)->dir])
			continue;
		made.kind = kind;
		made.count = kind == SND_ELEMENT_SOURCE ? 1 : channels;
		snd->elements.list[snd->elements.n++] = made;
	}
}

static bool are_offered(const struct vmsnd_snd *snd)
{
	return snd->plan.features & SND_F_CTLS;
}

static void plan_all(struct vmsnd_snd *snd)
{
	snd->elements.n = 0;
	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		uint32_t first = 0;

		while (!are_together(&snd->plan.streams[first], &snd->plan.streams[i]))
			first++;
		if (first == i)
			add(snd, i);
	}
}

void snd_elements_plan(struct vmsnd_snd *snd, const struct vmsnd_node *node)
{
	if (!are_offered(snd))
		return;
	read_inputs(&snd->elements, node);
	plan_all(snd);
}

/* ---- values ---- */

uint32_t snd_element_access(const struct snd_element *element)
{
	return kinds[element->kind].access;
}

uint32_t snd_element_items(const struct snd_element *element)
{
	uint32_t n = 1;

	for (uint32_t i = 0; i < SND_INPUTS_MAX; i++)
		n += element->inputs >> i & 1u;
	return n;
}

bool snd_element_takes(const struct snd_element *element, uint32_t value)
{
	if (element->kind == SND_ELEMENT_SOURCE)
		return value < snd_element_items(element);
	return value <= kinds[element->kind].max;
}

/* The input that an item stands for; SND_INPUTS_MAX: every one. */
static uint32_t input_of(const struct snd_element *element, uint32_t item)
{
	for (uint32_t i = 0; i < SND_INPUTS_MAX; i++)
		if (element->inputs >> i & 1u && --item == 0)
			return i;
	return SND_INPUTS_MAX;
}

static uint32_t item_of(const struct snd_element *element, uint32_t sources)
{
	uint32_t item = 0;

	for (uint32_t i = 0; i < SND_INPUTS_MAX; i++) {
		item += element->inputs >> i & 1u;
		if (sources == UINT32_C(1) << i)
			return element->inputs >> i & 1u ? item : 0;
	}
	return 0;
}

static uint32_t step_of(const struct vmsnd_volume *volume, uint32_t channel)
{
	int64_t mdb = (int64_t)volume->gain_mdb + volume->channel_mdb[channel];

	if (volume->gain_mdb <= VMSND_GAIN_MIN_MDB ||
	    volume->channel_mdb[channel] <= VMSND_GAIN_MIN_MDB || mdb <= VMSND_GAIN_MIN_MDB)
		return 0;
	if (mdb < BOTTOM_MDB + STEP_MDB)
		return 1;
	return mdb < 0 ? (uint32_t)((mdb - BOTTOM_MDB + STEP_MDB / 2) / STEP_MDB) : STEPS;
}

static int32_t mdb_of(uint32_t step)
{
	return step ? BOTTOM_MDB + (int32_t)step * STEP_MDB : VMSND_GAIN_MIN_MDB;
}

void snd_element_get(const struct vmsnd_snd *snd, const struct snd_element *element,
		     uint32_t *values)
{
	struct vmsnd_mixer mixer;

	vmsnd_port_mixer(snd->streams[element->stream].port, &mixer);
	for (uint32_t i = 0; i < element->count; i++)
		switch ((enum snd_element_kind)element->kind) {
		case SND_ELEMENT_VOLUME:
			values[i] = step_of(&mixer.volume, i);
			break;
		case SND_ELEMENT_SWITCH:
			values[i] = !(mixer.volume.muted >> i & 1u);
			break;
		case SND_ELEMENT_SOURCE:
			values[i] = item_of(element, mixer.sources);
			break;
		}
}

static bool are_equal(const uint32_t *values, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (values[i] != values[0])
			return false;
	return true;
}

/* One value for all channels is the gain of all, as an owner sets it. */
static void set_volume(struct vmsnd_volume *volume, const uint32_t *values, uint32_t n)
{
	bool alike = are_equal(values, n);

	volume->gain_mdb = alike ? mdb_of(values[0]) : 0;
	for (uint32_t i = 0; i < VMSND_CHANNELS_MAX; i++)
		volume->channel_mdb[i] = alike || i >= n ? 0 : mdb_of(values[i]);
}

static uint32_t muted_of(const uint32_t *values, uint32_t n)
{
	uint32_t muted = 0;

	if (are_equal(values, n))
		return values[0] ? 0 : UINT32_MAX;
	for (uint32_t i = 0; i < n; i++)
		muted |= (uint32_t)!values[i] << i;
	return muted;
}

static void turn(const struct snd_element *element, const uint32_t *values,
		 struct vmsnd_mixer *mixer)
{
	uint32_t input;

	switch ((enum snd_element_kind)element->kind) {
	case SND_ELEMENT_VOLUME:
		set_volume(&mixer->volume, values, element->count);
		break;
	case SND_ELEMENT_SWITCH:
		mixer->volume.muted = muted_of(values, element->count);
		break;
	case SND_ELEMENT_SOURCE:
		input = input_of(element, values[0]);
		mixer->sources = input < SND_INPUTS_MAX ? UINT32_C(1) << input : UINT32_MAX;
		break;
	}
}

static bool turn_stream(struct vmsnd_snd *snd, uint32_t stream, const struct snd_element *element,
			const uint32_t *values, vmsnd_ns now)
{
	struct vmsnd_port *port = snd->streams[stream].port;
	enum vmsnd_dir dir = snd->streams[stream].dir;
	struct vmsnd_mixer before, mixer;

	vmsnd_port_mixer(port, &before);
	mixer = before;
	turn(element, values, &mixer);
	if (memcmp(&mixer, &before, sizeof(mixer)) == 0)
		return false;
	vmsnd_port_mixer_set(port, &mixer, now);
	if (snd->env.mixer_changed)
		snd->env.mixer_changed(snd->env.ctx, dir,
				       dir == VMSND_PLAYBACK ? stream
							     : stream - snd->plan.n_playback);
	return true;
}

static bool note(const struct vmsnd_snd *snd, struct snd_element *element)
{
	uint32_t values[SND_CHANNELS_MAX];
	bool changed = false;

	snd_element_get(snd, element, values);
	for (uint32_t i = 0; i < element->count; i++) {
		changed |= element->told[i] != values[i];
		element->told[i] = (uint8_t)values[i];
	}
	return changed;
}

uint32_t snd_element_set(struct vmsnd_snd *snd, struct snd_element *element, const uint32_t *values,
			 vmsnd_ns now)
{
	uint32_t n = 0;

	for (uint32_t i = element->stream; i < snd->plan.n_streams; i++)
		if (are_together(plan_of(snd, element), &snd->plan.streams[i]))
			n += turn_stream(snd, i, element, values, now);
	note(snd, element);
	return n;
}

void snd_elements_turned(struct vmsnd_snd *snd, uint32_t stream)
{
	bool agreed = snd->features & SND_F_CTLS;

	for (uint32_t i = 0; i < snd->elements.n; i++) {
		struct snd_element *element = &snd->elements.list[i];

		if (element->stream == stream && note(snd, element) && agreed)
			snd_events_element(snd, i, SND_CTL_VALUE_CHANGED);
	}
}

void snd_elements_note(struct vmsnd_snd *snd)
{
	for (uint32_t i = 0; i < snd->elements.n; i++)
		note(snd, &snd->elements.list[i]);
}

/* ---- what the driver is shown ---- */

void snd_element_info(const struct vmsnd_snd *snd, uint32_t id, void *to)
{
	const struct snd_element *element = &snd->elements.list[id];
	const struct snd_stream_plan *plan = plan_of(snd, element);
	uint32_t kind = kinds[element->kind].role;
	struct snd_ctl_info info = {
	    .hda_fn_nid = plan->group,
	    .role = kind ? kind << 1 | (plan->dir == VMSND_CAPTURE) : 0,
	    .type = kinds[element->kind].type,
	    .access = kinds[element->kind].access,
	    .count = element->count,
	    .index = element->index,
	};
	const char *name = kinds[element->kind].names[plan->dir];

	memcpy(info.name, name, strlen(name));
	if (element->kind == SND_ELEMENT_SOURCE) {
		info.value.enumerated.items = snd_element_items(element);
	} else {
		info.value.integer.max = kinds[element->kind].max;
		info.value.integer.step = 0; /* as ALSA's drivers have it for every whole number */
	}
	memcpy(to, &info, sizeof(info));
}

void snd_element_item(const struct vmsnd_snd *snd, uint32_t id, void *to)
{
	uint32_t input = input_of(&snd->elements.list[id >> 16], id & 0xFFFF);

	memset(to, 0, SND_CTL_ITEM_BYTES);
	if (input < SND_INPUTS_MAX)
		memcpy(to, snd->elements.inputs[input], SND_CTL_ITEM_BYTES);
	else
		memcpy(to, every_input, sizeof(every_input));
}

void snd_element_value(const struct vmsnd_snd *snd, uint32_t id, void *to)
{
	struct snd_ctl_value *value = to;

	memset(value, 0, sizeof(*value));
	snd_element_get(snd, &snd->elements.list[id], value->integer);
}

void snd_element_tlv(const struct vmsnd_snd *snd, uint32_t id, void *to)
{
	const struct snd_ctl_tlv tlv = {.type = TLV_DB,
					.length = 8,
					.minimum = (uint32_t)(BOTTOM_MDB / 10),
					.step = STEP_MDB / 10 | TLV_DB_MUTE};

	memcpy(to, &tlv, sizeof(tlv));
}

/* ---- saved state: the inputs that the guest has read of; outputs may have come and gone since,
 * and then the card is made anew with others ---- */

void snd_elements_save(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u8(to, are_offered(snd));
	if (are_offered(snd))
		vmsnd_state_put(to, snd->elements.inputs, sizeof(snd->elements.inputs));
}

/* "", or as name_input makes them. */
static bool is_name(const char *name, uint32_t number)
{
	uint32_t n = 1;

	if (!name[0])
		return true;
	while (n < SND_CTL_ITEM_BYTES && name[n] >= ' ' && name[n] < 0x7F)
		n++;
	return name[0] == (char)('0' + number) && n < SND_CTL_ITEM_BYTES && !name[n];
}

void snd_elements_load(struct vmsnd_snd *snd, struct vmsnd_state_reader *from)
{
	char inputs[SND_INPUTS_MAX][SND_CTL_ITEM_BYTES];

	if (!vmsnd_state_get_bool(from) || !vmsnd_state_get(from, inputs, sizeof(inputs)))
		return;
	for (uint32_t i = 0; i < SND_INPUTS_MAX; i++)
		from->bad |= !is_name(inputs[i], i);
	if (from->bad || !are_offered(snd))
		return;
	memcpy(snd->elements.inputs, inputs, sizeof(inputs));
	plan_all(snd);
}
