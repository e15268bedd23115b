/* SPDX-License-Identifier: BSD-3-Clause */
/* Jacks as a card's node has them (V22-V28): the child `jacks`, whose children are jacks by name,
 * or the option `jacks`, which makes the usual ones; and what streams tell of by themselves. */
#include "devices/virtio-snd/topology.h"

#include <string.h>

#include "devices/virtio-snd/snd.h"
#include "devices/virtio-snd/topology_parts.h"

/* HDA 7.3.3.31, the configuration default: where its fields begin. */
enum {
	SEQUENCE_AT = 0,
	ASSOCIATION_AT = 4,
	COLOR_AT = 12,
	CONNECTION_AT = 16,
	TYPE_AT = 20,
	LOCATION_AT = 24
};
enum {
	TYPE_LINE_OUT = 0x0,
	TYPE_HEADPHONES = 0x2,
	TYPE_MODEM_LINE = 0x6,
	TYPE_LINE_IN = 0x8,
	TYPE_MIC = 0xa,
	TYPE_OTHER = 0xf,
	LOCATION_REAR = 0x01,
	LOCATION_HDMI = 0x18,
	CONNECTION_3_5MM = 0x1,
	COLOR_GREEN = 0x4,
	COLOR_PINK = 0x9,
	NO_CHAIN = 0xf
};

struct word {
	const char *text;
	uint8_t value;
};

static const struct word types[] = {
    {"line-out", TYPE_LINE_OUT},
    {"speaker", 0x1},
    {"headphones", TYPE_HEADPHONES},
    {"cd", 0x3},
    {"spdif-out", 0x4},
    {"digital-out", 0x5},
    {"line-in", TYPE_LINE_IN},
    {"aux", 0x9},
    {"mic", TYPE_MIC},
    {"spdif-in", 0xc},
    {"digital-in", 0xd},
    {"other", TYPE_OTHER},
    {NULL, 0},
};

static const struct word locations[] = {
    {"none", 0x00},
    {"rear", LOCATION_REAR},
    {"front", 0x02},
    {"left", 0x03},
    {"right", 0x04},
    {"top", 0x05},
    {"bottom", 0x06},
    {"rear-panel", 0x07},
    {"drive-bay", 0x08},
    {"internal", 0x10},
    {"riser", 0x17},
    {"hdmi", LOCATION_HDMI},
    {"atapi", 0x19},
    {"separate", 0x20},
    {"separate-rear", 0x21},
    {"separate-front", 0x22},
    {"lid-inside", 0x37},
    {"lid-outside", 0x38},
    {NULL, 0},
};

static const struct word colors[] = {
    {"unknown", 0x0}, {"black", 0x1},  {"grey", 0x2},   {"blue", 0x3},   {"green", COLOR_GREEN},
    {"red", 0x5},     {"orange", 0x6}, {"yellow", 0x7}, {"purple", 0x8}, {"pink", COLOR_PINK},
    {"white", 0xe},   {"other", 0xf},  {NULL, 0},
};

static const struct word connections[] = {
    {"unknown", 0x0}, {"3.5mm", CONNECTION_3_5MM},
    {"6.3mm", 0x2},   {"atapi", 0x3},
    {"rca", 0x4},     {"optical", 0x5},
    {"digital", 0x6}, {"analog", 0x7},
    {"din", 0x8},     {"xlr", 0x9},
    {"rj11", 0xa},    {"combination", 0xb},
    {"other", 0xf},   {NULL, 0},
};

static const struct vmsnd_option options[] = {
    {"group", VMSND_OPTION_UINT, "0", "function group it belongs to", 0, SND_GROUP_MAX},
    {"type", VMSND_OPTION_TEXT, "line-out", "what it is for", 0, 0},
    {"location", VMSND_OPTION_TEXT, "rear", "where it is", 0, 0},
    {"color", VMSND_OPTION_TEXT, NULL, "its color", 0, 0},
    {"connection", VMSND_OPTION_TEXT, "3.5mm", "what plugs fit", 0, 0},
    {"association", VMSND_OPTION_UINT, NULL, "jacks of one association belong together", 1, 15},
    {"sequence", VMSND_OPTION_UINT, "0", "its place in the association", 0, 15},
    {"pin-config", VMSND_OPTION_UINT, NULL, "all of these as HDA has them in one number", 0,
     UINT32_MAX},
    {"remap", VMSND_OPTION_BOOL, "off", "the guest may change association and sequence", 0, 0},
    {"connected", VMSND_OPTION_BOOL, "on", "whether something is plugged in at first", 0, 0},
    {"output", VMSND_OPTION_UINT, NULL, "the output it follows", 0, SND_OUTPUTS_MAX - 1},
    {NULL, VMSND_OPTION_TEXT, NULL, NULL, 0, 0},
};

