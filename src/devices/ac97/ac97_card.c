/* SPDX-License-Identifier: BSD-3-Clause */
/* The AC'97 card as the rest of the house sees it: options, the PCI side, figures. */
#include "devices/ac97/ac97_card.h"

#include <string.h>

#include "devices/ac97/ac97.h"
#include "vmsnd/tree.h"

#define CLASS_AUDIO UINT32_C(0x040100)
#define BUDGET      256u /* pieces and descriptors of one call */

/* Where the key stands that the line begins with. */
static struct vmsnd_place place_of(const struct vmsnd_node *node, const char *line)
{
	struct vmsnd_place place = vmsnd_node_place(node);
	struct vmsnd_value value;
	size_t n = strcspn(line, ":");
	char key[16] = "";

	if (n < sizeof(key))
		memcpy(key, line, n);
	vmsnd_leaf_get(node, key, &value, &place);
	return place;
}

static enum vmsnd_rc check(const struct vmsnd_dev_conf *conf, struct vmsnd_error *error)
{
	struct ac97_conf read = {.variant = AC97_VARIANT_ICH};
	const char *wrong = ac97_options_read(conf, &read);
	struct vmsnd_place place;
	char who[256];

	if (!wrong)
		return VMSND_OK;
	if (!conf->node)
		return vmsnd_error_set(error, NULL, "%s: %s", conf->name, wrong);
	vmsnd_node_path(conf->node, who, sizeof(who));
	place = place_of(conf->node, wrong);
	return vmsnd_error_set(error, &place, "%s: %s", who, wrong);
}

static size_t footprint(const struct vmsnd_dev_conf *conf)
{
	struct ac97_conf read = {.variant = AC97_VARIANT_ICH};

	return ac97_options_read(conf, &read) ? 0 : sizeof(struct vmsnd_ac97);
}

/* ---- made ---- */

static struct vmsnd_ac97 *card_of(struct vmsnd_dev *dev)
{
	return (struct vmsnd_ac97 *)(void *)dev;
}

static const struct vmsnd_ac97 *card_seen(const struct vmsnd_dev *dev)
{
	return (const struct vmsnd_ac97 *)(const void *)dev;
}

static void init_pci(struct vmsnd_ac97 *card)
{
	struct vmsnd_pci_conf conf = {
	    .identity = {.vendor = 0x8086,
			 .device = card->conf.variant == AC97_VARIANT_ICH ? 0x2415 : 0x24c5,
			 .subsystem_vendor = card->conf.subsystem_vendor,
			 .subsystem = card->conf.subsystem,
			 .class_code = CLASS_AUDIO,
			 .revision = 1},
	    .msi = card->conf.msi,
	    .power_management = true,
	    .power_management_at = 0x50,
	    .msi_at = 0x60,
	};

	ac97_window_bars(&card->conf, conf.bars);
	vmsnd_pci_init(&card->pci, &conf, &card->env);
}

/* Which of its streams an engine's frames are. */
static void init_engines(struct vmsnd_ac97 *card, const struct vmsnd_dev_conf *conf)
{
	static const struct {
		enum vmsnd_dir dir;
		unsigned index;
	} rows[AC97_ENGINES] = {
	    [AC97_PCM_IN] = {VMSND_CAPTURE, 0},  [AC97_PCM_OUT] = {VMSND_PLAYBACK, 0},
	    [AC97_MIC] = {VMSND_CAPTURE, 1},     [AC97_MIC2] = {VMSND_CAPTURE, 3},
	    [AC97_PCM_IN2] = {VMSND_CAPTURE, 2}, [AC97_SPDIF_OUT] = {VMSND_PLAYBACK, 1},
	};
	const struct vmsnd_dev_env *env = &card->env;

	for (unsigned i = 0; i < card->n_engines; i++) {
		struct ac97_engine *engine = &card->engines[i];
		bool out = rows[i].dir == VMSND_PLAYBACK;

		engine->dir = rows[i].dir;
		engine->port_index = rows[i].index;
		if (rows[i].index < (out ? conf->playback_streams : conf->capture_streams))
			engine->port = env->port(env->ctx, rows[i].dir, rows[i].index);
	}
}

void ac97_power_on(struct vmsnd_ac97 *card, vmsnd_ns now)
{
	for (unsigned i = 0; i < card->conf.n_codecs; i++) {
		const struct ac97_codec_conf codec = {.part = card->conf.parts[i],
						      .tone = card->conf.tone,
						      .number = (uint8_t)i,
						      .channels = (uint8_t)card->conf.channels};

		ac97_codec_init(&card->codecs[i], &codec);
	}
	ac97_sound_init(&card->sound, &card->codecs[0], card->conf.outlet);
	card->glob_cnt = 0;
	for (unsigned i = 0; i < card->n_engines; i++) {
		const struct ac97_engine *was = &card->engines[i];

		card->engines[i] = (struct ac97_engine){
		    .port = was->port, .dir = was->dir, .port_index = was->port_index};
		ac97_format(card, i, &card->engines[i].params.format);
	}
	ac97_reset(card, now);
	card->counters = (struct ac97_counters){.interrupts = 0};
}

static enum vmsnd_rc init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
			  const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	struct vmsnd_ac97 *card = card_of(dev);

	if (ac97_options_read(conf, &card->conf))
		return VMSND_E_INVALID;
	card->env = *env;
	card->n_engines = ac97_engines_of(card->conf.variant);
	init_pci(card);
	init_engines(card, conf);
	ac97_power_on(card, now);
	return VMSND_OK;
}

