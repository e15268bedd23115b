/* SPDX-License-Identifier: BSD-3-Clause */
/* Real-time priority for lanes' threads (MX-38): from the system, from limits, from whoever the
 * owner names, from nobody. Each in a process of its own, as rights do not come back. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/clock.h"
#include "os/pool.h"
#include "os/priority.h"
#include "vmsnd/machine.h"

#define LIMIT_NS  (10 * VMSND_NS_PER_SECOND)
#define LANES     2u
#define NOBODY    65534
#define GOOD      0
#define FORBIDDEN 77
/* Whoever is asked once may not be asked again within this. */
#define STILL_NS UINT64_C(100000000)

/* What the child sees of its machine. */
static struct {
	pthread_mutex_t lock;
	unsigned asked, lines;
	int threads[8];
	unsigned priority;
	bool gives;
	char line[512];
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level > VMSND_LOG_INFO)
		return;
	pthread_mutex_lock(&seen.lock);
	seen.lines++;
	snprintf(seen.line, sizeof(seen.line), "%s", line);
	pthread_mutex_unlock(&seen.lock);
}

static bool hook(void *ctx, int thread_id, unsigned priority, char *why, size_t bytes)
{
	bool gives;

	pthread_mutex_lock(&seen.lock);
	if (seen.asked < 8)
		seen.threads[seen.asked] = thread_id;
	seen.asked++;
	seen.priority = priority;
	gives = seen.gives;
	pthread_mutex_unlock(&seen.lock);
	snprintf(why, bytes, "the keeper sleeps");
	return gives;
}

static unsigned count(const unsigned *figure)
{
	unsigned n;

	pthread_mutex_lock(&seen.lock);
	n = *figure;
	pthread_mutex_unlock(&seen.lock);
	return n;
}

/* Threads of this process in real time whose name begins with vmsnd-; -1 when one of them has not
 * this priority. */
static int raised(int priority)
{
	DIR *folder = opendir("/proc/self/task");
	int n = 0;

	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		char path[300], name[32] = "";
		struct sched_param param = {0};
		int thread_id = atoi(entry->d_name);
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && strncmp(name, "vmsnd-lane", 10) == 0 &&
		    sched_getscheduler(thread_id) == (SCHED_RR | SCHED_RESET_ON_FORK)) {
			sched_getparam(thread_id, &param);
			n = n < 0 || param.sched_priority != priority ? -1 : n + 1;
		}
		fclose(file);
	}
	if (folder)
		closedir(folder);
	return n;
}

static bool wait_raised(int priority, int n)
{
	vmsnd_ns until = vmsnd_clock_now() + LIMIT_NS;

	while (raised(priority) != n && vmsnd_clock_now() < until)
		vmsnd_clock_sleep_until(vmsnd_clock_now() + 1000000);
	return raised(priority) == n;
}

static bool wait_count(const unsigned *figure, unsigned n)
{
	vmsnd_ns until = vmsnd_clock_now() + LIMIT_NS;

	while (count(figure) < n && vmsnd_clock_now() < until)
		vmsnd_clock_sleep_until(vmsnd_clock_now() + 1000000);
	return count(figure) >= n;
}

static bool may_raise(void)
{
	char why[200];

	return vmsnd_priority_raise(0, 1, why, sizeof(why));
}

static struct vmsnd_machine *open_machine(unsigned priority, bool with_hook)
{
	struct vmsnd_machine_conf conf = {.lanes = LANES,
					  .realtime_priority = priority,
					  .realtime = with_hook ? hook : NULL,
					  .log = {.write = write_line}};
	struct vmsnd_machine *machine = NULL;

	return vmsnd_machine_open(&conf, &machine) ? NULL : machine;
}

