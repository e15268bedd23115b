/* SPDX-License-Identifier: BSD-3-Clause */
/* How a backend instance begins: its class and its options are checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager/host.h"
#include "manager/output.h"

#define ERROR_BYTES 400u

static const char *missing(const struct vmsnd_backend_class *cls)
{
	const struct {
		const char *name;
		bool there;
	} rows[] = {
	    {"open", cls->open},
	    {"close", cls->close},
	    {"stream_open", cls->stream_open},
	    {"stream_start", cls->stream_start},
	    {"stream_stop", cls->stream_stop},
	    {"stream_close", cls->stream_close},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!rows[i].there)
			return rows[i].name;
	return NULL;
}

/* An option that every backend has cannot mean something else in one. */
static const char *doubled(const struct vmsnd_backend_class *cls)
{
	for (const struct vmsnd_option *own = cls->options; own && own->key; own++)
		for (const struct vmsnd_option *row = vmsnd_output_options(); row->key; row++)
			if (strcmp(own->key, row->key) == 0)
				return own->key;
	return NULL;
}

bool vmsnd_host_class_fits(const struct vmsnd_backend_class *cls, char *error, size_t bytes)
{
	const char *lacks, *twice;

	if (cls->abi != VMSND_BACKEND_ABI) {
		snprintf(error, bytes,
			 "backend '%s' was made for version %u of the interface, this is %u",
			 cls->name, cls->abi, VMSND_BACKEND_ABI);
		return false;
	}
	lacks = missing(cls);
	if (lacks)
		snprintf(error, bytes, "backend '%s' is not whole: it lacks %s", cls->name, lacks);
	twice = doubled(cls);
	if (twice)
		snprintf(error, bytes, "backend '%s' has an option '%s' that every backend has",
			 cls->name, twice);
	return !lacks && !twice;
}

static void join_tables(struct vmsnd_host *host)
{
	const struct vmsnd_option *const tables[] = {host->cls->options, vmsnd_output_options()};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct vmsnd_option *row = tables[i]; row && row->key; row++)
			if (n + 1 < VMSND_HOST_OPTIONS_MAX)
				host->table[n++] = *row;
	host->table[n] = (struct vmsnd_option){.key = NULL};
}

static struct vmsnd_host *make(const struct vmsnd_host_conf *conf)
{
	struct vmsnd_host *host = calloc(1, sizeof(*host));

	if (host && pthread_mutex_init(&host->lock, NULL)) {
		free(host);
		host = NULL;
	}
	if (!host)
		return NULL;
	host->env = conf->env;
	host->log = conf->log;
	host->cls = conf->cls;
	host->look_at = host->burst = host->retry_due = VMSND_NEVER;
	snprintf(host->card, sizeof(host->card), "%s", conf->card);
	snprintf(host->what, sizeof(host->what), "%s", conf->what);
	join_tables(host);
	return host;
}

static enum vmsnd_rc fail(const struct vmsnd_host_conf *conf, enum vmsnd_rc rc, const char *line)
{
	vmsnd_logf(conf->log, VMSND_LOG_ERROR, "%s", line);
	return rc;
}

enum vmsnd_rc vmsnd_host_make(const struct vmsnd_host_conf *conf, struct vmsnd_host **out)
{
	struct vmsnd_host *host;
	char error[ERROR_BYTES];
	enum vmsnd_rc rc;

	if (!vmsnd_host_class_fits(conf->cls, error, sizeof(error)))
		return fail(conf, VMSND_E_INVALID, error);
	host = make(conf);
	if (!host)
		return fail(conf, VMSND_E_NOMEM, "out of memory for a backend");
	rc = vmsnd_conf_parse(&host->conf, host->table, conf->cls->name, conf->options, error,
			      sizeof(error));
	if (rc) {
		vmsnd_host_free(host);
		return fail(conf, rc, error);
	}
	*out = host;
	return VMSND_OK;
}
