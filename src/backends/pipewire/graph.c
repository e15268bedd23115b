/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server has: devices and how many channels they have, links, default devices, its clock.
 * All on the control thread. */
#include <spa/utils/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/pipewire/parts.h"

/* What PipeWire does unless it is told otherwise. */
static const struct vmsnd_pw_clock usual_clock = {
    .rate_hz = 48000, .quantum = 1024, .least = 32, .most = 2048};

struct vmsnd_pw_thing *vmsnd_pw_find(struct vmsnd_backend *host, enum vmsnd_pw_sort sort,
				     uint32_t id)
{
	struct vmsnd_pw_thing *thing;

	spa_list_for_each(thing, &host->things, link)
		if (thing->id == id && thing->sort == sort)
			return thing;
	return NULL;
}

/* ---- where streams are ---- */

static const struct vmsnd_pw_thing *peer_of(struct vmsnd_backend *host,
					    const struct vmsnd_stream *stream, uint32_t *n_links)
{
	bool plays = stream->dir == VMSND_PLAYBACK;
	const struct vmsnd_pw_thing *thing, *peer = NULL;

	*n_links = 0;
	spa_list_for_each(thing, &host->things, link) {
		if (thing->sort != VMSND_PW_LINK ||
		    (plays ? thing->from : thing->to) != stream->node_id)
			continue;
		++*n_links;
		if (!peer)
			peer = vmsnd_pw_find(host, VMSND_PW_NODE, plays ? thing->to : thing->from);
	}
	return peer;
}

void vmsnd_pw_place(struct vmsnd_stream *stream)
{
	uint32_t n_links = 0;
	const struct vmsnd_pw_thing *peer = NULL;

	if (atomic_load(&stream->stage) == VMSND_PW_BOUND)
		peer = peer_of(stream->host, stream, &n_links);
	memset(&stream->place, 0, sizeof(stream->place));
	if (peer) {
		memcpy(stream->place.device, peer->name, sizeof(stream->place.device));
		memcpy(stream->place.name, peer->text, sizeof(stream->place.name));
	}
	if (n_links == 0 && atomic_load(&stream->n_links) > 0)
		atomic_store(&stream->since, vmsnd_pw_now());
	atomic_store(&stream->n_links, n_links);
}

static void place_all(struct vmsnd_backend *host)
{
	struct vmsnd_stream *stream;

	spa_list_for_each(stream, &host->streams, link)
		vmsnd_pw_place(stream);
}

/* ---- the clock ---- */

static uint32_t power_of_two_below(uint32_t n)
{
	uint32_t power = 1;

	while (power <= n / 2)
		power *= 2;
	return power;
}

/* A cycle of a graph that runs at this rate, for a stream that asks for so much. */
static uint64_t cycle_frames(const struct vmsnd_pw_clock *clock, uint32_t latency_frames,
			     uint32_t rate_hz, uint32_t graph_hz)
{
	uint64_t quantum = (uint64_t)latency_frames * graph_hz / rate_hz;

	if (quantum > clock->most)
		quantum = clock->most;
	if (quantum < clock->least)
		quantum = clock->least;
	quantum = clock->forced ? clock->forced : power_of_two_below((uint32_t)quantum);
	return (quantum * rate_hz + graph_hz - 1) / graph_hz;
}

/* The graph runs at its usual rate, or at ours if nobody minds. */
uint32_t vmsnd_pw_block_frames(const struct vmsnd_backend *host, uint32_t latency_frames,
			       uint32_t rate_hz)
{
	const struct vmsnd_pw_clock *clock = &host->clock;
	uint64_t usual = cycle_frames(clock, latency_frames, rate_hz, clock->rate_hz);
	uint64_t ours = cycle_frames(clock, latency_frames, rate_hz, rate_hz);
	uint64_t most = usual > ours ? usual : ours;

	return most > 0 ? (uint32_t)most : 1;
}