/* ---- words ---- */

struct reading {
	const struct vmsnd_node *node; /* of the jack */
	const struct vmsnd_conf *conf;
	const char *who;
	struct vmsnd_error *error;
};

static enum vmsnd_rc complain(const struct reading *reading, const char *key,
			      const struct word *words)
{
	char list[256];
	size_t at = 0;
	struct vmsnd_place place = vmsnd_node_place(reading->node);

	for (; words->text; words++) {
		size_t bytes = strlen(words->text);

		if (at + bytes + 2 > sizeof(list))
			break;
		list[at++] = ' ';
		memcpy(&list[at], words->text, bytes);
		at += bytes;
	}
	list[at] = '\0';
	return vmsnd_error_set(reading->error, &place, "%s: %s '%s' is none of:%s", reading->who,
			       key, vmsnd_conf_text(reading->conf, key), list);
}

/* VMSND_OK also when the key is not there and has no default; *value is then left alone. */
static enum vmsnd_rc read_word(const struct reading *reading, const char *key,
			       const struct word *words, uint32_t *value)
{
	const char *text = vmsnd_conf_text(reading->conf, key);

	for (const struct word *word = words; text && word->text; word++) {
		if (strcmp(word->text, text) == 0) {
			*value = word->value;
			return VMSND_OK;
		}
	}
	return text ? complain(reading, key, words) : VMSND_OK;
}

/* ---- one jack ---- */

static bool is_input(uint32_t type)
{
	return type >= TYPE_LINE_IN && type < TYPE_OTHER;
}

static uint32_t caps_of(uint32_t pin_config)
{
	uint32_t type = pin_config >> TYPE_AT & 0xf, location = pin_config >> LOCATION_AT & 0x3f;
	uint32_t caps = SND_PIN_PRESENCE;

	if (type == TYPE_OTHER || type == TYPE_MODEM_LINE || type == TYPE_MODEM_LINE + 1)
		caps |= SND_PIN_OUTPUT | SND_PIN_INPUT;
	else
		caps |= is_input(type) ? SND_PIN_INPUT : SND_PIN_OUTPUT;
	if (type == TYPE_HEADPHONES)
		caps |= SND_PIN_HEADPHONES;
	if (location == LOCATION_HDMI)
		caps |= SND_PIN_HDMI;
	return caps;
}

/* Jacks that say nothing else stand alone: association n + 1, and 15 once those are used up. */
static uint32_t association_of(uint32_t index)
{
	return index + 1 < NO_CHAIN ? index + 1 : NO_CHAIN;
}

/* What is plugged where is told by color on most machines. */
static uint32_t usual_color(uint32_t type)
{
	if (type == TYPE_LINE_OUT || type == TYPE_HEADPHONES)
		return COLOR_GREEN;
	return type == TYPE_MIC ? COLOR_PINK : 0;
}

static enum vmsnd_rc read_pin_config(const struct reading *reading, uint32_t index, uint32_t *out)
{
	const struct vmsnd_conf *conf = reading->conf;
	uint32_t type = 0, location = 0, color, connection = 0, association;
	enum vmsnd_rc rc = read_word(reading, "type", types, &type);

	if (vmsnd_conf_given(conf, "pin-config")) {
		*out = (uint32_t)vmsnd_conf_uint(conf, "pin-config");
		return rc;
	}
	color = usual_color(type);
	if (!rc)
		rc = read_word(reading, "location", locations, &location);
	if (!rc)
		rc = read_word(reading, "color", colors, &color);
	if (!rc)
		rc = read_word(reading, "connection", connections, &connection);
	association = vmsnd_conf_given(conf, "association")
			  ? (uint32_t)vmsnd_conf_uint(conf, "association")
			  : association_of(index);
	*out = location << LOCATION_AT | type << TYPE_AT | connection << CONNECTION_AT |
	       color << COLOR_AT | association << ASSOCIATION_AT |
	       (uint32_t)vmsnd_conf_uint(conf, "sequence") << SEQUENCE_AT;
	return rc;
}

/* Keys that say what another key says already. */
static enum vmsnd_rc check_pairs(const struct reading *reading)
{
	static const char *const parts[] = {"type",       "location",    "color",
					    "connection", "association", "sequence"};
	struct vmsnd_place place = vmsnd_node_place(reading->node);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (vmsnd_conf_given(reading->conf, "pin-config") &&
		    vmsnd_conf_given(reading->conf, parts[i]))
			return vmsnd_error_set(reading->error, &place,
					       "%s: pin-config says all that %s does: give one",
					       reading->who, parts[i]);
	if (vmsnd_conf_given(reading->conf, "output") &&
	    vmsnd_conf_given(reading->conf, "connected"))
		return vmsnd_error_set(
		    reading->error, &place,
		    "%s: it is connected while its output works: give output or connected",
		    reading->who);
	return VMSND_OK;
}

