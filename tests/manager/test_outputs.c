/* SPDX-License-Identifier: BSD-3-Clause */
/* Outputs, inputs and taps that come and go while a guest plays, under virtual time. */
#include <stdlib.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "stage.h"

static void add(struct stage *stage, const char *device, const char *backend)
{
	sim_add(&stage->sim, device, backend);
}

static void detach(struct stage *stage, unsigned output)
{
	assert_int_equal(vmsnd_machine_detach(stage->sim.machine, 0, output, stage->sim.now),
			 VMSND_OK);
}

static void tap(struct stage *stage, enum vmsnd_dir dir, enum vmsnd_tap point, const char *path)
{
	struct vmsnd_tap_conf conf = {.dir = dir, .point = point, .path = path};

	if (vmsnd_machine_tap(stage->sim.machine, 0, &conf, stage->sim.now))
		fail_msg("refused: %s", stage->sim.log);
}

static void test_a_recording_beside_null_is_exact_from_its_first_frame_on(void **state)
{
	struct stage stage;
	uint64_t first, frames;
	unsigned output;

	stage_open(&stage);
	add(&stage, "capture=0", "null");
	stage_play(&stage, 96000);
	stage_run(&stage, 500 * MS);
	output = stage_attach(&stage, sim_file(&stage.sim, "late.wav", ""));
	assert_int_equal(output, 1);
	stage_run(&stage, 200 * MS);
	assert_true(stage_status(&stage, VMSND_PLAYBACK, 1).exact);
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 1).host, "running");
	stage_finish(&stage);
	assert_int_equal(sim_counter(&stage.sim, 0, "playback0.underruns"), 0);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	first = stage_assert_piece(&stage, "late.wav", &frames);
	/* It begins with what was handed over next, and has all that follows. */
	assert_in_range(first, 24000 - 4 * PERIOD, 24000 + 4 * PERIOD);
	assert_int_equal(first + frames, 96000);
	assert_int_equal(stage_count(&stage, "attached"), 1);
	stage_forget(&stage);
}

static void test_a_second_file_comes_and_goes_and_the_first_does_not_notice(void **state)
{
	struct stage stage;
	uint64_t first, frames;

	stage_open(&stage);
	add(&stage, "capture=0", sim_file(&stage.sim, "whole.wav", ""));
	stage_play(&stage, 96000);
	stage_run(&stage, 500 * MS);
	assert_int_equal(stage_attach(&stage, sim_file(&stage.sim, "piece.wav", "")), 1);
	stage_run(&stage, SECOND);
	detach(&stage, 1);
	assert_false(stage_has(&stage, VMSND_PLAYBACK, 1));
	/* The file is whole at once. */
	first = stage_assert_piece(&stage, "piece.wav", &frames);
	assert_in_range(first, 24000 - 4 * PERIOD, 24000 + 4 * PERIOD);
	assert_in_range(frames, 48000 - 4 * PERIOD, 48000 + 4 * PERIOD);
	stage_finish(&stage);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "whole.wav"), &stage.signal, 96000, 2 * PERIOD);
	stage_forget(&stage);
}

/* Output 0 goes; the guest's clock does not stop and the other output does not notice. */
static void test_DM70_the_first_output_goes_and_another_takes_its_place(void **state)
{
	struct stage stage;
	uint64_t frames;

	stage_open(&stage);
	add(&stage, "capture=0", sim_file(&stage.sim, "first.wav", ""));
	stage_attach(&stage, sim_file(&stage.sim, "second.wav", ""));
	stage_play(&stage, 96000);
	stage_run(&stage, 500 * MS);
	detach(&stage, 0);
	stage_run(&stage, 500 * MS);
	assert_int_equal(stage_attach(&stage, sim_file(&stage.sim, "third.wav", "")), 0);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	assert_in_range(stage.player.ended_at - stage.player.started_at, 2 * SECOND,
			2 * SECOND + 40 * MS);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "second.wav"), &stage.signal, 96000, 4 * PERIOD);
	assert_int_equal(stage_assert_piece(&stage, "first.wav", &frames), 0);
	stage_assert_piece(&stage, "third.wav", &frames);
	stage_forget(&stage);
}

