/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user: when a client hears of INTx, in virtual time; and every wrong SET_IRQS. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "vfio_harness.h"

#define MS(n) (UINT64_C(n) * 1000 * 1000)

enum { NONE = VMSND_VFU_DATA_NONE, BOOL = VMSND_VFU_DATA_BOOL, EVENTFD = VMSND_VFU_DATA_EVENTFD };
enum {
	MASK = VMSND_VFU_ACTION_MASK,
	UNMASK = VMSND_VFU_ACTION_UNMASK,
	TRIGGER = VMSND_VFU_ACTION_TRIGGER
};

struct world {
	struct vfio_harness h;
	struct vfio_client *client;
	int intx, msi, resample;
};

static int open_world(void **state)
{
	static struct world w;

	vfio_harness_open(&w.h, true);
	w.client = vfio_harness_hello(&w.h);
	w.intx = vfio_eventfd();
	w.msi = vfio_eventfd();
	w.resample = vfio_eventfd();
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	vfio_client_close(w->client);
	close(w->intx);
	close(w->msi);
	close(w->resample);
	vfio_harness_close(&w->h);
	return 0;
}

static void arm(struct world *w)
{
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, w->intx), 0);
}

/* As QEMU without KVM does at every access to a BAR that follows an interrupt. */
static void touch(struct world *w)
{
	vfio_in(w->client, 1, 0x16, 1);
	assert_int_equal(vfio_unmask(w->client), 0);
}

/* ---- INTx in time -------------------------------------------------------------------------- */

static void test_a_rise_is_signalled_at_once_and_once(void **state)
{
	struct world *w = *state;

	arm(w);
	assert_int_equal(vfio_signals(w->intx), 0);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->intx), 1);
	vfio_harness_pass(&w->h, MS(100));
	assert_int_equal(vfio_signals(w->intx), 0);
	assert_int_equal(vfio_harness_counter(&w->h, "signals"), 1);
	assert_int_equal(vfio_harness_counter(&w->h, "resignals"), 0);
}

static void test_unmask_after_every_access_does_not_signal_again(void **state)
{
	struct world *w = *state;

	arm(w);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->intx), 1);
	for (unsigned i = 0; i < 15; i++) {
		touch(w);
		vfio_harness_pass(&w->h, MS(1));
		assert_int_equal(vfio_signals(w->intx), 0);
	}
	vfio_harness_line(&w->h, false);
	touch(w);
	vfio_harness_pass(&w->h, MS(100));
	assert_int_equal(vfio_signals(w->intx), 0);
}

static void test_a_line_still_high_is_signalled_again_5_ms_after_the_last_access(void **state)
{
	struct world *w = *state;

	arm(w);
	vfio_harness_line(&w->h, true);
	vfio_signals(w->intx);
	touch(w);
	vfio_harness_pass(&w->h, MS(3));
	touch(w);
	vfio_harness_pass(&w->h, MS(5) - 1);
	assert_int_equal(vfio_signals(w->intx), 0);
	vfio_harness_pass(&w->h, 1);
	assert_int_equal(vfio_signals(w->intx), 1);
	assert_int_equal(vfio_harness_counter(&w->h, "resignals"), 1);
	/* It is masked by that again. */
	vfio_harness_pass(&w->h, MS(100));
	assert_int_equal(vfio_signals(w->intx), 0);
}

/* QEMU without KVM lowers the line at any access, by any CPU, and a driver that asks for the
 * position all the time leaves no 5 ms. */
static void
test_a_guest_that_never_leaves_the_card_alone_hears_of_a_line_that_stays_high(void **state)
{
	struct world *w = *state;
	uint64_t signals = 0;

	arm(w);
	vfio_harness_line(&w->h, true);
	vfio_signals(w->intx);
	vfio_harness_pass(&w->h, MS(100));
	/* However late its handler is, it does not begin with another one. */
	touch(w);
	assert_int_equal(vfio_signals(w->intx), 0);
	for (unsigned i = 0; i < 50; i++) {
		vfio_harness_pass(&w->h, MS(2));
		touch(w);
		signals += vfio_signals(w->intx);
	}
	assert_in_range(signals, 4, 5);
}

