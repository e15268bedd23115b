/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that only the client reaches: it came without a descriptor, so the client is asked for it
 * and answers when it can. Nothing waits here: a read that is asked for the first time sends the
 * question, and is answered when the card comes with it once more.
 *
 * An answer is good for one read, and for the card's next step only: what the card has not fetched
 * then it does without, and later memory is not what it was. */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "transports/vfio_user_room.h"

/* Of one read or write, in pieces as the client takes them, and of all that is under way. */
#define BYTES_MAX     VMSND_VFU_REMOTE_BYTES_MAX
#define BYTES_ALL_MAX (2 * BYTES_MAX)

/* A client that has not answered by then never will. */
#define ANSWER_NS (UINT64_C(5) * VMSND_NS_PER_SECOND)

/* In the payload: QEMU 10.1's data begin here, and as many bytes are left over behind them. */
#define NARROW_AT   12u
#define NARROW_LEFT (VMSND_VFU_DMA_ACCESS_BYTES - NARROW_AT)

/* ---- requests ------------------------------------------------------------------------------- */

static struct vmsnd_vfu_request *vacant(struct vmsnd_vfu_remote *remote)
{
	for (unsigned i = 0; i < VMSND_VFU_REQUESTS_MAX; i++)
		if (remote->requests[i].phase == VMSND_VFU_VACANT)
			return &remote->requests[i];
	return NULL;
}

static void vacate(struct vmsnd_vfu_remote *remote, struct vmsnd_vfu_request *request)
{
	remote->bytes -= request->bytes;
	free(request->data);
	*request = (struct vmsnd_vfu_request){.phase = VMSND_VFU_VACANT};
}

static uint32_t piece_of(const struct vmsnd_transport *bus)
{
	return bus->client_data_max;
}

/* How many messages it takes. */
static uint32_t pieces(const struct vmsnd_transport *bus, size_t bytes)
{
	return (uint32_t)((bytes - 1) / piece_of(bus) + 1);
}

/* Behind the count, as the client has it; the message is as long either way. */
static void put_data(struct vmsnd_vfu_remote *remote, const uint8_t *from, uint32_t bytes)
{
	bool narrow = remote->layout == VMSND_VFU_COUNT_OF_32;
	uint8_t *to = remote->message + (narrow ? NARROW_AT : VMSND_VFU_DMA_ACCESS_BYTES);

	memcpy(to, from, bytes);
	if (narrow)
		memset(to + bytes, 0, NARROW_LEFT);
}

/* Pieces have numbers one after the other, so that an answer tells where it belongs. */
static bool send_piece(struct vmsnd_transport *bus, const struct vmsnd_vfu_request *request,
		       uint32_t index, const uint8_t *from)
{
	uint32_t offset = index * piece_of(bus);
	uint32_t bytes = request->bytes - offset;
	const struct vmsnd_vfu_header header = {.id = (uint16_t)(request->first_id + index),
						.command = request->writes ? VMSND_VFU_DMA_WRITE
									   : VMSND_VFU_DMA_READ};
	struct vmsnd_vfu_dma_access access;
	uint32_t used;

	if (bytes > piece_of(bus))
		bytes = piece_of(bus);
	access = (struct vmsnd_vfu_dma_access){.gpa = request->gpa + offset, .count = bytes};
	used = vmsnd_vfu_dma_access_put(bus->remote.message, &access);
	if (from)
		put_data(&bus->remote, from + offset, bytes);
	return vmsnd_vfu_out(bus, &header, bus->remote.message, used + (from ? bytes : 0));
}

/* A client that takes a few bytes at a time would be flooded, and is not asked. */
static enum vmsnd_rc begin(struct vmsnd_transport *bus, const struct vmsnd_vfu_request *wanted,
			   const uint8_t *from)
{
	struct vmsnd_vfu_remote *remote = &bus->remote;
	struct vmsnd_vfu_request *request;
	uint32_t n;

	if (wanted->bytes > BYTES_MAX || pieces(bus, wanted->bytes) > VMSND_VFU_PIECES_MAX)
		return VMSND_E_UNSUPPORTED;
	request = vacant(remote);
	if (!request || wanted->bytes > BYTES_ALL_MAX - remote->bytes)
		return VMSND_E_AGAIN;
	*request = *wanted;
	if (!wanted->writes) {
		request->data = malloc(wanted->bytes);
		if (!request->data) {
			*request = (struct vmsnd_vfu_request){.phase = VMSND_VFU_VACANT};
			return VMSND_E_NOMEM;
		}
	}
	n = pieces(bus, wanted->bytes);
	request->phase = VMSND_VFU_ASKED;
	request->asked = VMSND_NEVER;
	request->first_id = remote->next_id;
	request->n = request->left = n;
	remote->next_id = (uint16_t)(remote->next_id + n);
	remote->bytes += request->bytes;
	bus->counts.remote += n;
	for (uint32_t i = 0; i < n; i++)
		if (!send_piece(bus, request, i, from))
			return VMSND_E_GONE;
	return wanted->writes ? VMSND_OK : VMSND_E_AGAIN;
}

