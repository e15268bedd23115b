/* SPDX-License-Identifier: BSD-3-Clause */
/* A port is saved, and goes on in another machine with other hosts: not one frame is missing or
 * comes twice. */
#include "tour.h"

#include <stdlib.h>
#include <string.h>

#define DONE(rig)  vmsnd_port_done_frames((rig)->port)
#define STATE(rig) vmsnd_port_play_state((rig)->port)

struct state {
	uint8_t *bytes;
	size_t n;
};

static struct state save(const struct rig *rig)
{
	struct vmsnd_state_writer count = {0}, to;
	struct state state;

	vmsnd_port_save(rig->port, &count);
	state.n = count.used;
	state.bytes = malloc(state.n);
	assert_non_null(state.bytes);
	to = (struct vmsnd_state_writer){.to = state.bytes, .room = state.n};
	vmsnd_port_save(rig->port, &to);
	assert_false(to.full);
	assert_int_equal(to.used, state.n);
	return state;
}

static enum vmsnd_rc load(struct rig *rig, const uint8_t *bytes, size_t n)
{
	struct vmsnd_state_reader from = {.from = bytes, .bytes = n};
	enum vmsnd_rc rc = vmsnd_port_load(rig->port, &from, VMSND_PORT_STATE_MINOR, rig->now);

	if (!rc)
		assert_int_equal(from.at, n);
	return rc;
}

/* Saved in one, loaded in the other, with units like those; the other's guest goes on. Both paused.
 */
static void move(struct rig *old, struct rig *new)
{
	struct state state;

	vmsnd_port_pause(old->port, true, old->now);
	state = save(old);
	new->now = old->now + 12345 * SECOND; /* another machine's clock */
	new->signal = old->signal;
	new->level = old->level;
	new->next_frame = old->next_frame;
	new->posted = old->posted;
	new->endless = old->endless;
	new->takes = old->takes;
	new->host.next_sample = old->host.next_sample;
	assert_int_equal(load(new, state.bytes, state.n), VMSND_OK);
	assert_int_equal(DONE(new), DONE(old));
	assert_int_equal(vmsnd_port_wanted(new->port), vmsnd_port_wanted(old->port));
	free(state.bytes);
}

/* Each frame once, in order, the other's after the first's. */
static uint32_t heard_by_both(const struct rig *old, const struct rig *new, unsigned unit)
{
	const struct rig *both[] = {old, new};
	uint32_t last = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct vmsnd_backend *host =
		    unit ? &both[i]->others[unit - 1] : &both[i]->host;

		for (size_t n = 0; n < host->n_heard; n++)
			if (host->heard[n] != 0)
				assert_int_equal(host->heard[n], ++last);
	}
	return last;
}

static void close_both(struct rig *old, struct rig *new)
{
	rig_close(old);
	rig_close(new);
}

/* ---- it goes on where it was ------------------------------------------------------------- */

static void begin(struct rig *rig, enum vmsnd_dir dir, enum kind kind, unsigned units)
{
	rig_begin(rig, dir, true);
	be(&rig->host, kind);
	rig->host.other_period = kind == THREADED ? 441 : 0;
	for (unsigned i = 0; i < units; i++) {
		if (i > 0)
			be(rig_host(rig, i), FOLLOWS);
		rig_add(rig, i);
	}
}

static void test_playing_goes_on_where_it_was(void **state)
{
	for (unsigned way = 0; way < 4 * 12; way++) {
		enum kind kind = (enum kind)(way % 4);
		struct rig old, new;

		begin(&old, VMSND_PLAYBACK, kind == FOLLOWS ? PACED : kind, 2);
		begin(&new, VMSND_PLAYBACK, way & 4 ? THREADED : PACED, 2);
		rig_prepare(&old);
		rig_start(&old);
		old.posted = 30000;
		rig_run(&old, 3 * MS + way * 7 * MS + way * 12345);
		move(&old, &new);
		rig_run(&new, 500 * MS);
		assert_int_equal(new.host.starts, 0);
		assert_int_equal(DONE(&new), DONE(&old));
		vmsnd_port_pause(new.port, false, new.now);
		if (way & 8) {
			new.posted = 0;
			vmsnd_port_drain(new.port, new.now);
		}
		rig_run(&new, 10 * MS);
		assert_int_equal(STATE(&new), VMSND_PLAY_PLAY);
		if (!(way & 8))
			rig_run(&new, SECOND);
		vmsnd_port_drain(new.port, new.now);
		rig_run(&new, SECOND);
		assert_int_equal(heard_by_both(&old, &new, 0), new.next_frame);
		assert_int_equal(heard_by_both(&old, &new, 0), new.next_frame);
		assert_int_equal(heard_by_both(&old, &new, 1), new.next_frame);
		assert_int_equal(DONE(&new), new.next_frame);
		assert_int_equal(rig_silence_inside(&new), 0);
		close_both(&old, &new);
	}
}

