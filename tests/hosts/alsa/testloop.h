/* SPDX-License-Identifier: BSD-3-Clause */
/* What testloop, a PCM without a kernel, shares with tests: everything that was played, in order,
 * and the faults that are wanted. One file for each card, mapped by all. */
#ifndef VMSND_TESTS_HOSTS_ALSA_TESTLOOP_H
#define VMSND_TESTS_HOSTS_ALSA_TESTLOOP_H

#include <stdatomic.h>
#include <stdint.h>

#define TESTLOOP_FRAMES      (1u << 20)
#define TESTLOOP_FRAME_BYTES 32u

enum testloop_fault {
	TESTLOOP_FINE,
	TESTLOOP_XRUN,    /* once */
	TESTLOOP_SUSPEND, /* until it is resumed or prepared */
	TESTLOOP_GONE,    /* the card is pulled, and stays so */
	TESTLOOP_BUSY,    /* cannot be opened: others have it, ... */
	TESTLOOP_DENIED   /* ... or it is not for this user */
};

struct testloop {
	_Atomic uint64_t played;   /* frames that have been heard, all in all */
	_Atomic uint64_t recorded; /* of these, how many were given back */
	_Atomic uint32_t fault[2]; /* 0: playback, 1: capture */
	_Atomic uint32_t opens[2], prepares[2], pauses[2], resumes[2];
	uint8_t frames[TESTLOOP_FRAMES][TESTLOOP_FRAME_BYTES];
};

#endif