/* ---- what the card asks --------------------------------------------------------------------- */

static enum vmsnd_rc fetch(struct vmsnd_vfu_remote *remote, struct vmsnd_vfu_request *request,
			   void *to)
{
	enum vmsnd_rc rc = request->refused ? VMSND_E_GONE : VMSND_OK;

	if (request->phase == VMSND_VFU_ASKED)
		return VMSND_E_AGAIN;
	if (!request->refused)
		memcpy(to, request->data, request->bytes);
	vacate(remote, request);
	return rc;
}

static enum vmsnd_rc read_remote(void *ctx, vmsnd_gpa from, void *to, size_t bytes)
{
	struct vmsnd_transport *bus = ctx;
	struct vmsnd_vfu_request wanted = {.gpa = from, .bytes = (uint32_t)bytes};

	for (unsigned i = 0; i < VMSND_VFU_REQUESTS_MAX; i++) {
		struct vmsnd_vfu_request *request = &bus->remote.requests[i];

		if ((request->phase == VMSND_VFU_ASKED || request->phase == VMSND_VFU_ANSWERED) &&
		    !request->writes && request->gpa == from && request->bytes == bytes)
			return fetch(&bus->remote, request, to);
	}
	return bytes > BYTES_MAX ? VMSND_E_UNSUPPORTED : begin(bus, &wanted, NULL);
}

static enum vmsnd_rc write_remote(void *ctx, vmsnd_gpa to, const void *from, size_t bytes)
{
	struct vmsnd_transport *bus = ctx;
	struct vmsnd_vfu_request wanted = {.gpa = to, .bytes = (uint32_t)bytes, .writes = true};

	return bytes > BYTES_MAX ? VMSND_E_UNSUPPORTED : begin(bus, &wanted, from);
}

/* ---- what the client answers ------------------------------------------------------------------
 */

static struct vmsnd_vfu_request *request_of(struct vmsnd_transport *bus, uint32_t *index)
{
	const struct vmsnd_vfu_header *header = &bus->header;

	for (unsigned i = 0; i < VMSND_VFU_REQUESTS_MAX; i++) {
		struct vmsnd_vfu_request *request = &bus->remote.requests[i];

		*index = (uint16_t)(header->id - request->first_id);
		if ((request->phase == VMSND_VFU_ASKED || request->phase == VMSND_VFU_UNWANTED) &&
		    *index < request->n && !(request->seen >> *index & 1) &&
		    header->command == (request->writes ? VMSND_VFU_DMA_WRITE : VMSND_VFU_DMA_READ))
			return request;
	}
	return NULL;
}

static bool is_zero(const uint8_t *four)
{
	return vmsnd_le32(four) == 0;
}

/* Both layouts have the same length. With a count of 64 bits its upper half is 0; else the first
 * four bytes of data lie there, and the last four of the message are 0. Where all of them are 0, it
 * is as it was; the first answer, an entry of a list, is never like that. */
static enum vmsnd_vfu_layout layout_of(const struct vmsnd_vfu_remote *remote,
				       const uint8_t *payload, uint32_t data_bytes)
{
	bool wide = is_zero(payload + NARROW_AT),
	     narrow = is_zero(payload + NARROW_AT + data_bytes);

	if (wide == narrow)
		return remote->layout;
	return wide ? VMSND_VFU_COUNT_OF_64 : VMSND_VFU_COUNT_OF_32;
}

/* Whether the layout is the client's, and the place what was asked for. */
static bool is_place(struct vmsnd_vfu_remote *remote, const uint8_t *payload, vmsnd_gpa gpa,
		     uint32_t bytes)
{
	enum vmsnd_vfu_layout layout = layout_of(remote, payload, bytes);
	struct vmsnd_vfu_dma_access access;

	vmsnd_vfu_dma_access_get(payload, &access);
	if (remote->layout == VMSND_VFU_LAYOUT_UNKNOWN)
		remote->layout = layout;
	if (remote->layout == VMSND_VFU_COUNT_OF_32)
		access.count &= UINT32_MAX;
	return layout == remote->layout && access.gpa == gpa && access.count == bytes;
}

/* Bytes behind the address and the count; what a client adds to an answer to a write, and whether
 * its count has four bytes or eight there, is all one. NULL, or why it is no answer. */
static const char *check_piece(struct vmsnd_transport *bus, const struct vmsnd_vfu_request *request,
			       uint32_t index, const uint8_t *payload)
{
	uint32_t offset = index * piece_of(bus);
	uint32_t expected = request->bytes - offset;
	uint32_t bytes = vmsnd_vfu_payload_bytes(&bus->header);

	if (bus->header.flags & VMSND_VFU_ERROR)
		return "memory that the client does not let the card reach";
	if (request->writes)
		return NULL;
	if (expected > piece_of(bus))
		expected = piece_of(bus);
	if (bytes != VMSND_VFU_DMA_ACCESS_BYTES + expected)
		return "an answer with less than was asked for, or more";
	if (!is_place(&bus->remote, payload, request->gpa + offset, expected))
		return "an answer with other memory than was asked for";
	return NULL;
}

