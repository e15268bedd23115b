/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker pool, the wake-up of a lane, and the processor's level. Meant for a build with
 * -Db_sanitize=thread too. Nothing sleeps in order to be right: threads meet at gates. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "os/cpu.h"
#include "os/pool.h"
#include "os/wake.h"

#define SECOND VMSND_NS_PER_SECOND

/* ---- gates ---- */

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	unsigned inside; /* jobs that have come to the gate */
	bool open;
};

#define GATE_SHUT                                                                                  \
	{                                                                                          \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false                      \
	}

static void gate_pass(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->inside++;
	pthread_cond_broadcast(&gate->moved);
	while (!gate->open)
		pthread_cond_wait(&gate->moved, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void gate_await(struct gate *gate, unsigned inside)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->inside < inside)
		pthread_cond_wait(&gate->moved, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->open = true;
	pthread_cond_broadcast(&gate->moved);
	pthread_mutex_unlock(&gate->lock);
}

struct task {
	struct vmsnd_job job; /* first: run finds us by it */
	struct gate *gate;
	pthread_t by;
	unsigned order;
};

static void stand_at_gate(struct vmsnd_job *job)
{
	gate_pass(((struct task *)(void *)job)->gate);
}

static bool done(struct task *task)
{
	return atomic_load_explicit(&task->job.done, memory_order_acquire);
}

/* Until the pool shows so many threads: they end by themselves. */
static void await_threads(struct vmsnd_pool *pool, unsigned threads)
{
	while (vmsnd_pool_threads(pool) != threads)
		sched_yield();
}

static void await_jobs(struct vmsnd_pool *pool, unsigned jobs)
{
	while (vmsnd_pool_jobs(pool) != jobs)
		sched_yield();
}

static struct vmsnd_pool *open_pool(vmsnd_ns idle_ns)
{
	struct vmsnd_pool_conf conf = {.idle_ns = idle_ns};
	struct vmsnd_pool *pool = NULL;

	assert_int_equal(vmsnd_pool_open(&conf, &pool), VMSND_OK);
	return pool;
}

/* ---- TH-01: how many threads, and for how long ---- */

static void test_TH_01_no_thread_before_work_and_three_at_most(void **state)
{
	struct vmsnd_pool *pool = open_pool(0);
	struct gate gate = GATE_SHUT;
	struct task tasks[10] = {{.gate = NULL}};

	assert_int_equal(vmsnd_pool_threads(pool), 0);
	for (unsigned i = 0; i < 10; i++) {
		tasks[i] =
		    (struct task){.job = {.run = stand_at_gate, .urgent = true}, .gate = &gate};
		assert_true(vmsnd_pool_submit(pool, &tasks[i].job));
		assert_int_equal(vmsnd_pool_threads(pool), i < 3 ? i + 1 : 3);
	}
	gate_await(&gate, 3);
	assert_int_equal(vmsnd_pool_jobs(pool), 10);
	gate_open(&gate);
	gate_await(&gate, 10);
	await_jobs(pool, 0);
	for (unsigned i = 0; i < 10; i++)
		assert_true(done(&tasks[i]));
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
}

/* Two that hang leave the third thread to what is urgent. */
static void test_DIR_01_an_urgent_job_does_not_wait_behind_others(void **state)
{
	struct vmsnd_pool *pool = open_pool(0);
	struct gate shut = GATE_SHUT, open = GATE_SHUT;
	struct task slow[5] = {{.gate = NULL}}, urgent = {.gate = NULL};

	for (unsigned i = 0; i < 5; i++) {
		slow[i] = (struct task){.job = {.run = stand_at_gate}, .gate = &shut};
		assert_true(vmsnd_pool_submit(pool, &slow[i].job));
	}
	gate_await(&shut, 2);
	urgent = (struct task){.job = {.run = stand_at_gate, .urgent = true}, .gate = &open};
	assert_true(vmsnd_pool_submit(pool, &urgent.job));
	gate_await(&open, 1);
	gate_open(&open);
	await_jobs(pool, 5);
	assert_true(done(&urgent));
	gate_open(&shut);
	await_jobs(pool, 0);
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
}

static void test_KEYx_4_fewer_threads_if_asked(void **state)
{
	struct vmsnd_pool_conf conf = {.threads = 1};
	struct gate gate = GATE_SHUT;
	struct task tasks[4] = {{.gate = NULL}};
	struct vmsnd_pool *pool;

	assert_int_equal(vmsnd_pool_open(&conf, &pool), VMSND_OK);
	for (unsigned i = 0; i < 4; i++) {
		tasks[i] = (struct task){.job = {.run = stand_at_gate}, .gate = &gate};
		assert_true(vmsnd_pool_submit(pool, &tasks[i].job));
		assert_int_equal(vmsnd_pool_threads(pool), 1);
	}
	gate_open(&gate);
	await_jobs(pool, 0);
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
}

static void test_TH_01_one_thread_is_enough_for_one_at_a_time(void **state)
{
	struct vmsnd_pool *pool = open_pool(0);
	struct gate gate = GATE_SHUT;

	gate_open(&gate);
	for (unsigned i = 0; i < 1000; i++) {
		struct task task = {.job = {.run = stand_at_gate}, .gate = &gate};

		assert_true(vmsnd_pool_submit(pool, &task.job));
		await_jobs(pool, 0);
		assert_true(done(&task));
	}
	/* A worker that has finished is seen idle a moment later than its job is seen done. */
	assert_in_range(vmsnd_pool_threads(pool), 1, 2);
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
}

static void test_TH_01_idle_threads_end_and_others_begin(void **state)
{
	struct vmsnd_pool *pool = open_pool(1000000);
	struct gate gate = GATE_SHUT;

	gate_open(&gate);
	for (unsigned round = 1; round <= 20; round++) {
		struct task tasks[5];

		for (unsigned i = 0; i < 5; i++) {
			tasks[i] = (struct task){.job = {.run = stand_at_gate}, .gate = &gate};
			assert_true(vmsnd_pool_submit(pool, &tasks[i].job));
		}
		await_jobs(pool, 0);
		await_threads(pool, 0);
	}
	assert_int_equal(gate.inside, 100);
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
}

struct crowd {
	struct vmsnd_pool *pool;
	_Atomic unsigned *inside, *most, *ran;
};

struct visit {
	struct vmsnd_job job;
	struct crowd *crowd;
};

static void be_counted(struct vmsnd_job *job)
{
	struct crowd *crowd = ((struct visit *)(void *)job)->crowd;
	unsigned now = atomic_fetch_add(crowd->inside, 1) + 1, most = atomic_load(crowd->most);

	while (now > most && !atomic_compare_exchange_weak(crowd->most, &most, now))
		;
	atomic_fetch_add(crowd->ran, 1);
	atomic_fetch_sub(crowd->inside, 1);
}

#define VISITS 5000u

static void *submit_many(void *arg)
{
	static _Thread_local struct visit visits[64];
	struct crowd *crowd = arg;

	for (unsigned i = 0; i < VISITS; i++) {
		struct visit *visit = &visits[i % 64];

		while (i >= 64 && !atomic_load_explicit(&visit->job.done, memory_order_acquire))
			sched_yield();
		*visit = (struct visit){.job = {.run = be_counted}, .crowd = crowd};
		if (!vmsnd_pool_submit(crowd->pool, &visit->job) ||
		    vmsnd_pool_threads(crowd->pool) > VMSND_POOL_THREADS_MAX)
			return crowd;
	}
	for (unsigned i = 0; i < 64; i++)
		while (!atomic_load_explicit(&visits[i].job.done, memory_order_acquire))
			sched_yield();
	return NULL;
}

static void test_TH_01_thousands_from_several_threads(void **state)
{
	_Atomic unsigned inside = 0, most = 0, ran = 0;
	struct crowd crowd = {open_pool(50000), &inside, &most, &ran};
	pthread_t threads[4];
	void *wrong;

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &crowd), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	assert_int_equal(atomic_load(&ran), 4 * VISITS);
	assert_in_range(atomic_load(&most), 1, VMSND_POOL_THREADS_MAX);
	assert_true(vmsnd_pool_close(crowd.pool, 10 * SECOND));
}

