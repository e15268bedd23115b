/* SPDX-License-Identifier: BSD-3-Clause */
/* What streams tell of by themselves, with the connector's true ports below (V35-V37, V81, V82). */
#include <string.h>

#include "sim.h"

#define PERIOD 480u /* 10 ms at 48 kHz */

enum { POLLING = 1 << 2, PERIODS = 1 << 3, XRUNS = 1 << 4 };

static struct sim sim;
static struct vmsnd_guest *guest;

/* A card that offers everything, and a stream whose driver chose `features`. */
static void begin(uint32_t features)
{
	const struct vmsnd_guest_params params = {
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
	    .period_frames = PERIOD,
	    .periods = 8};
	const struct virtio_snd_pcm_set_params request = {
	    .hdr = {.hdr.code = VIRTIO_SND_R_PCM_SET_PARAMS},
	    .buffer_bytes = 8 * PERIOD * 4,
	    .period_bytes = PERIOD * 4,
	    .features = features,
	    .channels = 2,
	    .format = VIRTIO_SND_PCM_FMT_S16,
	    .rate = VIRTIO_SND_PCM_RATE_48000};

	sim_open(&sim);
	sim_add(&sim, "capture=0,xruns=on,period-events=on,polling=on", "null");
	guest = &sim.cards[0]->guest;
	assert_int_equal(vmsnd_guest_set_params(guest, 0, &params, sim.now), VIRTIO_SND_S_OK);
	assert_int_equal(vmsnd_guest_request(guest, &request, sizeof(request), sim.now).status,
			 VIRTIO_SND_S_OK);
	assert_int_equal(vmsnd_guest_prepare(guest, 0, sim.now), VIRTIO_SND_S_OK);
}

static void post(unsigned n, bool kick)
{
	static const uint32_t sound[PERIOD] = {0x01000100};

	while (n-- > 0)
		assert_int_equal(vmsnd_guest_play(guest, 0, sound, sizeof(sound)), VMSND_OK);
	if (kick)
		vmsnd_guest_kick(guest, 0, sim.now);
}

static unsigned returned(void)
{
	struct vmsnd_guest_done done;
	unsigned n = 0;

	vmsnd_guest_poll(guest, sim.now);
	while (vmsnd_guest_take(guest, 0, &done))
		n++;
	return n;
}

static void run_ms(uint64_t ms)
{
	for (; ms > 0; ms--) {
		sim_run_until(&sim, NULL, 0, sim.now + MS);
		vmsnd_guest_poll(guest, sim.now);
	}
}

static void test_V82_each_hole_is_told_once(void **state)
{
	begin(XRUNS);
	post(4, true);
	assert_int_equal(vmsnd_guest_start(guest, 0, sim.now), VIRTIO_SND_S_OK);
	run_ms(30);
	assert_int_equal(guest->events_seen, 0);
	for (unsigned i = 1; i <= 3; i++) {
		run_ms(200); /* nothing comes */
		assert_int_equal(guest->events_seen, i);
		returned();
		post(4, false);
		assert_true(vmsnd_guest_ring_needs_kick(&guest->rings[VIRTIO_SND_VQ_TX]));
		guest->conf.bus.kick(guest->conf.bus.ctx, VIRTIO_SND_VQ_TX, sim.now);
		run_ms(30); /* the port counts it now */
		assert_int_equal(sim_counter(&sim, 0, "playback0.underruns"), i);
		assert_int_equal(guest->events_seen, i);
		assert_int_equal(guest->last_event.hdr.code, VIRTIO_SND_EVT_PCM_XRUN);
		assert_int_equal(guest->last_event.data, 0);
	}
	assert_int_equal(sim_counter(&sim, 0, "dropped_events"), 0);
	sim_close(&sim);
}

static void test_V81_one_for_each_period_in_real_time(void **state)
{
	begin(PERIODS);
	post(8, true);
	assert_int_equal(vmsnd_guest_start(guest, 0, sim.now), VIRTIO_SND_S_OK);
	for (unsigned i = 0; i < 100; i++) {
		run_ms(10);
		post(returned(), true);
	}
	assert_in_range(guest->events_seen, 98, 101);
	assert_int_equal(guest->last_event.hdr.code, VIRTIO_SND_EVT_PCM_PERIOD_ELAPSED);
	sim_close(&sim);
}

static void test_V35_a_guest_that_never_kicks_is_heard(void **state)
{
	uint64_t kicks;
	unsigned n = 0;

	begin(POLLING);
	post(4, false);
	assert_int_equal(vmsnd_guest_start(guest, 0, sim.now), VIRTIO_SND_S_OK);
	kicks = guest->kicks;
	for (unsigned i = 0; i < 100; i++) {
		unsigned back;

		run_ms(10);
		back = returned();
		n += back;
		post(back, false);
	}
	assert_in_range(n, 98, 101);
	assert_int_equal(sim_counter(&sim, 0, "playback0.underruns"), 0);
	/* Nor is it asked to when it has run dry. */
	run_ms(200);
	returned();
	vmsnd_guest_ring_needs_kick(&guest->rings[VIRTIO_SND_VQ_TX]); /* so far */
	post(1, false);
	assert_false(vmsnd_guest_ring_needs_kick(&guest->rings[VIRTIO_SND_VQ_TX]));
	run_ms(40);
	assert_int_equal(returned(), 1);
	assert_int_equal(guest->kicks, kicks);
	sim_close(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V82_each_hole_is_told_once),
	    cmocka_unit_test(test_V81_one_for_each_period_in_real_time),
	    cmocka_unit_test(test_V35_a_guest_that_never_kicks_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
