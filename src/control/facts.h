/* SPDX-License-Identifier: BSD-3-Clause */
/* What the facts that a backend tells of its host are called, for programs. */
#ifndef VMSND_CONTROL_FACTS_H
#define VMSND_CONTROL_FACTS_H

#include "vmsnd/backend.h"

static inline const char *vmsnd_fact_word(enum vmsnd_fact_name name)
{
	static const char *const words[VMSND_FACT_COUNT] = {
	    [VMSND_FACT_SERVER] = "server",   [VMSND_FACT_SOCKET] = "socket",
	    [VMSND_FACT_USER] = "user",       [VMSND_FACT_PLAYBACK] = "playback",
	    [VMSND_FACT_CAPTURE] = "capture", [VMSND_FACT_FORMAT] = "format",
	    [VMSND_FACT_TROUBLE] = "trouble", [VMSND_FACT_ADVICE] = "advice"};

	return (unsigned)name < VMSND_FACT_COUNT ? words[name] : "other";
}

#endif