struct order {
	struct vmsnd_job job;
	unsigned *next, at;
};

static void note_order(struct vmsnd_job *job)
{
	struct order *order = (struct order *)(void *)job;

	order->at = (*order->next)++;
}

static void test_TH_01_waiting_jobs_keep_their_order(void **state)
{
	struct vmsnd_pool *pool = open_pool(0);
	struct gate shut = GATE_SHUT, other = GATE_SHUT;
	struct task held[3];
	struct order orders[50];
	unsigned next = 0;

	for (unsigned i = 0; i < 3; i++) {
		held[i] = (struct task){.job = {.run = stand_at_gate, .urgent = true},
					.gate = i ? &other : &shut};
		assert_true(vmsnd_pool_submit(pool, &held[i].job));
	}
	gate_await(&shut, 1);
	gate_await(&other, 2);
	for (unsigned i = 0; i < 50; i++) {
		orders[i] = (struct order){.job = {.run = note_order}, .next = &next};
		assert_true(vmsnd_pool_submit(pool, &orders[i].job));
	}
	gate_open(&shut); /* one worker does them all */
	await_jobs(pool, 2);
	gate_open(&other);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(orders[i].at, i);
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
}

static sigset_t seen;
static char seen_name[32];

static void look_at_myself(struct vmsnd_job *job)
{
	pthread_sigmask(SIG_SETMASK, NULL, &seen);
	pthread_getname_np(pthread_self(), seen_name, sizeof(seen_name));
}

