/* SPDX-License-Identifier: BSD-3-Clause */
/* Another chain in the place of one that plays (DM-73): every frame is heard once, in order, on the
 * one side of the change or the other, with no silence between two hosts that are well. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "os/clock.h"
#include "stage.h"

#define FRAMES (48000u * 2)

static enum vmsnd_rc try_reattach(struct stage *stage, unsigned output, const char *backend,
				  const char *driver)
{
	struct vmsnd_chain_conf chain = {.backend = backend, .drivers = {driver}};
	struct vmsnd_reattach which = {.output = output};

	return vmsnd_machine_reattach(stage->sim.machine, &which, &chain, stage->sim.now);
}

static enum vmsnd_rc state_of(struct stage *stage, unsigned output)
{
	struct vmsnd_reattach which = {.output = output};

	return vmsnd_machine_reattached(stage->sim.machine, &which);
}

static void reattach(struct stage *stage, unsigned output, const char *backend)
{
	assert_int_equal(try_reattach(stage, output, backend, NULL), VMSND_OK);
}

/* Until workers have opened and closed what they had to: real time, bounded. */
static void settle(struct stage *stage, unsigned output)
{
	vmsnd_ns end = vmsnd_clock_now() + 60 * SECOND;

	while (state_of(stage, output) == VMSND_E_AGAIN && vmsnd_clock_now() < end) {
		stage_run(stage, 10 * MS);
		sched_yield();
	}
	assert_int_not_equal(state_of(stage, output), VMSND_E_AGAIN);
}

/* The file holds the guest's frames from `first` on and nothing else: no silence before, in
 * between, or, but for the last file of all, behind. Returns the number behind the last. */
static uint64_t follow(struct stage *stage, const char *name, uint64_t first, bool last)
{
	struct sim_sound sound = sim_sound_load(sim_path(&stage->sim, name));
	uint64_t frames = sound.frames;

	assert_true(frames > 0);
	while (last && frames > 0 && sim_sound_silent(&sound, frames - 1))
		frames--;
	sim_assert_signal(&sound, 0, &stage->signal, first, frames);
	sim_sound_free(&sound);
	return first + frames;
}

static void begin(struct stage *stage, const char *device)
{
	stage_open(stage);
	sim_add(&stage->sim, device, sim_file(&stage->sim, "0.wav", ""));
	stage_play(stage, FRAMES);
}

static void close_machine(struct stage *stage)
{
	vmsnd_machine_close(stage->sim.machine, stage->sim.now);
	assert_int_equal(fake.opens, fake.closes);
	assert_int_equal(fake.streams[VMSND_PLAYBACK] + fake.streams[VMSND_CAPTURE], 0);
}

static const char *numbered(struct stage *stage, unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "%u.wav", number);
	return sim_file(&stage->sim, name, "");
}

/* ---- between files ---- */

static void from_file_to_file(uint32_t seed)
{
	struct stage stage;
	uint64_t at;

	begin(&stage, "capture=0");
	stage.sim.seed = seed;
	stage_run(&stage,
		  (30 + sim_random(&stage.sim, 1900)) * MS + sim_random(&stage.sim, 1000000));
	reattach(&stage, 0, numbered(&stage, 1));
	settle(&stage, 0);
	assert_int_equal(state_of(&stage, 0), VMSND_OK);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	assert_int_equal(sim_counter(&stage.sim, 0, "playback0.underruns"), 0);
	close_machine(&stage);
	at = follow(&stage, "0.wav", 0, false);
	assert_int_equal(follow(&stage, "1.wav", at, true), FRAMES);
	stage_forget(&stage);
}

static void test_DM73_two_files_hold_all_and_no_silence(void **state)
{
	for (uint32_t seed = 1; seed <= 24; seed++)
		from_file_to_file(seed * 2654435761u);
}

static void test_DM73_again_and_again(void **state)
{
	struct stage stage;
	uint64_t at = 0;
	unsigned n = 1;

	begin(&stage, "");
	for (; n < 12; n++) {
		stage_run(&stage, 37 * MS + sim_random(&stage.sim, 60) * MS);
		reattach(&stage, 0, numbered(&stage, n));
		settle(&stage, 0);
	}
	stage_finish(&stage);
	assert_int_equal(stage_count(&stage, "took the place of file"), 11);
	close_machine(&stage);
	for (unsigned i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u.wav", i);
		at = follow(&stage, name, at, i + 1 == n);
	}
	assert_int_equal(at, FRAMES);
	stage_forget(&stage);
}