static void test_eight_outputs_and_no_more(void **state)
{
	struct stage stage;
	unsigned number;

	stage_open(&stage);
	add(&stage, "", "null");
	for (unsigned i = 1; i < VMSND_OUTPUTS_MAX; i++)
		assert_int_equal(stage_attach(&stage, "null"), i);
	assert_int_equal(vmsnd_machine_attach(stage.sim.machine, 0, "null", stage.sim.now, &number),
			 VMSND_E_LIMIT);
	assert_non_null(strstr(stage.sim.log, "at most 8"));
	detach(&stage, 3);
	detach(&stage, 6);
	assert_int_equal(vmsnd_machine_detach(stage.sim.machine, 0, 3, stage.sim.now),
			 VMSND_E_NO_OUTPUT);
	assert_int_equal(stage_attach(&stage, "null"), 3);
	assert_int_equal(vmsnd_machine_attach(stage.sim.machine, 1, "null", stage.sim.now, &number),
			 VMSND_E_NO_CARD);
	assert_int_equal(vmsnd_machine_attach(stage.sim.machine, 0, "nul", stage.sim.now, &number),
			 VMSND_E_NO_CLASS);
	assert_int_equal(
	    vmsnd_machine_attach(stage.sim.machine, 0, "null,rat=1", stage.sim.now, &number),
	    VMSND_E_INVALID);
	assert_non_null(strstr(stage.sim.log, "did you mean 'rate'"));
	stage_close(&stage);
}

static struct vmsnd_output_status status_of(struct stage *stage, unsigned output)
{
	struct vmsnd_output_status status;

	assert_int_equal(vmsnd_machine_output(stage->sim.machine, 0, output, &status), VMSND_OK);
	return status;
}

/* No stream is on the second one: the card does not record. */
static void test_every_output_is_shown_with_its_text_and_ways(void **state)
{
	struct vmsnd_output_status status;
	struct stage stage;

	stage_open(&stage);
	add(&stage, "capture=0", "null");
	assert_int_equal(stage_attach(&stage, "null,dir=capture"), 1);
	assert_false(stage_has(&stage, VMSND_CAPTURE, 1));
	status = status_of(&stage, 1);
	assert_string_equal(status.backend, "null");
	assert_string_equal(status.text, "null,dir=capture");
	assert_true(status.present);
	assert_false(status.ways[VMSND_PLAYBACK].serves);
	assert_int_equal(status.ways[VMSND_PLAYBACK].status, VMSND_BACKEND_UNKNOWN);
	assert_true(status.ways[VMSND_CAPTURE].serves);
	assert_int_equal(status.ways[VMSND_CAPTURE].status, VMSND_BACKEND_STOPPED);
	assert_string_equal(status_of(&stage, 0).text, "null");
	stage_play(&stage, 48000);
	stage_run(&stage, 500 * MS);
	assert_int_equal(status_of(&stage, 0).ways[VMSND_PLAYBACK].status, VMSND_BACKEND_RUNNING);
	detach(&stage, 1);
	assert_int_equal(vmsnd_machine_output(stage.sim.machine, 0, 1, &status), VMSND_E_NO_OUTPUT);
	assert_int_equal(vmsnd_machine_output(stage.sim.machine, 0, VMSND_OUTPUTS_MAX, &status),
			 VMSND_E_NO_OUTPUT);
	assert_int_equal(vmsnd_machine_output(stage.sim.machine, 1, 0, &status), VMSND_E_NO_CARD);
	stage_finish(&stage);
	stage_close(&stage);
}

/* What is not there is not asked; what says that it failed is let go, and opened again. */
static void test_AT_05_an_output_that_is_away_says_so(void **state)
{
	struct vmsnd_output_status status;
	struct stage stage;

	stage_open(&stage);
	fake.away = true;
	add(&stage, "capture=0", "fake");
	stage_run(&stage, 100 * MS);
	status = status_of(&stage, 0);
	assert_false(status.present);
	assert_true(status.ways[VMSND_CAPTURE].serves);
	assert_int_equal(status.ways[VMSND_PLAYBACK].status, VMSND_BACKEND_UNKNOWN);
	fake.away = false;
	fake.deaf = true;
	stage_run(&stage, 6 * SECOND);
	status = status_of(&stage, 0);
	assert_true(status.present);
	assert_false(status.ways[VMSND_CAPTURE].serves);
	assert_int_equal(status.ways[VMSND_PLAYBACK].status, VMSND_BACKEND_RUNNING);
	assert_int_equal(status.ways[VMSND_CAPTURE].status, VMSND_BACKEND_UNKNOWN);
	stage_close(&stage);
}

