/* SPDX-License-Identifier: BSD-3-Clause */
/* That what runs on an audio thread allocates nothing, locks nothing and never enters the kernel,
 * libsamplerate within it included. The program's own malloc and pthread_mutex_lock stand before
 * the C library's, for shared libraries too; a filter of the kernel kills who calls it. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "flow_rig.h"

/* The C library's own. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *at, size_t bytes);
void __libc_free(void *at);

static atomic_bool armed;
static atomic_uint heap_calls, locks;

static void count_heap_call(void)
{
	if (atomic_load(&armed))
		atomic_fetch_add(&heap_calls, 1);
}

void *malloc(size_t bytes)
{
	count_heap_call();
	return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	count_heap_call();
	return __libc_calloc(count, bytes);
}

void *realloc(void *at, size_t bytes)
{
	count_heap_call();
	return __libc_realloc(at, bytes);
}

void free(void *at)
{
	count_heap_call();
	__libc_free(at);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	static int (*real)(pthread_mutex_t * mutex);

	if (atomic_load(&armed))
		atomic_fetch_add(&locks, 1);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
	return real(mutex);
}

/* ---- what is run ---- */

struct duty {
	enum vmsnd_sample from, to;
	uint32_t from_hz, to_hz, from_channels, to_channels;
	enum vmsnd_quality quality;
};

static const struct duty duties[] = {
    {VMSND_SAMPLE_S16, VMSND_SAMPLE_S16, 48000, 48000, 2, 2, VMSND_QUALITY_MEDIUM},
    {VMSND_SAMPLE_S16, VMSND_SAMPLE_FLOAT, 44100, 48000, 2, 2, VMSND_QUALITY_FASTEST},
    {VMSND_SAMPLE_S32, VMSND_SAMPLE_S16, 44100, 48000, 2, 2, VMSND_QUALITY_MEDIUM},
    {VMSND_SAMPLE_FLOAT64, VMSND_SAMPLE_S24_3, 48000, 44100, 6, 2, VMSND_QUALITY_BEST},
    {VMSND_SAMPLE_MULAW, VMSND_SAMPLE_ALAW, 8000, 192000, 1, 6, VMSND_QUALITY_FASTEST},
    {VMSND_SAMPLE_U8, VMSND_SAMPLE_S20, 96000, 8000, 3, 4, VMSND_QUALITY_MEDIUM},
};
#define N_DUTIES (sizeof(duties) / sizeof(duties[0]))
#define BLOCKS   300u

struct pair {
	struct flow_rig *pull, *push;
};

static void pair_open(struct pair *pair, const struct duty *duty)
{
	struct vmsnd_flow_conf conf = {
	    .from = flow_format(duty->from, duty->from_hz, duty->from_channels),
	    .to = flow_format(duty->to, duty->to_hz, duty->to_channels),
	    .rates = &vmsnd_resampler_samplerate,
	    .quality = duty->quality,
	    .bend = duty->quality != VMSND_QUALITY_MEDIUM,
	    .dither = true};

	pair->pull = flow_rig_pull(&conf);
	pair->push = flow_rig_push(&conf);
}

static void pair_close(struct pair *pair)
{
	flow_rig_close(pair->pull);
	flow_rig_close(pair->push);
}

static void mix_rt(void *ctx, double *samples, uint32_t frames)
{
	uint32_t taken;
	struct flow_rig *rig = ctx;

	vmsnd_flow_pull_mix_rt(&rig->flow, &rig->reader, samples, frames, &taken);
}