/* What the guest plays goes to every output; the one beside it notices nothing. */
static void test_DM73_output_1_beside_output_0(void **state)
{
	struct stage stage;
	uint64_t frames, first;

	begin(&stage, "");
	assert_int_equal(stage_attach(&stage, numbered(&stage, 1)), 1);
	stage_run(&stage, 700 * MS);
	reattach(&stage, 1, numbered(&stage, 2));
	settle(&stage, 1);
	assert_int_equal(state_of(&stage, 1), VMSND_OK);
	stage_finish(&stage);
	close_machine(&stage);
	sim_assert_file(sim_path(&stage.sim, "0.wav"), &stage.signal, FRAMES, 4 * PERIOD);
	assert_int_equal(stage_assert_piece(&stage, "1.wav", &frames), 0);
	first = stage_assert_piece(&stage, "2.wav", &first);
	assert_int_equal(first, frames);
	stage_forget(&stage);
}

static void test_DM73_output_0_while_others_follow(void **state)
{
	struct stage stage;
	uint64_t at;

	begin(&stage, "");
	assert_int_equal(stage_attach(&stage, numbered(&stage, 8)), 1);
	stage_run(&stage, 333 * MS);
	reattach(&stage, 0, numbered(&stage, 1));
	settle(&stage, 0);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	close_machine(&stage);
	at = follow(&stage, "0.wav", 0, false);
	assert_int_equal(follow(&stage, "1.wav", at, true), FRAMES);
	assert_int_equal(stage_assert_piece(&stage, "8.wav", &at), 0);
	assert_int_equal(at, FRAMES);
	stage_forget(&stage);
}

/* All streams of a card change over together. */
static void test_DM73_several_streams(void **state)
{
	struct stage stage;
	struct sim_signal signals[3];
	struct vmsnd_guest_player players[3];

	stage_open(&stage);
	sim_add(&stage.sim, "playback=3,capture=0", sim_file(&stage.sim, "0.wav", ""));
	for (unsigned i = 0; i < 3; i++) {
		signals[i] = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
		signals[i].end = FRAMES;
		signals[i].salt = i;
		players[i] = sim_player(&stage.sim, 0, &signals[i], PERIOD, 4);
		players[i].conf.stream = i;
	}
	sim_run_until(&stage.sim, players, 3, stage.sim.now + 555 * MS);
	reattach(&stage, 0, numbered(&stage, 1));
	sim_run_until(&stage.sim, players, 3, stage.sim.now + 100 * MS);
	assert_int_equal(state_of(&stage, 0), VMSND_OK);
	sim_run(&stage.sim, players, 3, 10 * SECOND);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(players[i].frames_completed, FRAMES);
		assert_int_equal(players[i].messages_failed, 0);
	}
	close_machine(&stage);
	stage_forget(&stage);
}

/* ---- what fails ---- */

static void assert_it_stays(struct stage *stage)
{
	assert_string_equal(stage_status(stage, VMSND_PLAYBACK, 0).backend, "file");
	stage_finish(stage);
	assert_int_equal(stage->player.messages_failed, 0);
	close_machine(stage);
	sim_assert_file(sim_path(&stage->sim, "0.wav"), &stage->signal, FRAMES, 4 * PERIOD);
	stage_forget(stage);
}

/* One line says so, and none that the guest goes on without it: it does not. */
static void test_DM73_a_server_that_is_not_there(void **state)
{
	static const char *const backends[] = {"fake", "fake-slow"};

	for (size_t i = 0; i < 2; i++) {
		struct stage stage;

		begin(&stage, "");
		stage_run(&stage, 100 * MS);
		fake.away = true;
		stage.n_lines = 0;
		memset(stage.lines, 0, sizeof(stage.lines));
		reattach(&stage, 0, backends[i]);
		settle(&stage, 0);
		assert_int_equal(state_of(&stage, 0), VMSND_E_GONE);
		assert_int_equal(stage.n_lines, 1);
		assert_int_equal(stage_count(&stage, "cannot be opened; it stays with file"), 1);
		assert_it_stays(&stage);
	}
}