static void test_taps_have_what_the_device_gave_and_what_the_host_took(void **state)
{
	struct vmsnd_tap_conf taps[3] = {{0}};
	struct stage stage;
	struct sim_sound sound;
	uint64_t frames;

	stage_open(&stage);
	add(&stage, "capture=0", "null");
	assert_int_equal(vmsnd_machine_taps(stage.sim.machine, 0, taps, 3), 0);
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_DEVICE, sim_path(&stage.sim, "device.wav"));
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_HOST, sim_path(&stage.sim, "host.wav"));
	assert_int_equal(vmsnd_machine_taps(stage.sim.machine, 0, taps, 1), 2);
	assert_int_equal(taps[0].point, VMSND_TAP_DEVICE);
	assert_null(taps[1].path);
	assert_int_equal(vmsnd_machine_taps(stage.sim.machine, 0, taps, 3), 2);
	assert_int_equal(taps[1].point, VMSND_TAP_HOST);
	assert_non_null(strstr(taps[1].path, "/host.wav"));
	stage_play(&stage, 48000);
	stage_finish(&stage);
	stage_run(&stage, 100 * MS);
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_DEVICE, NULL);
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_HOST, NULL);
	sound = sim_sound_load(sim_path(&stage.sim, "device.wav"));
	assert_int_equal(sound.frames, 48000); /* no more and no less */
	sim_sound_free(&sound);
	sim_assert_file(sim_path(&stage.sim, "device.wav"), &stage.signal, 48000, 0);
	assert_int_equal(stage_assert_piece(&stage, "host.wav", &frames), 0);
	assert_int_equal(frames, 48000);
	/* Neither is an output. */
	assert_false(stage_has(&stage, VMSND_PLAYBACK, VMSND_OUTPUTS_MAX));
	stage_close(&stage);
}

static void test_a_tap_is_switched_while_it_plays(void **state)
{
	struct stage stage;
	uint64_t first, frames;

	stage_open(&stage);
	add(&stage, "capture=0", sim_file(&stage.sim, "out.wav", ""));
	stage_play(&stage, 96000);
	stage_run(&stage, 400 * MS);
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_DEVICE, sim_path(&stage.sim, "a,b.wav"));
	stage_run(&stage, 400 * MS);
	/* Another file takes over. */
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_DEVICE, sim_path(&stage.sim, "c.wav"));
	first = stage_assert_piece(&stage, "a,b.wav", &frames);
	assert_in_range(frames, 19200 - 4 * PERIOD, 19200 + 4 * PERIOD);
	stage_run(&stage, 400 * MS);
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_DEVICE, NULL);
	assert_int_equal(stage_assert_piece(&stage, "c.wav", &frames),
			 first + 19200); /* where the other ended */
	/* Lines name the card, the point, the stream and the file. */
	assert_int_equal(stage_count(&stage, "card0: device tap of playback0 writes '"), 2);
	assert_int_equal(stage_count(&stage, "card0: device tap of playback0 is off: '"), 2);
	assert_int_equal(stage_count(&stage, "/a,b.wav'"), 2);
	assert_int_equal(stage_count(&stage, "/c.wav'"), 2);
	/* Nothing was on: nothing is said. */
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_DEVICE, NULL);
	assert_int_equal(stage_count(&stage, "is off: '"), 2);
	stage_finish(&stage);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "out.wav"), &stage.signal, 96000, 2 * PERIOD);
	stage_forget(&stage);
}

static void test_a_tap_that_cannot_be_is_refused(void **state)
{
	struct stage stage;
	struct vmsnd_tap_conf conf = {.dir = VMSND_PLAYBACK, .path = "x.wav"};

	stage_open(&stage);
	add(&stage, "capture=0", "null");
	conf.stream = 1;
	assert_int_equal(vmsnd_machine_tap(stage.sim.machine, 0, &conf, stage.sim.now),
			 VMSND_E_INVALID);
	conf = (struct vmsnd_tap_conf){.dir = VMSND_CAPTURE, .path = "x.wav"};
	assert_int_equal(vmsnd_machine_tap(stage.sim.machine, 0, &conf, stage.sim.now),
			 VMSND_E_INVALID);
	conf = (struct vmsnd_tap_conf){.dir = VMSND_PLAYBACK, .path = "x.ogg"};
	assert_int_not_equal(vmsnd_machine_tap(stage.sim.machine, 0, &conf, stage.sim.now),
			     VMSND_OK);
	conf.path = "no/such/directory/x.wav";
	assert_int_not_equal(vmsnd_machine_tap(stage.sim.machine, 0, &conf, stage.sim.now),
			     VMSND_OK);
	stage_close(&stage);
}