static void test_a_rise_while_masked_is_signalled_when_unmasked(void **state)
{
	struct world *w = *state;

	arm(w);
	vfio_harness_line(&w->h, true);
	vfio_signals(w->intx);
	vfio_harness_line(&w->h, false);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->intx), 0);
	touch(w);
	assert_int_equal(vfio_signals(w->intx), 1);
}

static void test_a_rise_that_is_over_when_unmasked_is_not_signalled(void **state)
{
	struct world *w = *state;

	arm(w);
	vfio_harness_line(&w->h, true);
	vfio_signals(w->intx);
	vfio_harness_line(&w->h, false);
	vfio_harness_line(&w->h, true);
	vfio_harness_line(&w->h, false);
	touch(w);
	vfio_harness_pass(&w->h, MS(50));
	assert_int_equal(vfio_signals(w->intx), 0);
}

static void test_a_rise_between_acknowledge_and_unmask_of_another_stream_is_not_lost(void **state)
{
	struct world *w = *state;

	/* The driver acknowledges one stream, the line falls; the other completes before UNMASK. */
	arm(w);
	vfio_harness_line(&w->h, true);
	vfio_signals(w->intx);
	vfio_put(w->client, 1, 0x16, 1, 0x1c);
	vfio_harness_line(&w->h, false);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_unmask(w->client), 0);
	assert_int_equal(vfio_signals(w->intx), 1);
}

static void test_masked_by_the_client_it_stays_silent_until_unmasked(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_set_irqs mask = {.flags = NONE | MASK, .count = 1};

	arm(w);
	assert_int_equal(vfio_set_irqs(w->client, &mask, NULL, NULL), 0);
	vfio_harness_line(&w->h, true);
	vfio_harness_pass(&w->h, MS(100));
	assert_int_equal(vfio_signals(w->intx), 0);
	assert_int_equal(vfio_unmask(w->client), 0);
	assert_int_equal(vfio_signals(w->intx), 1);
}

static void test_booleans_mask_and_unmask(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_set_irqs mask = {.flags = BOOL | MASK, .count = 1};
	const struct vmsnd_vfu_set_irqs unmask = {.flags = BOOL | UNMASK, .count = 1};
	const uint8_t yes = 1, no = 0;

	arm(w);
	assert_int_equal(vfio_set_irqs(w->client, &mask, &no, NULL), 0);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->intx), 1);
	vfio_harness_line(&w->h, false);
	assert_int_equal(vfio_set_irqs(w->client, &unmask, &yes, NULL), 0);
	assert_int_equal(vfio_set_irqs(w->client, &mask, &yes, NULL), 0);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_set_irqs(w->client, &unmask, &no, NULL), 0);
	assert_int_equal(vfio_signals(w->intx), 0);
	assert_int_equal(vfio_set_irqs(w->client, &unmask, &yes, NULL), 0);
	assert_int_equal(vfio_signals(w->intx), 1);
}

static void test_a_line_high_before_it_is_armed_is_signalled_on_arming(void **state)
{
	struct world *w = *state;

	vfio_harness_line(&w->h, true);
	arm(w);
	assert_int_equal(vfio_signals(w->intx), 1);
}

static void test_a_new_descriptor_hears_what_went_to_the_old_one(void **state)
{
	struct world *w = *state;
	int other = vfio_eventfd();

	arm(w);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->intx), 1);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, other), 0);
	assert_int_equal(vfio_signals(other), 1);
	assert_int_equal(vfio_signals(w->intx), 0);
	close(other);
}

