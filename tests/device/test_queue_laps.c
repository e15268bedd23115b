/* SPDX-License-Identifier: BSD-3-Clause */
/* Packed rings whose driver refills them as fast as they are worked off. */
#include "rig.h"

#include <string.h>

#include "devices/virtio/queue.h"

#define SIZE     4u
#define FEATURES (VMSND_VIRTIO_F_VERSION_1 | VMSND_VIRTIO_F_RING_PACKED | VMSND_VIRTIO_F_EVENT_IDX)

static struct rig rig;
static struct vmsnd_queue queue;
static struct vmsnd_queue_store store;
static struct vmsnd_queue_setup setup;

static int set_up(void **state)
{
	rig_open(&rig, 1, 0);
	setup = (struct vmsnd_queue_setup){.desc = rig_alloc(&rig, SIZE * 16u),
					   .avail = rig_alloc(&rig, 16),
					   .used = rig_alloc(&rig, 16),
					   .size = SIZE,
					   .next_avail = VMSND_PACKED_START};
	memset(&store, 0, sizeof(store));
	queue = (struct vmsnd_queue){.store = &store};
	assert_int_equal(vmsnd_queue_start(&queue, &rig.mem, &setup, FEATURES), VMSND_OK);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	return 0;
}

/* The driver makes the n-th buffer available, and the card gives it back. */
static void work_off(unsigned n)
{
	struct vring_packed_desc *ring = rig_at(&rig, setup.desc);
	bool wrap = n / SIZE % 2 == 0;
	struct vmsnd_chain chain;

	ring[n % SIZE] = (struct vring_packed_desc){
	    .addr = setup.desc, .len = 4, .flags = (uint16_t)(wrap ? 1u << 7 : 1u << 15)};
	assert_int_equal(vmsnd_queue_pop(&queue, &chain), VMSND_POP_CHAIN);
	vmsnd_queue_push(&queue, &chain, 0);
}

/* `event`: as the driver writes it, the index and the wrap counter in bit 15. */
static bool wanted_after(unsigned first, unsigned n, uint16_t event)
{
	uint16_t *suppression = rig_at(&rig, setup.avail);

	suppression[0] = event;
	suppression[1] = VRING_PACKED_EVENT_FLAG_DESC;
	for (unsigned i = 0; i < n; i++)
		work_off(first + i);
	vmsnd_queue_publish(&queue);
	return vmsnd_queue_must_notify(&queue);
}

static void test_packed_interrupt_after_laps(void **state)
{
	/* The driver's wish is for the next used descriptor. */
	assert_true(wanted_after(0, 2 * SIZE, 0x8000));
	assert_false(vmsnd_queue_must_notify(&queue));
	assert_true(wanted_after(2 * SIZE, 2 * SIZE + 1, 0x8000));
	assert_false(vmsnd_queue_must_notify(&queue));
	/* Within two laps it is taken at its word. */
	assert_false(wanted_after(4 * SIZE + 1, 1, 0x8000));
	assert_true(wanted_after(4 * SIZE + 2, 1, 0x8002));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_packed_interrupt_after_laps, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("queue_laps", tests, NULL, NULL);
}
