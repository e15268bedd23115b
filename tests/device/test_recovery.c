/* SPDX-License-Identifier: BSD-3-Clause */
/* Recovery: a card that dies between any two stores to memory, and one that takes over from it. No
 * buffer is lost and none completed twice. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "devices/virtio/inflight.h"

#define AREA_BYTES   (256u * 1024u)
#define QUEUE_SIZE   32u
#define PERIOD       48u /* frames */
#define OUT_MAX      4u  /* messages of one stream with the card */
#define MESSAGES_MAX 64u
#define STREAMS      3u  /* 0 and 1 play, 2 records */
#define PLAYED       20u /* messages of each stream, before it is stopped */
#define REGION_BYTES vmsnd_inflight_queue_bytes(QUEUE_SIZE)

struct sent {
	struct rig_message message;
	unsigned stream;
	bool back;
};

/* The guest: what it has asked for and what it has posted. It lives on when its card dies. */
static struct guest {
	unsigned step; /* of its script */
	bool asked;    /* and not answered yet */
	vmsnd_gpa answer;
	struct sent sent[STREAMS * MESSAGES_MAX];
	unsigned n_sent, n_out[STREAMS], n_posted[STREAMS];
	bool streaming;
} guest;

static struct rig rig;
static uint8_t *area;
static struct vmsnd_gmem area_mem;
static struct vmsnd_gmem_guard ram_guard, area_guard;
static uint32_t numbers[PERIOD * MESSAGES_MAX];
/* Stores left until the card dies; 0: it does not. */
static unsigned long stores_left, stores_made;
static jmp_buf death;

static void told(void *ctx, const struct vmsnd_gmem_event *event)
{
	if (event->call != VMSND_GMEM_WRITE && event->call != VMSND_GMEM_STORE16)
		return;
	stores_made++;
	if (stores_left > 0 && --stores_left == 0)
		longjmp(death, 1);
}

static enum vmsnd_rc set_area(void)
{
	const struct vmsnd_inflight where = {
	    .mem = &area_mem, .bytes = AREA_BYTES, .n_queues = N_QUEUES, .queue_size = QUEUE_SIZE};

	return RIG_OPS->inflight(rig.dev, &where, rig.now);
}

static void share_area(void)
{
	struct vmsnd_region region = {
	    .bytes = AREA_BYTES, .at = area, .rights = VMSND_READ | VMSND_WRITE};

	memset(&area_mem, 0, sizeof(area_mem));
	assert_int_equal(vmsnd_gmem_add(&area_mem, &region), VMSND_OK);
	ram_guard = area_guard = (struct vmsnd_gmem_guard){.last = UINT64_MAX, .told = told};
	area_mem.guard = &area_guard;
	rig.mem.guard = &ram_guard;
}

static int set_up(void **state)
{
	stores_left = stores_made = 0;
	memset(&guest, 0, sizeof(guest));
	rig_fill_numbers(numbers, 1, PERIOD * MESSAGES_MAX);
	rig_open(&rig, 2, 1);
	area = calloc(1, AREA_BYTES);
	share_area();
	assert_int_equal(set_area(), VMSND_OK);
	RIG_OPS->set_features(rig.dev, RIG_F_ALL);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig_layout(&rig, i, QUEUE_SIZE);
		assert_int_equal(RIG_OPS->queue_start(rig.dev, i, &rig.queues[i].setup, rig.now),
				 VMSND_OK);
	}
	rig_step(&rig);
	return 0;
}

static int tear_down(void **state)
{
	rig_close(&rig);
	free(area);
	return 0;
}

/* ---- the guest ---- */

static void ask(const void *request, uint32_t bytes)
{
	const struct rig_segment segments[] = {{rig_put(&rig, request, bytes), bytes, false},
					       {rig_alloc(&rig, 4), 4, true}};

	guest.asked = true;
	guest.answer = segments[1].at;
	rig_post(&rig, CONTROL, segments, 2, false);
}

