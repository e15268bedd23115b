/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user: messages, interrupts that the client fires itself, and descriptors that would wait. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/bell.h"
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

/* ---- a descriptor that would wait ---- */

static const uint64_t full = UINT64_MAX - 1;

/* It shares the descriptor's flags with us. */
static void test_an_eventfd_that_the_client_fills_and_makes_blocking_holds_nobody_up(void **state)
{
	struct world *w = *state;
	const struct vmsnd_vfu_set_irqs fire = {.flags = NONE | TRIGGER, .count = 1};

	arm(w);
	assert_int_equal(fcntl(w->intx, F_SETFL, 0), 0);
	assert_int_equal(write(w->intx, &full, sizeof(full)), sizeof(full));
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(vfio_set_irqs(w->client, &fire, NULL, NULL), 0);
	assert_true(vfio_signals(w->intx) >= full);
	assert_int_equal(vfio_set_irqs(w->client, &fire, NULL, NULL), 0);
	assert_int_equal(vfio_signals(w->intx), 1);
}

struct rivals {
	int fd;
	atomic_uint signals; /* that the transport has made */
	atomic_bool ends, left, stuck;
};

/* Takes the last room there is, again and again, and waits while there is none. */
static void *fill(void *arg)
{
	static const uint64_t one = 1;
	struct rivals *rivals = arg;

	while (!rivals->ends)
		if (write(rivals->fd, &one, sizeof(one)) < 0)
			sched_yield();
	rivals->left = true;
	return NULL;
}

/* Leaves room for a few, and does that again only when two more signals have been made. */
static void *leave_little_room(void *arg)
{
	static const uint64_t nearly = UINT64_MAX - 9;
	struct rivals *rivals = arg;
	uint64_t count;

	while (!rivals->ends && !rivals->stuck) {
		unsigned before = rivals->signals;

		fcntl(rivals->fd, F_SETFL, O_NONBLOCK);
		while (!rivals->ends && (read(rivals->fd, &count, sizeof(count)) < 0 ||
					 write(rivals->fd, &nearly, sizeof(nearly)) < 0))
			continue;
		fcntl(rivals->fd, F_SETFL, 0);
		for (unsigned ms = 0; rivals->signals < before + 2 && !rivals->ends; ms++) {
			rivals->stuck = ms == 10000;
			if (rivals->stuck)
				return NULL;
			usleep(ms < 10 ? 10 : 1000);
		}
	}
	return NULL;
}

/* Lets go who waits. */
static void end_rivals(struct rivals *rivals, pthread_t filler)
{
	uint64_t count;

	fcntl(rivals->fd, F_SETFL, O_NONBLOCK);
	while (!rivals->left)
		if (read(rivals->fd, &count, sizeof(count)) < 0)
			sched_yield();
	pthread_join(filler, NULL);
}

static void *watch_them(void *arg)
{
	leave_little_room(arg);
	/* A lane that waits is let go, so that the test can fail. */
	if (((struct rivals *)arg)->stuck)
		vfio_signals(((struct rivals *)arg)->fd);
	return NULL;
}

static void test_nor_one_that_it_fills_while_we_write(void **state)
{
	struct world *w = *state;
	struct rivals rivals = {.fd = w->msi};
	pthread_t filler, watcher;

	vmsnd_bell_prepare();
	if (!vmsnd_bell_ring(w->intx))
		skip(); /* docs/vfio-user.md has what is left then */
	assert_int_equal(vfio_arm(w->client, VMSND_VFU_MSI, TRIGGER, w->msi), 0);
	assert_int_equal(pthread_create(&filler, NULL, fill, &rivals), 0);
	assert_int_equal(pthread_create(&watcher, NULL, watch_them, &rivals), 0);
	for (unsigned i = 0; i < 200000 && !rivals.stuck; i++) {
		vfio_harness_message(&w->h);
		rivals.signals++;
	}
	rivals.ends = true;
	pthread_join(watcher, NULL);
	end_rivals(&rivals, filler);
	assert_false(rivals.stuck);
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
	    T(test_an_eventfd_that_the_client_fills_and_makes_blocking_holds_nobody_up),
	    T(test_nor_one_that_it_fills_while_we_write),
	};

	return cmocka_run_group_tests_name("vfio-msi", tests, NULL, NULL);
}