static void test_TH_01_workers_take_no_signals_and_have_a_name(void **state)
{
	struct vmsnd_pool *pool = open_pool(0);
	struct vmsnd_job job = {.run = look_at_myself};
	sigset_t own;

	assert_true(vmsnd_pool_submit(pool, &job));
	await_jobs(pool, 0);
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
	assert_true(sigismember(&seen, SIGTERM) && sigismember(&seen, SIGUSR1) &&
		    sigismember(&seen, SIGINT));
	assert_string_equal(seen_name, "vmsnd-worker");
	pthread_sigmask(SIG_SETMASK, NULL, &own);
	assert_false(sigismember(&own, SIGUSR1));
}

/* ---- TH-02: a job taken back ---- */

static void test_TH_02_what_has_not_begun_can_be_taken_back(void **state)
{
	struct vmsnd_pool *pool = open_pool(0);
	struct gate gate = GATE_SHUT;
	struct task tasks[7];

	for (unsigned i = 0; i < 7; i++) {
		tasks[i] =
		    (struct task){.job = {.run = stand_at_gate, .urgent = true}, .gate = &gate};
		assert_true(vmsnd_pool_submit(pool, &tasks[i].job));
	}
	gate_await(&gate, 3);
	assert_false(vmsnd_pool_cancel(pool, &tasks[0].job));
	assert_true(vmsnd_pool_cancel(pool, &tasks[6].job)); /* the last, one inside, the first */
	assert_true(vmsnd_pool_cancel(pool, &tasks[4].job));
	assert_true(vmsnd_pool_cancel(pool, &tasks[3].job));
	assert_false(vmsnd_pool_cancel(pool, &tasks[3].job));
	assert_int_equal(vmsnd_pool_jobs(pool), 4);
	assert_true(vmsnd_pool_submit(pool, &tasks[6].job)); /* the list still has its end */
	gate_open(&gate);
	await_jobs(pool, 0);
	assert_int_equal(gate.inside, 5);
	assert_false(done(&tasks[3]) || done(&tasks[4]));
	assert_true(done(&tasks[5]) && done(&tasks[6]));
	assert_false(vmsnd_pool_cancel(pool, &tasks[5].job));
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
}

