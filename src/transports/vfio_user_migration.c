/* SPDX-License-Identifier: BSD-3-Clause */
/* A VMM moves the card: it has it stand still, reads out what it is, and writes that into another
 * server's. The states and the ways between them are those of linux/vfio.h.
 *
 * While it may still run (PRE_COPY) there is nothing to read yet: a sound card's state is small,
 * and other a moment later. All of it is taken when the card has come to stand (STOP_COPY). */
#include <stdlib.h>
#include <string.h>

#include "transports/vfio_user_room.h"

/* The longest that is taken for a card's state: rings of a megabyte or so for each of its streams.
 */
#define STATE_BYTES_MAX (64u * 1024u * 1024u)

bool vmsnd_vfu_migration_possible(const struct vmsnd_transport *bus)
{
	return bus->card.cls->save && bus->card.cls->load && bus->user.stand && bus->user.save &&
	       bus->user.load;
}

/* ---- the data ------------------------------------------------------------------------------- */

static void drop_data(struct vmsnd_vfu_migration *moving)
{
	free(moving->data);
	moving->data = NULL;
	moving->data_bytes = moving->data_at = moving->data_room = 0;
}

/* The card stands still, so it is the same twice. */
static const char *take_state(struct vmsnd_transport *bus, struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_migration *moving = &bus->migration;
	struct vmsnd_state_writer to = {0};

	drop_data(moving);
	if (bus->user.save(bus->user.ctx, &to))
		return vmsnd_vfu_refuse(answer, VMSND_VFU_EIO, "its card cannot be saved");
	moving->data = malloc(to.used);
	if (!moving->data)
		return vmsnd_vfu_refuse(answer, VMSND_VFU_ENOMEM, "no memory for the card's state");
	to = (struct vmsnd_state_writer){.to = moving->data, .room = to.used};
	if (bus->user.save(bus->user.ctx, &to) || to.full) {
		drop_data(moving);
		return vmsnd_vfu_refuse(answer, VMSND_VFU_EIO, "its card cannot be saved");
	}
	moving->data_bytes = to.used;
	return NULL;
}

/* What has come is whole, or of no use; then it may be brought once more. */
static const char *give_state(struct vmsnd_transport *bus)
{
	struct vmsnd_vfu_migration *moving = &bus->migration;
	enum vmsnd_rc rc = bus->user.load(bus->user.ctx, moving->data, moving->data_bytes);

	drop_data(moving);
	return rc ? "a card's state that is of no use" : NULL;
}

/* Grows with what has come, never with what is announced. */
static bool make_room(struct vmsnd_vfu_migration *moving, size_t bytes)
{
	size_t room = moving->data_room ? moving->data_room : 65536;
	uint8_t *grown;

	if (bytes > STATE_BYTES_MAX - moving->data_bytes)
		return false;
	while (room < moving->data_bytes + bytes)
		room *= 2;
	if (room == moving->data_room)
		return true;
	grown = realloc(moving->data, room);
	if (!grown)
		return false;
	moving->data = grown;
	moving->data_room = room;
	return true;
}

const char *vmsnd_vfu_mig_data_read(struct vmsnd_transport *bus, const uint8_t *payload,
				    struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_migration *moving = &bus->migration;
	size_t left = moving->data_bytes - moving->data_at;
	struct vmsnd_vfu_two two;

	vmsnd_vfu_two_get(payload, &two);
	if (moving->state != VMSND_VFU_STOP_COPY && moving->state != VMSND_VFU_PRE_COPY)
		return "a question for a card's state that is not being saved";
	if (two.second > bus->client_data_max)
		return "a question for more than max_data_xfer_size";
	if (two.argsz < VMSND_VFU_FEATURE_BYTES || two.argsz - VMSND_VFU_FEATURE_BYTES < two.second)
		return "an argsz smaller than the answer";
	if (two.second > left)
		two.second = (uint32_t)left;
	two.argsz = VMSND_VFU_FEATURE_BYTES + two.second;
	answer->bytes = vmsnd_vfu_two_put(answer->to, &two);
	if (two.second > 0)
		memcpy(answer->to + answer->bytes, moving->data + moving->data_at, two.second);
	answer->bytes += two.second;
	moving->data_at += two.second;
	return NULL;
}

const char *vmsnd_vfu_mig_data_write(struct vmsnd_transport *bus, const uint8_t *payload,
				     struct vmsnd_vfu_answer *answer)
{
	uint32_t bytes = vmsnd_vfu_payload_bytes(&bus->header) - VMSND_VFU_FEATURE_BYTES;
	struct vmsnd_vfu_migration *moving = &bus->migration;
	struct vmsnd_vfu_two two;

	vmsnd_vfu_two_get(payload, &two);
	if (moving->state != VMSND_VFU_RESUMING)
		return "a card's state for one that is not being resumed";
	if (two.second != bytes)
		return "a card's state that is not as long as it says";
	if (!make_room(moving, bytes))
		return vmsnd_vfu_refuse(answer, VMSND_VFU_ENOSPC, "a card's state larger than any");
	if (bytes > 0)
		memcpy(moving->data + moving->data_bytes, payload + VMSND_VFU_FEATURE_BYTES, bytes);
	moving->data_bytes += bytes;
	return NULL;
}