static void ask_params(uint32_t stream)
{
	const struct virtio_snd_pcm_set_params params = {
	    .hdr = {.hdr.code = VIRTIO_SND_R_PCM_SET_PARAMS, .stream_id = stream},
	    .buffer_bytes = OUT_MAX * PERIOD * 4,
	    .period_bytes = PERIOD * 4,
	    .channels = 2,
	    .format = VIRTIO_SND_PCM_FMT_S16,
	    .rate = VIRTIO_SND_PCM_RATE_48000};

	ask(&params, sizeof(params));
}

static void ask_command(uint32_t code, uint32_t stream)
{
	const struct virtio_snd_pcm_hdr hdr = {.hdr.code = code, .stream_id = stream};

	ask(&hdr, sizeof(hdr));
}

static void post_one(uint32_t stream)
{
	struct sent *sent = &guest.sent[guest.n_sent++];
	uint32_t first = guest.n_posted[stream] * PERIOD;

	*sent = (struct sent){.stream = stream};
	sent->message = stream == 2 ? rig_post_capture(&rig, stream, PERIOD * 4)
				    : rig_post_playback(&rig, stream, numbers + first, PERIOD * 4);
	guest.n_posted[stream]++;
	guest.n_out[stream]++;
}

static void post_more(unsigned limit)
{
	for (uint32_t stream = 0; stream < STREAMS; stream++)
		while (guest.n_posted[stream] < limit && guest.n_out[stream] < OUT_MAX)
			post_one(stream);
}

/* Each that comes back is one that is out, and the oldest of its stream. */
static void take_back(unsigned queue)
{
	uint32_t head;

	while (rig_take(&rig, queue, &head, NULL)) {
		struct sent *sent = NULL;

		for (unsigned i = 0; i < guest.n_sent && !sent; i++)
			if (!guest.sent[i].back && guest.sent[i].message.head == head &&
			    (guest.sent[i].stream == 2) == (queue == RX))
				sent = &guest.sent[i];
		assert_non_null(sent);
		for (const struct sent *older = guest.sent; older < sent; older++)
			assert_true(older->back || older->stream != sent->stream);
		sent->back = true;
		guest.n_out[sent->stream]--;
		assert_int_equal(rig_status(&rig, &sent->message).status, VIRTIO_SND_S_OK);
	}
}

/* What the guest asks for, one after the other, for each stream in turn. */
static const uint32_t script[] = {VIRTIO_SND_R_PCM_SET_PARAMS, VIRTIO_SND_R_PCM_PREPARE,
				  VIRTIO_SND_R_PCM_START,      0,
				  VIRTIO_SND_R_PCM_STOP,       VIRTIO_SND_R_PCM_RELEASE,
				  VIRTIO_SND_R_PCM_SET_PARAMS, VIRTIO_SND_R_PCM_PREPARE,
				  VIRTIO_SND_R_PCM_RELEASE};
#define STEPS (STREAMS * sizeof(script) / sizeof(script[0]))

static bool is_all_back(void)
{
	return guest.n_out[0] + guest.n_out[1] + guest.n_out[2] == 0;
}

static void next_request(void)
{
	uint32_t code = script[guest.step / STREAMS], stream = guest.step % STREAMS;

	if (code == VIRTIO_SND_R_PCM_SET_PARAMS) {
		ask_params(stream);
	} else if (code != 0) {
		/* Two that are never played. */
		if (code == VIRTIO_SND_R_PCM_RELEASE && guest.step / STREAMS == 8) {
			post_one(stream);
			post_one(stream);
		}
		ask_command(code, stream);
	} else if (guest.n_posted[stream] >= PLAYED && is_all_back()) {
		guest.step++;
	}
}

/* One look at its rings, as an interrupt handler has it, then what comes next. */
static void guest_step(void)
{
	uint32_t status;

	take_back(TX);
	take_back(RX);
	if (guest.asked && rig_take(&rig, CONTROL, NULL, NULL)) {
		memcpy(&status, rig_at(&rig, guest.answer), sizeof(status));
		if (status != VIRTIO_SND_S_OK)
			fail_msg("step %u was answered %#x (%lu)", guest.step, status, stores_made);
		guest.asked = false;
		guest.step++;
	}
	if (!guest.asked && guest.step < STEPS)
		next_request();
	if (guest.step / STREAMS >= 2 && guest.step / STREAMS < 4)
		post_more(PLAYED);
}

