/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/config.h - the options of one device, backend or transport.
 *
 * A class lists what it understands in a constant table; text such as
 * "path=out.wav,pace=free" is checked against that table once, and the class then
 * asks for values by key. A comma inside a value is written twice. */
#ifndef VMSND_CONFIG_H
#define VMSND_CONFIG_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum vmsnd_option_type {
	VMSND_OPTION_TEXT,
	VMSND_OPTION_UINT, /* decimal or 0x, within minimum .. maximum */
	VMSND_OPTION_BOOL, /* on|off|yes|no|true|false */
	VMSND_OPTION_INT,  /* whole, also below 0; limits as VMSND_LIMIT_INT, both 0: none */
	VMSND_OPTION_REAL, /* finite; limits as VMSND_LIMIT_REAL, both 0: none */
	VMSND_OPTION_BYTES /* base64 of minimum .. maximum bytes; maximum 0: as many as fit */
};

/* How a row writes limits that are below 0 or no whole numbers; the latter to a thousandth. */
#define VMSND_LIMIT_INT(x)  ((uint64_t)(int64_t)(x))
#define VMSND_LIMIT_REAL(x) ((uint64_t)(int64_t)((x) < 0 ? (x)*1000.0 - 0.5 : (x)*1000.0 + 0.5))

/* One key. A table of these ends with a row whose key is NULL. */
struct vmsnd_option {
	const char *key;
	enum vmsnd_option_type type;
	const char *value; /* the default as text; NULL when there is none */
	const char *help;  /* one sentence for a person */
	uint64_t minimum, maximum;
};

#define VMSND_CONF_TEXT_BYTES 2048u
#define VMSND_CONF_PAIRS_MAX  64u

/* Parsed options. Plain data: copy it freely. Its size is not part of the ABI yet. */
struct vmsnd_conf {
	const struct vmsnd_option *table; /* NULL-terminated, outlives this */
	size_t n_pairs;
	struct {
		uint16_t option;   /* index into table */
		uint16_t value_at; /* offset into text */
	} pairs[VMSND_CONF_PAIRS_MAX];
	size_t text_bytes;
	char text[VMSND_CONF_TEXT_BYTES];
};

/* Checks `text` ("key=value,key=value", may be "" or NULL) against `table`. On
 * VMSND_E_INVALID, `error` (of `error_bytes`) holds one line without newline that
 * names `who`, the key, the nearest allowed key, or the range. */
enum vmsnd_rc vmsnd_conf_parse(struct vmsnd_conf *conf, const struct vmsnd_option *table,
			       const char *who, const char *text, char *error, size_t error_bytes);

/* The value given, else the default, else NULL. Good as long as `conf`. Asking for
 * a key that the table lacks is a programming error and gives NULL / 0 / false. */
const char *vmsnd_conf_text(const struct vmsnd_conf *conf, const char *key);
uint64_t vmsnd_conf_uint(const struct vmsnd_conf *conf, const char *key);
int64_t vmsnd_conf_int(const struct vmsnd_conf *conf, const char *key);
double vmsnd_conf_real(const struct vmsnd_conf *conf, const char *key);
bool vmsnd_conf_bool(const struct vmsnd_conf *conf, const char *key);
/* Writes at most `room` bytes, returns how many there are. */
size_t vmsnd_conf_bytes(const struct vmsnd_conf *conf, const char *key, void *bytes, size_t room);
/* Whether the key was given, default or not. */
bool vmsnd_conf_given(const struct vmsnd_conf *conf, const char *key);

#ifdef __cplusplus
}
#endif
#endif