static void test_DM73_a_server_that_gives_no_stream(void **state)
{
	static const char *const backends[] = {"fake", "fake-slow-streams"};

	for (size_t i = 0; i < 2; i++) {
		struct stage stage;

		begin(&stage, "");
		stage_run(&stage, 100 * MS);
		fake.streams_away = true;
		stage.n_lines = 0;
		memset(stage.lines, 0, sizeof(stage.lines));
		reattach(&stage, 0, backends[i]);
		settle(&stage, 0);
		assert_int_equal(state_of(&stage, 0), VMSND_E_GONE);
		assert_int_equal(stage.n_lines, 1);
		assert_it_stays(&stage);
	}
}

static void test_DM73_what_is_wrong_is_said_at_once(void **state)
{
	static const struct {
		const char *backend, *driver;
		enum vmsnd_rc rc;
	} rows[] = {
	    {"fail", NULL, VMSND_E_NO_CLASS},
	    {"null,pace=x", NULL, VMSND_E_INVALID},
	    {"null", "dela", VMSND_E_NO_CLASS},
	    {"file,path=/nonexistent/x.wav", NULL, VMSND_E_SYSTEM},
	};
	struct stage stage;

	begin(&stage, "");
	stage_run(&stage, 100 * MS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned lines = stage.n_lines;

		assert_int_equal(try_reattach(&stage, 0, rows[i].backend, rows[i].driver),
				 rows[i].rc);
		assert_int_equal(stage.n_lines, lines + 1);
		assert_int_equal(state_of(&stage, 0), VMSND_OK);
	}
	assert_it_stays(&stage);
}

/* ---- slow ones, and what comes between ---- */

static void test_DM73_the_old_one_plays_while_the_new_one_opens(void **state)
{
	struct stage stage;
	uint64_t at, frames;

	begin(&stage, "");
	stage_run(&stage, 100 * MS);
	fake.hold = true;
	reattach(&stage, 0, "fake-slow");
	stage_run(&stage, 900 * MS);
	assert_int_equal(state_of(&stage, 0), VMSND_E_AGAIN);
	assert_int_equal(try_reattach(&stage, 0, "null", NULL), VMSND_E_AGAIN);
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).backend, "file");
	fake.hold = false;
	settle(&stage, 0);
	assert_int_equal(state_of(&stage, 0), VMSND_OK);
	stage_finish(&stage);
	frames = fake.frames;
	close_machine(&stage);
	at = follow(&stage, "0.wav", 0, false);
	assert_true(at >= 43200);
	assert_int_equal(at + frames, FRAMES);
	stage_forget(&stage);
}

/* The stream's opening may be what takes its time. */
static void test_DM73_streams_that_open_slowly(void **state)
{
	struct stage stage;

	begin(&stage, "");
	stage_run(&stage, 100 * MS);
	reattach(&stage, 0, "fake-slow-streams");
	settle(&stage, 0);
	assert_int_equal(state_of(&stage, 0), VMSND_OK);
	stage_run(&stage, 100 * MS);
	reattach(&stage, 0, numbered(&stage, 1));
	settle(&stage, 0);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	close_machine(&stage);
	stage_forget(&stage);
}

static void test_DM73_detached_meanwhile(void **state)
{
	struct stage stage;

	begin(&stage, "");
	stage_run(&stage, 100 * MS);
	fake.hold = true;
	reattach(&stage, 0, "fake-slow");
	stage_run(&stage, 50 * MS);
	assert_int_equal(vmsnd_machine_detach(stage.sim.machine, 0, 0, stage.sim.now), VMSND_OK);
	assert_int_equal(state_of(&stage, 0), VMSND_E_NO_OUTPUT);
	assert_int_equal(stage_attach(&stage, numbered(&stage, 1)), 0);
	stage_finish(&stage);
	fake.hold = false;
	close_machine(&stage);
	stage_forget(&stage);
}

static void test_DM73_the_card_goes_meanwhile(void **state)
{
	struct stage stage;

	begin(&stage, "");
	stage_run(&stage, 100 * MS);
	fake.hold = true;
	reattach(&stage, 0, "fake-slow");
	stage_run(&stage, 50 * MS);
	assert_int_equal(vmsnd_machine_remove(stage.sim.machine, 0, stage.sim.now), VMSND_OK);
	assert_int_equal(state_of(&stage, 0), VMSND_E_NO_CARD);
	fake.hold = false;
	close_machine(&stage);
	assert_int_equal(stage_count(&stage, "does not answer"), 0);
	stage_forget(&stage);
}