/* ---- life and death ---- */

static void new_ports(void)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		struct vmsnd_port *port = rig.ports[i];
		uint8_t *heard = port->heard;
		size_t bytes = port->heard_bytes;
		uint32_t recorded = port->next_sample;

		fake_port_init(port, port->dir);
		free(port->heard);
		port->heard = heard;
		port->heard_bytes = bytes;
		port->next_sample = recorded;
	}
}

/* Where front ends say that a queue goes on: QEMU where the used ring stands, Cloud Hypervisor
 * where the available ring does. */
static uint16_t base_of(unsigned queue, bool used)
{
	return used ? rig_used_index(&rig, queue) : rig.queues[queue].avail;
}

static void start_all(bool used)
{
	RIG_OPS->set_features(rig.dev, RIG_F_ALL);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		rig.queues[i].setup.next_avail = base_of(i, used);
		assert_int_equal(RIG_OPS->queue_start(rig.dev, i, &rig.queues[i].setup, rig.now),
				 VMSND_OK);
	}
	rig_step(&rig);
}

static void take_over(bool used)
{
	new_ports();
	rig_make_card(&rig);
	assert_int_equal(set_area(), VMSND_OK);
	start_all(used);
}

static void live(void)
{
	for (unsigned rounds = 0; guest.step < STEPS; rounds++) {
		if (rounds > 2000)
			fail_msg("it hangs in step %u", guest.step);
		guest_step();
		for (unsigned i = 0; i < N_QUEUES; i++)
			rig_kick(&rig, i);
		rig_run_ms(&rig, 1);
	}
	take_back(TX);
	take_back(RX);
}

/* Every number of every message that was to be played, and within a life one after the other. */
static void expect_all_heard(const struct vmsnd_port *port)
{
	bool heard[PERIOD * PLAYED + 1] = {false};

	for (size_t at = 0; at < port->heard_bytes; at += 4) {
		uint32_t number;

		memcpy(&number, port->heard + at, sizeof(number));
		assert_in_range(number, 1, PERIOD * PLAYED);
		heard[number] = true;
	}
	for (uint32_t i = 1; i <= PERIOD * PLAYED; i++)
		if (!heard[i])
			fail_msg("frame %u was never heard", i);
}

static void expect_exactly_once(void)
{
	assert_true(is_all_back());
	assert_int_equal(guest.n_sent, STREAMS * (PLAYED + 2));
	for (unsigned i = 0; i < guest.n_sent; i++)
		assert_true(guest.sent[i].back);
	expect_all_heard(rig.ports[0]);
	expect_all_heard(rig.ports[1]);
	for (unsigned i = 0; i < VMSND_FAULT_COUNT; i++)
		if (rig.faults[i])
			fail_msg("fault %u", i);
}

/* Lives the whole script; the card dies after `first` stores, the next one after `second` more. */
static unsigned long live_and_die(unsigned long first, unsigned long second, bool used)
{
	/* Both survive longjmp. */
	static unsigned long deaths;
	static bool base_is_used;

	set_up(NULL);
	deaths = 0;
	base_is_used = used;
	stores_made = 0;
	stores_left = first;
	if (setjmp(death) != 0) {
		stores_left = deaths++ == 0 ? second : 0;
		take_over(base_is_used);
	}
	live();
	stores_left = 0;
	expect_exactly_once();
	tear_down(NULL);
	return stores_made;
}

static void test_death_at_every_store(void **state)
{
	unsigned long all = live_and_die(0, 0, true);

	assert_in_range(all, 500, 100000);
	for (unsigned long n = 1; n <= all; n++)
		live_and_die(n, 0, n % 2);
}