/* ---- TH-06: whoever waits hears of the end ---- */

struct listener {
	struct vmsnd_wake wake;
	_Atomic unsigned times;
};

static void finished(void *ctx)
{
	struct listener *listener = ctx;

	atomic_fetch_add(&listener->times, 1);
	vmsnd_wake_poke(&listener->wake);
}

static void test_TH_06_finished_is_told_after_done(void **state)
{
	struct listener listener = {.times = 0};
	struct vmsnd_pool_conf conf = {.finished = finished, .ctx = &listener};
	struct gate gate = GATE_SHUT;
	struct vmsnd_pool *pool;

	assert_int_equal(vmsnd_wake_open(&listener.wake), VMSND_OK);
	assert_int_equal(vmsnd_pool_open(&conf, &pool), VMSND_OK);
	gate_open(&gate);
	for (unsigned i = 1; i <= 100; i++) {
		struct task task = {.job = {.run = stand_at_gate}, .gate = &gate};
		struct pollfd ready = {.fd = listener.wake.fd, .events = POLLIN};

		assert_true(vmsnd_pool_submit(pool, &task.job));
		assert_int_equal(poll(&ready, 1, 10000), 1);
		assert_true(vmsnd_wake_drain(&listener.wake));
		assert_true(done(&task));
	}
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
	assert_int_equal(atomic_load(&listener.times), 100);
	vmsnd_wake_close(&listener.wake);
}

/* ---- TH-07: no thread to be had ---- */

/* Linked with --wrap=pthread_create: the pool's calls come here. */
static bool no_threads;
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *arg)
{
	return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, arg);
}

static void test_TH_07_without_a_thread_the_job_is_not_taken(void **state)
{
	struct vmsnd_pool *pool = open_pool(0);
	struct gate gate = GATE_SHUT;
	struct task tasks[2] = {{.job = {.run = stand_at_gate}, .gate = &gate},
				{.job = {.run = stand_at_gate}, .gate = &gate}};

	gate_open(&gate);
	no_threads = true;
	assert_false(vmsnd_pool_submit(pool, &tasks[0].job));
	no_threads = false;
	assert_int_equal(vmsnd_pool_jobs(pool), 0);
	assert_int_equal(vmsnd_pool_threads(pool), 0);
	assert_true(vmsnd_pool_submit(pool, &tasks[0].job));
	await_jobs(pool, 0);
	/* One thread is better than none: what cannot have its own waits for it. */
	no_threads = true;
	assert_true(vmsnd_pool_submit(pool, &tasks[1].job));
	no_threads = false;
	await_jobs(pool, 0);
	assert_int_equal(gate.inside, 2);
	assert_true(done(&tasks[1]));
	assert_true(vmsnd_pool_close(pool, 10 * SECOND));
}

/* ---- MX-37: the end ---- */

static void test_MX_37_close_drops_what_waits_and_waits_for_the_rest(void **state)
{
	struct vmsnd_pool *pool = open_pool(0);
	struct gate gate = GATE_SHUT;
	struct task tasks[6];

	for (unsigned i = 0; i < 6; i++) {
		tasks[i] =
		    (struct task){.job = {.run = stand_at_gate, .urgent = true}, .gate = &gate};
		assert_true(vmsnd_pool_submit(pool, &tasks[i].job));
	}
	gate_await(&gate, 3);
	gate_open(&gate); /* while close waits, or before */
	assert_true(vmsnd_pool_close(pool, 100 * SECOND));
	for (unsigned i = 0; i < 3; i++)
		assert_true(done(&tasks[i]));
}

static void test_MX_37_close_without_any_work(void **state)
{
	assert_true(vmsnd_pool_close(open_pool(0), 0));
}