/* ---- the owner's switch ---- */

static void record(struct stage *stage, uint64_t frames)
{
	struct vmsnd_guest *guest = &stage->sim.cards[0]->guest;
	struct vmsnd_guest_player_conf conf = {
	    .stream = (unsigned)vmsnd_guest_find_stream(guest, VMSND_CAPTURE, 0),
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, PERIOD, 4},
	    .frames = frames,
	    .ctx = &stage->signal,
	    .write = sim_signal_write};

	stage->signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	vmsnd_guest_player_init(&stage->player, guest, &conf);
}

static bool silent(const struct stage *stage, uint64_t from, uint64_t to)
{
	for (uint64_t i = from * 4; i < to * 4; i++)
		if (stage->signal.kept[i])
			return false;
	return true;
}

static void test_DIR_01_off_closes_the_microphone_and_records_silence(void **state)
{
	struct stage stage;
	bool on;

	stage_open(&stage);
	add(&stage, "", "fake");
	record(&stage, 96000);
	stage_run(&stage, 500 * MS);
	assert_int_equal(fake.streams[VMSND_CAPTURE], 0);
	assert_true(silent(&stage, 0, 20000));
	assert_int_equal(vmsnd_machine_enabled(stage.sim.machine, 0, VMSND_CAPTURE, &on), 0);
	assert_false(on);
	vmsnd_machine_enable(stage.sim.machine, 0, VMSND_CAPTURE, true, stage.sim.now);
	stage_run(&stage, 500 * MS);
	assert_int_equal(fake.streams[VMSND_CAPTURE], 1);
	assert_string_equal(stage_status(&stage, VMSND_CAPTURE, 0).state, "CAPTURING");
	assert_false(silent(&stage, 30000, 40000));
	vmsnd_machine_enable(stage.sim.machine, 0, VMSND_CAPTURE, false, stage.sim.now);
	assert_int_equal(fake.streams[VMSND_CAPTURE], 0);
	assert_string_equal(stage_status(&stage, VMSND_CAPTURE, 0).host, "none");
	stage_finish(&stage);
	assert_true(silent(&stage, 60000, 96000));
	assert_int_equal(stage.player.messages_failed, 0);
	assert_int_equal(stage_count(&stage, "input is on"), 1);
	free(stage.signal.kept);
	stage_close(&stage);
}

static void test_DIR_01_output_off_swallows_in_real_time(void **state)
{
	struct stage stage;

	stage_open(&stage);
	add(&stage, "capture=0,output=off", "fake");
	stage_play(&stage, 48000);
	stage_run(&stage, 300 * MS);
	assert_int_equal(fake.streams[VMSND_PLAYBACK], 0);
	vmsnd_machine_enable(stage.sim.machine, 0, VMSND_PLAYBACK, true, stage.sim.now);
	stage_run(&stage, 300 * MS);
	assert_int_equal(fake.streams[VMSND_PLAYBACK], 1);
	assert_true(fake.frames > 9600);
	vmsnd_machine_enable(stage.sim.machine, 0, VMSND_PLAYBACK, false, stage.sim.now);
	assert_int_equal(fake.streams[VMSND_PLAYBACK], 0);
	stage_finish(&stage);
	assert_in_range(stage.player.ended_at - stage.player.started_at, SECOND, SECOND + 60 * MS);
	stage_close(&stage);
}

/* ---- loudness ---- */

/* The loudest sample of frames from .. to, left-justified in 32 bits. */
static int64_t peak(const struct sim_sound *sound, uint64_t from, uint64_t to)
{
	int64_t most = 0;

	for (uint64_t i = from * 2; i < to * 2; i++) {
		int64_t size = llabs((int64_t)sound->samples[i]);

		most = size > most ? size : most;
	}
	return most;
}

