/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user: messages, and interrupts that the client fires itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "vfio_harness.h"

#define MS(n) (UINT64_C(n) * 1000 * 1000)

enum { NONE = VMSND_VFU_DATA_NONE, BOOL = VMSND_VFU_DATA_BOOL, EVENTFD = VMSND_VFU_DATA_EVENTFD };
enum { TRIGGER = VMSND_VFU_ACTION_TRIGGER };

struct world {
	struct vfio_harness h;
	struct vfio_client *client;
	int intx, msi;
};

static int open_world(void **state)
{
	static struct world w;

	vfio_harness_open(&w.h, true);
	w.client = vfio_harness_hello(&w.h);
	w.intx = vfio_eventfd();
	w.msi = vfio_eventfd();
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	vfio_client_close(w->client);
	close(w->intx);
	close(w->msi);
	vfio_harness_close(&w->h);
	return 0;
}

static void arm(struct world *w)
{
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, w->intx), 0);
}

/* ---- MSI ------------------------------------------------------------------------------------- */

static void test_a_message_is_signalled_once(void **state)
{
	struct world *w = *state;

	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), 0);
	assert_int_equal(vfio_signals(w->msi), 0);
	vfio_harness_message(&w->h);
	vfio_harness_message(&w->h);
	assert_int_equal(vfio_signals(w->msi), 2);
	vfio_harness_pass(&w->h, MS(50));
	assert_int_equal(vfio_signals(w->msi), 0);
}

/* QEMU writes the capability first and arms the descriptor after. */
static void test_a_message_before_its_descriptor_is_kept(void **state)
{
	struct world *w = *state;

	arm(w);
	vfio_harness_message(&w->h);
	assert_int_equal(vfio_signals(w->intx), 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, -1), 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), 0);
	assert_int_equal(vfio_signals(w->msi), 1);
}

static void test_a_kept_message_is_forgotten_when_msi_is_disarmed(void **state)
{
	struct world *w = *state;

	vfio_harness_message(&w->h);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, -1), 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), 0);
	assert_int_equal(vfio_signals(w->msi), 0);
}

static void test_a_kept_message_does_not_outlive_a_reset(void **state)
{
	struct world *w = *state;

	vfio_harness_message(&w->h);
	assert_int_equal(vfio_reset(w->client), 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), 0);
	assert_int_equal(vfio_signals(w->msi), 0);
}

static void test_a_second_cause_while_the_line_is_high_goes_to_msi_too(void **state)
{
	struct world *w = *state;

	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), 0);
	vfio_harness_pass(&w->h, MS(10));
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->msi), 1);
	/* A guest that has not come yet will: a message is not lost. */
	vfio_harness_pass(&w->h, MS(100));
	assert_int_equal(vfio_signals(w->msi), 0);
	/* The handler acknowledges what it has read; another stream has completed since. */
	vfio_put(w->client, 1, 0x16, 1, 0x1c);
	vfio_harness_pass(&w->h, MS(5) - 1);
	assert_int_equal(vfio_signals(w->msi), 0);
	vfio_harness_pass(&w->h, 1);
	assert_int_equal(vfio_signals(w->msi), 1);
	vfio_put(w->client, 1, 0x16, 1, 0x1c);
	vfio_harness_line(&w->h, false);
	vfio_harness_pass(&w->h, MS(100));
	assert_int_equal(vfio_signals(w->msi), 0);
}

static void test_a_rise_goes_to_msi_when_that_alone_is_armed(void **state)
{
	struct world *w = *state;

	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), 0);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->msi), 1);
	vfio_harness_line(&w->h, false);
	assert_int_equal(vfio_signals(w->msi), 0);
}

static void test_msi_off_and_intx_on_again(void **state)
{
	struct world *w = *state;

	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, -1), 0);
	arm(w);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->msi), 0);
	assert_int_equal(vfio_signals(w->intx), 1);
}

/* ---- triggered by the client ----------------------------------------------------------------- */

static void test_trigger_with_no_data_fires(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_set_irqs intx = {.flags = NONE | TRIGGER, .count = 1};
	const struct vmsnd_vfu_set_irqs msi = {
	    .flags = NONE | TRIGGER, .index = VMSND_VFU_MSI, .count = 1};

	assert_int_equal(vfio_set_irqs(w->client, &intx, NULL, NULL), 0); /* to nobody */
	arm(w);
	assert_int_equal(vfio_set_irqs(w->client, &intx, NULL, NULL), 0);
	assert_int_equal(vfio_signals(w->intx), 1);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), 0);
	assert_int_equal(vfio_set_irqs(w->client, &msi, NULL, NULL), 0);
	assert_int_equal(vfio_signals(w->msi), 1);
}

static void test_trigger_with_a_boolean_fires_if_it_is_true(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_set_irqs set = {.flags = BOOL | TRIGGER, .count = 1};
	const uint8_t yes = 1, no = 0;

	arm(w);
	assert_int_equal(vfio_set_irqs(w->client, &set, &no, NULL), 0);
	assert_int_equal(vfio_signals(w->intx), 0);
	assert_int_equal(vfio_set_irqs(w->client, &set, &yes, NULL), 0);
	assert_int_equal(vfio_signals(w->intx), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
	    T(test_a_message_is_signalled_once),
	    T(test_a_message_before_its_descriptor_is_kept),
	    T(test_a_kept_message_is_forgotten_when_msi_is_disarmed),
	    T(test_a_kept_message_does_not_outlive_a_reset),
	    T(test_a_second_cause_while_the_line_is_high_goes_to_msi_too),
	    T(test_a_rise_goes_to_msi_when_that_alone_is_armed),
	    T(test_msi_off_and_intx_on_again),
	    T(test_trigger_with_no_data_fires),
	    T(test_trigger_with_a_boolean_fires_if_it_is_true),
	};

	return cmocka_run_group_tests_name("vfio-msi", tests, NULL, NULL);
}