/* The guest prepares its stream anew while another host is being opened for it. */
static void test_DM73_the_guest_starts_anew_meanwhile(void **state)
{
	struct stage stage;

	begin(&stage, "");
	stage_run(&stage, 100 * MS);
	fake.hold_streams = true;
	reattach(&stage, 0, "fake-slow-streams");
	vmsnd_guest_player_abort(&stage.player);
	stage_finish(&stage);
	stage_play(&stage, FRAMES);
	stage_run(&stage, 100 * MS);
	fake.hold_streams = false;
	settle(&stage, 0);
	assert_int_equal(state_of(&stage, 0), VMSND_OK);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	assert_true(fake.frames > 0);
	close_machine(&stage);
	stage_forget(&stage);
}

static void test_DM73_nobody_plays(void **state)
{
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", sim_file(&stage.sim, "0.wav", ""));
	reattach(&stage, 0, numbered(&stage, 1));
	settle(&stage, 0);
	assert_int_equal(state_of(&stage, 0), VMSND_OK);
	stage_play(&stage, FRAMES);
	stage_finish(&stage);
	close_machine(&stage);
	sim_assert_file(sim_path(&stage.sim, "1.wav"), &stage.signal, FRAMES, 4 * PERIOD);
	stage_forget(&stage);
}

/* ---- together with the machine's life ---- */

static void test_DM73_DM74_while_the_machine_is_suspended(void **state)
{
	struct stage stage;
	uint64_t at;

	begin(&stage, "");
	stage_run(&stage, 500 * MS);
	assert_int_equal(vmsnd_machine_life(stage.sim.machine, VMSND_LIFE_SUSPEND, stage.sim.now),
			 VMSND_OK);
	stage_run(&stage, 100 * MS);
	reattach(&stage, 0, numbered(&stage, 1));
	stage_run(&stage, 300 * MS);
	assert_int_equal(state_of(&stage, 0), VMSND_OK);
	at = sim_counter(&stage.sim, 0, "playback0.frames");
	stage_run(&stage, 300 * MS);
	assert_int_equal(sim_counter(&stage.sim, 0, "playback0.frames"), at);
	assert_int_equal(vmsnd_machine_life(stage.sim.machine, VMSND_LIFE_RESUME, stage.sim.now),
			 VMSND_OK);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	close_machine(&stage);
	at = follow(&stage, "0.wav", 0, false);
	assert_int_equal(follow(&stage, "1.wav", at, true), FRAMES);
	stage_forget(&stage);
}

/* ---- the other way ---- */

static void test_DM73_capture_goes_on_from_another_file(void **state)
{
	struct stage stage;
	struct sim_signal source = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	struct sim_signal other = source, heard = source;
	struct vmsnd_guest_player player;
	char text[256];
	uint64_t at = 0, n;
	const int16_t *kept;

	other.salt = 99;
	stage_open(&stage);
	sim_sound_save(sim_path(&stage.sim, "a.wav"), &source, 96000);
	sim_sound_save(sim_path(&stage.sim, "b.wav"), &other, 96000);
	snprintf(text, sizeof(text), "file,in=%s,dir=capture", sim_path(&stage.sim, "a.wav"));
	sim_add(&stage.sim, "input=on", text);
	heard.end = 48000;
	player = sim_player(&stage.sim, 0, &heard, PERIOD, 4);
	player.conf.stream = 1;
	sim_run_until(&stage.sim, &player, 1, stage.sim.now + 421 * MS);
	snprintf(text, sizeof(text), "file,in=%s,dir=capture", sim_path(&stage.sim, "b.wav"));
	reattach(&stage, 0, text);
	sim_run(&stage.sim, &player, 1, 5 * SECOND);
	assert_int_equal(state_of(&stage, 0), VMSND_OK);
	n = heard.kept_bytes / 4;
	kept = (const int16_t *)(const void *)heard.kept;
	while (at < n && kept[2 * at] == (int16_t)(sim_signal_sample(&source, at, 0) >> 16))
		at++;
	assert_in_range(at, 48000 * 4 / 10, 48000 * 44 / 100);
	for (uint64_t i = 0; at + i < n; i++)
		if (kept[2 * (at + i)] != (int16_t)(sim_signal_sample(&other, i, 0) >> 16))
			fail_msg("frame %llu, %llu behind the change", (unsigned long long)(at + i),
				 (unsigned long long)i);
	free(heard.kept);
	close_machine(&stage);
	stage_forget(&stage);
}