static void test_masked_by_the_client_it_stays_so_with_a_new_descriptor(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_set_irqs mask = {.flags = NONE | MASK, .count = 1};
	int other = vfio_eventfd();

	arm(w);
	assert_int_equal(vfio_set_irqs(w->client, &mask, NULL, NULL), 0);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, other), 0);
	vfio_harness_pass(&w->h, MS(100));
	assert_int_equal(vfio_signals(other), 0);
	assert_int_equal(vfio_unmask(w->client), 0);
	assert_int_equal(vfio_signals(other), 1);
	/* Set up from nothing it is not masked. */
	assert_int_equal(vfio_set_irqs(w->client, &mask, NULL, NULL), 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, -1), 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, other), 0);
	assert_int_equal(vfio_signals(other), 1);
	close(other);
}

static void test_disarmed_by_count_0_it_is_silent(void **state)
{
	struct world *w = *state;

	arm(w);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, -1), 0);
	vfio_harness_line(&w->h, true);
	vfio_harness_pass(&w->h, MS(50));
	assert_int_equal(vfio_signals(w->intx), 0);
}

static void test_disarmed_by_no_descriptor_it_is_silent(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_set_irqs set = {.flags = EVENTFD | TRIGGER, .count = 1};

	arm(w);
	assert_int_equal(vfio_set_irqs(w->client, &set, NULL, NULL), 0);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->intx), 0);
}

static void test_the_level_outlives_a_client(void **state)
{
	struct world *w = *state;

	arm(w);
	vfio_harness_line(&w->h, true);
	vfio_client_close(w->client);
	assert_int_equal(vfio_signals(w->intx), 1);
	w->client = vfio_harness_hello(&w->h);
	arm(w);
	assert_int_equal(vfio_signals(w->intx), 1);
	vfio_harness_line(&w->h, false);
}

/* ---- the descriptor of KVM's resampler ------------------------------------------------------ */

static void resampled(struct world *w)
{
	assert_int_equal(eventfd_write(w->resample, 1), 0);
	vfio_harness_pump(&w->h);
}

static void arm_resample(struct world *w)
{
	arm(w);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, UNMASK, w->resample), 0);
	assert_int_equal(vfio_unmask(w->client), 0);
}

/* It would be signalled by its own signals: no more than a guest without a look at the card. */
static void test_one_descriptor_for_both_ways_is_no_endless_work(void **state)
{
	struct world *w = *state;

	arm_resample(w);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, w->resample), 0);
	vfio_harness_line(&w->h, true);
	vfio_harness_pump(&w->h);
	assert_in_range(vfio_harness_counter(&w->h, "resignals"), 1, 100);
}

static void test_resampled_while_high_it_is_signalled_at_once(void **state)
{
	struct world *w = *state;

	arm_resample(w);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->intx), 1);
	resampled(w);
	assert_int_equal(vfio_signals(w->intx), 1);
	assert_int_equal(vfio_harness_counter(&w->h, "resignals"), 1);
	vfio_harness_line(&w->h, false);
	resampled(w);
	assert_int_equal(vfio_signals(w->intx), 0);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->intx), 1);
}

static void test_without_resample_nothing_is_signalled_again_while_kvm_has_it(void **state)
{
	struct world *w = *state;

	arm_resample(w);
	vfio_harness_line(&w->h, true);
	vfio_signals(w->intx);
	for (unsigned i = 0; i < 5; i++)
		vfio_in(w->client, 1, 0x16, 1);
	vfio_harness_pass(&w->h, MS(50));
	assert_int_equal(vfio_signals(w->intx), 0);
}

static void test_resample_taken_back_is_not_read(void **state)
{
	struct world *w = *state;

	arm_resample(w);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, UNMASK, -1), 0);
	vfio_harness_line(&w->h, true);
	vfio_signals(w->intx);
	resampled(w);
	assert_int_equal(vfio_signals(w->resample), 1);
	assert_int_equal(vfio_signals(w->intx), 0);
}

static void test_a_resample_descriptor_that_never_runs_empty_is_let_go(void **state)
{
	struct world *w = *state;
	int endless = eventfd(1000000, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);

	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, UNMASK, endless), 0);
	assert_int_equal(vfio_unmask(w->client), VFIO_CLOSED);
	assert_non_null(strstr(w->h.trouble, "never runs empty"));
	close(endless);
}

