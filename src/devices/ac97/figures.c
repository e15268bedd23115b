/* SPDX-License-Identifier: BSD-3-Clause */
/* What is counted, and the registers as they are (A9-33). */
#include "devices/ac97/ac97.h"

/* Names of an engine's figures and registers. */
static const struct {
	const char *frames, *completions, *civ, *lvi, *sr, *cr, *picb;
} engine_names[AC97_ENGINES] = {
    [AC97_PCM_IN] = {"pcm_in_frames", "pcm_in_completions", "pcm_in_civ", "pcm_in_lvi", "pcm_in_sr",
		     "pcm_in_cr", "pcm_in_picb"},
    [AC97_PCM_OUT] = {"pcm_out_frames", "pcm_out_completions", "pcm_out_civ", "pcm_out_lvi",
		      "pcm_out_sr", "pcm_out_cr", "pcm_out_picb"},
    [AC97_MIC] = {"mic_frames", "mic_completions", "mic_civ", "mic_lvi", "mic_sr", "mic_cr",
		  "mic_picb"},
    [AC97_MIC2] = {"mic2_frames", "mic2_completions", "mic2_civ", "mic2_lvi", "mic2_sr", "mic2_cr",
		   "mic2_picb"},
    [AC97_PCM_IN2] = {"pcm_in2_frames", "pcm_in2_completions", "pcm_in2_civ", "pcm_in2_lvi",
		      "pcm_in2_sr", "pcm_in2_cr", "pcm_in2_picb"},
    [AC97_SPDIF_OUT] = {"spdif_frames", "spdif_completions", "spdif_civ", "spdif_lvi", "spdif_sr",
			"spdif_cr", "spdif_picb"},
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

		add(to, engine_names[i].frames, card->counters.frames[i]);
		add(to, engine_names[i].completions, card->counters.completions[i]);
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

size_t ac97_figures(const struct vmsnd_ac97 *card, struct vmsnd_counter *out, size_t max)
{
	const struct ac97_counters *c = &card->counters;
	const struct vmsnd_counter all[] = {
	    {"interrupts", c->interrupts},
	    {"message_interrupts", card->pci.messages},
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
