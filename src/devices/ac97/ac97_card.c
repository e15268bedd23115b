/* SPDX-License-Identifier: BSD-3-Clause */
/* The AC'97 card as the rest of the house sees it: options, the PCI side, figures. */
#include "devices/ac97/ac97_card.h"

#include <string.h>

#include "devices/ac97/ac97.h"
#include "vmsnd/tree.h"

#define CLASS_AUDIO UINT32_C(0x040100)
#define BUDGET      256u /* pieces and descriptors of one call */

static const struct vmsnd_option options[] = {
    {"variant", VMSND_OPTION_TEXT, "ich",
     "ich: I/O ports, three engines; ich4: memory as well, 20 bits, S/PDIF", 0, 0},
    {"codec", VMSND_OPTION_TEXT, "stac9700", "stac9700, ad1980, ad1981b or alc650", 0, 0},
    {"codec2", VMSND_OPTION_TEXT, "none", "a second codec beside it, for PCM in 2 and mic 2", 0, 0},
    {"channels", VMSND_OPTION_UINT, "2", "the most that are played: 2, 4 or 6", 2, 6},
    {"outlet", VMSND_OPTION_TEXT, "line",
     "which output of the codec the host's are plugged into: line, headphone or mono", 0, 0},
    {"tone", VMSND_OPTION_BOOL, "on", "bass and treble", 0, 0},
    {"timer-hz", VMSND_OPTION_UINT, "100", "how often a second frames are copied at least", 10,
     1000},
    {"msi", VMSND_OPTION_BOOL, "off", "offer guests to interrupt by message", 0, 0},
    {"jacks", VMSND_OPTION_BOOL, "off",
     "line-out, headphone, mic and line-in follow output 0, and the codec senses it", 0, 0},
    {"subsystem", VMSND_OPTION_TEXT, NULL, "PCI subsystem ids, such as 8086:0000", 0, 0},
    {.key = NULL},
};

/* ---- what it is configured to be ---- */

static bool find(const char *const *words, const char *word, unsigned *index)
{
	for (*index = 0; words[*index]; (*index)++)
		if (strcmp(words[*index], word) == 0)
			return true;
	return false;
}

static bool hex4(const char *text, uint16_t *out)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;

	*out = 0;
	for (unsigned i = 0; i < 4; i++) {
		char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] | 0x20) : text[i];

		digit = c ? strchr(digits, c) : NULL;
		if (!digit)
			return false;
		*out = (uint16_t)(*out << 4 | (digit - digits));
	}
	return true;
}

static bool subsystem(const char *text, struct ac97_conf *out)
{
	if (!text) {
		ac97_part_subsystem(out->parts[0], &out->subsystem_vendor, &out->subsystem);
		if (out->subsystem_vendor == 0)
			out->subsystem_vendor = 0x8086;
		return true;
	}
	return strlen(text) == 9 && text[4] == ':' && hex4(text, &out->subsystem_vendor) &&
	       hex4(text + 5, &out->subsystem);
}

/* Streams that a card like this has engines for, by enum vmsnd_dir. */
static const struct {
	unsigned engines, streams[2];
} variants[] = {
    [AC97_VARIANT_ICH] = {3, {1, 2}},
    [AC97_VARIANT_ICH4] = {AC97_ENGINES, {2, 4}},
};

/* The key that is wrong; NULL: none. */
static const char *read_options(const struct vmsnd_conf *from, struct ac97_conf *out)
{
	static const char *const variant_words[] = {"ich", "ich4", NULL};
	static const char *const outlet_words[] = {"line", "headphone", "mono", NULL};
	const char *second = vmsnd_conf_text(from, "codec2");
	unsigned index;

	if (!find(variant_words, vmsnd_conf_text(from, "variant"), &index))
		return "variant: ich or ich4";
	out->variant = (enum ac97_variant)index;
	if (!find(outlet_words, vmsnd_conf_text(from, "outlet"), &index))
		return "outlet: line, headphone or mono";
	out->outlet = (enum ac97_outlet)index;
	out->parts[0] = ac97_part_find(vmsnd_conf_text(from, "codec"));
	out->n_codecs = strcmp(second, "none") == 0 ? 1 : 2;
	out->parts[1] = out->n_codecs == 1 ? out->parts[0] : ac97_part_find(second);
	for (unsigned i = 0; i < AC97_CODECS; i++)
		if (out->parts[i] == AC97_PART_COUNT)
			return "codec and codec2: stac9700, ad1980, ad1981b or alc650; codec2 also "
			       "none";
	out->channels = (unsigned)vmsnd_conf_uint(from, "channels");
	if (out->channels % 2 != 0)
		return "channels: 2, 4 or 6";
	out->timer_hz = (unsigned)vmsnd_conf_uint(from, "timer-hz");
	out->tone = vmsnd_conf_bool(from, "tone");
	out->msi = vmsnd_conf_bool(from, "msi");
	out->jacks = vmsnd_conf_bool(from, "jacks");
	if (!subsystem(vmsnd_conf_text(from, "subsystem"), out))
		return "subsystem: two numbers of four hexadecimal digits, such as 8086:0000";
	return NULL;
}

static const char *read_conf(const struct vmsnd_dev_conf *conf, struct ac97_conf *out)
{
	static const struct vmsnd_conf none = {.table = options};
	const char *wrong = read_options(conf->options ? conf->options : &none, out);

	if (wrong)
		return wrong;
	if (conf->playback_streams > variants[out->variant].streams[VMSND_PLAYBACK] ||
	    conf->capture_streams > variants[out->variant].streams[VMSND_CAPTURE])
		return "playback and capture: ich has engines for 1 and 2 streams, ich4 for 2 and "
		       "4";
	return NULL;
}