static const struct {
	const char *key;
	size_t at;
} settings[] = {
    {"clock.rate", offsetof(struct vmsnd_pw_clock, rate_hz)},
    {"clock.quantum", offsetof(struct vmsnd_pw_clock, quantum)},
    {"clock.min-quantum", offsetof(struct vmsnd_pw_clock, least)},
    {"clock.max-quantum", offsetof(struct vmsnd_pw_clock, most)},
    {"clock.force-quantum", offsetof(struct vmsnd_pw_clock, forced)},
};

/* Blocks that are longer than was said at opening want a larger threshold (RI-04). */
static void look_at_blocks(struct vmsnd_backend *host)
{
	struct vmsnd_stream *stream;

	spa_list_for_each(stream, &host->streams, link) {
		uint32_t block =
		    vmsnd_pw_block_frames(host, stream->latency_frames, stream->format.rate_hz);

		if (block <= stream->period_frames || stream->told_reopen || stream->closed ||
		    stream->ended)
			continue;
		stream->told_reopen = true;
		if (stream->user.notice)
			stream->user.notice(stream->ctx, VMSND_STREAM_REOPEN);
	}
}

static int on_setting(void *data, uint32_t subject, const char *key, const char *type,
		      const char *value)
{
	struct vmsnd_pw_meta *meta = data;
	struct vmsnd_backend *host = meta->host;
	unsigned long number = value ? strtoul(value, NULL, 10) : 0;

	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; key && i < sizeof(settings) / sizeof(settings[0]); i++) {
		uint32_t n = (uint32_t)number;

		if (strcmp(key, settings[i].key) == 0 && number <= 1u << 20 &&
		    (n > 0 || settings[i].at == offsetof(struct vmsnd_pw_clock, forced)))
			memcpy((char *)&host->clock + settings[i].at, &n, sizeof(n));
	}
	if (host->phase == VMSND_PW_READY)
		look_at_blocks(host);
	pthread_mutex_unlock(&host->lock);
	return 0;
}

static const struct pw_metadata_events settings_events = {.version = PW_VERSION_METADATA_EVENTS,
							  .property = on_setting};

/* ---- default devices ---- */

/* {"name": "..."}; "" for anything else. */
static void name_in(const char *value, char *name, int bytes)
{
	struct spa_json outer, object;
	const char *text;
	char key[64];

	*name = '\0';
	if (!value)
		return;
	spa_json_init(&outer, value, strlen(value));
	if (spa_json_enter_object(&outer, &object) <= 0)
		return;
	while (spa_json_get_string(&object, key, sizeof(key)) > 0) {
		if (strcmp(key, "name") == 0) {
			if (spa_json_get_string(&object, name, bytes) <= 0)
				*name = '\0';
			return;
		}
		if (spa_json_next(&object, &text) <= 0)
			return;
	}
}

static void set_default(struct vmsnd_backend *host, enum vmsnd_dir dir, const char *value)
{
	char name[VMSND_PW_TEXT_BYTES];
	bool changed;

	name_in(value, name, sizeof(name));
	pthread_mutex_lock(&host->lock);
	changed = strcmp(name, host->named[dir]) != 0;
	memcpy(host->named[dir], name, sizeof(name));
	changed &= host->phase == VMSND_PW_READY;
	pthread_mutex_unlock(&host->lock);
	if (changed && host->user && host->user->device_changed)
		host->user->device_changed(host->user_ctx, dir);
}

static int on_default(void *data, uint32_t subject, const char *key, const char *type,
		      const char *value)
{
	static const char *const keys[] = {"default.audio.sink", "default.audio.source"};
	struct vmsnd_pw_meta *meta = data;

	for (unsigned dir = 0; dir < 2; dir++)
		if (subject == PW_ID_CORE && (!key || strcmp(key, keys[dir]) == 0))
			set_default(meta->host, (enum vmsnd_dir)dir, key ? value : NULL);
	return 0;
}

static const struct pw_metadata_events default_events = {.version = PW_VERSION_METADATA_EVENTS,
							 .property = on_default};

/* Whether there is one is also looked at from elsewhere. */
static void set_proxy(struct vmsnd_pw_meta *meta, struct vmsnd_backend *host,
		      struct pw_proxy *proxy)
{
	pthread_mutex_lock(&host->lock);
	meta->proxy = proxy;
	pthread_mutex_unlock(&host->lock);
}

