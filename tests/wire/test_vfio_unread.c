/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user: clients that do not read their answers, or not yet. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "vfio_harness.h"

static int open_harness(void **state)
{
	static struct vfio_harness h;

	vfio_harness_open(&h, true);
	*state = &h;
	return 0;
}

static int close_harness(void **state)
{
	vfio_harness_close(*state);
	return 0;
}

static void ask_without_reading(struct vfio_client *client)
{
	const struct vmsnd_vfu_access access = {0, VMSND_PCI_CONFIG, 256};
	const struct vmsnd_vfu_header header = {.command = VMSND_VFU_REGION_READ, .bytes = 32};
	uint8_t payload[VMSND_VFU_ACCESS_BYTES];

	vmsnd_vfu_access_put(payload, &access);
	vfio_send(client, &header, payload, NULL);
	vfio_client_pump(client);
}

static void test_a_slow_reader_gets_all_its_answers_in_order(void **state)
{
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);
	static struct vfio_message answer;
	const unsigned n = 3000; /* more than the socket holds */

	for (unsigned i = 0; i < n; i++)
		ask_without_reading(client);
	assert_true(h->next <= h->now + VMSND_NS_PER_SECOND / 100); /* it looks again soon */
	for (unsigned i = 0; i < n; i++) {
		vfio_harness_pass(h, 1000 * 1000);
		assert_int_equal(vfio_receive(client, &answer), 0);
		assert_int_equal(answer.bytes, 16 + 256);
		assert_int_equal(answer.payload[16], 0x86);
	}
	vfio_harness_pass(h, VMSND_NS_PER_SECOND);
	assert_int_equal(h->next, VMSND_NEVER);
	assert_int_equal(h->n_troubles, 0);
	vfio_client_close(client);
}

static bool has_room(struct vfio_client *client)
{
	struct pollfd poller = {.fd = vfio_client_socket(client), .events = POLLOUT};

	return poll(&poller, 1, 0) == 1 && poller.revents & POLLOUT;
}

/* More of it than what waits has room for: the rest waits in the socket. */
static void test_who_asks_much_before_he_reads_is_not_cut_off(void **state)
{
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);
	static struct vfio_message answer;
	unsigned asked = 0, turns = 0;

	for (; asked < 20000 && has_room(client); asked++)
		ask_without_reading(client);
	assert_in_range(asked, 3000, 19999);
	assert_int_equal(h->left, 0);
	/* Nobody is waited for in a hurry. */
	for (vmsnd_ns end = h->now + VMSND_NS_PER_SECOND; h->now < end; turns++)
		vfio_harness_pass(h, h->next - h->now);
	assert_in_range(turns, 1, 50);
	for (unsigned i = 0; i < asked; i++) {
		vfio_harness_pass(h, 1000 * 1000);
		assert_int_equal(vfio_receive(client, &answer), 0);
		assert_int_equal(answer.bytes, 16 + 256);
	}
	vfio_harness_pass(h, VMSND_NS_PER_SECOND);
	assert_int_equal(h->next, VMSND_NEVER);
	assert_int_equal(h->n_troubles, 0);
	assert_int_equal(vfio_put(client, 1, 0, 4, 1), 0);
	vfio_client_close(client);
}

static void test_who_asks_much_and_leaves_is_seen_to(void **state)
{
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);

	for (unsigned i = 0; i < 20000 && has_room(client); i++)
		ask_without_reading(client);
	vfio_client_close(client);
	vfio_harness_pass(h, VMSND_NS_PER_SECOND);
	vfio_harness_pump(h);
	assert_int_equal(h->left, 1);
}

static void test_who_never_reads_is_let_go_after_a_while(void **state)
{
	struct vfio_harness *h = *state;
	struct vfio_client *client = vfio_harness_hello(h);

	for (unsigned i = 0; i < 3000; i++)
		ask_without_reading(client);
	vfio_harness_pass(h, 9 * VMSND_NS_PER_SECOND);
	assert_int_equal(h->left, 0);
	vfio_harness_pass(h, 2 * VMSND_NS_PER_SECOND);
	assert_int_equal(h->left, 1);
	vfio_client_close(client);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_harness, close_harness)
	const struct CMUnitTest tests[] = {
	    T(test_a_slow_reader_gets_all_its_answers_in_order),
	    T(test_who_asks_much_before_he_reads_is_not_cut_off),
	    T(test_who_asks_much_and_leaves_is_seen_to),
	    T(test_who_never_reads_is_let_go_after_a_while),
	};

	return cmocka_run_group_tests_name("vfio-unread", tests, NULL, NULL);
}