/* The successor dies, too, while it takes over or soon after. */
static void test_death_of_the_successor(void **state)
{
	unsigned long all = live_and_die(0, 0, true);

	for (unsigned long n = 7; n < all; n += 13)
		for (unsigned long second = 1; second < 120; second += 1 + n % 9)
			live_and_die(n, second, second % 2);
}

/* ---- what else may be in an area ---- */

/* The guest has four messages of each stream out, of which some were played. */
static void play_a_while(void)
{
	while (guest.step / STREAMS < 3 || guest.n_posted[0] < 10) {
		guest_step();
		for (unsigned i = 0; i < N_QUEUES; i++)
			rig_kick(&rig, i);
		rig_run_ms(&rig, 1);
	}
	take_back(TX);
	take_back(RX);
}

/* The VMM keeps its area and the guest's driver begins anew: with other rings, nothing of before
 * may come back. */
static void test_class16_another_driver_with_an_old_area(void **state)
{
	set_up(NULL);
	play_a_while();
	new_ports();
	rig_make_card(&rig);
	assert_int_equal(set_area(), VMSND_OK);
	for (unsigned i = 0; i < N_QUEUES; i++)
		rig_layout(&rig, i, QUEUE_SIZE);
	start_all(true);
	memset(&guest, 0, sizeof(guest));
	rig.ports[0]->heard_bytes = rig.ports[1]->heard_bytes = 0;
	live();
	expect_exactly_once();
	tear_down(NULL);
}

/* Another back end's area, or a damaged journal: buffers come back unplayed. */
static void test_class16_an_area_without_a_journal(void **state)
{
	uint64_t journal = N_QUEUES * REGION_BYTES;

	set_up(NULL);
	play_a_while();
	new_ports();
	rig_make_card(&rig);
	memset(area + journal + 64, 0xa5, 16384);
	assert_int_equal(set_area(), VMSND_E_DAMAGED);
	start_all(false);
	rig_run_ms(&rig, 5);
	assert_int_equal(rig_used_index(&rig, TX), rig.queues[TX].avail);
	assert_int_equal(rig_used_index(&rig, RX), rig.queues[RX].avail);
	for (unsigned i = 0; i < guest.n_sent; i++)
		if (!guest.sent[i].back)
			assert_int_equal(rig_status(&rig, &guest.sent[i].message).status,
					 VIRTIO_SND_S_IO_ERR);
	tear_down(NULL);
}

static uint32_t below(uint32_t *seed, uint32_t end)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % end;
}

/* The VMM can write to it whatever it likes: the card neither crashes nor hangs. Every second time
 * the journal is hit, too. */
static void test_class16_any_bytes_in_an_area(void **state)
{
	static uint8_t good[AREA_BYTES];
	uint32_t seed = 1;

	set_up(NULL);
	play_a_while();
	memcpy(good, area, AREA_BYTES);
	for (unsigned round = 0; round < 500; round++) {
		uint32_t end = round % 2 ? (uint32_t)(N_QUEUES * REGION_BYTES) + 8192
					 : (uint32_t)REGION_BYTES * N_QUEUES;
		struct rig before = rig;

		memcpy(area, good, AREA_BYTES);
		for (uint32_t n = 1 + below(&seed, 40); n > 0; n--)
			area[below(&seed, end)] = (uint8_t)below(&seed, 256);
		new_ports();
		rig.dev = NULL;
		rig_make_card(&rig);
		assert_in_range(-(int)set_area(), 0, 100);
		start_all(round % 3);
		rig_run_ms(&rig, 3);
		/* Nothing is given back that the driver could not have posted. */
		for (unsigned i = 0; i < N_QUEUES; i++)
			assert_true((uint16_t)(rig.queues[i].avail - rig_used_index(&rig, i)) <=
				    QUEUE_SIZE);
		free(rig.dev);
		rig.dev = before.dev;
	}
	tear_down(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_death_at_every_store),
	    cmocka_unit_test(test_death_of_the_successor),
	    cmocka_unit_test(test_class16_another_driver_with_an_old_area),
	    cmocka_unit_test(test_class16_an_area_without_a_journal),
	    cmocka_unit_test(test_class16_any_bytes_in_an_area),
	};

	return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