/* ---- states --------------------------------------------------------------------------------- */

static void stand(struct vmsnd_transport *bus, bool still)
{
	if (bus->migration.stands == still)
		return;
	bus->migration.stands = still;
	bus->user.stand(bus->user.ctx, still);
}

static const char *halt(struct vmsnd_transport *bus, struct vmsnd_vfu_answer *answer)
{
	stand(bus, true);
	return NULL;
}

static const char *go_on(struct vmsnd_transport *bus, struct vmsnd_vfu_answer *answer)
{
	stand(bus, false);
	return NULL;
}

static const char *end_data(struct vmsnd_transport *bus, struct vmsnd_vfu_answer *answer)
{
	drop_data(&bus->migration);
	return NULL;
}

static const char *halt_and_save(struct vmsnd_transport *bus, struct vmsnd_vfu_answer *answer)
{
	const char *why;

	stand(bus, true);
	why = take_state(bus, answer);
	if (why)
		stand(bus, false);
	return why;
}

static const char *load(struct vmsnd_transport *bus, struct vmsnd_vfu_answer *answer)
{
	return give_state(bus);
}

/* All single ways there are, and what is done on them. */
static const struct arc {
	uint8_t from, to;
	const char *(*act)(struct vmsnd_transport *bus, struct vmsnd_vfu_answer *answer);
} arcs[] = {
    {VMSND_VFU_RUNNING, VMSND_VFU_STOP, halt},
    {VMSND_VFU_STOP, VMSND_VFU_RUNNING, go_on},
    {VMSND_VFU_STOP, VMSND_VFU_STOP_COPY, take_state},
    {VMSND_VFU_STOP_COPY, VMSND_VFU_STOP, end_data},
    {VMSND_VFU_STOP, VMSND_VFU_RESUMING, end_data},
    {VMSND_VFU_RESUMING, VMSND_VFU_STOP, load},
    {VMSND_VFU_RUNNING, VMSND_VFU_PRE_COPY, end_data},
    {VMSND_VFU_PRE_COPY, VMSND_VFU_RUNNING, end_data},
    {VMSND_VFU_PRE_COPY, VMSND_VFU_STOP_COPY, halt_and_save},
};

static const struct arc *arc_of(unsigned from, unsigned to)
{
	for (size_t i = 0; i < sizeof(arcs) / sizeof(arcs[0]); i++)
		if (arcs[i].from == from && arcs[i].to == to)
			return &arcs[i];
	return NULL;
}

/* The first arc of the shortest way; saving states are not passed through. NULL: there is none. */
static const struct arc *first_arc(unsigned from, unsigned to)
{
	const struct arc *arc = arc_of(from, to);

	if (arc || (from == VMSND_VFU_STOP_COPY && to == VMSND_VFU_PRE_COPY))
		return arc;
	/* Where only one way is left: from STOP to PRE_COPY, and out of it. */
	if (from == VMSND_VFU_STOP || from == VMSND_VFU_PRE_COPY)
		return arc_of(from, VMSND_VFU_RUNNING);
	return arc_of(from, VMSND_VFU_STOP);
}

static bool is_state(uint32_t state)
{
	return state == VMSND_VFU_STOP || state == VMSND_VFU_RUNNING ||
	       state == VMSND_VFU_STOP_COPY || state == VMSND_VFU_RESUMING ||
	       state == VMSND_VFU_PRE_COPY;
}

/* What fails on the way leaves the card in the state that it had reached. */
const char *vmsnd_vfu_migration_change(struct vmsnd_transport *bus, uint32_t to,
				       struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_migration *moving = &bus->migration;

	if (!is_state(to))
		return "a migration state that a card cannot be brought into";
	while (moving->state != to) {
		const struct arc *arc = first_arc(moving->state, to);
		const char *why = arc ? arc->act(bus, answer) : "no way to that migration state";

		if (why)
			return why;
		moving->state = (enum vmsnd_vfu_state)arc->to;
	}
	return NULL;
}

/* ---- sessions ---------------------------------------------------------------------------------
 */

void vmsnd_vfu_migration_begin(struct vmsnd_transport *bus)
{
	bus->migration.state = VMSND_VFU_RUNNING;
}

/* The card goes on by itself when its VMM has left. */
void vmsnd_vfu_migration_end(struct vmsnd_transport *bus)
{
	drop_data(&bus->migration);
	vmsnd_vfu_logging_end(bus);
	bus->migration.stands = false;
	bus->migration.state = VMSND_VFU_RUNNING;
}

void vmsnd_vfu_migration_reset(struct vmsnd_transport *bus)
{
	drop_data(&bus->migration);
	stand(bus, false);
	bus->migration.state = VMSND_VFU_RUNNING;
}