enum point { PREPARED, PREBUFFERING, DRAINING, DRY, STOPPED, RELEASED, POINTS };

static void go_to(struct rig *rig, enum point point)
{
	rig_prepare(rig);
	rig_write(rig, point == PREBUFFERING ? 100 : BUFFER);
	if (point != PREPARED)
		rig_start(rig);
	rig_run(rig, point == DRY ? 100 * MS : 13 * MS);
	if (point == STOPPED)
		vmsnd_port_stop(rig->port, rig->now);
	if (point == RELEASED)
		vmsnd_port_release(rig->port, rig->now);
	if (point == DRAINING)
		vmsnd_port_drain(rig->port, rig->now);
}

static void test_every_phase_is_kept(void **state)
{
	static const enum vmsnd_play_state states[POINTS] = {VMSND_PLAY_NOPLAY, VMSND_PLAY_PREBUF,
							     VMSND_PLAY_PLAY,   VMSND_PLAY_PLAY,
							     VMSND_PLAY_NOPLAY, VMSND_PLAY_NOPLAY};

	for (enum point point = PREPARED; point < POINTS; point++) {
		struct vmsnd_stream_params params;
		struct rig old, new;
		uint32_t dropped = 0;

		begin(&old, VMSND_PLAYBACK, PACED, 1);
		begin(&new, VMSND_PLAYBACK, PACED, 1);
		go_to(&old, point);
		move(&old, &new);
		assert_int_equal(vmsnd_port_params(new.port, &params), point != RELEASED);
		vmsnd_port_pause(new.port, false, new.now);
		rig_run(&new, MS);
		assert_int_equal(STATE(&new), states[point]);
		/* The threshold's time is 20 ms; 13 of them are over. */
		rig_run(&new, 8 * MS);
		assert_int_equal(STATE(&new),
				 point == PREBUFFERING ? VMSND_PLAY_PLAY : states[point]);
		rig_run(&new, 100 * MS);
		if (point == DRAINING)
			assert_int_equal(STATE(&new), VMSND_PLAY_NOPLAY);
		if (point == RELEASED) {
			dropped = BUFFER - heard_by_both(&old, &new, 0);
			rig_prepare(&new);
			assert_int_equal(DONE(&new), 0);
		}
		if (point == PREPARED || point == STOPPED)
			rig_start(&new);
		rig_run(&new, 100 * MS);
		assert_int_equal(heard_by_both(&old, &new, 0) + dropped, new.next_frame);
		close_both(&old, &new);
	}
}

static void test_recording_goes_on_where_it_was(void **state)
{
	for (unsigned way = 0; way < 20; way++) {
		struct rig old, new;

		begin(&old, VMSND_CAPTURE, way % 2 ? THREADED : PACED, 1);
		begin(&new, VMSND_CAPTURE, way & 2 ? THREADED : PACED, 1);
		rig_prepare(&old);
		rig_start(&old);
		old.takes = way & 4;
		rig_run(&old, 10 * MS + way * 1234567);
		move(&old, &new);
		vmsnd_port_pause(new.port, false, new.now);
		new.takes = true;
		rig_run(&new, 300 * MS);
		assert_int_equal(vmsnd_port_capture_state(new.port), VMSND_CAPTURE_CAPTURING);
		assert_int_equal(heard_by_both(&old, &new, 0), new.host.next_sample);
		assert_int_equal(rig_counter(&new, "silence_frames"), 0);
		close_both(&old, &new);
	}
}

static void test_frames_held_back_stay_so(void **state)
{
	struct rig old, new;

	rig_begin(&old, VMSND_CAPTURE, true);
	rig_begin(&new, VMSND_CAPTURE, true);
	old.confs[0].prefs.prebuffer_ms = new.confs[0].prefs.prebuffer_ms = 35;
	rig_add(&old, 0);
	rig_add(&new, 0);
	rig_go(&old, 25 * MS);
	assert_int_equal(old.taken, 0);
	move(&old, &new);
	assert_int_equal(vmsnd_port_wanted(new.port), 0);
	vmsnd_port_pause(new.port, false, new.now);
	rig_run(&new, 100 * MS);
	assert_int_equal(heard_by_both(&old, &new, 0), new.host.next_sample);
	close_both(&old, &new);
}

