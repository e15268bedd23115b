/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved while it plays, by hosts with threads of their own (SS-01): what such a thread has for
 * itself is not looked at while it works. Meant for a build with -Db_sanitize=thread; runs in any.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "stage.h"

#define MEMORY_BYTES (1u << 20)
#define ROUNDS       6u
#define FRAMES       4800u
#define HOST_HZ      44100u /* not the guest's: there is a conversion, which holds frames */
#define BLOCK_FRAMES 147u
#define SAVES        40u /* of a round */

/* ---- a host with a thread ---- */

struct vmsnd_backend {
	unsigned unused;
};

struct vmsnd_stream {
	const struct vmsnd_stream_user *user;
	void *ctx;
	pthread_t thread;
	_Atomic bool stop;
	double samples[BLOCK_FRAMES * VMSND_CHANNELS_MAX];
};

static void *play(void *arg)
{
	static const struct timespec moment = {.tv_nsec = 500000};
	struct vmsnd_stream *stream = arg;

	while (!atomic_load(&stream->stop)) {
		const struct vmsnd_block block = {
		    .samples = stream->samples, .frames = BLOCK_FRAMES, .delay_frames = 10};

		stream->user->block_rt(stream->ctx, &block);
		nanosleep(&moment, NULL);
	}
	return NULL;
}

static enum vmsnd_rc host_open(const struct vmsnd_backend_conf *conf, struct vmsnd_backend **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? VMSND_OK : VMSND_E_NOMEM;
}

static void host_close(struct vmsnd_backend *backend)
{
	free(backend);
}

static enum vmsnd_rc stream_open(struct vmsnd_backend *backend,
				 const struct vmsnd_stream_want *want,
				 const struct vmsnd_stream_user *user, void *ctx,
				 struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	struct vmsnd_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return VMSND_E_NOMEM;
	stream->user = user;
	stream->ctx = ctx;
	*got = (struct vmsnd_stream_got){
	    .format = want->format, .period_frames = BLOCK_FRAMES, .max_frames = BLOCK_FRAMES};
	got->format.rate_hz = HOST_HZ;
	*out = stream;
	return VMSND_OK;
}

static enum vmsnd_rc stream_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	atomic_store(&stream->stop, false);
	return pthread_create(&stream->thread, NULL, play, stream) ? VMSND_E_SYSTEM : VMSND_OK;
}

static void stream_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	atomic_store(&stream->stop, true);
	pthread_join(stream->thread, NULL);
}

static void stream_close(struct vmsnd_stream *stream)
{
	free(stream);
}

static const struct vmsnd_backend_class threaded = {.abi = VMSND_BACKEND_ABI,
						    .name = "threaded",
						    .summary = "plays from a thread of its own",
						    .open = host_open,
						    .close = host_close,
						    .stream_open = stream_open,
						    .stream_start = stream_start,
						    .stream_stop = stream_stop,
						    .stream_close = stream_close,
						    .abi_end = VMSND_BACKEND_ABI};

/* ---- the world ---- */

static void loud(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level <= VMSND_LOG_WARNING)
		fail_msg("%s", line);
}

/* A position or a figure that went below 0 is refused there. */
static void assert_loads(struct vmsnd_registry *registry, const uint8_t *bytes, size_t n_bytes)
{
	const struct vmsnd_machine_conf conf = {
	    .log = {.write = loud}, .registry = registry, .off = true, .restores = true};
	struct vmsnd_machine *machine;
	struct vmsnd_node *root;
	struct vmsnd_error error;

	assert_int_equal(vmsnd_state_tree(bytes, n_bytes, &root, &error), VMSND_OK);
	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_build(machine, root, NULL, 0, SECOND), VMSND_OK);
	assert_int_equal(vmsnd_machine_load(machine, bytes, n_bytes, SECOND), VMSND_OK);
	vmsnd_machine_close(machine, SECOND);
	vmsnd_tree_free(root);
}

/* Plays a while from its beginning; saved again and again, also right after the start. */
static void play_and_save(struct vmsnd_machine *machine, struct vmsnd_guest *guest)
{
	static const struct timespec moment = {.tv_nsec = 300000};
	struct sim_signal signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	const struct vmsnd_guest_player_conf conf = {.params = {signal.format, PERIOD, 4},
						     .frames = FRAMES,
						     .ctx = &signal,
						     .read = sim_signal_read};
	struct vmsnd_guest_player player;
	unsigned saves = 0;

	signal.end = FRAMES;
	vmsnd_guest_player_init(&player, guest, &conf);
	while (vmsnd_guest_player_step(&player, 0)) {
		uint8_t *bytes;
		size_t n_bytes;

		nanosleep(&moment, NULL);
		if (saves++ >= SAVES) /* each costs a moment: it has to come to its end */
			continue;
		assert_int_equal(vmsnd_machine_save(machine, 0, &bytes, &n_bytes), VMSND_OK);
		assert_loads(vmsnd_machine_registry(machine), bytes, n_bytes);
		free(bytes);
	}
	assert_int_equal(player.state, VMSND_GUEST_PLAYER_DONE);
	assert_int_equal(player.frames_completed, FRAMES);
}

static void test_SS01_hosts_with_threads_are_saved_while_they_play(void **state)
{
	struct vmsnd_registry *registry = fake_registry();
	const struct vmsnd_machine_conf conf = {
	    .lanes = 1, .log = {.write = loud}, .registry = registry};
	const struct vmsnd_card_conf card = {.device = "virtio-snd,capture=0",
					     .backend = "threaded",
					     .more = {"threaded"},
					     .transport = "in-process",
					     .listen_fd = -1};
	struct vmsnd_guest_conf guest_conf = {.memory_bytes = MEMORY_BYTES, .gpa = 0x100000};
	struct vmsnd_guest *guest = calloc(1, sizeof(*guest));
	struct vmsnd_machine *machine;

	assert_int_equal(vmsnd_registry_add_backend(registry, &threaded), VMSND_RECORD_FINE);
	guest_conf.memory = aligned_alloc(4096, MEMORY_BYTES);
	assert_true(guest && guest_conf.memory);
	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(machine, &card, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_guest_bus(machine, 0, &guest_conf.bus), VMSND_OK);
	assert_int_equal(vmsnd_guest_open(guest, &guest_conf, 0), VMSND_OK);
	for (unsigned i = 0; i < ROUNDS; i++)
		play_and_save(machine, guest);
	vmsnd_machine_close(machine, 0);
	vmsnd_registry_close(registry);
	free(guest_conf.memory);
	free(guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_SS01_hosts_with_threads_are_saved_while_they_play),
	};

	return cmocka_run_group_tests_name("save-threads", tests, NULL, NULL);
}