static void test_a_resample_pipe_whose_writer_left_is_dropped(void **state)
{
	struct world *w = *state;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, UNMASK, ends[0]), 0);
	close(ends[1]);
	vfio_harness_pump(&w->h);
	assert_int_equal(vfio_unmask(w->client), 0);
	close(ends[0]);
}

/* ---- refused --------------------------------------------------------------------------------- */

struct wrong {
	const char *what;
	struct vmsnd_vfu_set_irqs set;
	unsigned n_booleans, n_fds;
};

static const struct wrong wrongs[] = {
    {"argsz shorter than the structure", {.argsz = 19, .flags = NONE | TRIGGER, .count = 1}, 0, 0},
    {"a kind of interrupt that no card has",
     {.flags = NONE | TRIGGER, .index = 5, .count = 1},
     0,
     0},
    {"a kind far away", {.flags = NONE | TRIGGER, .index = UINT32_MAX, .count = 1}, 0, 0},
    {"mask and unmask", {.flags = NONE | MASK | UNMASK, .count = 1}, 0, 0},
    {"no action", {.flags = NONE, .count = 1}, 0, 0},
    {"no data", {.flags = TRIGGER, .count = 1}, 0, 0},
    {"none and bool", {.flags = NONE | BOOL | TRIGGER, .count = 1}, 0, 0},
    {"bool and eventfd", {.flags = BOOL | EVENTFD | TRIGGER, .count = 1}, 1, 1},
    {"flags that nobody knows", {.flags = NONE | TRIGGER | 64, .count = 1}, 0, 0},
    {"two of one", {.flags = NONE | TRIGGER, .count = 2}, 0, 0},
    {"the second of one", {.flags = NONE | TRIGGER, .start = 1, .count = 1}, 0, 0},
    {"start and count that wrap", {.flags = NONE | TRIGGER, .start = UINT32_MAX, .count = 2}, 0, 0},
    {"count that is everything", {.flags = NONE | TRIGGER, .count = UINT32_MAX}, 0, 0},
    {"MSI-X, which the card does not have",
     {.flags = NONE | TRIGGER, .index = 2, .count = 1},
     0,
     0},
    {"MSI-X disabled", {.flags = NONE | TRIGGER, .index = 2}, 0, 0},
    {"the error interrupt", {.flags = NONE | TRIGGER, .index = 3, .count = 1}, 0, 0},
    {"the error interrupt masked", {.flags = NONE | MASK, .index = 3, .count = 1}, 0, 0},
    {"the request interrupt", {.flags = EVENTFD | TRIGGER, .index = 4, .count = 1}, 0, 1},
    {"the request interrupt, two of them", {.flags = NONE | TRIGGER, .index = 4, .count = 2}, 0, 0},
    {"count 0 with a start", {.flags = NONE | TRIGGER, .start = 1}, 0, 0},
    {"count 0 to mask", {.flags = NONE | MASK}, 0, 0},
    {"count 0 to unmask", {.flags = NONE | UNMASK}, 0, 0},
    {"count 0 with eventfd data", {.flags = EVENTFD | TRIGGER}, 0, 0},
    {"count 0 with booleans", {.flags = BOOL | TRIGGER}, 0, 0},
    {"descriptors with booleans", {.flags = BOOL | TRIGGER, .count = 1}, 1, 1},
    {"descriptors with no data", {.flags = NONE | TRIGGER, .count = 1}, 0, 1},
    {"two descriptors for one", {.flags = EVENTFD | TRIGGER, .count = 1}, 0, 2},
    {"sixteen descriptors for one", {.flags = EVENTFD | TRIGGER, .count = 1}, 0, 16},
    {"one descriptor for two", {.flags = EVENTFD | TRIGGER, .count = 2}, 0, 1},
    {"booleans missing", {.flags = BOOL | TRIGGER, .count = 1}, 0, 0},
    {"a descriptor that tells of masking", {.flags = EVENTFD | MASK, .count = 1}, 0, 1},
    {"MSI masked", {.flags = NONE | MASK, .index = VMSND_VFU_MSI, .count = 1}, 0, 0},
    {"MSI unmasked", {.flags = NONE | UNMASK, .index = VMSND_VFU_MSI, .count = 1}, 0, 0},
    {"MSI with a resample descriptor",
     {.flags = EVENTFD | UNMASK, .index = VMSND_VFU_MSI, .count = 1},
     0,
     1},
};