/* What a conversion had taken is in the state as frames that wait. */
static void test_a_conversion_keeps_no_frames(void **state)
{
	static const struct vmsnd_format other = FORMAT(VMSND_SAMPLE_FLOAT, 96000, 1);
	struct rig old, new;
	size_t loud = 0;

	rig_begin(&old, VMSND_PLAYBACK, true);
	rig_begin(&new, VMSND_PLAYBACK, true);
	old.host.other_format = new.host.other_format = &other;
	old.confs[0].prefs.quality = new.confs[0].prefs.quality = VMSND_QUALITY_BEST;
	old.signal = RIG_LEVEL;
	old.level = 16000;
	rig_add(&old, 0);
	rig_add(&new, 0);
	rig_go(&old, 333 * MS);
	move(&old, &new);
	new.endless = false;
	vmsnd_port_pause(new.port, false, new.now);
	vmsnd_port_drain(new.port, new.now);
	rig_run(&new, SECOND);
	for (size_t i = 0; i < old.host.n_heard; i++)
		loud += old.host.floats[i] > 0.1f;
	for (size_t i = 0; i < new.host.n_heard; i++)
		loud += new.host.floats[i] > 0.1f;
	assert_in_range(loud, 2 * new.next_frame - 8, 2 * new.next_frame + 8);
	assert_int_equal(rig_status(&new, 0).frames_out, new.next_frame);
	close_both(&old, &new);
}

/* ---- what is in it, and what is not ----------------------------------------------------- */

static void test_counters_go_on(void **state)
{
	struct vmsnd_counter before[32], after[32];
	struct vmsnd_lun_status was, is;
	struct rig old, new;
	size_t n;

	begin(&old, VMSND_PLAYBACK, PACED, 2);
	begin(&new, VMSND_PLAYBACK, PACED, 2);
	rig_go(&old, 100 * MS);
	old.endless = false;
	rig_run(&old, 100 * MS);
	old.endless = true;
	rig_run(&old, 100 * MS);
	rig_end(&old.host, VMSND_E_GONE);
	rig_run(&old, 100 * MS);
	move(&old, &new);
	n = vmsnd_port_counters(old.port, before, 32);
	assert_int_equal(vmsnd_port_counters(new.port, after, 32), n);
	for (size_t i = 0; i < n; i++) {
		/* It has opened its host already. */
		bool opens = strcmp(before[i].name, "hosts_opened") == 0;

		assert_int_equal(after[i].value, before[i].value + opens);
	}
	was = rig_status(&old, 1);
	is = rig_status(&new, 1);
	assert_int_equal(is.frames_in, was.frames_in);
	assert_int_equal(is.frames_out + is.dropped_frames + is.fill_frames, is.frames_in);
	assert_int_equal(is.blocks, was.blocks);
	close_both(&old, &new);
}

static void test_volume_is_kept_and_the_switch_is_not(void **state)
{
	const struct vmsnd_volume volume = {
	    .gain_mdb = -6000, .channel_mdb = {0, 1000}, .muted = 2};
	struct vmsnd_lun_status status;
	struct rig old, new;

	begin(&old, VMSND_PLAYBACK, PACED, 2);
	rig_begin(&new, VMSND_PLAYBACK, false);
	rig_add(&new, 0);
	rig_add(&new, 1);
	rig_go(&old, 100 * MS);
	vmsnd_lun_volume(old.luns[1], &volume);
	move(&old, &new);
	status = rig_status(&new, 1);
	assert_memory_equal(&status.volume, &volume, sizeof(volume));
	assert_int_equal(rig_status(&new, 0).volume.gain_mdb, 0);
	assert_int_equal(new.host.opens, 0);
	vmsnd_port_enable(new.port, true, new.now);
	assert_int_equal(new.host.opens, 1);
	vmsnd_port_pause(new.port, false, new.now);
	rig_run(&new, 100 * MS);
	assert_int_equal(STATE(&new), VMSND_PLAY_PLAY);
	close_both(&old, &new);
}

static void test_the_guests_mixer_is_kept(void **state)
{
	const struct vmsnd_mixer mixer = {
	    .volume = {.gain_mdb = -6000, .channel_mdb = {0, -1000}, .muted = 2}, .sources = 5};
	struct vmsnd_mixer got;
	struct rig old, new;

	begin(&old, VMSND_PLAYBACK, PACED, 1);
	rig_begin(&new, VMSND_PLAYBACK, true);
	rig_add(&new, 0);
	rig_go(&old, 100 * MS);
	vmsnd_port_mixer_set(old.port, &mixer, old.now);
	move(&old, &new);
	vmsnd_port_mixer(new.port, &got);
	assert_memory_equal(&got, &mixer, sizeof(mixer));
	close_both(&old, &new);
}