static enum vmsnd_rc check(const struct vmsnd_dev_conf *conf, struct vmsnd_error *error)
{
	struct ac97_conf read = {.variant = AC97_VARIANT_ICH};
	const char *wrong = read_conf(conf, &read);

	if (!wrong)
		return VMSND_OK;
	return vmsnd_error_set(error, NULL, "%s: %s", conf->name, wrong);
}

static size_t footprint(const struct vmsnd_dev_conf *conf)
{
	struct ac97_conf read = {.variant = AC97_VARIANT_ICH};

	return read_conf(conf, &read) ? 0 : sizeof(struct vmsnd_ac97);
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

	if (read_conf(conf, &card->conf))
		return VMSND_E_INVALID;
	card->env = *env;
	card->n_engines = variants[card->conf.variant].engines;
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
		card->standing = what == VMSND_LIFE_SUSPEND;
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

	at.now = bring_up(card, access->now);
	if (access->region == VMSND_PCI_CONFIG)
		vmsnd_pci_config_read(&card->pci, access->offset, to, access->bytes);
	else
		ac97_window_read(card, &at, to);
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

	at.now = bring_up(card, access->now);
	if (access->region == VMSND_PCI_CONFIG)
		config_write(card, &at, from);
	else
		ac97_window_write(card, &at, from);
	/* What was acknowledged lets the line fall, even if the next completion has been waiting
	 * for it: a transport sees a rise for each. */
	ac97_settle(card);
	ac97_engines_run(card, at.now);
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

/* ---- figures ---- */

/* Names of an engine's registers: those of a card that does not have it are 0 (A9-33). */
static const struct {
	const char *civ, *lvi, *sr, *cr, *picb;
} engine_names[AC97_ENGINES] = {
    [AC97_PCM_IN] = {"pcm_in_civ", "pcm_in_lvi", "pcm_in_sr", "pcm_in_cr", "pcm_in_picb"},
    [AC97_PCM_OUT] = {"pcm_out_civ", "pcm_out_lvi", "pcm_out_sr", "pcm_out_cr", "pcm_out_picb"},
    [AC97_MIC] = {"mic_civ", "mic_lvi", "mic_sr", "mic_cr", "mic_picb"},
    [AC97_MIC2] = {"mic2_civ", "mic2_lvi", "mic2_sr", "mic2_cr", "mic2_picb"},
    [AC97_PCM_IN2] = {"pcm_in2_civ", "pcm_in2_lvi", "pcm_in2_sr", "pcm_in2_cr", "pcm_in2_picb"},
    [AC97_SPDIF_OUT] = {"spdif_civ", "spdif_lvi", "spdif_sr", "spdif_cr", "spdif_picb"},
};
static const struct {
	const char *name;
	uint8_t offset;
} mixer_names[] = {
    {"codec_master", 0x02}, {"codec_pcm", 0x18},        {"codec_record_select", 0x1a},
    {"codec_power", 0x26},  {"codec_front_rate", 0x2c}, {"codec_adc_rate", 0x32},
};
#define N_MIXER (sizeof(mixer_names) / sizeof(mixer_names[0]))

/* Where figures go, as far as there is room. */
struct figures {
	struct vmsnd_counter *out;
	size_t n, max;
};

static void add(struct figures *to, const char *name, uint64_t value)
{
	if (to->n < to->max)
		to->out[to->n] = (struct vmsnd_counter){name, value};
	to->n++;
}

static void add_registers(const struct vmsnd_ac97 *card, struct figures *to)
{
	for (unsigned i = 0; i < card->n_engines; i++) {
		const struct ac97_engine *engine = &card->engines[i];

		add(to, engine_names[i].civ, engine->civ);
		add(to, engine_names[i].lvi, engine->lvi);
		add(to, engine_names[i].sr, engine->sr);
		add(to, engine_names[i].cr, engine->cr);
		add(to, engine_names[i].picb, engine->left_samples);
	}
	for (size_t i = 0; i < N_MIXER; i++)
		add(to, mixer_names[i].name,
		    ac97_codec_read(&card->codecs[0], mixer_names[i].offset));
}

static size_t counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	const struct vmsnd_ac97 *card = card_seen(dev);
	const struct ac97_counters *c = &card->counters;
	const struct vmsnd_counter all[] = {
	    {"pcm_out_frames", c->frames[AC97_PCM_OUT]},
	    {"pcm_in_frames", c->frames[AC97_PCM_IN]},
	    {"mic_frames", c->frames[AC97_MIC]},
	    {"spdif_frames", c->frames[AC97_SPDIF_OUT]},
	    {"pcm_in2_frames", c->frames[AC97_PCM_IN2]},
	    {"mic2_frames", c->frames[AC97_MIC2]},
	    {"pcm_out_completions", c->completions[AC97_PCM_OUT]},
	    {"pcm_in_completions", c->completions[AC97_PCM_IN]},
	    {"mic_completions", c->completions[AC97_MIC]},
	    {"interrupts", c->interrupts},
	    {"messages", card->pci.messages},
	    {"dropped_frames", c->dropped_frames},
	    {"padded_frames", c->padded_frames},
	    {"fifo_errors", c->fifo_errors},
	    {"holds", c->holds},
	    {"rebases", c->rebases},
	    {"resets", c->resets},
	    {"faults_register", c->faults[VMSND_FAULT_REGISTER]},
	    {"faults_data_address", c->faults[VMSND_FAULT_DATA_ADDRESS]},
	    {"faults_list", c->faults[VMSND_FAULT_LIST]},
	};
	struct figures to = {.out = out, .max = max};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		add(&to, all[i].name, all[i].value);
	add_registers(card, &to);
	return to.n;
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
    .options = options,
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