/* Every call that an audio thread may make, with rings running empty and full, bends and ramps. */
static void work(struct pair *pair, unsigned blocks)
{
	static unsigned char samples[1024 * RIG_CHANNELS * 8];
	static double mix[1024 * RIG_CHANNELS];
	struct flow_rig *pull = pair->pull, *push = pair->push;
	uint32_t count;

	for (unsigned i = 0; i < blocks; i++) {
		struct vmsnd_flow_block block = {.samples = i % 7 ? samples : NULL,
						 .frames = 1 + i * 37 % 1024,
						 .mix_rt = i % 3 ? NULL : mix_rt,
						 .ctx = pull};
		struct vmsnd_volume volume = {.gain_mdb = i % 50 ? 0 : -6000};

		vmsnd_flow_bend_rt(&pull->flow, 1 + 1e-6 * (i % 1000));
		vmsnd_flow_bend_rt(&push->flow, 1 - 1e-6 * (i % 1000));
		vmsnd_gain_set(&pull->flow.gain, &volume);
		flow_rig_write(pull, samples, i * 31 % 1024);
		vmsnd_flow_pull_rt(&pull->flow, &pull->reader, pull->out, 1 + i * 17 % 1024,
				   &count);
		if (i % 11 == 0)
			vmsnd_flow_drain_rt(&pull->flow, pull->out, 100);
		vmsnd_flow_pull_mix_rt(&pull->flow, &pull->reader, mix, i % 400, &count);
		vmsnd_flow_push_rt(&push->flow, &block, &push->writer, &count);
		flow_rig_read(push, push->out, 1000);
		vmsnd_flow_exact_rt(&pull->flow);
		vmsnd_flow_held_frames_rt(&pull->flow);
		if (i % 100 == 99)
			vmsnd_flow_reset(&pull->flow);
	}
}

static void test_no_allocation_and_no_lock(void **state)
{
	atomic_store(&heap_calls, 0);
	atomic_store(&locks, 0);
	for (size_t d = 0; d < N_DUTIES; d++) {
		struct pair pair;

		pair_open(&pair, &duties[d]);
		atomic_store(&armed, true);
		work(&pair, BLOCKS);
		atomic_store(&armed, false);
		pair_close(&pair);
	}
	assert_int_equal(atomic_load(&heap_calls), 0);
	assert_int_equal(atomic_load(&locks), 0);
}

/* Opening a converter allocates within the library: that it is seen shows that all would be. */
static void test_allocations_and_locks_would_be_seen(void **state)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct vmsnd_resampler *resampler;

	atomic_store(&heap_calls, 0);
	atomic_store(&locks, 0);
	atomic_store(&armed, true);
	assert_int_equal(vmsnd_resampler_samplerate.open(VMSND_QUALITY_FASTEST, 2, &resampler),
			 VMSND_OK);
	pthread_mutex_lock(&mutex);
	atomic_store(&armed, false);
	pthread_mutex_unlock(&mutex);
	vmsnd_resampler_samplerate.close(resampler);
	assert_true(atomic_load(&heap_calls) > 1); /* ours, and the library's */
	assert_int_equal(atomic_load(&locks), 1);
}

/* ---- the kernel ---- */

/* From now on every system call but exit is death. */
static bool close_the_door(void)
{
	struct sock_filter rows[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
	struct sock_fprog program = {sizeof(rows) / sizeof(rows[0]), rows};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#define NO_DOOR 77

/* The end of a process that works behind the door, or calls the kernel there. */
static int end_behind_the_door(const struct duty *duty)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct pair pair;

		pair_open(&pair, duty ? duty : &duties[0]);
		if (!close_the_door())
			_exit(NO_DOOR);
		if (duty)
			work(&pair, BLOCKS);
		else
			syscall(SYS_getppid);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_DOOR)
		skip();
	return status;
}

static void test_no_system_call(void **state)
{
	int status;

	for (size_t d = 0; d < N_DUTIES; d++) {
		status = end_behind_the_door(&duties[d]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

static void test_a_system_call_would_be_seen(void **state)
{
	int status = end_behind_the_door(NULL);

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_allocation_and_no_lock),
	    cmocka_unit_test(test_allocations_and_locks_would_be_seen),
	    cmocka_unit_test(test_no_system_call),
	    cmocka_unit_test(test_a_system_call_would_be_seen),
	};

	return cmocka_run_group_tests_name("flow_rt", tests, NULL, NULL);
}
