/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 32

struct vmsnd_loop {
	int epoll_fd;
	bool coarse; /* the kernel has no epoll_pwait2 (before 5.11) */
};

enum vmsnd_rc vmsnd_loop_open(struct vmsnd_loop **out)
{
	struct vmsnd_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return VMSND_E_NOMEM;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		free(loop);
		return VMSND_E_SYSTEM;
	}
	*out = loop;
	return VMSND_OK;
}

void vmsnd_loop_close(struct vmsnd_loop *loop)
{
	close(loop->epoll_fd);
	free(loop);
}

enum vmsnd_rc vmsnd_loop_watch(struct vmsnd_loop *loop, int fd, uint64_t token)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? VMSND_E_SYSTEM : VMSND_OK;
}

enum vmsnd_rc vmsnd_loop_interest(struct vmsnd_loop *loop, int fd, uint64_t token, bool in,
				  bool out)
{
	struct epoll_event event = {.data.u64 = token};

	if (in)
		event.events |= EPOLLIN;
	if (out)
		event.events |= EPOLLOUT;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) ? VMSND_E_SYSTEM : VMSND_OK;
}

int vmsnd_loop_fd(const struct vmsnd_loop *loop)
{
	return loop->epoll_fd;
}

void vmsnd_loop_unwatch(struct vmsnd_loop *loop, int fd)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static int wait_ms(struct vmsnd_loop *loop, vmsnd_ns wait_ns, struct epoll_event *events, int max)
{
	/* Rounded up: waking early would only make the lane wait again. */
	vmsnd_ns ms = wait_ns == VMSND_NEVER ? 0 : (wait_ns + 999999) / 1000000;
	int timeout = wait_ns == VMSND_NEVER ? -1 : ms > 60000 ? 60000 : (int)ms;

	return epoll_wait(loop->epoll_fd, events, max, timeout);
}

static int wait_exact(struct vmsnd_loop *loop, vmsnd_ns wait_ns, struct epoll_event *events,
		      int max)
{
	struct timespec timeout = {.tv_sec = (time_t)(wait_ns / VMSND_NS_PER_SECOND),
				   .tv_nsec = (long)(wait_ns % VMSND_NS_PER_SECOND)};
	int n;

	if (loop->coarse)
		return wait_ms(loop, wait_ns, events, max);
	n = epoll_pwait2(loop->epoll_fd, events, max, wait_ns == VMSND_NEVER ? NULL : &timeout,
			 NULL);
	if (n >= 0 || (errno != ENOSYS && errno != EPERM))
		return n;
	loop->coarse = true; /* an old kernel, or a sandbox that does not know the call */
	return wait_ms(loop, wait_ns, events, max);
}

size_t vmsnd_loop_wait(struct vmsnd_loop *loop, vmsnd_ns wait_ns, uint64_t *tokens, size_t max)
{
	struct epoll_event events[EVENTS_MAX];
	int n = wait_exact(loop, wait_ns, events, (int)(max < EVENTS_MAX ? max : EVENTS_MAX));

	for (int i = 0; i < n; i++)
		tokens[i] = events[i].data.u64;
	return n > 0 ? (size_t)n : 0;
}

int vmsnd_loop_stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