static void test_each_wrong_set_irqs_is_refused_and_changes_nothing(void **state)
{
	struct world *w = *state;
	const uint8_t booleans[2] = {1, 1};
	unsigned before;

	arm(w);
	before = vfio_open_fds();
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *wrong = &wrongs[i];
		struct vmsnd_fds fds = {.n = wrong->n_fds};
		int rc;

		for (unsigned k = 0; k < fds.n; k++)
			fds.fd[k] = w->msi;
		rc = vfio_set_irqs(w->client, &wrong->set, wrong->n_booleans ? booleans : NULL,
				   &fds);
		if (rc != VMSND_VFU_EINVAL)
			fail_msg("%s: %d", wrong->what, rc);
	}
	assert_int_equal(vfio_open_fds(), before);
	assert_int_equal(vfio_signals(w->intx) + vfio_signals(w->msi), 0);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->intx), 1);
	assert_int_equal(vfio_harness_counter(&w->h, "refused"),
			 sizeof(wrongs) / sizeof(wrongs[0]));
	assert_int_equal(w->h.n_troubles, 1);
}

static void test_too_many_booleans_are_refused(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_set_irqs set = {.argsz = 22, .flags = BOOL | TRIGGER, .count = 1};
	uint8_t payload[VMSND_VFU_SET_IRQS_BYTES + 2] = {0};

	vmsnd_vfu_set_irqs_put(payload, &set);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_SET_IRQS, payload, sizeof(payload), NULL),
			 VMSND_VFU_EINVAL);
	assert_int_equal(
	    vfio_ask(w->client, VMSND_VFU_SET_IRQS, payload, VMSND_VFU_SET_IRQS_BYTES - 1, NULL),
	    VMSND_VFU_EINVAL);
}

static void test_a_file_or_our_own_connection_is_no_interrupt(void **state)
{
	struct world *w = *state;
	int file = open("/dev/zero", O_RDWR | O_CLOEXEC);

	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, TRIGGER, file), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, UNMASK, file), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_INTX, UNMASK, vfio_client_socket(w->client)),
			 VMSND_VFU_EINVAL);
	close(file);
}

static void test_an_interrupt_pipe_that_is_full_or_broken_does_no_harm(void **state)
{
	struct world *w = *state;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, ends[1]), 0);
	for (unsigned i = 0; i < 20000; i++)
		vfio_harness_message(&w->h);
	close(ends[0]);
	vfio_harness_message(&w->h);
	vfio_harness_message(&w->h);
	assert_int_equal(vfio_unmask(w->client), 0);
	close(ends[1]);
}

/* ---- what is there ---- */

static void test_irq_info(void **state)
{
	struct world *w = *state;
	struct vmsnd_vfu_four info;

	assert_int_equal(vfio_irq_info(w->client, 0, &info), 0);
	assert_int_equal(info.argsz, 16);
	assert_int_equal(info.flags, 7);
	assert_int_equal(info.index, 0);
	assert_int_equal(info.count, 1);
	assert_int_equal(vfio_irq_info(w->client, 1, &info), 0);
	assert_int_equal(info.flags, 1);
	assert_int_equal(info.count, 1);
	assert_int_equal(vfio_irq_info(w->client, 2, &info), 0);
	assert_int_equal(info.count, 0);
	/* QEMU asks this at each start: no line about it. */
	assert_int_equal(vfio_irq_info(w->client, 3, &info), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_irq_info(w->client, 4, &info), 0);
	assert_int_equal(info.count, 0);
	assert_int_equal(w->h.n_troubles, 0);
	assert_int_equal(vfio_irq_info(w->client, 5, &info), VMSND_VFU_EINVAL);
	assert_int_equal(vfio_irq_info(w->client, UINT32_MAX, &info), VMSND_VFU_EINVAL);
}