/* Threads of this process, as the kernel has them. */
static unsigned own_threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	unsigned n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

/* A job that hangs: close gives up in time, nothing it uses is taken away, nobody is called any
 * more, and it may still end. */
static void test_MX_37_a_hanging_job_does_not_hold_close_up(void **state)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	struct vmsnd_pool_conf conf = {.finished = finished, .ctx = listener};
	struct gate gate = GATE_SHUT;
	unsigned before = own_threads();
	struct task tasks[2];
	struct vmsnd_pool *pool;

	assert_non_null(listener);
	assert_int_equal(vmsnd_wake_open(&listener->wake), VMSND_OK);
	assert_int_equal(vmsnd_pool_open(&conf, &pool), VMSND_OK);
	for (unsigned i = 0; i < 2; i++) {
		tasks[i] = (struct task){.job = {.run = stand_at_gate}, .gate = &gate};
		assert_true(vmsnd_pool_submit(pool, &tasks[i].job));
	}
	gate_await(&gate, 2);
	assert_false(vmsnd_pool_close(pool, 2000000));
	assert_false(done(&tasks[0]) || done(&tasks[1]));
	gate_open(&gate);
	while (own_threads() > before)
		sched_yield();
	assert_true(done(&tasks[0]) && done(&tasks[1]));
	assert_int_equal(atomic_load(&listener->times), 0);
	vmsnd_wake_close(&listener->wake);
	free(listener);
}

/* ---- wake ---- */

static bool readable(const struct vmsnd_wake *wake)
{
	struct pollfd ready = {.fd = wake->fd, .events = POLLIN};

	return poll(&ready, 1, 0) == 1;
}

static void test_wake_is_readable_from_poke_to_drain(void **state)
{
	struct vmsnd_wake wake;

	assert_int_equal(vmsnd_wake_open(&wake), VMSND_OK);
	assert_false(readable(&wake));
	assert_false(vmsnd_wake_drain(&wake));
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 100000; i++)
			vmsnd_wake_poke(&wake);
		assert_true(readable(&wake));
		assert_true(vmsnd_wake_drain(&wake));
		assert_false(readable(&wake));
		assert_false(vmsnd_wake_drain(&wake));
	}
	vmsnd_wake_close(&wake);
	vmsnd_wake_close(&wake);
}

/* Even when somebody filled it to the brim. */
static void test_wake_never_blocks(void **state)
{
	const uint64_t brim = UINT64_MAX - 1;
	struct vmsnd_wake wake;

	assert_int_equal(vmsnd_wake_open(&wake), VMSND_OK);
	assert_int_equal(write(wake.fd, &brim, sizeof(brim)), sizeof(brim));
	vmsnd_wake_poke(&wake);
	assert_true(readable(&wake));
	assert_true(vmsnd_wake_drain(&wake));
	assert_false(readable(&wake));
	vmsnd_wake_close(&wake);
}

/* Linked with --wrap=read: somebody pokes just before or after the descriptor is read. */
static struct vmsnd_wake *poke_before, *poke_after;
ssize_t __real_read(int fd, void *to, size_t bytes);
ssize_t __wrap_read(int fd, void *to, size_t bytes);

ssize_t __wrap_read(int fd, void *to, size_t bytes)
{
	ssize_t n;

	if (poke_before)
		vmsnd_wake_poke(poke_before);
	n = __real_read(fd, to, bytes);
	if (poke_after)
		vmsnd_wake_poke(poke_after);
	return n;
}

static void drain_and_be_poked(struct vmsnd_wake *before, struct vmsnd_wake *after)
{
	struct vmsnd_wake *wake = before ? before : after;

	vmsnd_wake_poke(wake);
	poke_before = before;
	poke_after = after;
	vmsnd_wake_drain(wake);
	poke_before = poke_after = NULL;
	/* Whatever became of that poke, the next one is heard. */
	vmsnd_wake_poke(wake);
	assert_true(readable(wake));
	vmsnd_wake_drain(wake);
}

