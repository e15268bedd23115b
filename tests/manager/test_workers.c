/* SPDX-License-Identifier: BSD-3-Clause */
/* Backends that take their time, on workers; and what comes from other threads. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "os/clock.h"
#include "stage.h"

static void advance(struct stage *stage)
{
	vmsnd_machine_advance(stage->sim.machine, stage->sim.now);
}

/* Until a worker has got that far: real time, bounded. */
static void wait_for(struct stage *stage, const _Atomic unsigned *figure, unsigned value)
{
	vmsnd_ns end = vmsnd_clock_now() + 20 * SECOND;

	while (atomic_load(figure) < value) {
		if (vmsnd_clock_now() > end)
			fail_msg("a worker does not get there");
		advance(stage);
		sched_yield();
	}
	advance(stage);
}

static void test_TH_02_a_slow_backend_holds_nobody_up(void **state)
{
	struct stage stage;

	stage_open(&stage);
	fake.hold = true;
	sim_add(&stage.sim, "", "fake-slow");
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "opening");
	stage_play(&stage, 48000 * 2);
	stage_run(&stage, SECOND); /* the guest plays meanwhile */
	assert_int_equal(fake.opens, 0);
	assert_true(sim_counter(&stage.sim, 0, "playback0.frames") > 40000);
	fake.hold = false;
	wait_for(&stage, &fake.looks, 1);
	stage_run(&stage, 200 * MS);
	assert_string_equal(stage_status(&stage, VMSND_PLAYBACK, 0).host, "running");
	stage_finish(&stage);
	assert_int_equal(vmsnd_machine_detach(stage.sim.machine, 0, 0, stage.sim.now), VMSND_OK);
	wait_for(&stage, &fake.closes, 1);
	stage_close(&stage);
}

/* What is detached while a worker closes its stream leaves when that is over. */
static void test_TH_04_a_slow_close_holds_nobody_up(void **state)
{
	struct stage stage;
	struct vmsnd_card *card;

	stage_open(&stage);
	sim_add(&stage.sim, "", sim_file(&stage.sim, "whole.wav", ""));
	card = stage.sim.machine->cards[0];
	assert_int_equal(stage_attach(&stage, "fake-slow-streams"), 1);
	stage_play(&stage, 48000 * 3);
	stage_run(&stage, 100 * MS);
	wait_for(&stage, &fake.streams[VMSND_PLAYBACK], 1);
	stage_run(&stage, 500 * MS);
	assert_true(fake.frames > 0);
	fake.hold = true;
	assert_int_equal(vmsnd_machine_detach(stage.sim.machine, 0, 1, stage.sim.now), VMSND_OK);
	assert_non_null(card->leaving);
	assert_int_equal(stage_attach(&stage, "null"), 1); /* its place is free */
	stage_finish(&stage);
	assert_int_equal(fake.closes, 0);
	fake.hold = false;
	wait_for(&stage, &fake.closes, 1);
	assert_null(card->leaving);
	assert_int_equal(fake.streams[VMSND_PLAYBACK], 0);
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	sim_assert_file(sim_path(&stage.sim, "whole.wav"), &stage.signal, 48000 * 3, 2 * PERIOD);
	stage_forget(&stage);
}

/* Opened and closed as fast as a guest can, by workers: bounded, and nothing is left. */
static void test_TH_01_a_guest_that_opens_and_closes_in_a_loop(void **state)
{
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake-slow-streams");
	for (unsigned i = 0; i < 100; i++) {
		bool on = i & 1;

		stage_play(&stage, 480 * (1 + i % 7));
		vmsnd_machine_enable(stage.sim.machine, 0, VMSND_PLAYBACK, on, stage.sim.now);
		stage_finish(&stage);
		assert_int_equal(stage.player.messages_failed, 0);
		assert_true(fake.streams[VMSND_PLAYBACK] <= 1);
	}
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	assert_int_equal(fake.streams[VMSND_PLAYBACK], 0);
	assert_int_equal(fake.closes, 1);
	stage_forget(&stage);
}