/* The time of a call: of two that come together, the later may have the earlier one's. */
static vmsnd_ns time_of(struct vmsnd_ac97 *card, vmsnd_ns now)
{
	card->seen = now > card->seen ? now : card->seen;
	return card->seen;
}

/* Every call sees the card as it is at its time. */
static vmsnd_ns bring_up(struct vmsnd_ac97 *card, vmsnd_ns now)
{
	now = time_of(card, now);
	card->budget = BUDGET;
	ac97_engines_run(card, now);
	return now;
}

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	ac97_reset(card_of(dev), time_of(card_of(dev), now));
}

static enum vmsnd_rc life(struct vmsnd_dev *dev, enum vmsnd_life what, vmsnd_ns now)
{
	struct vmsnd_ac97 *card = card_of(dev);

	if (what == VMSND_LIFE_SUSPEND || what == VMSND_LIFE_RESUME) {
		if (what == VMSND_LIFE_SUSPEND)
			bring_up(card, now);
		card->suspended = what == VMSND_LIFE_SUSPEND;
		bring_up(card, now);
		ac97_settle(card);
	}
	return VMSND_OK;
}

/* ---- calls ---- */

static vmsnd_ns advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	struct vmsnd_ac97 *card = card_of(dev);

	now = bring_up(card, now);
	ac97_settle(card);
	return ac97_engines_due(card, now);
}

static void bar(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out)
{
	*out = card_seen(dev)->pci.conf.bars[index];
}

static void pci_read(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, void *to)
{
	struct vmsnd_ac97 *card = card_of(dev);
	struct vmsnd_pci_access at = *access;

	card->looked_at = true;
	at.now = bring_up(card, access->now);
	if (access->region == VMSND_PCI_CONFIG)
		vmsnd_pci_config_read(&card->pci, access->offset, to, access->bytes);
	else
		ac97_window_read(card, &at, to);
	card->looked_at = false;
	ac97_settle(card);
}

static void config_write(struct vmsnd_ac97 *card, const struct vmsnd_pci_access *access,
			 const void *from)
{
	uint64_t faults = card->pci.faults;

	if (vmsnd_pci_config_write(&card->pci, access->offset, from, access->bytes) ==
	    VMSND_PCI_WOKE)
		ac97_reset(card, access->now);
	if (card->pci.faults != faults)
		ac97_fault(card, VMSND_FAULT_REGISTER, access->offset);
}

static void pci_write(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
		      const void *from)
{
	struct vmsnd_ac97 *card = card_of(dev);
	struct vmsnd_pci_access at = *access;

	card->looked_at = true;
	at.now = bring_up(card, access->now);
	if (access->region == VMSND_PCI_CONFIG)
		config_write(card, &at, from);
	else
		ac97_window_write(card, &at, from);
	/* What was acknowledged lets the line fall, even if the next completion has been waiting
	 * for it: a transport sees a rise for each. */
	ac97_settle(card);
	ac97_engines_run(card, at.now);
	card->looked_at = false;
	ac97_settle(card);
}

static void save(const struct vmsnd_dev *dev, struct vmsnd_state_writer *to)
{
	ac97_save(card_seen(dev), to);
}

static enum vmsnd_rc load(struct vmsnd_dev *dev, struct vmsnd_state_reader *from, uint16_t minor,
			  vmsnd_ns now)
{
	return ac97_load(card_of(dev), from, now);
}

static size_t counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	return ac97_figures(card_seen(dev), out, max);
}

/* ---- the panel ---- */

static bool jack(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_jack *out)
{
	return ac97_panel_jack(card_seen(dev), index, out);
}

static void jack_set(struct vmsnd_dev *dev, unsigned index, bool connected, vmsnd_ns now)
{
	ac97_panel_jack_set(card_of(dev), index, connected, time_of(card_of(dev), now));
	ac97_settle(card_of(dev));
}

static void mixer_changed(struct vmsnd_dev *dev, enum vmsnd_dir dir, unsigned index, vmsnd_ns now)
{
	ac97_panel_turned(card_of(dev), dir, index);
}

static const struct vmsnd_panel_ops panel_ops = {
    .jack = jack,
    .jack_set = jack_set,
    .mixer_changed = mixer_changed,
};
static const struct vmsnd_pci_ops pci_ops = {.bar = bar, .read = pci_read, .write = pci_write};

const struct vmsnd_dev_class vmsnd_ac97_class = {
    .abi = VMSND_DEV_ABI,
    .abi_end = VMSND_DEV_ABI,
    .kind = VMSND_KIND_AUDIO,
    .max_instances = VMSND_CARDS_MAX,
    .name = "ac97",
    .summary = "Intel 82801 AC'97 sound card, for guests that have never heard of virtio",
    .options = ac97_options,
    .pci = &pci_ops,
    .panel = &panel_ops,
    .usual_streams = {1, 2},
    .check = check,
    .footprint = footprint,
    .init = init,
    .reset = reset,
    .advance = advance,
    .counters = counters,
    .life = life,
    .state_major = AC97_STATE_MAJOR,
    .state_minor = AC97_STATE_MINOR,
    .save = save,
    .load = load,
};
