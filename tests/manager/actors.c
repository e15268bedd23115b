/* SPDX-License-Identifier: BSD-3-Clause */
#include "actors.h"

#include <stdlib.h>
#include <string.h>

#include "idle.h"

struct actors actors;

static void tell(const char *who, const char *name, const char *what)
{
	size_t at = strlen(actors.story);

	snprintf(actors.story + at, sizeof(actors.story) - at, "%s%s%s %s\n", who, *name ? " " : "",
		 name, what);
}

static enum vmsnd_rc late(unsigned *left)
{
	if (*left == 0)
		return actors.fail_life;
	--*left;
	return VMSND_E_AGAIN;
}

/* ---- devices ---- */

struct vmsnd_dev {
	char name[64];
	struct vmsnd_dev_env env;
};

static size_t footprint(const struct vmsnd_dev_conf *conf)
{
	return conf->playback_streams > 8 ? 0 : sizeof(struct vmsnd_dev);
}

static enum vmsnd_rc init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
			  const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	assert_null(vmsnd_node_parent(conf->node)); /* CF-03 */
	snprintf(dev->name, sizeof(dev->name), "%s", conf->name);
	dev->env = *env;
	tell("device", dev->name, "init");
	if (actors.fail_card && strcmp(actors.fail_card, dev->name) != 0)
		return VMSND_OK;
	return actors.fail_init;
}

static void fini(struct vmsnd_dev *dev)
{
	tell("device", dev->name, "fini");
}

/* As much as starts it: what is there of it can be heard of from then on. */
static void play(struct vmsnd_dev *dev, vmsnd_ns now)
{
	static const struct vmsnd_stream_params params = {
	    {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, 4800, 480};
	struct vmsnd_port *port = dev->env.port(dev->env.ctx, VMSND_PLAYBACK, 0);
	void *at;

	assert_int_equal(vmsnd_port_prepare(port, &params, now), VMSND_OK);
	assert_int_equal(vmsnd_port_begin(port, 4800, &at), 4800);
	vmsnd_port_commit(port, 4800);
	assert_int_equal(vmsnd_port_start(port, now), VMSND_OK);
}

static enum vmsnd_rc init_complete(struct vmsnd_dev *dev, vmsnd_ns now)
{
	tell("device", dev->name, "init-complete");
	if (actors.plays)
		play(dev, now);
	if (actors.fail_card && strcmp(actors.fail_card, dev->name) != 0)
		return VMSND_OK;
	return actors.fail_complete;
}

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	static const char *const words[] = {[VMSND_RESET_POWER_ON] = "resets at power-on",
					    [VMSND_RESET_BUS] = "resets",
					    [VMSND_RESET_PEER_LOST] = "resets without its peer",
					    [VMSND_RESET_SHUTDOWN] = "shuts down"};

	tell("device", dev->name, words[why]);
}

static vmsnd_ns advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	return VMSND_NEVER;
}

static size_t counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	if (max > 0)
		out[0] = (struct vmsnd_counter){"calls", 7};
	return 1;
}

static enum vmsnd_rc dev_life(struct vmsnd_dev *dev, enum vmsnd_life what, vmsnd_ns now)
{
	tell("device", dev->name, vmsnd_life_name(what));
	return late(&actors.late_device);
}

#define DEVICE(title, bits, first, most)                                                           \
	{                                                                                          \
		.abi = VMSND_DEV_ABI, .abi_end = VMSND_DEV_ABI, .kind = bits, .flags = first,      \
		.max_instances = most, .name = title, .summary = "for tests",                      \
		.virtio = &idle_virtio, .footprint = footprint, .init = init, .fini = fini,        \
		.init_complete = init_complete, .reset = reset, .advance = advance,                \
		.counters = counters, .life = dev_life                                             \
	}