struct watched {
	int fd;
	uint64_t token;
	unsigned n;
};

static enum vmsnd_rc watch(void *ctx, int fd, uint64_t token)
{
	struct watched *watched = ctx;

	*watched = (struct watched){fd, token, watched->n + 1};
	return VMSND_OK;
}

static void unwatch(void *ctx, int fd)
{
	struct watched *watched = ctx;

	assert_int_equal(fd, watched->fd);
	watched->n--;
}

/* Its embedder sleeps on the descriptors it was given, and nothing else tells it. */
static void test_BE_18_a_worker_wakes_the_lane(void **state)
{
	struct watched watched = {.fd = -1};
	struct vmsnd_registry *registry = fake_registry();
	struct vmsnd_machine_conf conf = {.poller = {&watched, watch, unwatch},
					  .registry = registry};
	struct vmsnd_card_conf card = {.device = "virtio-snd",
				       .backend = "null",
				       .more = {"fake-slow"},
				       .transport = "in-process",
				       .listen_fd = -1};
	struct vmsnd_stream_status list[8];
	struct vmsnd_machine *machine;
	struct pollfd poll_fd;

	memset(&fake, 0, sizeof(fake));
	fake.hold = true;
	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_OK);
	assert_int_equal(watched.n, 1);
	poll_fd = (struct pollfd){.fd = watched.fd, .events = POLLIN};
	assert_int_equal(vmsnd_machine_add(machine, &card, SECOND), VMSND_OK);
	assert_int_equal(vmsnd_machine_advance(machine, SECOND), VMSND_NEVER);
	assert_int_equal(vmsnd_machine_streams(machine, 0, list, 8), 4);
	assert_string_equal(list[0].backend, "null");
	assert_string_equal(list[1].host, "opening");
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	fake.hold = false;
	while (fake.looks == 0) { /* opens, then looks for devices */
		assert_int_equal(poll(&poll_fd, 1, 20000), 1);
		vmsnd_machine_ready(machine, watched.token, SECOND);
		vmsnd_machine_advance(machine, SECOND);
	}
	vmsnd_machine_streams(machine, 0, list, 8);
	assert_string_equal(list[1].host, "none");
	vmsnd_machine_close(machine, SECOND);
	assert_int_equal(watched.n, 0);
	assert_int_equal(fake.closes, 1);
	vmsnd_registry_close(registry);
}

static void test_TH_10_a_card_detached_while_it_opens(void **state)
{
	struct stage stage;

	stage_open(&stage);
	fake.hold = true;
	sim_add(&stage.sim, "", "fake-slow");
	assert_int_equal(vmsnd_machine_detach(stage.sim.machine, 0, 0, stage.sim.now), VMSND_OK);
	advance(&stage);
	fake.hold = false;
	wait_for(&stage, &fake.closes, 1);
	assert_int_equal(fake.opens, 1);
	assert_int_equal(fake.looks, 0);
	stage_close(&stage);
}

struct job_count {
	_Atomic bool hold;
	_Atomic unsigned begun, ended;
};

static void a_job(void *arg)
{
	struct job_count *count = arg;

	count->begun++;
	while (atomic_load(&count->hold))
		sched_yield();
	count->ended++;
}

static void test_BE_18_jobs_are_bounded_and_close_waits_for_them(void **state)
{
	struct job_count count = {.hold = true};
	struct stage stage;
	unsigned taken = 0;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	advance(&stage);
	while (taken < 100 && fake.user->job(fake.ctx, a_job, &count))
		taken++;
	assert_int_equal(taken, VMSND_HOST_JOBS_MAX);
	wait_for(&stage, &count.begun, 2); /* the third thread is for what is urgent */
	assert_int_equal(vmsnd_machine_detach(stage.sim.machine, 0, 0, stage.sim.now), VMSND_OK);
	assert_false(fake.user->job(fake.ctx, a_job, &count));
	for (unsigned i = 0; i < 100; i++)
		advance(&stage);
	assert_int_equal(fake.closes, 0);
	count.hold = false;
	wait_for(&stage, &fake.closes, 1);
	assert_int_equal(count.ended, VMSND_HOST_JOBS_MAX);
	stage_close(&stage);
}