static void test_each_output_has_a_volume_of_its_own(void **state)
{
	const int64_t full = INT64_C(0x7fff0000);
	struct stage stage;
	struct vmsnd_volume half = {.gain_mdb = -6021}, mute = {.muted = UINT32_MAX};
	struct vmsnd_volume loud = {.gain_mdb = VMSND_GAIN_MAX_MDB + 1};
	struct vmsnd_machine *machine;
	struct sim_sound sound;

	stage_open(&stage);
	machine = stage.sim.machine;
	add(&stage, "capture=0", sim_file(&stage.sim, "as-is.wav", ""));
	stage_attach(&stage, sim_file(&stage.sim, "other.wav", ",volume=-20,dither=off"));
	stage_play(&stage, 96000);
	stage_run(&stage, SECOND);
	assert_int_equal(stage_status(&stage, VMSND_PLAYBACK, 1).volume.gain_mdb, -20000);
	assert_int_equal(vmsnd_machine_volume(machine, 0, 1, VMSND_PLAYBACK, &half), VMSND_OK);
	stage_run(&stage, 500 * MS);
	assert_int_equal(vmsnd_machine_volume(machine, 0, 1, VMSND_PLAYBACK, &mute), VMSND_OK);
	assert_int_equal(vmsnd_machine_volume(machine, 0, 2, VMSND_PLAYBACK, &half),
			 VMSND_E_NO_OUTPUT);
	assert_int_equal(vmsnd_machine_volume(machine, 0, 1, VMSND_PLAYBACK, &loud),
			 VMSND_E_INVALID);
	stage_finish(&stage);
	vmsnd_machine_close(machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "as-is.wav"), &stage.signal, 96000, 2 * PERIOD);
	sound = sim_sound_load(sim_path(&stage.sim, "other.wav"));
	assert_in_range(peak(&sound, 10000, 40000), full * 98 / 1000, full * 101 / 1000);
	assert_in_range(peak(&sound, 52000, 68000), full * 49 / 100, full * 51 / 100);
	assert_int_equal(peak(&sound, 76000, 95000), 0);
	sim_sound_free(&sound);
	stage_forget(&stage);
}

static void test_an_output_at_another_rate_says_so_once(void **state)
{
	struct stage stage;
	struct sim_sound sound;

	stage_open(&stage);
	add(&stage, "capture=0", sim_file(&stage.sim, "as-is.wav", ""));
	stage_attach(&stage, sim_file(&stage.sim, "cd.wav", ",rate=44100,channels=1"));
	stage_play(&stage, 96000);
	stage_finish(&stage);
	assert_int_equal(stage_count(&stage, "is at 44100 Hz S16"), 1);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "as-is.wav"), &stage.signal, 96000, 2 * PERIOD);
	sound = sim_sound_load(sim_path(&stage.sim, "cd.wav"));
	assert_int_equal(sound.format.rate_hz, 44100);
	assert_int_equal(sound.format.channels, 1);
	assert_in_range(sound.frames, 88200 - 441, 88200 + 2 * 441);
	sim_sound_free(&sound);
	stage_forget(&stage);
}

/* ---- suspend ---- */

static void test_CON_11_pause_holds_every_output(void **state)
{
	struct stage stage;
	uint64_t frames;

	stage_open(&stage);
	add(&stage, "capture=0", sim_file(&stage.sim, "a.wav", ""));
	stage_play(&stage, 48000);
	stage_run(&stage, 300 * MS);
	/* One that was attached while it runs takes part. */
	stage_attach(&stage, "fake");
	stage_run(&stage, 100 * MS);
	assert_int_equal(vmsnd_machine_pause(stage.sim.machine, 0, true, stage.sim.now), VMSND_OK);
	frames = fake.frames;
	stage_run(&stage, 10 * SECOND);
	assert_int_equal(fake.frames, frames);
	assert_int_equal(vmsnd_machine_pause(stage.sim.machine, 0, false, stage.sim.now), VMSND_OK);
	stage_finish(&stage);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "a.wav"), &stage.signal, 48000, 2 * PERIOD);
	stage_forget(&stage);
}

/* ---- for ever ---- */