/* From one that only plays to one that only records, and back. */
static void test_DM73_other_directions(void **state)
{
	struct stage stage;

	begin(&stage, "input=on");
	stage_run(&stage, 100 * MS);
	assert_true(stage_has(&stage, VMSND_PLAYBACK, 0));
	reattach(&stage, 0, "null,dir=capture");
	settle(&stage, 0);
	stage_run(&stage, 50 * MS);
	assert_false(stage_has(&stage, VMSND_PLAYBACK, 0));
	assert_true(stage_has(&stage, VMSND_CAPTURE, 0));
	reattach(&stage, 0, "null,dir=playback");
	settle(&stage, 0);
	stage_run(&stage, 50 * MS);
	assert_true(stage_has(&stage, VMSND_PLAYBACK, 0));
	assert_false(stage_has(&stage, VMSND_CAPTURE, 0));
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	close_machine(&stage);
	stage_forget(&stage);
}

/* ---- drivers and formats ---- */

/* A delay of 50 ms that stays in the chain's text: what it held of the old one is not heard again,
 * and nothing of the new one is lost. */
static void test_DM73_drivers_come_with_the_chain(void **state)
{
	struct stage stage;
	struct vmsnd_output_status status;
	struct sim_sound sound;
	uint64_t at;

	begin(&stage, "");
	stage_run(&stage, 505 * MS);
	assert_int_equal(try_reattach(&stage, 0, numbered(&stage, 1), "delay,ms=50"), VMSND_OK);
	settle(&stage, 0);
	assert_int_equal(vmsnd_machine_output(stage.sim.machine, 0, 0, &status), VMSND_OK);
	assert_string_equal(status.drivers[0], "delay,ms=50");
	stage_finish(&stage);
	close_machine(&stage);
	at = follow(&stage, "0.wav", 0, false);
	sound = sim_sound_load(sim_path(&stage.sim, "1.wav"));
	assert_int_equal(sim_sound_silence(&sound, 0), 2400);
	sim_assert_signal(&sound, 2400, &stage.signal, at, FRAMES - at - 2400);
	sim_sound_free(&sound);
	stage_forget(&stage);
}

/* What was read is the reader's: the lane frees the old chain whenever it is closed. */
static void test_DM73_what_was_read_of_an_output_stays(void **state)
{
	struct stage stage;
	struct vmsnd_output_status status;
	struct vmsnd_driver_place place = {0, 0, 0};

	begin(&stage, "");
	reattach(&stage, 0, "null,dir=playback");
	settle(&stage, 0);
	assert_int_equal(
	    vmsnd_machine_driver_attach(stage.sim.machine, &place, "delay,ms=50", stage.sim.now),
	    VMSND_OK);
	assert_int_equal(vmsnd_machine_output(stage.sim.machine, 0, 0, &status), VMSND_OK);
	stage_run(&stage, 50 * MS);
	reattach(&stage, 0, "null,mute=on,dir=playback");
	settle(&stage, 0);
	/* The old chain is freed by the time that there may be another one. */
	while (try_reattach(&stage, 0, "null", NULL) == VMSND_E_AGAIN)
		stage_run(&stage, 10 * MS);
	settle(&stage, 0);
	stage_run(&stage, 50 * MS);
	assert_string_equal(status.text, "null,dir=playback");
	assert_string_equal(status.drivers[0], "delay,ms=50");
	assert_string_equal(status.drivers[1], "");
	stage_finish(&stage);
	close_machine(&stage);
	stage_forget(&stage);
}

/* The backend plays on, and its file is the same: drivers come and go in its insert. */
static void test_DM68_drivers_change_while_it_plays(void **state)
{
	struct stage stage;
	struct vmsnd_driver_place place = {0, 0, 0};
	struct sim_sound sound;
	uint64_t opens;

	begin(&stage, "");
	stage_run(&stage, 500 * MS);
	opens = stage_status(&stage, VMSND_PLAYBACK, 0).opens;
	assert_int_equal(
	    vmsnd_machine_driver_attach(stage.sim.machine, &place, "delay,ms=10", stage.sim.now),
	    VMSND_OK);
	stage_run(&stage, 500 * MS);
	assert_int_equal(vmsnd_machine_driver_reattach(stage.sim.machine, &place,
						       "map,channels=1/0", stage.sim.now),
			 VMSND_OK);
	stage_run(&stage, 200 * MS);
	assert_int_equal(vmsnd_machine_driver_detach(stage.sim.machine, &place, stage.sim.now),
			 VMSND_OK);
	stage_run(&stage, 100 * MS);
	assert_int_equal(stage_status(&stage, VMSND_PLAYBACK, 0).opens, opens);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	close_machine(&stage);
	/* 10 ms of silence came in, and went out of the chain with the 10 ms it held. */
	sound = sim_sound_load(sim_path(&stage.sim, "0.wav"));
	assert_in_range(sound.frames, FRAMES, FRAMES + 4 * PERIOD);
	sim_assert_signal(&sound, 0, &stage.signal, 0, 22000);
	sim_assert_signal(&sound, 70000, &stage.signal, 70000, FRAMES - 70000);
	sim_sound_free(&sound);
	stage_forget(&stage);
}

