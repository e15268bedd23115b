/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices, drivers, backends and a transport that write down what is asked of them, in order. */
#ifndef VMSND_TESTS_ACTORS_H
#define VMSND_TESTS_ACTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "vmsnd/machine.h"

/* "late" of an actor: so many times it says VMSND_E_AGAIN before it is done. */
struct actors {
	char story[8192]; /* one line for each call: "actor a init" */
	char log[4096];   /* warnings and errors, a line each */
	struct vmsnd_registry *registry;
	struct vmsnd_machine *machine;
	vmsnd_ns now;
	unsigned late_device, late_driver, late_backend;
	enum vmsnd_rc fail_init, fail_complete, fail_life;
	/* The first stream of every device plays from init-complete on, and backends have streams
	 * ("stream a starts", "stands"): without them there are no instances of drivers. */
	bool plays;
	const char *fail_card; /* which card's device fails; NULL: every one */
};
extern struct actors actors;

/* A machine with the actors: devices "actor" (of kind audio), "bridge" (a bus), "first" (notified
 * first), "single" (one instance at most); driver "step"; backend "stage"; transports "hall", and
 * "gate", which takes sockets. */
void actors_open(bool off);
void actors_close(void);
/* Adds what the text says in YAML; fails the test if that does not go. */
void actors_build(const char *yaml);
enum vmsnd_rc actors_try(const char *yaml);
/* What was asked since the last call. */
const char *actors_story(void);
/* Until it is done; `step` of time between two tries. The number of tries. */
unsigned actors_life(enum vmsnd_life what, vmsnd_ns step);

#endif