/* Rights are gone: only the limit counts. */
static bool become_nobody(rlim_t limit)
{
	const struct rlimit limits = {limit, limit};

	return setrlimit(RLIMIT_RTPRIO, &limits) == 0 &&
	       (getuid() != 0 || setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

/* ---- what a child does; its exit code ---- */

static int by_the_system(void)
{
	struct vmsnd_machine *machine;
	bool good;

	if (getuid() != 0 || !may_raise())
		return FORBIDDEN;
	machine = open_machine(7, true);
	good = machine && wait_raised(7, LANES);
	vmsnd_machine_close(machine, 0);
	return good && seen.asked == 0 && seen.lines == 0 ? GOOD : 1;
}

/* The limit allows 3 of the 7. */
static int by_limits(void)
{
	struct vmsnd_machine *machine;
	bool good;

	if (getuid() != 0 || !may_raise() || !become_nobody(3))
		return FORBIDDEN;
	machine = open_machine(7, true);
	good = machine && wait_raised(3, LANES);
	vmsnd_machine_close(machine, 0);
	return good && seen.asked == 0 && seen.lines == 0 ? GOOD : 1;
}

static int by_the_hook(void)
{
	struct vmsnd_machine *machine;
	bool good;

	if (!become_nobody(0) || may_raise())
		return FORBIDDEN;
	seen.gives = true;
	machine = open_machine(7, true);
	good = machine && wait_count(&seen.asked, LANES);
	vmsnd_machine_close(machine, 0);
	return good && seen.asked == LANES && seen.priority == 7 && seen.lines == 0 &&
		       seen.threads[0] != getpid() && seen.threads[0] != seen.threads[1]
		   ? GOOD
		   : 1;
}

/* One line for the whole machine, which says why and what to do. */
static int by_nobody(bool with_hook)
{
	struct vmsnd_machine *machine;
	bool good;

	if (!become_nobody(0) || may_raise())
		return FORBIDDEN;
	machine = open_machine(7, with_hook);
	good =
	    machine && wait_count(&seen.lines, 1) && (!with_hook || wait_count(&seen.asked, LANES));
	vmsnd_clock_sleep_until(vmsnd_clock_now() + STILL_NS);
	vmsnd_machine_close(machine, 0);
	return good && seen.lines == 1 && strstr(seen.line, "vmsnd check") &&
		       strstr(seen.line, "ulimit -r") &&
		       !strstr(seen.line, "the keeper sleeps") == !with_hook
		   ? GOOD
		   : 1;
}

static int refused(void)
{
	return by_nobody(true);
}

static int without_hook(void)
{
	return by_nobody(false);
}

static int off(void)
{
	struct vmsnd_machine *machine;
	bool good;

	if (!become_nobody(0))
		return FORBIDDEN;
	machine = open_machine(0, true);
	vmsnd_clock_sleep_until(vmsnd_clock_now() + STILL_NS);
	good = machine && raised(0) == 0;
	vmsnd_machine_close(machine, 0);
	return good && seen.asked == 0 && seen.lines == 0 ? GOOD : 1;
}

static void *policy_of_this(void *arg)
{
	*(int *)arg = sched_getscheduler(0);
	return NULL;
}

/* A worker that a lane starts is a plain thread. */
static int offspring(void)
{
	pthread_t thread;
	int policy = -1;

	if (!may_raise())
		return FORBIDDEN;
	if (pthread_create(&thread, NULL, policy_of_this, &policy))
		return 1;
	pthread_join(thread, NULL);
	return policy == SCHED_OTHER ? GOOD : 1;
}

static void *spin(void *arg)
{
	vmsnd_ns until = vmsnd_clock_now() + LIMIT_NS;
	char why[200];

	vmsnd_priority_guard_this();
	if (!vmsnd_priority_raise(0, 1, why, sizeof(why)))
		return NULL;
	*(int *)arg = 1;
	while (vmsnd_priority_demoted() == 0 && vmsnd_clock_now() < until)
		;
	*(int *)arg = sched_getscheduler(0) == SCHED_RR ? 1 : 2;
	return NULL;
}

static int spinning(void)
{
	pthread_t thread;
	int how = 0;

	if (!may_raise() || !vmsnd_priority_guard_install())
		return FORBIDDEN;
	if (pthread_create(&thread, NULL, spin, &how))
		return 1;
	pthread_join(thread, NULL);
	return how == 2 && vmsnd_priority_demoted() == 1 ? GOOD : 1;
}

/* As the threads of libraries are: nobody tells them of the guard. */
static void *spin_unprepared(void *arg)
{
	vmsnd_ns until = vmsnd_clock_now() + LIMIT_NS;
	char why[200];

	if (!vmsnd_priority_raise(0, 1, why, sizeof(why)))
		return NULL;
	while (vmsnd_priority_demoted() == 0 && vmsnd_clock_now() < until)
		;
	*(bool *)arg = sched_getscheduler(0) != (SCHED_RR | SCHED_RESET_ON_FORK);
	return NULL;
}

struct library {
	struct vmsnd_job job;
	bool plain;
};

static void begin_library(struct vmsnd_job *job)
{
	struct library *library = (struct library *)job; /* its first member */
	pthread_t thread;

	if (pthread_create(&thread, NULL, spin_unprepared, &library->plain) == 0)
		pthread_join(thread, NULL);
}

static int spinning_library(void)
{
	struct library library = {.job = {.run = begin_library}};
	struct vmsnd_pool_conf conf = {.threads = 1};
	struct vmsnd_pool *pool;

	if (!may_raise() || !vmsnd_priority_guard_install())
		return FORBIDDEN;
	if (vmsnd_pool_open(&conf, &pool) || !vmsnd_pool_submit(pool, &library.job))
		return 1;
	while (!atomic_load_explicit(&library.job.done, memory_order_acquire))
		vmsnd_clock_sleep_until(vmsnd_clock_now() + 1000000);
	return vmsnd_pool_close(pool, LIMIT_NS) && library.plain && vmsnd_priority_demoted() == 1
		   ? GOOD
		   : 1;
}

static bool has_limit(rlim_t soft)
{
	vmsnd_ns until = vmsnd_clock_now() + LIMIT_NS;
	struct rlimit limit = {0, 0};

	while (getrlimit(RLIMIT_RTTIME, &limit) == 0 && limit.rlim_cur != soft &&
	       vmsnd_clock_now() < until)
		vmsnd_clock_sleep_until(vmsnd_clock_now() + 1000000);
	return limit.rlim_cur == soft;
}

/* A library takes the limit away, another sets it to the one that kills. */
static int limits_of_libraries(void)
{
	static const rlim_t hard[] = {RLIM_INFINITY, 200000, 100000};
	static const rlim_t soft[] = {VMSND_PRIORITY_SPIN_US, VMSND_PRIORITY_SPIN_US, 50000};
	bool good = vmsnd_priority_guard_install();

	for (unsigned i = 0; good && i < 3; i++) {
		const struct rlimit theirs = {hard[i], hard[i]};
		struct vmsnd_machine *machine;

		if (setrlimit(RLIMIT_RTTIME, &theirs))
			return FORBIDDEN;
		machine = open_machine(0, false);
		good = machine && has_limit(soft[i]);
		vmsnd_machine_close(machine, 0);
	}
	return good ? GOOD : 1;
}

/* ---- tests ---- */

static void in_child(int (*what)(void))
{
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0)
		_exit(what());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == FORBIDDEN) {
		/* cmocka's own skip() is a failure in TAP. */
		print_message("# skipped: this system does not let us try it\n");
		return;
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), GOOD);
}