static void test_DM73_another_format(void **state)
{
	struct stage stage;
	struct sim_sound sound;
	uint64_t at;

	begin(&stage, "");
	stage_run(&stage, 800 * MS);
	reattach(&stage, 0, sim_file(&stage.sim, "1.wav", ",rate=44100,sample=S32"));
	settle(&stage, 0);
	assert_int_equal(state_of(&stage, 0), VMSND_OK);
	stage_run(&stage, 50 * MS);
	assert_int_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host_format.rate_hz, 44100);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	close_machine(&stage);
	at = follow(&stage, "0.wav", 0, false);
	sound = sim_sound_load(sim_path(&stage.sim, "1.wav"));
	assert_int_equal(sound.format.rate_hz, 44100);
	assert_in_range(sound.frames, (FRAMES - at) * 441 / 480 - 512,
			(FRAMES - at) * 441 / 480 + 2048);
	assert_in_range(sim_sound_silence(&sound, 0), 0, 64);
	sim_sound_free(&sound);
	stage_forget(&stage);
}

/* The volume that was set stays, unless the new text brings one. */
static void test_DM73_volume(void **state)
{
	struct vmsnd_volume volume = {.gain_mdb = -3000};
	struct stage stage;

	begin(&stage, "");
	vmsnd_machine_volume(stage.sim.machine, 0, 0, VMSND_PLAYBACK, &volume);
	stage_run(&stage, 100 * MS);
	reattach(&stage, 0, "null");
	settle(&stage, 0);
	assert_int_equal(stage_status(&stage, VMSND_PLAYBACK, 0).volume.gain_mdb, -3000);
	reattach(&stage, 0, "null,volume=-9");
	settle(&stage, 0);
	assert_int_equal(stage_status(&stage, VMSND_PLAYBACK, 0).volume.gain_mdb, -9000);
	stage_finish(&stage);
	close_machine(&stage);
	stage_forget(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM73_two_files_hold_all_and_no_silence),
	    cmocka_unit_test(test_DM73_again_and_again),
	    cmocka_unit_test(test_DM73_output_1_beside_output_0),
	    cmocka_unit_test(test_DM73_output_0_while_others_follow),
	    cmocka_unit_test(test_DM73_several_streams),
	    cmocka_unit_test(test_DM73_a_server_that_is_not_there),
	    cmocka_unit_test(test_DM73_a_server_that_gives_no_stream),
	    cmocka_unit_test(test_DM73_what_is_wrong_is_said_at_once),
	    cmocka_unit_test(test_DM73_the_old_one_plays_while_the_new_one_opens),
	    cmocka_unit_test(test_DM73_streams_that_open_slowly),
	    cmocka_unit_test(test_DM73_detached_meanwhile),
	    cmocka_unit_test(test_DM73_the_card_goes_meanwhile),
	    cmocka_unit_test(test_DM73_the_guest_starts_anew_meanwhile),
	    cmocka_unit_test(test_DM73_nobody_plays),
	    cmocka_unit_test(test_DM73_DM74_while_the_machine_is_suspended),
	    cmocka_unit_test(test_DM73_capture_goes_on_from_another_file),
	    cmocka_unit_test(test_DM73_other_directions),
	    cmocka_unit_test(test_DM73_drivers_come_with_the_chain),
	    cmocka_unit_test(test_DM73_what_was_read_of_an_output_stays),
	    cmocka_unit_test(test_DM68_drivers_change_while_it_plays),
	    cmocka_unit_test(test_DM73_another_format),
	    cmocka_unit_test(test_DM73_volume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