/* Units come and go between the two; the others do not notice. */
static void test_other_units_than_were_saved(void **state)
{
	struct rig old, new;
	uint32_t first, frames;

	begin(&old, VMSND_PLAYBACK, PACED, 3);
	begin(&new, VMSND_PLAYBACK, PACED, 2);
	be(rig_host(&new, 4), FOLLOWS);
	rig_add(&new, 4);
	rig_go(&old, 100 * MS);
	vmsnd_port_pause(old.port, true, old.now);
	move(&old, &new);
	vmsnd_port_pause(new.port, false, new.now);
	rig_run(&new, 100 * MS);
	assert_true(heard_by_both(&old, &new, 0) > 9000);
	heard_by_both(&old, &new, 1);
	first = rig_heard_run(rig_host(&new, 4), 0, &frames);
	assert_int_equal(first, old.next_frame + 1);
	assert_int_equal(first + frames - 1, new.next_frame);
	close_both(&old, &new);
}

/* An empty unit 0, before and after. */
static void test_without_a_host_time_goes_on(void **state)
{
	struct rig old, new;

	rig_open_with(&old, VMSND_PLAYBACK, false, true);
	rig_open_with(&new, VMSND_PLAYBACK, false, true);
	rig_go(&old, 105 * MS);
	move(&old, &new);
	vmsnd_port_pause(new.port, false, new.now);
	rig_run(&new, 100 * MS);
	assert_near(DONE(&new), 205 * 48);
	close_both(&old, &new);
}

/* ---- what is damaged ---------------------------------------------------------------------- */

static void assert_as_it_was(const struct rig *rig, const struct state *was)
{
	struct state is = save(rig);

	assert_int_equal(is.n, was->n);
	assert_memory_equal(is.bytes, was->bytes, is.n);
	free(is.bytes);
}

static void test_a_damaged_state_changes_nothing(void **state)
{
	struct rig old, new;
	struct state good, was;

	begin(&old, VMSND_PLAYBACK, PACED, 2);
	begin(&new, VMSND_PLAYBACK, PACED, 2);
	rig_go(&old, 100 * MS);
	vmsnd_port_pause(old.port, true, old.now);
	good = save(&old);
	was = save(&new);
	for (size_t n = 0; n < good.n; n += n < 600 ? 1 : 211)
		assert_int_equal(load(&new, good.bytes, n), VMSND_E_DAMAGED);
	/* Direction, phase, flags, sample, rate, counts: what cannot be is refused. */
	for (size_t at = 0; at < 7; at++) {
		uint8_t is = good.bytes[at];

		good.bytes[at] = 0x77;
		assert_int_equal(load(&new, good.bytes, good.n), VMSND_E_DAMAGED);
		good.bytes[at] = is;
	}
	assert_as_it_was(&new, &was);
	assert_int_equal(load(&new, good.bytes, good.n), VMSND_OK);
	assert_int_equal(load(&new, good.bytes, good.n), VMSND_E_INVALID);
	free(good.bytes);
	free(was.bytes);
	close_both(&old, &new);
}

static void test_the_same_comes_out_again(void **state)
{
	struct rig old, new;
	struct state good;

	begin(&old, VMSND_PLAYBACK, PACED, 2);
	rig_begin(&new, VMSND_PLAYBACK, true);
	for (unsigned i = 0; i < 2; i++) {
		new.confs[i].host = NULL; /* nothing happens in it */
		rig_add(&new, i);
	}
	rig_go(&old, 105 * MS);
	vmsnd_port_pause(old.port, true, old.now);
	good = save(&old);
	new.now = old.now;
	assert_int_equal(load(&new, good.bytes, good.n), VMSND_OK);
	assert_as_it_was(&new, &good);
	free(good.bytes);
	close_both(&old, &new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_playing_goes_on_where_it_was),
	    cmocka_unit_test(test_every_phase_is_kept),
	    cmocka_unit_test(test_recording_goes_on_where_it_was),
	    cmocka_unit_test(test_frames_held_back_stay_so),
	    cmocka_unit_test(test_a_conversion_keeps_no_frames),
	    cmocka_unit_test(test_counters_go_on),
	    cmocka_unit_test(test_volume_is_kept_and_the_switch_is_not),
	    cmocka_unit_test(test_the_guests_mixer_is_kept),
	    cmocka_unit_test(test_other_units_than_were_saved),
	    cmocka_unit_test(test_without_a_host_time_goes_on),
	    cmocka_unit_test(test_a_damaged_state_changes_nothing),
	    cmocka_unit_test(test_the_same_comes_out_again),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