static const struct vmsnd_dev_class devices[] = {
    DEVICE("actor", VMSND_KIND_AUDIO, 0, 16),
    DEVICE("bridge", VMSND_KIND_BUS | VMSND_KIND_AUDIO, 0, 16),
    DEVICE("first", VMSND_KIND_AUDIO,
	   VMSND_DEV_FIRST_RESET | VMSND_DEV_FIRST_SUSPEND | VMSND_DEV_FIRST_POWER_OFF, 16),
    DEVICE("single", VMSND_KIND_AUDIO, 0, 1),
};

/* ---- a transport that nobody comes through ---- */

struct vmsnd_transport {
	char name[64];
};

static enum vmsnd_rc hall_open(const struct vmsnd_transport_conf *conf,
			       const struct vmsnd_transport_user *user,
			       struct vmsnd_transport **out)
{
	char what[32];

	*out = calloc(1, sizeof(**out));
	assert_non_null(*out);
	snprintf((*out)->name, sizeof((*out)->name), "%s", conf->name);
	snprintf(what, sizeof(what), "has socket %d", conf->listen_fd);
	if (conf->listen_fd >= 0)
		tell("transport", conf->name, what);
	return VMSND_OK;
}

static void hall_ready(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now)
{
}

static void hall_notify(struct vmsnd_transport *bus, unsigned vector)
{
}

static void hall_config_changed(struct vmsnd_transport *bus)
{
	tell("transport", bus->name, "config-changed");
}

static void hall_close(struct vmsnd_transport *bus, vmsnd_ns now)
{
	free(bus);
}

static const struct vmsnd_option gate_options[] = {
    {"socket-fd", VMSND_OPTION_UINT, NULL, "as of vhost-user", 0, 100}, {.key = NULL}};

static const struct vmsnd_transport_class gate = {.abi = VMSND_TRANSPORT_ABI,
						  .name = "gate",
						  .summary = "for tests",
						  .options = gate_options,
						  .open = hall_open,
						  .ready = hall_ready,
						  .notify = hall_notify,
						  .close = hall_close,
						  .abi_end = VMSND_TRANSPORT_ABI};

static const struct vmsnd_transport_class hall = {.abi = VMSND_TRANSPORT_ABI,
						  .config_changed = hall_config_changed,
						  .name = "hall",
						  .summary = "for tests",
						  .open = hall_open,
						  .ready = hall_ready,
						  .notify = hall_notify,
						  .close = hall_close,
						  .abi_end = VMSND_TRANSPORT_ABI};

/* ---- backends ---- */

struct vmsnd_backend {
	char name[16];
};

static const struct vmsnd_option stage_options[] = {
    {"as", VMSND_OPTION_TEXT, "", "what it is called in the story", 0, 0}, {.key = NULL}};

static enum vmsnd_rc stage_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VMSND_E_NOMEM;
	snprintf((*out)->name, sizeof((*out)->name), "%s", vmsnd_conf_text(conf->options, "as"));
	tell("backend", (*out)->name, "open");
	return VMSND_OK;
}

static void stage_close(struct vmsnd_backend *host)
{
	tell("backend", host->name, "close");
	free(host);
}

struct vmsnd_stream {
	struct vmsnd_backend *host;
	bool runs;
};

static enum vmsnd_rc stream_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
				 const struct vmsnd_stream_user *user, void *ctx,
				 struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	if (!actors.plays)
		return VMSND_E_UNSUPPORTED;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VMSND_E_NOMEM;
	(*out)->host = host;
	*got = (struct vmsnd_stream_got){
	    .format = want->format, .period_frames = 480, .max_frames = 480};
	return VMSND_OK;
}

static enum vmsnd_rc stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (!stream->runs)
		tell("stream", stream->host->name, "starts");
	stream->runs = true;
	return VMSND_OK;
}

static void stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	if (stream->runs)
		tell("stream", stream->host->name, "stands");
	stream->runs = false;
}

static void stream_close(struct vmsnd_stream *stream)
{
	stream_stop(stream, 0);
	free(stream);
}

static enum vmsnd_rc stage_life(struct vmsnd_backend *host, enum vmsnd_life what, vmsnd_ns now)
{
	tell("backend", host->name, vmsnd_life_name(what));
	return late(&actors.late_backend);
}