static void meta_end(struct vmsnd_pw_meta *meta)
{
	struct pw_proxy *proxy = meta->proxy;

	if (!proxy)
		return;
	set_proxy(meta, meta->host, NULL);
	spa_hook_remove(&meta->listener);
	pw_proxy_destroy(proxy);
}

static void meta_begin(struct vmsnd_pw_meta *meta, struct vmsnd_backend *host, uint32_t id,
		       const struct pw_metadata_events *events)
{
	if (meta->proxy)
		return;
	meta->host = host;
	meta->id = id;
	set_proxy(meta, host,
		  pw_registry_bind(host->registry, id, PW_TYPE_INTERFACE_Metadata,
				   PW_VERSION_METADATA, 0));
	if (meta->proxy)
		pw_metadata_add_listener((struct pw_metadata *)meta->proxy, &meta->listener, events,
					 meta);
}

static void add_meta(struct vmsnd_backend *host, uint32_t id, const struct spa_dict *props)
{
	const char *name = spa_dict_lookup(props, PW_KEY_METADATA_NAME);

	if (name && strcmp(name, "default") == 0)
		meta_begin(&host->defaults, host, id, &default_events);
	if (name && strcmp(name, "settings") == 0)
		meta_begin(&host->settings, host, id, &settings_events);
}

/* ---- things ---- */

static uint32_t number_of(const struct spa_dict *props, const char *key)
{
	const char *value = spa_dict_lookup(props, key);

	return value ? (uint32_t)strtoul(value, NULL, 10) : SPA_ID_INVALID;
}

static void text_of(const struct spa_dict *props, const char *const *keys, char *to, size_t bytes)
{
	const char *value = NULL;

	for (; *keys && !value; keys++)
		value = spa_dict_lookup(props, *keys);
	snprintf(to, bytes, "%s", value ? value : "");
}

static void fill_node(struct vmsnd_pw_thing *thing, const struct spa_dict *props)
{
	static const char *const names[] = {PW_KEY_NODE_NAME, NULL};
	static const char *const serials[] = {PW_KEY_OBJECT_SERIAL, NULL};
	static const char *const texts[] = {PW_KEY_NODE_DESCRIPTION, PW_KEY_NODE_NICK,
					    PW_KEY_NODE_NAME, NULL};
	static const struct {
		const char *class;
		bool goes[2];
	} classes[] = {
	    {"Audio/Sink", {true, false}},
	    {"Audio/Source", {false, true}},
	    {"Audio/Source/Virtual", {false, true}},
	    {"Audio/Duplex", {true, true}},
	};
	const char *class = spa_dict_lookup(props, PW_KEY_MEDIA_CLASS);

	text_of(props, names, thing->name, sizeof(thing->name));
	text_of(props, texts, thing->text, sizeof(thing->text));
	text_of(props, serials, thing->serial, sizeof(thing->serial));
	for (size_t i = 0; class && i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(class, classes[i].class) == 0)
			memcpy(thing->goes, classes[i].goes, sizeof(thing->goes));
}

static void fill_port(struct vmsnd_pw_thing *thing, const struct spa_dict *props)
{
	const char *way = spa_dict_lookup(props, PW_KEY_PORT_DIRECTION);

	thing->from = number_of(props, PW_KEY_NODE_ID);
	thing->input = way && strcmp(way, "in") == 0;
}

static void fill_link(struct vmsnd_pw_thing *thing, const struct spa_dict *props)
{
	thing->from = number_of(props, PW_KEY_LINK_OUTPUT_NODE);
	thing->to = number_of(props, PW_KEY_LINK_INPUT_NODE);
}

static const struct {
	const char *type;
	void (*fill)(struct vmsnd_pw_thing *thing, const struct spa_dict *props);
} sorts[] = {
    [VMSND_PW_NODE] = {PW_TYPE_INTERFACE_Node, fill_node},
    [VMSND_PW_PORT] = {PW_TYPE_INTERFACE_Port, fill_port},
    [VMSND_PW_LINK] = {PW_TYPE_INTERFACE_Link, fill_link},
};

