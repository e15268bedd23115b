/* SPDX-License-Identifier: BSD-3-Clause */
/* The guard itself: what is planted must abort, with its name; what is allowed must not. */
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "guard.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_spinlock_t spinlock;
static sem_t semaphore;
static mtx_t c11_mutex;
static void *volatile at;
static const char *unable;

/* ---- what is planted ---- */

static void plant_malloc(void)
{
	at = malloc(1);
}

static void plant_calloc(void)
{
	at = calloc(1, 1);
}

static void plant_realloc(void)
{
	at = realloc(at, 2);
}

static void plant_free(void)
{
	free(at);
}

static void plant_aligned_alloc(void)
{
	at = aligned_alloc(64, 64);
}

static void plant_memalign(void)
{
	at = memalign(64, 64);
}

static void plant_posix_memalign(void)
{
	void *out = NULL;

	at = posix_memalign(&out, 64, 64) ? NULL : out;
}

/* Inside another library. */
static void plant_strdup(void)
{
	at = strdup("x");
}

static void plant_mutex_lock(void)
{
	pthread_mutex_lock(&mutex);
}

static void plant_mutex_trylock(void)
{
	pthread_mutex_trylock(&mutex);
}

static void plant_rdlock(void)
{
	pthread_rwlock_rdlock(&rwlock);
}

static void plant_wrlock(void)
{
	pthread_rwlock_wrlock(&rwlock);
}

static void plant_spin_lock(void)
{
	pthread_spin_lock(&spinlock);
}

static void plant_signal(void)
{
	pthread_cond_signal(&condition);
}

static void plant_sem_post(void)
{
	sem_post(&semaphore);
}

static void plant_sem_wait(void)
{
	sem_wait(&semaphore);
}

static void plant_mtx_lock(void)
{
	mtx_lock(&c11_mutex);
}

static void plant_write(void)
{
	(void)!write(STDOUT_FILENO, "", 0);
}

static void plant_getpid(void)
{
	syscall(SYS_getpid);
}

static void plant_sleep(void)
{
	static const struct timespec none = {0, 0};

	nanosleep(&none, NULL);
}

static void plant_yield(void)
{
	sched_yield();
}

static void plant_printf(void)
{
	fputs("x", stderr);
}

static const struct {
	const char *name;
	void (*run)(void);
	const char *said;
} plants[] = {
    {"malloc", plant_malloc, "malloc"},
    {"calloc", plant_calloc, "calloc"},
    {"realloc", plant_realloc, "realloc"},
    {"free", plant_free, "free"},
    {"aligned_alloc", plant_aligned_alloc, "aligned_alloc"},
    {"memalign", plant_memalign, "memalign"},
    {"posix_memalign", plant_posix_memalign, "posix_memalign"},
    {"strdup", plant_strdup, "malloc"},
    {"mutex lock", plant_mutex_lock, "pthread_mutex_lock"},
    {"mutex trylock", plant_mutex_trylock, "pthread_mutex_trylock"},
    {"read lock", plant_rdlock, "pthread_rwlock_rdlock"},
    {"write lock", plant_wrlock, "pthread_rwlock_wrlock"},
    {"spin lock", plant_spin_lock, "pthread_spin_lock"},
    {"condition", plant_signal, "pthread_cond_signal"},
    {"semaphore post", plant_sem_post, "sem_post"},
    {"semaphore wait", plant_sem_wait, "sem_wait"},
    {"C11 mutex", plant_mtx_lock, "mtx_lock"},
    {"write", plant_write, "system call"},
    {"getpid", plant_getpid, "system call"},
    {"nanosleep", plant_sleep, "system call"},
    {"sched_yield", plant_yield, "system call"},
    {"stdio", plant_printf, "system call"},
};
#define PLANTS (sizeof(plants) / sizeof(plants[0]))

/* ---- in a process of its own ---- */

static _Noreturn void child(int out, void (*run)(void), bool guarded)
{
	const char *why;

	dup2(out, STDERR_FILENO);
	if (!rt_guard_init(&why))
		_exit(77);
	if (guarded)
		rt_guard_enter();
	run();
	rt_guard_leave();
	_exit(0);
}

/* How it ended, and what it said. */
static int run_child(void (*run)(void), bool guarded, char *said, size_t bytes)
{
	int ends[2], status = 0;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(ends[1], run, guarded);
	close(ends[1]);
	while (n + 1 < bytes && (got = read(ends[0], said + n, bytes - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = 0;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void need_guard(void)
{
	if (!unable)
		return;
	print_message("# skipped: %s\n", unable);
	skip();
}

static void test_what_is_planted_aborts(void **state)
{
	char said[4096];

	need_guard();
	for (size_t i = 0; i < PLANTS; i++) {
		int status = run_child(plants[i].run, true, said, sizeof(said));

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
			fail_msg("%s went through", plants[i].name);
		if (!strstr(said, "rt-guard:") || !strstr(said, plants[i].said))
			fail_msg("%s: %s", plants[i].name, said);
	}
}

static void test_outside_everything_is_allowed(void **state)
{
	char said[4096];

	need_guard();
	sem_post(&semaphore);
	for (size_t i = 0; i < PLANTS; i++)
		if (run_child(plants[i].run, false, said, sizeof(said)) != 0)
			fail_msg("%s: %s", plants[i].name, said);
}

static void compute(void)
{
	static volatile double sum;

	for (int i = 0; i < 1000; i++)
		sum = sum + (double)i * 0.5;
}

static void test_arithmetic_is_allowed(void **state)
{
	char said[4096];

	need_guard();
	assert_int_equal(run_child(compute, true, said, sizeof(said)), 0);
}

static void *guarded_thread(void *arg)
{
	const char *why;

	if (!rt_guard_init(&why))
		return NULL;
	rt_guard_enter();
	plant_getpid();
	return NULL;
}

/* Another thread may do what it likes meanwhile; one that is guarded may not. */
static void in_two_threads(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, guarded_thread, NULL);
	pthread_join(thread, NULL);
}

static void test_each_thread_by_itself(void **state)
{
	char said[4096];
	int status;

	need_guard();
	status = run_child(in_two_threads, false, said, sizeof(said));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_planted_aborts),
	    cmocka_unit_test(test_outside_everything_is_allowed),
	    cmocka_unit_test(test_arithmetic_is_allowed),
	    cmocka_unit_test(test_each_thread_by_itself),
	};

	pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE);
	sem_init(&semaphore, 0, 0);
	mtx_init(&c11_mutex, mtx_plain);
	if (rt_guard_init(&unable))
		unable = NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