static void test_hundreds_of_outputs_come_and_go(void **state)
{
	struct stage stage;
	struct vmsnd_card *card;
	char name[32];

	stage_open(&stage);
	add(&stage, "capture=1,input=on", sim_file(&stage.sim, "whole.wav", ""));
	stage_play(&stage, 48000 * 8);
	card = stage.sim.machine->cards[0];
	for (unsigned i = 0; i < 300; i++) {
		unsigned a = stage_attach(&stage, i % 3 ? "null" : "fake"), b;

		stage_run(&stage, 10 * MS);
		snprintf(name, sizeof(name), "t%u.wav", i % 5);
		b = stage_attach(&stage, sim_file(&stage.sim, name, i % 2 ? "" : ",rate=44100"));
		tap(&stage, VMSND_PLAYBACK, i % 2, sim_path(&stage.sim, "tap.wav"));
		stage_run(&stage, 10 * MS);
		detach(&stage, a);
		detach(&stage, b);
		assert_null(card->leaving); /* none is left behind */
	}
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_DEVICE, NULL);
	tap(&stage, VMSND_PLAYBACK, VMSND_TAP_HOST, NULL);
	assert_int_equal(fake.opens, 100);
	assert_int_equal(fake.closes, 100);
	assert_int_equal(fake.streams[VMSND_PLAYBACK] + fake.streams[VMSND_CAPTURE], 0);
	stage_finish(&stage);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "whole.wav"), &stage.signal, 48000 * 8, 2 * PERIOD);
	stage_forget(&stage);
}

/* LC-04: nothing of the machine's own stops in a suspend: guests are answered, and what they hand
 * over is kept for later. */
static void test_LC04_guests_are_served_while_streams_stand_still(void **state)
{
	struct stage stage;
	struct vmsnd_guest *guest;
	uint64_t completed;
	int ticket;

	stage_open(&stage);
	add(&stage, "", sim_file(&stage.sim, "whole.wav", ""));
	stage_play(&stage, 48000);
	stage_run(&stage, 300 * MS);
	guest = stage.player.guest;
	assert_int_equal(vmsnd_machine_life(stage.sim.machine, VMSND_LIFE_SUSPEND, stage.sim.now),
			 VMSND_OK);
	stage_run(&stage, 20 * MS); /* what was done already comes back */
	completed = stage.player.frames_completed;
	ticket = vmsnd_guest_submit_params(guest, 1, &stage.player.conf.params, stage.sim.now);
	assert_true(ticket >= 0);
	vmsnd_machine_advance(stage.sim.machine, stage.sim.now);
	assert_int_equal(vmsnd_guest_collect(guest, ticket, stage.sim.now).status, VIRTIO_SND_S_OK);
	stage_run(&stage, SECOND);
	assert_int_equal(stage.player.frames_completed, completed);
	assert_int_equal(vmsnd_machine_life(stage.sim.machine, VMSND_LIFE_RESUME, stage.sim.now),
			 VMSND_OK);
	stage_finish(&stage);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "whole.wav"), &stage.signal, 48000, 2 * PERIOD);
	stage_forget(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_LC04_guests_are_served_while_streams_stand_still),
	    cmocka_unit_test(test_a_recording_beside_null_is_exact_from_its_first_frame_on),
	    cmocka_unit_test(test_a_second_file_comes_and_goes_and_the_first_does_not_notice),
	    cmocka_unit_test(test_DM70_the_first_output_goes_and_another_takes_its_place),
	    cmocka_unit_test(test_eight_outputs_and_no_more),
	    cmocka_unit_test(test_every_output_is_shown_with_its_text_and_ways),
	    cmocka_unit_test(test_AT_05_an_output_that_is_away_says_so),
	    cmocka_unit_test(test_taps_have_what_the_device_gave_and_what_the_host_took),
	    cmocka_unit_test(test_a_tap_is_switched_while_it_plays),
	    cmocka_unit_test(test_a_tap_that_cannot_be_is_refused),
	    cmocka_unit_test(test_DIR_01_off_closes_the_microphone_and_records_silence),
	    cmocka_unit_test(test_DIR_01_output_off_swallows_in_real_time),
	    cmocka_unit_test(test_each_output_has_a_volume_of_its_own),
	    cmocka_unit_test(test_an_output_at_another_rate_says_so_once),
	    cmocka_unit_test(test_CON_11_pause_holds_every_output),
	    cmocka_unit_test(test_hundreds_of_outputs_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
