/* SPDX-License-Identifier: BSD-3-Clause */
/* Units of a port: put in, taken out, given another backend. */
#include "connector/port.h"

size_t vmsnd_lun_footprint(void)
{
	return sizeof(struct vmsnd_lun);
}

struct vmsnd_lun *vmsnd_port_lun(const struct vmsnd_port *port, unsigned index)
{
	return index < VMSND_PORT_LUNS_MAX ? port->luns[index] : NULL;
}

static void init(struct vmsnd_lun *lun, struct vmsnd_port *port, unsigned index,
		 const struct vmsnd_lun_conf *conf)
{
	lun->port = port;
	lun->index = index;
	lun->conf = *conf;
	lun->dir = conf->role == VMSND_LUN_NORMAL ? port->conf.dir : VMSND_PLAYBACK;
	lun->next_host = conf->host;
	lun->sides[0].lun = lun->sides[1].lun = lun;
	lun->side = &lun->sides[0];
	lun->path = index == 0 ? &port->main : &lun->own;
	lun->fed = lun->idle = VMSND_NEVER;
	vmsnd_path_init(&lun->own, &lun->flow);
	vmsnd_ring_end_init(&lun->far, &lun->head, conf->ring_storage, 0, 0);
	lun->own.ring = lun->far;
}

enum vmsnd_rc vmsnd_port_add(struct vmsnd_port *port, unsigned index, struct vmsnd_lun *lun,
			     const struct vmsnd_lun_conf *conf, vmsnd_ns now)
{
	if (index >= VMSND_PORT_LUNS_MAX || port->luns[index] || !conf->backend ||
	    (index > 0 && !conf->ring_storage) || (index == 0 && conf->role != VMSND_LUN_NORMAL))
		return VMSND_E_INVALID;
	init(lun, port, index, conf);
	port->luns[index] = lun;
	port->n_places = index >= port->n_places ? index + 1 : port->n_places;
	port->time = now;
	vmsnd_port_wish(port);
	if (index > 0 && port->known)
		vmsnd_lun_feed_reset(lun);
	vmsnd_port_settle_luns(port, now);
	if (port->prepared && index == 0)
		vmsnd_port_measure(port);
	return VMSND_OK;
}

/* Unit 0's path is the port's and goes on without it. */
void vmsnd_port_remove(struct vmsnd_port *port, unsigned index, vmsnd_ns now)
{
	struct vmsnd_lun *lun = vmsnd_port_lun(port, index);

	if (!lun)
		return;
	port->time = now;
	lun->removed = true;
	vmsnd_port_wish(port);
	vmsnd_lun_stop(lun, now);
	vmsnd_lun_unlink(lun);
	vmsnd_lun_settle(lun, now);
	if (index == 0) {
		lun->path = &lun->own; /* what is still under way must not touch the next unit's */
		port->opens += lun->opens;
		port->losses += lun->losses;
	}
	port->luns[index] = NULL;
	vmsnd_port_settle_luns(port, now);
	if (port->prepared && index == 0)
		vmsnd_port_measure(port);
}

bool vmsnd_lun_gone(struct vmsnd_lun *lun)
{
	if (!lun->removed)
		return false;
	vmsnd_lun_settle(lun, lun->port->time);
	return !lun->stream && lun->side->job.task == VMSND_TASK_NONE &&
	       vmsnd_lun_other_over(lun) && vmsnd_lun_unlink(lun);
}

void vmsnd_lun_attach(struct vmsnd_lun *lun, struct vmsnd_backend *host, vmsnd_ns now)
{
	/* While a change over waits, the unit still has the host that it leaves. */
	if (lun->other.changing)
		lun->other.next_host = host;
	else
		lun->next_host = host;
	lun->port->time = now;
	vmsnd_port_wish(lun->port);
	vmsnd_port_settle_luns(lun->port, now);
}

bool vmsnd_lun_detached(const struct vmsnd_lun *lun)
{
	return lun->conf.host == lun->next_host && !lun->other.leaving && !lun->other.changing;
}

void vmsnd_lun_reopen(struct vmsnd_lun *lun, vmsnd_ns now)
{
	lun->reopen = lun->stream || lun->side->job.task == VMSND_TASK_OPEN;
	lun->tries = 0;
	lun->retry = now;
	lun->port->time = now;
	vmsnd_port_settle_luns(lun->port, now);
}

void vmsnd_lun_retry(struct vmsnd_lun *lun, vmsnd_ns now)
{
	if (lun->stream || lun->retry <= now)
		return;
	lun->retry = now;
	lun->port->time = now;
	vmsnd_port_settle_luns(lun->port, now);
}