static const struct vmsnd_backend_class stage = {.abi = VMSND_BACKEND_ABI,
						 .name = "stage",
						 .summary = "for tests",
						 .options = stage_options,
						 .open = stage_open,
						 .close = stage_close,
						 .stream_open = stream_open,
						 .stream_start = stream_start,
						 .stream_stop = stream_stop,
						 .stream_close = stream_close,
						 .life = stage_life,
						 .abi_end = VMSND_BACKEND_ABI};

/* ---- a driver ---- */

struct vmsnd_driver {
	char name[16];
};

static const struct vmsnd_option step_options[] = {
    {"as", VMSND_OPTION_TEXT, "", "what it is called in the story", 0, 0}, {.key = NULL}};

static size_t step_footprint(const struct vmsnd_driver_conf *conf)
{
	return sizeof(struct vmsnd_driver);
}

static enum vmsnd_rc step_init(struct vmsnd_driver *driver, const struct vmsnd_driver_conf *conf)
{
	snprintf(driver->name, sizeof(driver->name), "%s", vmsnd_conf_text(conf->options, "as"));
	return VMSND_OK;
}

static void step_process_rt(struct vmsnd_driver *driver, void *samples, uint32_t frames)
{
}

static enum vmsnd_rc step_life(struct vmsnd_driver *driver, enum vmsnd_life what, vmsnd_ns now)
{
	tell("driver", driver->name, vmsnd_life_name(what));
	return late(&actors.late_driver);
}

static const struct vmsnd_driver_class step_class = {.abi = VMSND_DRIVER_ABI,
						     .name = "step",
						     .summary = "for tests",
						     .options = step_options,
						     .max_instances = 100,
						     .footprint = step_footprint,
						     .init = step_init,
						     .process_rt = step_process_rt,
						     .life = step_life,
						     .abi_end = VMSND_DRIVER_ABI};

/* ---- the machine ---- */

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	size_t at = strlen(actors.log);

	if (level <= VMSND_LOG_INFO)
		snprintf(actors.log + at, sizeof(actors.log) - at, "%s\n", line);
}

void actors_open(bool off)
{
	struct vmsnd_machine_conf conf = {.log = {NULL, log_line}, .off = off};

	memset(&actors, 0, sizeof(actors));
	actors.now = VMSND_NS_PER_SECOND;
	assert_int_equal(vmsnd_registry_open(NULL, &actors.registry), VMSND_OK);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		assert_int_equal(vmsnd_registry_add_device(actors.registry, &devices[i]),
				 VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_transport(actors.registry, &hall), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_transport(actors.registry, &gate), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_backend(actors.registry, &stage), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_driver(actors.registry, &step_class),
			 VMSND_RECORD_FINE);
	conf.registry = actors.registry;
	assert_int_equal(vmsnd_machine_open(&conf, &actors.machine), VMSND_OK);
}

void actors_close(void)
{
	vmsnd_machine_close(actors.machine, actors.now);
	vmsnd_registry_close(actors.registry);
}

enum vmsnd_rc actors_try(const char *yaml)
{
	struct vmsnd_node *root;
	struct vmsnd_error error;
	enum vmsnd_rc rc = vmsnd_yaml_parse("test", yaml, strlen(yaml), &root, &error);

	if (rc)
		fail_msg("%s", error.line);
	rc = vmsnd_machine_build(actors.machine, root, NULL, 0, actors.now);
	vmsnd_tree_free(root);
	return rc;
}

void actors_build(const char *yaml)
{
	if (actors_try(yaml))
		fail_msg("%s", actors.log);
}

const char *actors_story(void)
{
	static char story[sizeof(actors.story)];

	memcpy(story, actors.story, sizeof(story));
	actors.story[0] = '\0';
	return story;
}

unsigned actors_life(enum vmsnd_life what, vmsnd_ns step)
{
	unsigned tries = 1;

	while (vmsnd_machine_life(actors.machine, what, actors.now) == VMSND_E_AGAIN) {
		actors.now += step;
		tries++;
		assert_true(tries < 10000);
	}
	return tries;
}
