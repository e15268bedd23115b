/* SPDX-License-Identifier: BSD-3-Clause */
/* What every backend of a card can be told, whatever its class: direction, format, loudness. */
#ifndef VMSND_MANAGER_OUTPUT_H
#define VMSND_MANAGER_OUTPUT_H

#include "connector/connector.h"

/* Parsed, and 0 or unset where nothing was said. */
struct vmsnd_output_conf {
	bool dirs[2]; /* which way it is used; by enum vmsnd_dir */
	struct vmsnd_lun_prefs prefs;
	struct vmsnd_volume volume; /* to begin with, both ways */
};

/* The table (KEY-05 .. KEY-12 and more); ends with a NULL key. */
const struct vmsnd_option *vmsnd_output_options(void);

/* Takes the values of that table out of a backend's parsed options. VMSND_E_INVALID: `error`
 * has the line, which begins with `who`. */
enum vmsnd_rc vmsnd_output_take(struct vmsnd_output_conf *out, const struct vmsnd_conf *conf,
				const char *who, char *error, size_t error_bytes);

/* "-6", "-6.5", "+3": decibels in thousandths; false when it is no number or out of range. */
bool vmsnd_output_gain(const char *text, int32_t *mdb);

#endif