static bool is_device(const struct vmsnd_pw_thing *thing)
{
	return thing && (thing->goes[0] || thing->goes[1]);
}

/* With the lock held: whether this makes another list of devices. */
static bool concerns_devices(struct vmsnd_backend *host, const struct vmsnd_pw_thing *thing)
{
	if (host->phase != VMSND_PW_READY)
		return false;
	if (thing->sort == VMSND_PW_PORT)
		return is_device(vmsnd_pw_find(host, VMSND_PW_NODE, thing->from));
	return is_device(thing);
}

static void tell_devices(struct vmsnd_backend *host)
{
	if (host->user && host->user->devices_changed)
		host->user->devices_changed(host->user_ctx);
}

static void add_thing(struct vmsnd_backend *host, uint32_t id, enum vmsnd_pw_sort sort,
		      const struct spa_dict *props)
{
	struct vmsnd_pw_thing *thing = calloc(1, sizeof(*thing));
	bool news;

	if (!thing)
		return;
	thing->id = id;
	thing->sort = sort;
	sorts[sort].fill(thing, props);
	pthread_mutex_lock(&host->lock);
	spa_list_append(&host->things, &thing->link);
	news = concerns_devices(host, thing);
	if (sort != VMSND_PW_PORT)
		place_all(host);
	pthread_mutex_unlock(&host->lock);
	if (news)
		tell_devices(host);
}

static void on_registry_global(void *data, uint32_t id, uint32_t permissions, const char *type,
			       uint32_t version, const struct spa_dict *props)
{
	struct vmsnd_backend *host = data;

	if (!props)
		return;
	if (strcmp(type, PW_TYPE_INTERFACE_Metadata) == 0)
		add_meta(host, id, props);
	for (unsigned i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strcmp(type, sorts[i].type) == 0)
			add_thing(host, id, (enum vmsnd_pw_sort)i, props);
}

/* The session manager has gone, and its word on default devices with it. */
static void drop_meta(struct vmsnd_backend *host, uint32_t id)
{
	if (host->settings.proxy && host->settings.id == id)
		meta_end(&host->settings);
	if (!host->defaults.proxy || host->defaults.id != id)
		return;
	meta_end(&host->defaults);
	for (unsigned dir = 0; dir < 2; dir++)
		set_default(host, (enum vmsnd_dir)dir, NULL);
}

static void on_global_remove(void *data, uint32_t id)
{
	struct vmsnd_backend *host = data;
	struct vmsnd_pw_thing *thing, *next;
	bool news = false;

	drop_meta(host, id);
	pthread_mutex_lock(&host->lock);
	spa_list_for_each_safe(thing, next, &host->things, link) {
		if (thing->id != id)
			continue;
		news |= concerns_devices(host, thing);
		spa_list_remove(&thing->link);
		free(thing);
	}
	place_all(host);
	pthread_mutex_unlock(&host->lock);
	if (news)
		tell_devices(host);
}

static const struct pw_registry_events registry_events = {.version = PW_VERSION_REGISTRY_EVENTS,
							  .global = on_registry_global,
							  .global_remove = on_global_remove};

void vmsnd_pw_graph_begin(struct vmsnd_backend *host)
{
	pthread_mutex_lock(&host->lock);
	host->clock = usual_clock;
	pthread_mutex_unlock(&host->lock);
	pw_registry_add_listener(host->registry, &host->registry_listener, &registry_events, host);
}

void vmsnd_pw_graph_end(struct vmsnd_backend *host)
{
	struct vmsnd_pw_thing *thing;

	meta_end(&host->defaults);
	meta_end(&host->settings);
	pthread_mutex_lock(&host->lock);
	spa_list_consume(thing, &host->things, link) {
		spa_list_remove(&thing->link);
		free(thing);
	}
	memset(host->named, 0, sizeof(host->named));
	place_all(host);
	pthread_mutex_unlock(&host->lock);
}