static void test_wake_poked_in_the_middle_of_a_drain(void **state)
{
	struct vmsnd_wake wake;

	assert_int_equal(vmsnd_wake_open(&wake), VMSND_OK);
	drain_and_be_poked(&wake, NULL);
	drain_and_be_poked(NULL, &wake);
	drain_and_be_poked(&wake, &wake);
	vmsnd_wake_close(&wake);
}

#define POKES 20000u

struct poker {
	struct vmsnd_wake wake;
	_Atomic unsigned work;
};

static void *poke_many(void *arg)
{
	struct poker *poker = arg;

	for (unsigned i = 0; i < POKES; i++) {
		atomic_fetch_add_explicit(&poker->work, 1, memory_order_relaxed);
		vmsnd_wake_poke(&poker->wake);
	}
	return NULL;
}

/* No poke is lost: whoever waits for the descriptor sees all the work in the end. */
static void test_wake_loses_no_poke(void **state)
{
	struct poker poker = {.work = 0};
	pthread_t threads[3];

	assert_int_equal(vmsnd_wake_open(&poker.wake), VMSND_OK);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poke_many, &poker), 0);
	while (atomic_load_explicit(&poker.work, memory_order_relaxed) < 3 * POKES) {
		struct pollfd ready = {.fd = poker.wake.fd, .events = POLLIN};

		assert_int_equal(poll(&ready, 1, 20000), 1);
		vmsnd_wake_drain(&poker.wake);
	}
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	vmsnd_wake_close(&poker.wake);
}

/* ---- cpu ---- */

static void test_cpu_level_is_the_compilers(void **state)
{
	enum vmsnd_cpu best = vmsnd_cpu_best();

	assert_in_range(best, VMSND_CPU_BASELINE, VMSND_CPU_COUNT - 1);
	assert_int_equal(best, vmsnd_cpu_best());
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
	assert_int_equal(best == VMSND_CPU_X86_64_V3, !!__builtin_cpu_supports("x86-64-v3"));
#elif defined(__x86_64__)
	if (best == VMSND_CPU_X86_64_V3)
		assert_true(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
			    __builtin_cpu_supports("bmi2"));
#else
	assert_int_equal(best, VMSND_CPU_BASELINE);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_TH_01_no_thread_before_work_and_three_at_most),
	    cmocka_unit_test(test_DIR_01_an_urgent_job_does_not_wait_behind_others),
	    cmocka_unit_test(test_KEYx_4_fewer_threads_if_asked),
	    cmocka_unit_test(test_TH_01_one_thread_is_enough_for_one_at_a_time),
	    cmocka_unit_test(test_TH_01_idle_threads_end_and_others_begin),
	    cmocka_unit_test(test_TH_01_thousands_from_several_threads),
	    cmocka_unit_test(test_TH_01_waiting_jobs_keep_their_order),
	    cmocka_unit_test(test_TH_01_workers_take_no_signals_and_have_a_name),
	    cmocka_unit_test(test_TH_02_what_has_not_begun_can_be_taken_back),
	    cmocka_unit_test(test_TH_06_finished_is_told_after_done),
	    cmocka_unit_test(test_TH_07_without_a_thread_the_job_is_not_taken),
	    cmocka_unit_test(test_MX_37_close_drops_what_waits_and_waits_for_the_rest),
	    cmocka_unit_test(test_MX_37_close_without_any_work),
	    cmocka_unit_test(test_MX_37_a_hanging_job_does_not_hold_close_up),
	    cmocka_unit_test(test_wake_is_readable_from_poke_to_drain),
	    cmocka_unit_test(test_wake_never_blocks),
	    cmocka_unit_test(test_wake_poked_in_the_middle_of_a_drain),
	    cmocka_unit_test(test_wake_loses_no_poke),
	    cmocka_unit_test(test_cpu_level_is_the_compilers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
