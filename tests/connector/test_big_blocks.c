/* SPDX-License-Identifier: BSD-3-Clause */
/* A host whose block is more than the guest can have posted: the guest's clock and sound go on. */
#include "rig.h"

#include "base/rate.h"

/* The guest keeps its whole buffer posted, looking each millisecond; returns frames done. */
static uint64_t play(struct rig *rig, vmsnd_ns length)
{
	vmsnd_ns end = rig->now + length;
	uint64_t posted = 0, done;

	while (rig->now < end) {
		done = vmsnd_port_done_frames(rig->port);
		while (posted - done < BUFFER && vmsnd_port_wanted(rig->port) > 0)
			posted += rig_write(rig, PERIOD);
		rig_run(rig, MS);
	}
	return vmsnd_port_done_frames(rig->port);
}

static void with_block(uint32_t block_frames, bool threaded)
{
	uint64_t aim = 20 * 48000, done;
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.other_period = block_frames;
	if (threaded)
		rig.host.kind.advance = NULL;
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	done = play(&rig, 20 * SECOND);
	assert_in_range(done, aim * 97 / 100, aim + block_frames);
	/* Nothing is lost or doubled, and what is not heard yet is still in the ring. */
	assert_in_range(rig_heard_in_order(&rig), rig.next_frame - 3 * block_frames,
			rig.next_frame);
	assert_in_range(rig_counter(&rig, "underruns"), 0, 2);
	rig_close(&rig);
}

static void test_MX_39_a_block_beyond_the_guests_buffer(void **state)
{
	static const uint32_t blocks[] = {960, 1024, 1920, 4096, 8192};

	for (unsigned i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		with_block(blocks[i], false);
		with_block(blocks[i], true);
	}
}

/* The guest's last frames are done only when the host has them, so a guest that waits for that
 * and then lets go has been heard to the end. */
static void test_MX_33_the_tail_of_a_big_block_is_heard(void **state)
{
	struct rig rig;

	rig_begin(&rig, VMSND_PLAYBACK, true);
	rig.host.other_period = 4096;
	rig_add(&rig, 0);
	rig_prepare(&rig);
	rig_start(&rig);
	play(&rig, SECOND);
	for (unsigned ms = 0; vmsnd_port_done_frames(rig.port) < rig.next_frame; ms++) {
		assert_true(ms < 300);
		rig_run(&rig, MS);
	}
	vmsnd_port_stop(rig.port, rig.now);
	vmsnd_port_release(rig.port, rig.now);
	assert_int_equal(rig_heard_in_order(&rig), rig.next_frame);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_MX_39_a_block_beyond_the_guests_buffer),
	    cmocka_unit_test(test_MX_33_the_tail_of_a_big_block_is_heard),
	};

	return cmocka_run_group_tests_name("big-blocks", tests, NULL, NULL);
}
