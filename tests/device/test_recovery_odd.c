/* SPDX-License-Identifier: BSD-3-Clause */
/* In-flight areas of VMMs that do what the usual ones do not. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "devices/virtio/inflight.h"

#define AREA_BYTES   (256u * 1024u)
#define QUEUE_SIZE   32u
#define REGION_BYTES vmsnd_inflight_queue_bytes(QUEUE_SIZE)
#define MESSAGES     3u

static struct rig rig;
static uint8_t *area;
static struct vmsnd_gmem area_mem;

static int set_up(void **state)
{
	struct vmsnd_region region = {.bytes = AREA_BYTES, .rights = VMSND_READ | VMSND_WRITE};

	rig_open(&rig, 1, 0);
	area = calloc(1, AREA_BYTES);
	region.at = area;
	memset(&area_mem, 0, sizeof(area_mem));
	assert_int_equal(vmsnd_gmem_add(&area_mem, &region), VMSND_OK);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	free(area);
	return 0;
}

static void set_area(uint16_t n_queues)
{
	const struct vmsnd_inflight where = {
	    .mem = &area_mem, .bytes = AREA_BYTES, .n_queues = n_queues, .queue_size = QUEUE_SIZE};

	assert_int_equal(RIG_OPS->inflight(rig.dev, &where, rig.now), VMSND_OK);
}

static void start(unsigned queue)
{
	assert_int_equal(RIG_OPS->queue_start(rig.dev, queue, &rig.queues[queue].setup, rig.now),
			 VMSND_OK);
}

static void post(void)
{
	static const uint8_t silence[RIG_PERIOD_BYTES];

	for (unsigned i = 0; i < MESSAGES; i++)
		rig_post_playback(&rig, 0, silence, sizeof(silence));
}

/* Queues beyond those of the area are as if there were none. */
static void test_class16_an_area_for_fewer_queues(void **state)
{
	set_area(1);
	rig_boot(&rig, RIG_F_ALL, QUEUE_SIZE);
	rig_prepare(&rig, 0);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 0, VIRTIO_SND_S_OK);
	post();
	rig_kick(&rig, TX);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_used_index(&rig, TX), MESSAGES);
}

/* Which messages the card has free is no matter for an area of another driver. */
static void test_class16_an_area_after_another_driver(void **state)
{
	struct vmsnd_inflight_queue notes = {
	    .mem = &area_mem, .at = TX * REGION_BYTES, .size = QUEUE_SIZE};

	rig_boot(&rig, RIG_F_ALL, QUEUE_SIZE);
	rig_prepare(&rig, 0);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 0, VIRTIO_SND_S_OK);
	post();
	rig_kick(&rig, TX);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_used_index(&rig, TX), MESSAGES);
	for (unsigned i = 0; i < N_QUEUES; i++)
		RIG_OPS->queue_stop(rig.dev, i, rig.now);

	RIG_OPS->set_features(rig.dev, RIG_F_VERSION_1);
	rig_layout(&rig, CONTROL, QUEUE_SIZE);
	start(CONTROL);
	RIG_OPS->queue_stop(rig.dev, CONTROL, rig.now);
	set_area(N_QUEUES);
	rig_layout(&rig, CONTROL, QUEUE_SIZE);
	rig.queues[CONTROL].setup.next_avail = 0;
	start(CONTROL);
	rig_prepare(&rig, 0);

	/* In flight, and overwritten in the available ring. */
	rig_layout(&rig, TX, QUEUE_SIZE);
	vmsnd_inflight_begin(&notes, QUEUE_SIZE, 0);
	post();
	for (uint16_t i = 0; i < MESSAGES; i++) {
		uint16_t *entry = rig_at(&rig, rig.queues[TX].setup.avail + 4 + 2u * i);

		vmsnd_inflight_popped(&notes, *entry);
		*entry = QUEUE_SIZE - 1;
	}
	start(TX);
	rig_step(&rig);
	post();
	rig_kick(&rig, TX);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 0, VIRTIO_SND_S_OK);
	rig_run_ms(&rig, 200);
	assert_int_equal(rig_used_index(&rig, TX), 2 * MESSAGES);
	assert_int_equal(rig.faults[VMSND_FAULT_RING], 0);
}

/* Notes of split rings say nothing of packed ones, whatever lies where a split ring would be. */
static void test_class16_an_area_of_split_rings_and_a_packed_driver(void **state)
{
	struct vmsnd_inflight_queue notes = {
	    .mem = &area_mem, .at = TX * REGION_BYTES, .size = QUEUE_SIZE};

	rig_close(&rig);
	rig_open_with(&rig, 1, 0, "packed=on", NULL);
	vmsnd_inflight_begin(&notes, QUEUE_SIZE, 0);
	vmsnd_inflight_popped(&notes, 5);
	set_area(N_QUEUES);
	RIG_OPS->set_features(rig.dev, RIG_F_ALL | RIG_F_PACKED);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig.queues[i].packed = true;
		rig_layout(&rig, i, QUEUE_SIZE);
		/* The driver's wish: no interrupts. */
		*(uint16_t *)rig_at(&rig, rig.queues[i].setup.avail + 2) = 1;
		start(i);
	}
	rig_prepare(&rig, 0);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 0, VIRTIO_SND_S_OK);
	post();
	rig_kick(&rig, TX);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_given_back(&rig, TX), MESSAGES);
	assert_int_equal(rig_counter(&rig, "tx_refused"), 0);
}

/* Before a queue was used its driver may begin it again with another size. */
static void test_class16_a_queue_begun_again_with_another_size(void **state)
{
	set_area(N_QUEUES);
	rig_boot(&rig, RIG_F_ALL, QUEUE_SIZE);
	assert_int_equal(RIG_OPS->queue_stop(rig.dev, TX, rig.now), 0);
	rig_layout(&rig, TX, QUEUE_SIZE / 2);
	start(TX);
	rig_prepare(&rig, 0);
	post();
	rig_kick(&rig, TX);
	rig_make_card(&rig);
	set_area(N_QUEUES);
	RIG_OPS->set_features(rig.dev, RIG_F_ALL);
	for (unsigned i = 0; i < N_QUEUES; i++)
		start(i);
	rig_step(&rig);
	rig_expect(&rig, VIRTIO_SND_R_PCM_START, 0, VIRTIO_SND_S_OK);
	rig_run_ms(&rig, 100);
	assert_int_equal(rig_used_index(&rig, TX), MESSAGES);
	assert_int_equal(rig_counter(&rig, "tx_refused"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_class16_an_area_for_fewer_queues, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(test_class16_an_area_after_another_driver, set_up,
					    tear_down),
	    cmocka_unit_test_setup_teardown(test_class16_an_area_of_split_rings_and_a_packed_driver,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_class16_a_queue_begun_again_with_another_size,
					    set_up, tear_down),
	};

	return cmocka_run_group_tests_name("recovery_odd", tests, NULL, NULL);
}