static void test_BE_18_a_place_is_free_again_after_its_job(void **state)
{
	struct job_count count = {.hold = false};
	struct stage stage;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	advance(&stage);
	for (unsigned i = 0; i < 200; i++) {
		assert_true(fake.user->job(fake.ctx, a_job, &count));
		wait_for(&stage, &count.ended, i + 1);
	}
	stage_close(&stage);
	assert_int_equal(count.begun, 200);
}

/* Of <sanitizer/lsan_interface.h>, where there is one. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* What never ends is left alone, with all it may still touch; everything else goes on. */
static void test_MX_37_closing_does_not_wait_for_ever(void **state)
{
	static struct job_count count = {.hold = true};
	static void *volatile left_behind;
	struct stage stage;
	vmsnd_ns began;

	if (__lsan_disable)
		__lsan_disable(); /* what is left behind on purpose is no leak */
	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	advance(&stage);
	assert_true(fake.user->job(fake.ctx, a_job, &count));
	wait_for(&stage, &count.begun, 1);
	left_behind = fake.ctx;
	began = vmsnd_clock_now();
	vmsnd_machine_close(stage.sim.machine, stage.sim.now);
	assert_true(vmsnd_clock_now() - began < 10 * SECOND);
	assert_int_equal(stage_count(&stage, "does not answer"), 1);
	assert_int_equal(fake.closes, 0);
	/* Still there to be spoken to, and no longer heard. */
	fake.user->devices_changed(left_behind);
	count.hold = false;
	while (count.ended == 0)
		sched_yield();
	stage_forget(&stage);
	if (__lsan_enable)
		__lsan_enable();
}

struct noticer {
	_Atomic bool stop;
	_Atomic unsigned rounds;
};

static void *notice_thread(void *arg)
{
	struct noticer *noticer = arg;

	while (!atomic_load(&noticer->stop)) {
		fake.user->devices_changed(fake.ctx);
		fake.user->device_changed(fake.ctx, VMSND_PLAYBACK);
		noticer->rounds++;
		sched_yield();
	}
	return NULL;
}

static void test_BE_22_notices_come_from_any_thread(void **state)
{
	struct noticer noticer = {.stop = false};
	struct stage stage;
	pthread_t thread;

	stage_open(&stage);
	sim_add(&stage.sim, "", "fake");
	stage_play(&stage, 48000 * 20);
	stage_run(&stage, SECOND);
	assert_int_equal(pthread_create(&thread, NULL, notice_thread, &noticer), 0);
	/* It has its say in the midst of each of these. */
	for (unsigned i = 0; i < 100; i++) {
		wait_for(&stage, &noticer.rounds, noticer.rounds + 2);
		stage_run(&stage, 100 * MS);
	}
	noticer.stop = true;
	pthread_join(thread, NULL);
	stage_finish(&stage);
	assert_int_equal(stage.player.messages_failed, 0);
	assert_true(fake.looks > 1);
	assert_in_range(fake.stream_tries, 10, 40); /* 10 s of notices: one in 1/3 s at most */
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_TH_02_a_slow_backend_holds_nobody_up),
	    cmocka_unit_test(test_TH_04_a_slow_close_holds_nobody_up),
	    cmocka_unit_test(test_TH_01_a_guest_that_opens_and_closes_in_a_loop),
	    cmocka_unit_test(test_BE_18_a_worker_wakes_the_lane),
	    cmocka_unit_test(test_TH_10_a_card_detached_while_it_opens),
	    cmocka_unit_test(test_BE_18_jobs_are_bounded_and_close_waits_for_them),
	    cmocka_unit_test(test_BE_18_a_place_is_free_again_after_its_job),
	    cmocka_unit_test(test_MX_37_closing_does_not_wait_for_ever),
	    cmocka_unit_test(test_BE_22_notices_come_from_any_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