#define TEST(name, what)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		in_child(what);                                                                    \
	}

TEST(test_MX_38_given_by_the_system, by_the_system)
TEST(test_MX_38_given_within_limits, by_limits)
TEST(test_MX_38_given_by_the_owners_hook, by_the_hook)
TEST(test_MX_38_refused_by_both_is_said_once, refused)
TEST(test_MX_38_refused_without_a_hook, without_hook)
TEST(test_MX_38_not_wanted, off)
TEST(test_MX_38_threads_of_a_lane_are_plain, offspring)
TEST(test_MX_38_who_spins_becomes_plain, spinning)
TEST(test_MX_38_threads_of_libraries_too, spinning_library)
TEST(test_MX_38_the_limit_outlives_libraries, limits_of_libraries)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_MX_38_given_by_the_system),
	    cmocka_unit_test(test_MX_38_given_within_limits),
	    cmocka_unit_test(test_MX_38_given_by_the_owners_hook),
	    cmocka_unit_test(test_MX_38_refused_by_both_is_said_once),
	    cmocka_unit_test(test_MX_38_refused_without_a_hook),
	    cmocka_unit_test(test_MX_38_not_wanted),
	    cmocka_unit_test(test_MX_38_threads_of_a_lane_are_plain),
	    cmocka_unit_test(test_MX_38_who_spins_becomes_plain),
	    cmocka_unit_test(test_MX_38_threads_of_libraries_too),
	    cmocka_unit_test(test_MX_38_the_limit_outlives_libraries),
	};

	return cmocka_run_group_tests_name("real-time priority", tests, NULL, NULL);
}