static enum vmsnd_rc read_jack(const struct reading *reading, uint32_t index,
			       struct snd_jack_plan *out)
{
	const struct vmsnd_conf *conf = reading->conf;
	enum vmsnd_rc rc = check_pairs(reading);

	if (!rc)
		rc = read_pin_config(reading, index, &out->pin_config);
	out->pin_caps = caps_of(out->pin_config);
	out->group = (uint32_t)vmsnd_conf_uint(conf, "group");
	out->remap = vmsnd_conf_bool(conf, "remap");
	out->connected = vmsnd_conf_bool(conf, "connected");
	out->output = vmsnd_conf_given(conf, "output") ? (uint32_t)vmsnd_conf_uint(conf, "output")
						       : VMSND_OUTPUT_NONE;
	return rc;
}

static enum vmsnd_rc add(const struct vmsnd_node *node, struct snd_topology *out,
			 struct vmsnd_error *error)
{
	const char *name = vmsnd_node_name(node);
	struct vmsnd_place place = vmsnd_node_place(node);
	char who[SND_PATH_BYTES];
	struct vmsnd_conf conf;
	struct vmsnd_conf_source source = {.node = node, .who = who};
	struct reading reading = {.node = node, .conf = &conf, .who = who, .error = error};
	struct snd_jack_plan *jack = &out->jacks[out->n_jacks];
	struct vmsnd_error line;
	enum vmsnd_rc rc;

	if (strlen(name) >= VMSND_JACK_NAME_BYTES)
		return vmsnd_error_set(error, &place,
				       "the name of a jack has at most %u bytes: '%s'",
				       VMSND_JACK_NAME_BYTES - 1, name);
	if (out->n_jacks == SND_JACKS_MAX)
		return vmsnd_error_set(error, &place, "a card has at most %u jacks", SND_JACKS_MAX);
	vmsnd_node_path(node, who, sizeof(who));
	rc = vmsnd_conf_from_node(&conf, options, &source, error ? error : &line);
	if (rc)
		return rc;
	if (vmsnd_node_first(node))
		return vmsnd_error_set(error, &place, "%s has keys with one value each", who);
	memcpy(jack->name, name, strlen(name) + 1);
	return read_jack(&reading, out->n_jacks++, jack);
}

/* ---- the usual ones ---- */

static void add_usual(struct snd_topology *out, const char *name, uint32_t type)
{
	struct snd_jack_plan *jack = &out->jacks[out->n_jacks];

	*jack = (struct snd_jack_plan){
	    .pin_config = LOCATION_REAR << LOCATION_AT | type << TYPE_AT |
			  CONNECTION_3_5MM << CONNECTION_AT | usual_color(type) << COLOR_AT |
			  association_of(out->n_jacks) << ASSOCIATION_AT,
	    .output = 0,
	    .connected = true,
	};
	jack->pin_caps = caps_of(jack->pin_config);
	memcpy(jack->name, name, strlen(name) + 1);
	out->n_jacks++;
}

enum vmsnd_rc snd_topology_jacks(const struct vmsnd_dev_conf *conf, struct snd_topology *out,
				 struct vmsnd_error *error)
{
	const struct vmsnd_node *node = conf->node ? vmsnd_node_find(conf->node, "jacks") : NULL;
	struct vmsnd_place place;
	enum vmsnd_rc rc = VMSND_OK;

	if (!node && conf->options && vmsnd_conf_bool(conf->options, "jacks")) {
		if (conf->playback_streams)
			add_usual(out, "line-out", TYPE_LINE_OUT);
		if (conf->capture_streams)
			add_usual(out, "mic", TYPE_MIC);
	}
	if (node && vmsnd_leaf_at(node, 0, NULL, &place))
		return vmsnd_error_set(error, &place,
				       "each jack is a node of its own, like {type: mic}");
	for (node = node ? vmsnd_node_first(node) : NULL; !rc && node; node = vmsnd_node_next(node))
		rc = add(node, out, error);
	return rc;
}

void snd_topology_features(const struct vmsnd_dev_conf *conf, struct snd_topology *out)
{
	static const struct {
		const char *key;
		uint32_t bit;
	} features[] = {
	    {"polling", VIRTIO_SND_PCM_F_MSG_POLLING},
	    {"period-events", VIRTIO_SND_PCM_F_EVT_SHMEM_PERIODS},
	    {"xruns", VIRTIO_SND_PCM_F_EVT_XRUNS},
	};

	for (size_t i = 0; conf->options && i < sizeof(features) / sizeof(features[0]); i++)
		for (uint32_t s = 0;
		     vmsnd_conf_bool(conf->options, features[i].key) && s < out->n_streams; s++)
			out->streams[s].features |= UINT32_C(1) << features[i].bit;
}
