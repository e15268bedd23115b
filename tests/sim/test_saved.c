/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine is saved while its guest plays, and another goes on with it: what the first wrote and
 * what the second writes is all there was, frame for frame. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define PERIOD 441u
#define FRAMES 48000u

struct saved {
	uint8_t *bytes, *memory;
	size_t n_bytes;
};

/* The guest stands still meanwhile, and what the machine does as it closes is of another world. */
static struct saved save(struct sim *sim)
{
	struct vmsnd_guest *guest = &sim->cards[0]->guest;
	size_t memory_bytes = (size_t)guest->conf.memory_bytes;
	struct saved saved = {.memory = malloc(memory_bytes)};

	assert_non_null(saved.memory);
	assert_int_equal(vmsnd_machine_life(sim->machine, VMSND_LIFE_SUSPEND, sim->now), VMSND_OK);
	assert_int_equal(vmsnd_machine_save(sim->machine, sim->now, &saved.bytes, &saved.n_bytes),
			 VMSND_OK);
	memcpy(saved.memory, guest->conf.memory, memory_bytes);
	vmsnd_machine_close(sim->machine, sim->now);
	memcpy(guest->conf.memory, saved.memory, memory_bytes);
	return saved;
}

static void quiet(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level <= VMSND_LOG_WARNING)
		fail_msg("%s", line);
}

