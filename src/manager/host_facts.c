/* SPDX-License-Identifier: BSD-3-Clause */
/* What a host tells of itself: asked by a worker, as one that hangs takes its time. */
#include <stdlib.h>

#include "manager/host.h"
#include "vmsnd/machine.h"

static void ask(void *arg)
{
	struct vmsnd_host *host = arg;
	size_t n = host->cls->facts(host->backend, host->facts, VMSND_HOST_FACTS_MAX);

	host->n_facts = n < VMSND_HOST_FACTS_MAX ? n : VMSND_HOST_FACTS_MAX;
	for (size_t i = 0; i < host->n_facts; i++)
		host->facts[i].text[VMSND_FACT_TEXT_BYTES - 1] = '\0';
	atomic_store_explicit(&host->asked_facts, VMSND_HOST_TOLD, memory_order_release);
}

enum vmsnd_rc vmsnd_host_ask(struct vmsnd_host *host)
{
	unsigned asked = atomic_load_explicit(&host->asked_facts, memory_order_acquire);

	if (!host->cls->facts)
		return VMSND_E_UNSUPPORTED;
	if (asked == VMSND_HOST_ASKED)
		return VMSND_OK;
	if (!host->backend || host->phase != VMSND_HOSTING_OPEN)
		return VMSND_E_GONE;
	if (!host->facts)
		host->facts = calloc(VMSND_HOST_FACTS_MAX, sizeof(*host->facts));
	if (!host->facts)
		return VMSND_E_NOMEM;
	atomic_store_explicit(&host->asked_facts, VMSND_HOST_ASKED, memory_order_relaxed);
	/* close waits for it as for the backend's own. */
	if (vmsnd_host_user.job(host, ask, host))
		return VMSND_OK;
	atomic_store_explicit(&host->asked_facts, VMSND_HOST_UNASKED, memory_order_relaxed);
	return VMSND_E_AGAIN;
}

enum vmsnd_rc vmsnd_host_facts(const struct vmsnd_host *host, struct vmsnd_fact *out, size_t *n)
{
	unsigned asked = atomic_load_explicit(&host->asked_facts, memory_order_acquire);

	if (asked == VMSND_HOST_ASKED)
		return VMSND_E_AGAIN;
	if (asked == VMSND_HOST_UNASKED)
		return VMSND_E_UNSUPPORTED;
	if (host->n_facts < *n)
		*n = host->n_facts;
	for (size_t i = 0; i < *n; i++)
		out[i] = host->facts[i];
	return VMSND_OK;
}