static void take_piece(struct vmsnd_transport *bus, struct vmsnd_vfu_request *request,
		       uint32_t index, const uint8_t *payload)
{
	const char *why = check_piece(bus, request, index, payload);
	uint32_t offset = index * piece_of(bus);

	request->seen |= UINT64_C(1) << index;
	request->left--;
	if (why) {
		request->refused = true;
		bus->counts.remote_refused++;
		vmsnd_peer_complain(&bus->peer,
				    request->writes ? "answer to DMA_WRITE" : "answer to DMA_READ",
				    why);
	} else if (!request->writes) {
		bool narrow = bus->remote.layout == VMSND_VFU_COUNT_OF_32;

		memcpy(request->data + offset,
		       payload + (narrow ? NARROW_AT : VMSND_VFU_DMA_ACCESS_BYTES),
		       vmsnd_vfu_payload_bytes(&bus->header) - VMSND_VFU_DMA_ACCESS_BYTES);
	}
}

const char *vmsnd_vfu_remote_replied(struct vmsnd_transport *bus, const uint8_t *payload,
				     struct vmsnd_vfu_answer *answer)
{
	struct vmsnd_vfu_request *request;
	uint32_t index;

	if (bus->header.bytes < VMSND_VFU_HEADER_BYTES)
		return "a reply that is shorter than its header";
	if (bus->peer.fds.n > 0)
		return "descriptors where none belong";
	request = request_of(bus, &index);
	answer->quiet = bus->remote.forgot;
	if (!request)
		return "a reply to nothing that was asked";
	take_piece(bus, request, index, payload);
	if (request->left > 0)
		return NULL;
	if (request->writes || request->phase == VMSND_VFU_UNWANTED)
		vacate(&bus->remote, request);
	else
		request->phase = VMSND_VFU_ANSWERED;
	return NULL;
}

/* ---- in time ----------------------------------------------------------------------------------
 */

/* What is not answered in time would take the room of what will be. Returns when that is. */
static vmsnd_ns grow_old(struct vmsnd_transport *bus, struct vmsnd_vfu_request *request)
{
	if (request->asked == VMSND_NEVER)
		request->asked = bus->now;
	if (bus->now - request->asked < ANSWER_NS)
		return request->asked + ANSWER_NS;
	vmsnd_peer_complain(&bus->peer, request->writes ? "DMA_WRITE" : "DMA_READ",
			    "the client does not answer");
	bus->counts.remote_refused += request->left;
	bus->remote.forgot = true;
	vacate(&bus->remote, request);
	return VMSND_NEVER;
}

/* The card has had its turn since the answers came. */
vmsnd_ns vmsnd_vfu_remote_advance(struct vmsnd_transport *bus)
{
	vmsnd_ns next = VMSND_NEVER;

	for (unsigned i = 0; i < VMSND_VFU_REQUESTS_MAX; i++) {
		struct vmsnd_vfu_request *request = &bus->remote.requests[i];
		vmsnd_ns at = VMSND_NEVER;

		if (request->phase == VMSND_VFU_ANSWERED)
			vacate(&bus->remote, request);
		else if (request->phase != VMSND_VFU_VACANT)
			at = grow_old(bus, request);
		next = at < next ? at : next;
	}
	return next;
}

/* Answers to them may still come, which is no news then. */
void vmsnd_vfu_remote_reset(struct vmsnd_transport *bus)
{
	for (unsigned i = 0; i < VMSND_VFU_REQUESTS_MAX; i++) {
		struct vmsnd_vfu_request *request = &bus->remote.requests[i];

		bus->remote.forgot |=
		    request->phase == VMSND_VFU_ASKED || request->phase == VMSND_VFU_UNWANTED;
		if (request->phase != VMSND_VFU_VACANT)
			vacate(&bus->remote, request);
	}
}

/* What was asked of a range that goes may still be answered; nobody wants it any more. */
void vmsnd_vfu_remote_forget(struct vmsnd_transport *bus, vmsnd_gpa gpa, uint64_t bytes)
{
	for (unsigned i = 0; i < VMSND_VFU_REQUESTS_MAX; i++) {
		struct vmsnd_vfu_request *request = &bus->remote.requests[i];

		if (request->gpa - gpa >= bytes)
			continue;
		if (request->phase == VMSND_VFU_ANSWERED)
			vacate(&bus->remote, request);
		else if (request->phase == VMSND_VFU_ASKED)
			request->phase = VMSND_VFU_UNWANTED;
	}
}

void vmsnd_vfu_remote_begin(struct vmsnd_transport *bus)
{
	bus->remote.way =
	    (struct vmsnd_remote){.ctx = bus, .read = read_remote, .write = write_remote};
}

void vmsnd_vfu_remote_end(struct vmsnd_transport *bus)
{
	vmsnd_vfu_remote_reset(bus);
	bus->remote.next_id = 0;
	bus->remote.forgot = false;
	bus->remote.layout = VMSND_VFU_LAYOUT_UNKNOWN;
}