static void test_irq_info_with_a_small_argsz_or_short_is_refused(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_four asked = {.argsz = 15};
	uint8_t payload[VMSND_VFU_FOUR_BYTES];

	vmsnd_vfu_four_put(payload, &asked);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_GET_IRQ_INFO, payload, 16, NULL),
			 VMSND_VFU_EINVAL);
	payload[0] = 16;
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_GET_IRQ_INFO, payload, 15, NULL),
			 VMSND_VFU_EINVAL);
	assert_int_equal(vfio_ask(w->client, VMSND_VFU_GET_IRQ_INFO, payload, 16, NULL), 0);
}

/* A list of capabilities that the card's guest, or nobody, made a circle. */
static void test_a_card_without_msi_and_one_with_a_circle(void **state)
{
	struct world *w = *state;
	uint8_t *config = w->h.dev.space[VMSND_PCI_CONFIG];
	struct vmsnd_vfu_four info;

	config[0x60] = 0x09;
	assert_int_equal(vfio_irq_info(w->client, 1, &info), 0);
	assert_int_equal(info.count, 0);
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), VMSND_VFU_EINVAL);
	config[0x61] = 0x50;
	assert_int_equal(vfio_irq_info(w->client, 1, &info), 0);
	assert_int_equal(info.count, 0);
	config[0x06] = 0;
	config[0x60] = 0x05;
	assert_int_equal(vfio_irq_info(w->client, 1, &info), 0);
	assert_int_equal(info.count, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
	    T(test_a_rise_is_signalled_at_once_and_once),
	    T(test_unmask_after_every_access_does_not_signal_again),
	    T(test_a_line_still_high_is_signalled_again_5_ms_after_the_last_access),
	    T(test_a_guest_that_never_leaves_the_card_alone_hears_of_a_line_that_stays_high),
	    T(test_a_rise_while_masked_is_signalled_when_unmasked),
	    T(test_a_rise_that_is_over_when_unmasked_is_not_signalled),
	    T(test_a_rise_between_acknowledge_and_unmask_of_another_stream_is_not_lost),
	    T(test_masked_by_the_client_it_stays_silent_until_unmasked),
	    T(test_booleans_mask_and_unmask),
	    T(test_a_line_high_before_it_is_armed_is_signalled_on_arming),
	    T(test_a_new_descriptor_hears_what_went_to_the_old_one),
	    T(test_masked_by_the_client_it_stays_so_with_a_new_descriptor),
	    T(test_disarmed_by_count_0_it_is_silent),
	    T(test_disarmed_by_no_descriptor_it_is_silent),
	    T(test_the_level_outlives_a_client),
	    T(test_one_descriptor_for_both_ways_is_no_endless_work),
	    T(test_resampled_while_high_it_is_signalled_at_once),
	    T(test_without_resample_nothing_is_signalled_again_while_kvm_has_it),
	    T(test_resample_taken_back_is_not_read),
	    T(test_a_resample_descriptor_that_never_runs_empty_is_let_go),
	    T(test_a_resample_pipe_whose_writer_left_is_dropped),
	    T(test_each_wrong_set_irqs_is_refused_and_changes_nothing),
	    T(test_too_many_booleans_are_refused),
	    T(test_a_file_or_our_own_connection_is_no_interrupt),
	    T(test_an_interrupt_pipe_that_is_full_or_broken_does_no_harm),
	    T(test_irq_info),
	    T(test_irq_info_with_a_small_argsz_or_short_is_refused),
	    T(test_a_card_without_msi_and_one_with_a_circle),
	};

	return cmocka_run_group_tests_name("vfio-irqs", tests, NULL, NULL);
}
