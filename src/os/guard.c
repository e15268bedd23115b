/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/guard.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define MAPPINGS_MAX 4096u

static struct {
	_Atomic uintptr_t start; /* 0: free; written last */
	_Atomic size_t bytes;
	_Atomic bool hit;
} mappings[MAPPINGS_MAX];

static _Atomic unsigned hits;

bool vmsnd_guard_add(void *at, size_t bytes)
{
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		uintptr_t none = 0;

		/* Claimed at an address that no access can have, then filled in. */
		if (!atomic_compare_exchange_strong(&mappings[i].start, &none, UINTPTR_MAX))
			continue;
		atomic_store(&mappings[i].hit, false);
		atomic_store(&mappings[i].bytes, bytes);
		atomic_store(&mappings[i].start, (uintptr_t)at);
		return true;
	}
	return false;
}

void vmsnd_guard_remove(void *at)
{
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		uintptr_t start = (uintptr_t)at;

		if (atomic_load(&mappings[i].start) != start)
			continue;
		atomic_store(&mappings[i].bytes, 0);
		atomic_store(&mappings[i].start, 0);
		return;
	}
}

/* The whole mapping and not a page of it: huge pages can only be replaced whole, and what is
 * left of a shortened memory is of no use. mmap is a bare system call, so it may be made here. */
static bool replace(uintptr_t at)
{
	for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
		uintptr_t start = atomic_load(&mappings[i].start);
		size_t bytes = atomic_load(&mappings[i].bytes);

		if (start == 0 || at < start || at - start >= bytes)
			continue;
		atomic_store(&mappings[i].hit, true);
		atomic_fetch_add(&hits, 1);
		return mmap((void *)start, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
			    0) != MAP_FAILED;
	}
	return false;
}

unsigned vmsnd_guard_hits(void)
{
	return atomic_load(&hits);
}

bool vmsnd_guard_was_hit(void *at)
{
	for (unsigned i = 0; i < MAPPINGS_MAX; i++)
		if (atomic_load(&mappings[i].start) == (uintptr_t)at)
			return atomic_load(&mappings[i].hit);
	return false;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
	/* Not ours: the access is made again when this returns, and ends the process. */
	if (!replace((uintptr_t)info->si_addr))
		signal(number, SIG_DFL);
}

bool vmsnd_guard_install(void)
{
	struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

	return sigaction(SIGBUS, &action, NULL) == 0;
}
