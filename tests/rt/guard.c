/* SPDX-License-Identifier: BSD-3-Clause */
/* The guard: interposed functions, and a handler for system calls that the kernel held up. */
#include "guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <threads.h>
#include <unistd.h>

/* <linux/prctl.h>, which older headers lack. */
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON           1
#endif
#define ALLOW 0
#define BLOCK 1

static _Thread_local volatile bool inside;
static _Thread_local volatile char selector; /* read by the kernel at each system call */
static _Atomic unsigned long entered;

/* ---- the end ---- */

static _Noreturn void stop(const char *what, long number)
{
	static const char text[] = "rt-guard: not allowed on an audio thread: ";
	void *stack[32];
	char line[160];
	int n;

	selector = ALLOW;
	inside = false;
	n = number < 0 ? snprintf(line, sizeof(line), "%s%s\n", text, what)
		       : snprintf(line, sizeof(line), "%s%s %ld\n", text, what, number);
	if (write(STDERR_FILENO, line, (size_t)n) == n)
		backtrace_symbols_fd(stack, backtrace(stack, 32), STDERR_FILENO);
	abort();
}

static void forbid(const char *what)
{
	if (inside)
		stop(what, -1);
}

static void on_system_call(int number, siginfo_t *info, void *context)
{
	selector = ALLOW;
	stop("system call", info->si_syscall);
}

/* ---- in and out ---- */

bool rt_guard_init(const char **why)
{
	struct sigaction action = {.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	*why = "a sanitizer allocates and locks wherever it likes";
	return false;
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	*why = "a sanitizer allocates and locks wherever it likes";
	return false;
#endif
#endif
	if (sigaction(SIGSYS, &action, NULL) == 0 &&
	    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0L, 0L, &selector) == 0)
		return true;
	*why = "the kernel lacks syscall user dispatch (CONFIG_GENERIC_ENTRY, Linux 5.11)";
	return false;
}

void rt_guard_enter(void)
{
	atomic_fetch_add_explicit(&entered, 1, memory_order_relaxed);
	inside = true;
	selector = BLOCK;
}

void rt_guard_leave(void)
{
	selector = ALLOW;
	inside = false;
}

unsigned long rt_guard_entered(void)
{
	return atomic_load(&entered);
}

/* ---- allocation: glibc's own names are beneath ---- */

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *at, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *at);

void *malloc(size_t bytes)
{
	forbid("malloc");
	return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
	forbid("calloc");
	return __libc_calloc(n, bytes);
}

void *realloc(void *at, size_t bytes)
{
	forbid("realloc");
	return __libc_realloc(at, bytes);
}

void free(void *at)
{
	forbid("free");
	__libc_free(at);
}

void *memalign(size_t alignment, size_t bytes);
void *memalign(size_t alignment, size_t bytes)
{
	forbid("memalign");
	return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	forbid("aligned_alloc");
	return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **out, size_t alignment, size_t bytes)
{
	forbid("posix_memalign");
	*out = __libc_memalign(alignment, bytes);
	return *out ? 0 : ENOMEM;
}

/* ---- locks, and what waits or wakes ---- */

static struct {
	int (*mutex_lock)(pthread_mutex_t *);
	int (*mutex_trylock)(pthread_mutex_t *);
	int (*mutex_timedlock)(pthread_mutex_t *, const struct timespec *);
	int (*rwlock_rdlock)(pthread_rwlock_t *);
	int (*rwlock_wrlock)(pthread_rwlock_t *);
	int (*rwlock_tryrdlock)(pthread_rwlock_t *);
	int (*rwlock_trywrlock)(pthread_rwlock_t *);
	int (*spin_lock)(pthread_spinlock_t *);
	int (*spin_trylock)(pthread_spinlock_t *);
	int (*cond_wait)(pthread_cond_t *, pthread_mutex_t *);
	int (*cond_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	int (*cond_signal)(pthread_cond_t *);
	int (*cond_broadcast)(pthread_cond_t *);
	int (*sem_wait)(sem_t *);
	int (*sem_trywait)(sem_t *);
	int (*sem_post)(sem_t *);
	int (*mtx_lock)(mtx_t *);
} real;

/* dlsym's void pointers are functions here; ISO C wants them copied over. */
static void find(void *slot, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(slot, &found, sizeof(found));
}

/* Before main, when there is one thread; other libraries' constructors may come first and find
 * their way by the checks below. */
__attribute__((constructor)) static void find_all(void)
{
	find(&real.mutex_trylock, "pthread_mutex_trylock");
	find(&real.mutex_timedlock, "pthread_mutex_timedlock");
	find(&real.rwlock_rdlock, "pthread_rwlock_rdlock");
	find(&real.rwlock_wrlock, "pthread_rwlock_wrlock");
	find(&real.rwlock_tryrdlock, "pthread_rwlock_tryrdlock");
	find(&real.rwlock_trywrlock, "pthread_rwlock_trywrlock");
	find(&real.spin_lock, "pthread_spin_lock");
	find(&real.spin_trylock, "pthread_spin_trylock");
	find(&real.cond_wait, "pthread_cond_wait");
	find(&real.cond_timedwait, "pthread_cond_timedwait");
	find(&real.cond_signal, "pthread_cond_signal");
	find(&real.cond_broadcast, "pthread_cond_broadcast");
	find(&real.sem_wait, "sem_wait");
	find(&real.sem_trywait, "sem_trywait");
	find(&real.sem_post, "sem_post");
	find(&real.mtx_lock, "mtx_lock");
	find(&real.mutex_lock, "pthread_mutex_lock");
}

static void check(const char *what)
{
	forbid(what);
	if (!real.mutex_lock)
		find_all();
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	check("pthread_mutex_lock");
	return real.mutex_lock(mutex);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	check("pthread_mutex_trylock");
	return real.mutex_trylock(mutex);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
	check("pthread_mutex_timedlock");
	return real.mutex_timedlock(mutex, until);
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	check("pthread_rwlock_rdlock");
	return real.rwlock_rdlock(lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	check("pthread_rwlock_wrlock");
	return real.rwlock_wrlock(lock);
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
	check("pthread_rwlock_tryrdlock");
	return real.rwlock_tryrdlock(lock);
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
	check("pthread_rwlock_trywrlock");
	return real.rwlock_trywrlock(lock);
}

int pthread_spin_lock(pthread_spinlock_t *lock)
{
	check("pthread_spin_lock");
	return real.spin_lock(lock);
}

int pthread_spin_trylock(pthread_spinlock_t *lock)
{
	check("pthread_spin_trylock");
	return real.spin_trylock(lock);
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	check("pthread_cond_wait");
	return real.cond_wait(condition, mutex);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
			   const struct timespec *until)
{
	check("pthread_cond_timedwait");
	return real.cond_timedwait(condition, mutex, until);
}

int pthread_cond_signal(pthread_cond_t *condition)
{
	check("pthread_cond_signal");
	return real.cond_signal(condition);
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
	check("pthread_cond_broadcast");
	return real.cond_broadcast(condition);
}

int sem_wait(sem_t *semaphore)
{
	check("sem_wait");
	return real.sem_wait(semaphore);
}

int sem_trywait(sem_t *semaphore)
{
	check("sem_trywait");
	return real.sem_trywait(semaphore);
}

int sem_post(sem_t *semaphore)
{
	check("sem_post");
	return real.sem_post(semaphore);
}

int mtx_lock(mtx_t *mutex)
{
	check("mtx_lock");
	return real.mtx_lock(mutex);
}