static void load(struct sim *sim, struct saved *saved, const char *device, const char *backend)
{
	struct vmsnd_guest *guest = &sim->cards[0]->guest;
	struct vmsnd_machine_conf conf = {.log = {.write = quiet}};
	struct vmsnd_card_conf card = {
	    .device = device, .backend = backend, .transport = "in-process", .listen_fd = -1};
	struct vmsnd_guest_bus bus;

	assert_int_equal(vmsnd_machine_open(&conf, &sim->machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(sim->machine, &card, sim->now), VMSND_OK);
	assert_int_equal(vmsnd_machine_load(sim->machine, saved->bytes, saved->n_bytes, sim->now),
			 VMSND_OK);
	assert_int_equal(vmsnd_machine_guest_bus(sim->machine, 0, &bus), VMSND_OK);
	assert_int_equal(vmsnd_guest_move(guest, &bus), VMSND_OK);
	assert_int_equal(vmsnd_guest_pause(guest, sim->now), VMSND_OK);
	assert_int_equal(vmsnd_guest_resume(guest, sim->now), VMSND_OK);
	assert_int_equal(vmsnd_machine_life(sim->machine, VMSND_LIFE_RESUME, sim->now), VMSND_OK);
	free(saved->bytes);
	free(saved->memory);
}

/* Frames of a file that are no silence. */
static struct sim_sound heard(const char *path)
{
	struct sim_sound sound = sim_sound_load(path);
	uint64_t n = 0;

	for (uint64_t i = 0; i < sound.frames; i++) {
		if (sim_sound_silent(&sound, i))
			continue;
		memmove(sound.samples + n * 2, sound.samples + i * 2, 2 * sizeof(*sound.samples));
		n++;
	}
	sound.frames = n;
	return sound;
}

static void play_over_a_save(unsigned after_ms)
{
	struct vmsnd_guest_conf wish = {
	    .event_idx = after_ms & 1, .indirect = after_ms & 2, .memory_bytes = 1 << 20};
	struct sim_signal signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	struct vmsnd_guest_player player;
	struct sim_sound first, second;
	struct saved saved;
	struct sim sim;

	sim_open(&sim);
	sim_add_with(&sim, "capture=0", sim_file(&sim, "out.wav", ""), &wish);
	signal.end = FRAMES;
	player = sim_player(&sim, 0, &signal, PERIOD, 4);
	sim_run_until(&sim, &player, 1, sim.now + after_ms * MS);
	saved = save(&sim);
	assert_int_equal(rename(sim_path(&sim, "out.wav"), sim_path(&sim, "first.wav")), 0);
	sim.now += 7 * SECOND;
	load(&sim, &saved, "virtio-snd,capture=0", sim_file(&sim, "out.wav", ""));
	sim_run(&sim, &player, 1, 3 * SECOND);
	assert_int_equal(player.frames_completed, FRAMES);
	assert_int_equal(player.messages_failed, 0);
	first = heard(sim_path(&sim, "first.wav"));
	second = heard(sim_path(&sim, "out.wav"));
	assert_int_equal(first.frames + second.frames, FRAMES);
	sim_assert_signal(&first, 0, &signal, 0, first.frames);
	sim_assert_signal(&second, 0, &signal, first.frames, second.frames);
	sim_sound_free(&first);
	sim_sound_free(&second);
	sim_close(&sim);
}

static void test_SS_what_was_played_is_whole(void **state)
{
	for (unsigned ms = 40; ms < 900; ms += 89)
		play_over_a_save(ms);
}

static uint64_t silence(const struct sim_signal *kept, uint64_t at)
{
	uint64_t n = 0;

	while (at + n < FRAMES && memcmp(kept->kept + (at + n) * 4, "\0\0\0\0", 4) == 0)
		n++;
	return n;
}

/* How many frames from `at` on are those of the source from its start. */
static uint64_t matching(const struct sim_signal *kept, uint64_t at,
			 const struct sim_signal *source)
{
	struct sim_signal expected = *source;
	uint8_t frame[4];
	uint64_t n = 0;

	for (; at + n < FRAMES; n++) {
		sim_signal_read(&expected, frame, 1);
		if (memcmp(frame, kept->kept + (at + n) * 4, 4) != 0)
			break;
	}
	return n;
}

/* What is recorded is in order over a save, too: no frame that was in a ring or in half a buffer
 * is lost or there twice. */
static void record_over_a_save(unsigned after_ms)
{
	struct sim_signal source = sim_signal(VMSND_SAMPLE_S16, 48000, 2), kept = source;
	struct vmsnd_guest_player player;
	struct saved saved;
	char backend[600];
	struct sim sim;
	uint64_t brought, lead, first, at;

	sim_open(&sim);
	sim_sound_save(sim_path(&sim, "voice.wav"), &source, 96000);
	snprintf(backend, sizeof(backend), "file,in=%s,loop=off", sim_path(&sim, "voice.wav"));
	sim_add(&sim, "playback=0,input=on", backend);
	kept.end = FRAMES;
	vmsnd_guest_player_init(
	    &player, &sim.cards[0]->guest,
	    &(struct vmsnd_guest_player_conf){.params = {kept.format, PERIOD, 4},
					      .frames = FRAMES,
					      .ctx = &kept,
					      .write = sim_signal_write});
	sim_run_until(&sim, &player, 1, sim.now + after_ms * MS);
	brought = sim_counter(&sim, 0, "capture0.frames");
	saved = save(&sim);
	load(&sim, &saved, "virtio-snd,playback=0,input=on", backend);
	sim_run(&sim, &player, 1, 3 * SECOND);
	assert_int_equal(player.messages_failed, 0);
	assert_int_equal(kept.kept_bytes, FRAMES * 4);
	/* The file begins anew in the second machine; what the first one's host had brought until
	 * then came before, all of it. */
	lead = silence(&kept, 0);
	first = matching(&kept, lead, &source);
	assert_int_equal(lead + first, brought);
	at = brought + silence(&kept, brought);
	assert_int_equal(at + matching(&kept, at, &source), FRAMES);
	free(kept.kept);
	sim_close(&sim);
}

static void test_SS_what_was_recorded_is_in_order(void **state)
{
	for (unsigned ms = 50; ms < 900; ms += 131)
		record_over_a_save(ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_SS_what_was_played_is_whole),
	    cmocka_unit_test(test_SS_what_was_recorded_is_in_order),
	};

	return cmocka_run_group_tests_name("saved", tests, NULL, NULL);
}
