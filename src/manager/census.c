/* SPDX-License-Identifier: BSD-3-Clause */
#include "manager/census.h"

#include <pthread.h>
#include <stdlib.h>

struct row {
	const void *cls;
	uint32_t count;
};

struct vmsnd_census {
	pthread_mutex_t lock;
	size_t n;
	struct row *rows;
};

enum vmsnd_rc vmsnd_census_open(struct vmsnd_census **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VMSND_E_NOMEM;
	pthread_mutex_init(&(*out)->lock, NULL);
	return VMSND_OK;
}

void vmsnd_census_close(struct vmsnd_census *census)
{
	if (!census)
		return;
	pthread_mutex_destroy(&census->lock);
	free(census->rows);
	free(census);
}

static struct row *find(struct vmsnd_census *census, const void *cls)
{
	for (size_t i = 0; i < census->n; i++)
		if (census->rows[i].cls == cls)
			return &census->rows[i];
	return NULL;
}

static struct row *find_or_make(struct vmsnd_census *census, const void *cls)
{
	struct row *row = find(census, cls), *rows;

	if (row)
		return row;
	rows = realloc(census->rows, (census->n + 1) * sizeof(*rows));
	if (!rows)
		return NULL;
	census->rows = rows;
	rows[census->n] = (struct row){.cls = cls};
	return &rows[census->n++];
}

static enum vmsnd_rc take(struct vmsnd_census *census, const void *cls, uint32_t max, bool leaving)
{
	enum vmsnd_rc rc = VMSND_E_NOMEM;
	struct row *row;

	pthread_mutex_lock(&census->lock);
	row = find_or_make(census, cls);
	if (row) {
		rc = row->count - (leaving && row->count > 0) < max ? VMSND_OK : VMSND_E_LIMIT;
		if (rc == VMSND_OK)
			row->count++;
	}
	pthread_mutex_unlock(&census->lock);
	return rc;
}

static void give(struct vmsnd_census *census, const void *cls)
{
	struct row *row;

	pthread_mutex_lock(&census->lock);
	row = find(census, cls);
	if (row && row->count > 0)
		row->count--;
	pthread_mutex_unlock(&census->lock);
}

enum vmsnd_rc vmsnd_census_take(struct vmsnd_census *census, const struct vmsnd_driver_class *cls,
				const struct vmsnd_driver_class *leaving)
{
	return take(census, cls, cls->max_instances, leaving == cls);
}

void vmsnd_census_give(struct vmsnd_census *census, const struct vmsnd_driver_class *cls)
{
	give(census, cls);
}

enum vmsnd_rc vmsnd_census_take_backend(struct vmsnd_census *census,
					const struct vmsnd_backend_class *cls,
					const struct vmsnd_backend_class *leaving)
{
	uint32_t max = cls->max_instances ? cls->max_instances : UINT32_MAX;

	return take(census, cls, max, leaving == cls);
}

void vmsnd_census_give_backend(struct vmsnd_census *census, const struct vmsnd_backend_class *cls)
{
	give(census, cls);
}
