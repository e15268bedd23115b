/* SPDX-License-Identifier: BSD-3-Clause */
/* What each message of the peer does. */
#include <unistd.h>

#include "transports/vhost_user_room.h"

#define F_VERSION_1   (UINT64_C(1) << 32)
#define F_RING_PACKED (UINT64_C(1) << 34)

/* QEMU acknowledges whatever is offered, so only what is implemented stands here. */
static const uint64_t always_offered =
    UINT64_C(1) << VMSND_VU_P_MQ | UINT64_C(1) << VMSND_VU_P_REPLY_ACK |
    UINT64_C(1) << VMSND_VU_P_BACKEND_REQ | UINT64_C(1) << VMSND_VU_P_CONFIG |
    UINT64_C(1) << VMSND_VU_P_RESET_DEVICE | UINT64_C(1) << VMSND_VU_P_CONFIGURE_MEM_SLOTS |
    UINT64_C(1) << VMSND_VU_P_STATUS;

/* An answer under construction; `bytes` 0 means none. `fd` goes with it and is closed. */
struct answer {
	size_t bytes;
	int fd;
	uint8_t to[VMSND_VU_REPLY_BYTES_MAX];
};

/* NULL, or why the message is refused. */
typedef const char *handler(struct vmsnd_transport *bus, const uint8_t *payload,
			    struct answer *answer);

static const struct vmsnd_virtio_ops *ops_of(const struct vmsnd_transport *bus)
{
	return bus->card.cls->virtio;
}

static void answer_u64(struct vmsnd_transport *bus, struct answer *answer, uint64_t value)
{
	answer->bytes = vmsnd_vu_reply_u64(answer->to, bus->header.request, value);
}

static int take_fd(struct vmsnd_transport *bus)
{
	int fd = bus->peer.fds.n > 0 ? bus->peer.fds.fd[0] : -1;

	if (fd >= 0)
		bus->peer.fds.fd[0] = -1;
	return fd;
}

/* ---- features and status ------------------------------------------------------------- */

static const char *get_features(struct vmsnd_transport *bus, const uint8_t *payload,
				struct answer *answer)
{
	answer_u64(bus, answer,
		   ops_of(bus)->features(bus->card.dev) | VMSND_VU_F_PROTOCOL_FEATURES);
	return NULL;
}

static const char *set_features(struct vmsnd_transport *bus, const uint8_t *payload,
				struct answer *answer)
{
	uint64_t features = vmsnd_vu_u64_get(payload);

	if (!bus->features_applied || features != bus->features)
		ops_of(bus)->set_features(bus->card.dev, features & ~VMSND_VU_F_PROTOCOL_FEATURES);
	bus->features = features;
	bus->features_set = true;
	bus->features_applied = true;
	vmsnd_vu_rings_start(bus);
	return NULL;
}

static uint64_t offered(const struct vmsnd_transport *bus)
{
	return always_offered |
	       (ops_of(bus)->inflight ? UINT64_C(1) << VMSND_VU_P_INFLIGHT_SHMFD : 0);
}

static const char *get_protocol_features(struct vmsnd_transport *bus, const uint8_t *payload,
					 struct answer *answer)
{
	answer_u64(bus, answer, offered(bus));
	return NULL;
}

static const char *set_protocol_features(struct vmsnd_transport *bus, const uint8_t *payload,
					 struct answer *answer)
{
	return vmsnd_vu_u64_get(payload) & ~offered(bus) ? "protocol features that were not offered"
							 : NULL;
}

static const char *get_queue_num(struct vmsnd_transport *bus, const uint8_t *payload,
				 struct answer *answer)
{
	answer_u64(bus, answer, bus->n_rings);
	return NULL;
}

/* Long unused; the standard's advice is to take it as a wish for silence. */
static const char *reset_owner(struct vmsnd_transport *bus, const uint8_t *payload,
			       struct answer *answer)
{
	for (unsigned i = 0; i < bus->n_rings; i++)
		vmsnd_vu_ring_enable(bus, i, false);
	return NULL;
}

static const char *reset_device(struct vmsnd_transport *bus, const uint8_t *payload,
				struct answer *answer)
{
	vmsnd_vu_rings_forget(bus);
	bus->card.cls->reset(bus->card.dev, VMSND_RESET_BUS, bus->now);
	bus->features_applied = false;
	bus->status = 0;
	return NULL;
}

/* A second one on a connection: QEMU put in a card over the chardev of one that it unplugged. It
 * removes no region at an unplug, and sends them all anew. */
static const char *set_owner(struct vmsnd_transport *bus, const uint8_t *payload,
			     struct answer *answer)
{
	if (bus->owned) {
		reset_device(bus, payload, answer);
		vmsnd_vu_memory_clear(&bus->memory, bus->mem);
	}
	bus->owned = true;
	return NULL;
}

static const char *get_status(struct vmsnd_transport *bus, const uint8_t *payload,
			      struct answer *answer)
{
	answer_u64(bus, answer, bus->status);
	return NULL;
}

static const char *set_status(struct vmsnd_transport *bus, const uint8_t *payload,
			      struct answer *answer)
{
	uint64_t status = vmsnd_vu_u64_get(payload);

	if (status > UINT8_MAX)
		return "a status of more than eight bits";
	if (status == 0)
		return reset_device(bus, payload, answer);
	bus->status = (uint8_t)status;
	return NULL;
}

/* ---- configuration --------------------------------------------------------------------- */

/* Whatever the range, since Cloud Hypervisor does not survive a refusal. */
static const char *get_config(struct vmsnd_transport *bus, const uint8_t *payload,
			      struct answer *answer)
{
	struct vmsnd_vu_config config;

	/* QEMU sends SET_FEATURES, SET_STATUS and memory in one go, so a driver that can read
	 * in between has been started without. VMMs that do not know STATUS have no such order. */
	if (bus->status && bus->features & F_VERSION_1 && !bus->memory_came)
		vmsnd_peer_complain_memory(&bus->peer);
	vmsnd_vu_config_get(payload, &config);
	if (config.bytes > VMSND_VU_CONFIG_BYTES_MAX)
		return "a configuration range of more than 256 bytes";
	answer->bytes = vmsnd_vu_reply_config(answer->to, &config);
	ops_of(bus)->config_read(bus->card.dev, config.offset,
				 answer->to + answer->bytes - config.bytes, config.bytes);
	return NULL;
}

/* Every field of a sound card's configuration is the device's (virtio 1.2, 5.14.4): a
 * write changes nothing, as with a card of hardware. */
static const char *set_config(struct vmsnd_transport *bus, const uint8_t *payload,
			      struct answer *answer)
{
	return NULL;
}

/* ---- memory ------------------------------------------------------------------------------ */

static bool overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a < b + b_bytes && b < a + a_bytes;
}

static const char *check_table(const struct vmsnd_vu_region *regions, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < i; k++) {
			if (overlap(regions[i].gpa, regions[i].bytes, regions[k].gpa,
				    regions[k].bytes))
				return "memory regions that overlap for the guest";
			if (overlap(regions[i].user, regions[i].bytes, regions[k].user,
				    regions[k].bytes))
				return "memory regions that overlap in the VMM's address space";
		}
	return NULL;
}

/* All or none. */
static const char *map_table(struct vmsnd_transport *bus, const struct vmsnd_vu_region *regions,
			     unsigned n, struct vmsnd_vu_slot *slots)
{
	const char *why = check_table(regions, n);
	unsigned mapped = 0;

	for (; mapped < n && !why; mapped++)
		why = vmsnd_vu_slot_map(&slots[mapped], &regions[mapped], bus->peer.fds.fd[mapped]);
	if (!why)
		return NULL;
	while (mapped-- > 1) /* the last one tried is not mapped */
		vmsnd_vu_slot_unmap(&slots[mapped - 1]);
	return why;
}

/* Also while rings run: those that lie where they lay do not notice. */
static const char *set_mem_table(struct vmsnd_transport *bus, const uint8_t *payload,
				 struct answer *answer)
{
	struct vmsnd_vu_region regions[VMSND_VU_TABLE_REGIONS_MAX];
	struct vmsnd_vu_slot slots[VMSND_VU_TABLE_REGIONS_MAX];
	unsigned n = vmsnd_vu_table_get(payload, regions);
	const char *why = map_table(bus, regions, n, slots);

	if (why)
		return why;
	if (n == 0)
		vmsnd_peer_complain_memory(&bus->peer);
	vmsnd_vu_rings_leave(bus, slots, n);
	vmsnd_vu_memory_clear(&bus->memory, bus->mem);
	for (unsigned i = 0; i < n; i++) {
		const char *refused = vmsnd_vu_memory_add(&bus->memory, bus->mem, &slots[i]);

		if (refused)
			vmsnd_vu_slot_unmap(&slots[i]);
		why = refused ? refused : why;
	}
	bus->memory_came = bus->memory_came || n > 0;
	vmsnd_vu_rings_start(bus);
	return why;
}

static const char *get_max_mem_slots(struct vmsnd_transport *bus, const uint8_t *payload,
				     struct answer *answer)
{
	answer_u64(bus, answer, VMSND_VU_SLOTS_MAX);
	return NULL;
}

static const char *add_mem_reg(struct vmsnd_transport *bus, const uint8_t *payload,
			       struct answer *answer)
{
	struct vmsnd_vu_region region;
	struct vmsnd_vu_slot slot;
	const char *why;

	vmsnd_vu_region_get(payload, &region);
	why = vmsnd_vu_slot_map(&slot, &region, bus->peer.fds.fd[0]);
	if (why)
		return why;
	why = vmsnd_vu_memory_add(&bus->memory, bus->mem, &slot);
	if (why) {
		vmsnd_vu_slot_unmap(&slot);
		return why;
	}
	bus->memory_came = true;
	vmsnd_vu_rings_start(bus);
	return NULL;
}

static const char *rem_mem_reg(struct vmsnd_transport *bus, const uint8_t *payload,
			       struct answer *answer)
{
	struct vmsnd_vu_memory *memory = &bus->memory;
	struct vmsnd_vu_region region;
	struct vmsnd_vu_slot going;
	int at;

	vmsnd_vu_region_get(payload, &region);
	at = vmsnd_vu_memory_find(memory, &region);
	if (at < 0)
		return "a memory region that is not there";
	/* Last in the row, so that what stays is a table of its own. */
	going = memory->slots[at];
	memory->slots[at] = memory->slots[memory->n - 1];
	memory->slots[memory->n - 1] = going;
	vmsnd_vu_rings_leave(bus, memory->slots, memory->n - 1);
	vmsnd_vu_memory_remove(memory, bus->mem, memory->n - 1);
	return NULL;
}

/* ---- rings --------------------------------------------------------------------------------- */

static const char running[] = "a change to a ring that runs";
static const char outside[] = "a ring outside guest memory";

/* `what` has been asked of a ring, so the guest's driver wants to start. */
static void expect_memory(struct vmsnd_transport *bus)
{
	if (bus->features & F_VERSION_1 && !bus->memory_came)
		vmsnd_peer_complain_memory(&bus->peer);
}

static const char *set_vring_num(struct vmsnd_transport *bus, const uint8_t *payload,
				 struct answer *answer)
{
	struct vmsnd_vu_state state;
	struct vmsnd_vu_ring *ring;

	vmsnd_vu_state_get(payload, &state);
	ring = &bus->rings[state.index];
	/* Packed rings may be of any size (virtio 1.3, 2.8.10.1). */
	if ((state.value & (state.value - 1)) != 0 && !(bus->features & F_RING_PACKED))
		return "a queue size that is no power of two";
	if (ring->started && ring->size != state.value)
		return running;
	ring->size = (uint16_t)state.value;
	vmsnd_vu_rings_start(bus);
	return NULL;
}

static const char *set_vring_base(struct vmsnd_transport *bus, const uint8_t *payload,
				  struct answer *answer)
{
	struct vmsnd_vu_state state;

	vmsnd_vu_state_get(payload, &state);
	/* That of a packed ring is two places with their wrap counters. */
	if (state.value > UINT16_MAX && !(bus->features & F_RING_PACKED))
		return "a ring index above 65535";
	if (vmsnd_vu_ring_is_enabled(bus, &bus->rings[state.index]) &&
	    bus->rings[state.index].started)
		return running;
	/* UML's driver leaves with ENABLE(0) alone and says by this that another has come. */
	vmsnd_vu_ring_suspend(bus, state.index);
	vmsnd_vu_ring_kick_fd(bus, state.index, -1);
	bus->rings[state.index].base = state.value;
	return NULL;
}

/* Dirty logging makes QEMU repeat the addresses of a running ring. */
static const char *set_vring_addr(struct vmsnd_transport *bus, const uint8_t *payload,
				  struct answer *answer)
{
	struct vmsnd_vu_address address;
	struct vmsnd_vu_ring *ring;
	struct vmsnd_vu_ring wanted;

	vmsnd_vu_address_get(payload, &address);
	ring = &bus->rings[address.index];
	wanted = *ring;
	wanted.user = address;
	if (!ring->started)
		wanted.packed = (bus->features & F_RING_PACKED) != 0;
	if (bus->memory.n > 0 &&
	    !vmsnd_vu_ring_places(&wanted, bus->memory.slots, bus->memory.n, &wanted.places))
		return outside;
	if (ring->started &&
	    (wanted.places.desc != ring->places.desc || wanted.places.avail != ring->places.avail ||
	     wanted.places.used != ring->places.used))
		vmsnd_vu_ring_suspend(bus, address.index);
	ring->user = address;
	ring->addressed = true;
	vmsnd_vu_rings_start(bus);
	return NULL;
}

static const char *get_vring_base(struct vmsnd_transport *bus, const uint8_t *payload,
				  struct answer *answer)
{
	struct vmsnd_vu_state state;

	vmsnd_vu_state_get(payload, &state);
	vmsnd_vu_ring_suspend(bus, state.index);
	vmsnd_vu_ring_kick_fd(bus, state.index, -1);
	state.value = bus->rings[state.index].base;
	answer->bytes = vmsnd_vu_reply_state(answer->to, bus->header.request, &state);
	expect_memory(bus);
	return NULL;
}

static const char *take_event(struct vmsnd_transport *bus, int *fd)
{
	const char *why;

	*fd = take_fd(bus);
	why = *fd < 0 ? NULL : vmsnd_event_refuse(*fd);
	if (why)
		close(*fd);
	return why;
}

static const char *set_vring_kick(struct vmsnd_transport *bus, const uint8_t *payload,
				  struct answer *answer)
{
	struct vmsnd_vu_descriptor descriptor;
	int fd;
	const char *why = take_event(bus, &fd);

	if (why)
		return why;
	vmsnd_vu_descriptor_get(payload, &descriptor);
	if (!vmsnd_vu_ring_kick_fd(bus, descriptor.index, fd))
		return "a descriptor that cannot be waited for";
	vmsnd_vu_rings_start(bus);
	return vmsnd_vu_ring_refused(bus, descriptor.index) ? outside : NULL;
}

static const char *set_event(struct vmsnd_transport *bus, const uint8_t *payload,
			     void (*take)(struct vmsnd_transport *bus, unsigned index, int fd))
{
	struct vmsnd_vu_descriptor descriptor;
	int fd;
	const char *why = take_event(bus, &fd);

	vmsnd_vu_descriptor_get(payload, &descriptor);
	if (!why)
		take(bus, descriptor.index, fd);
	return why;
}

static const char *set_vring_call(struct vmsnd_transport *bus, const uint8_t *payload,
				  struct answer *answer)
{
	return set_event(bus, payload, vmsnd_vu_ring_call_fd);
}

static const char *set_vring_err(struct vmsnd_transport *bus, const uint8_t *payload,
				 struct answer *answer)
{
	return set_event(bus, payload, vmsnd_vu_ring_err_fd);
}

static const char *set_vring_enable(struct vmsnd_transport *bus, const uint8_t *payload,
				    struct answer *answer)
{
	struct vmsnd_vu_state state;

	vmsnd_vu_state_get(payload, &state);
	vmsnd_vu_ring_enable(bus, state.index, state.value == 1);
	expect_memory(bus);
	return NULL;
}

static const char *set_backend_req_fd(struct vmsnd_transport *bus, const uint8_t *payload,
				      struct answer *answer)
{
	vmsnd_vu_channel_fd(bus, take_fd(bus));
	return NULL;
}

/* ---- in flight -------------------------------------------------------------------------- */

/* An area of no size is a word every front end knows: there is none. */
static const char *get_inflight_fd(struct vmsnd_transport *bus, const uint8_t *payload,
				   struct answer *answer)
{
	struct vmsnd_vu_inflight area;

	vmsnd_vu_inflight_get(payload, &area);
	answer->fd = vmsnd_vu_area_make(bus, &area);
	if (answer->fd < 0)
		vmsnd_peer_complain(&bus->peer, "GET_INFLIGHT_FD",
				    "no in-flight area for so many queues of this size");
	answer->bytes = vmsnd_vu_reply_inflight(answer->to, &area, bus->header.bytes);
	return NULL;
}

static const char *set_inflight_fd(struct vmsnd_transport *bus, const uint8_t *payload,
				   struct answer *answer)
{
	struct vmsnd_vu_inflight area;

	vmsnd_vu_inflight_get(payload, &area);
	for (unsigned i = 0; i < bus->n_rings; i++)
		if (bus->rings[i].started)
			return running;
	return vmsnd_vu_area_set(bus, &area, bus->peer.fds.fd[0]);
}

/* ---- dispatch ---- */

enum ring_number { NO_RING, RING_IN_STATE, RING_IN_WORD };

struct action {
	handler *act;
	enum ring_number ring;
};

static const struct action actions[VMSND_VU_REQUESTS] = {
    [VMSND_VU_GET_FEATURES] = {get_features, NO_RING},
    [VMSND_VU_SET_FEATURES] = {set_features, NO_RING},
    [VMSND_VU_SET_OWNER] = {set_owner, NO_RING},
    [VMSND_VU_RESET_OWNER] = {reset_owner, NO_RING},
    [VMSND_VU_SET_MEM_TABLE] = {set_mem_table, NO_RING},
    [VMSND_VU_SET_VRING_NUM] = {set_vring_num, RING_IN_STATE},
    [VMSND_VU_SET_VRING_ADDR] = {set_vring_addr, RING_IN_STATE},
    [VMSND_VU_SET_VRING_BASE] = {set_vring_base, RING_IN_STATE},
    [VMSND_VU_GET_VRING_BASE] = {get_vring_base, RING_IN_STATE},
    [VMSND_VU_SET_VRING_KICK] = {set_vring_kick, RING_IN_WORD},
    [VMSND_VU_SET_VRING_CALL] = {set_vring_call, RING_IN_WORD},
    [VMSND_VU_SET_VRING_ERR] = {set_vring_err, RING_IN_WORD},
    [VMSND_VU_GET_PROTOCOL_FEATURES] = {get_protocol_features, NO_RING},
    [VMSND_VU_SET_PROTOCOL_FEATURES] = {set_protocol_features, NO_RING},
    [VMSND_VU_GET_QUEUE_NUM] = {get_queue_num, NO_RING},
    [VMSND_VU_SET_VRING_ENABLE] = {set_vring_enable, RING_IN_STATE},
    [VMSND_VU_SET_BACKEND_REQ_FD] = {set_backend_req_fd, NO_RING},
    [VMSND_VU_GET_CONFIG] = {get_config, NO_RING},
    [VMSND_VU_SET_CONFIG] = {set_config, NO_RING},
    [VMSND_VU_GET_INFLIGHT_FD] = {get_inflight_fd, NO_RING},
    [VMSND_VU_SET_INFLIGHT_FD] = {set_inflight_fd, NO_RING},
    [VMSND_VU_RESET_DEVICE] = {reset_device, NO_RING},
    [VMSND_VU_GET_MAX_MEM_SLOTS] = {get_max_mem_slots, NO_RING},
    [VMSND_VU_ADD_MEM_REG] = {add_mem_reg, NO_RING},
    [VMSND_VU_REM_MEM_REG] = {rem_mem_reg, NO_RING},
    [VMSND_VU_SET_STATUS] = {set_status, NO_RING},
    [VMSND_VU_GET_STATUS] = {get_status, NO_RING},
};

static const char *check(const struct vmsnd_transport *bus, const uint8_t *payload)
{
	const char *why = vmsnd_vu_check(&bus->header, payload, bus->peer.fds.n);
	struct vmsnd_vu_descriptor descriptor;
	struct vmsnd_vu_state state;

	if (!ops_of(bus)->inflight && (bus->header.request == VMSND_VU_GET_INFLIGHT_FD ||
				       bus->header.request == VMSND_VU_SET_INFLIGHT_FD))
		return "a request of a feature that is not offered";
	if (why || actions[bus->header.request].ring == NO_RING)
		return why;
	vmsnd_vu_state_get(payload, &state);
	vmsnd_vu_descriptor_get(payload, &descriptor);
	if (actions[bus->header.request].ring == RING_IN_WORD)
		state.index = descriptor.index;
	return state.index < bus->n_rings ? NULL : "a ring that the card does not have";
}

/* Whether the peer can hear a refusal, or come to no harm without it. Another has to go: it
 * would wait for a reply for ever, or believe that a malformed message was obeyed. */
static bool may_stay(const struct vmsnd_transport *bus, bool malformed, struct answer *answer)
{
	const struct vmsnd_vu_row *row = vmsnd_vu_row(bus->header.request);

	if (bus->header.request == VMSND_VU_GET_CONFIG) {
		answer->bytes = vmsnd_vu_reply_empty(answer->to, VMSND_VU_GET_CONFIG);
		return true;
	}
	if (bus->header.flags & VMSND_VU_NEED_REPLY &&
	    (row->answer == VMSND_VU_ANSWER_ACK || !row->name)) {
		answer->bytes = vmsnd_vu_reply_u64(answer->to, bus->header.request, 1);
		return true;
	}
	return row->answer == VMSND_VU_ANSWER_ACK && (!malformed || !row->offered);
}

static void refuse(struct vmsnd_transport *bus, const char *why, bool malformed,
		   struct answer *answer)
{
	if (bus->header.request == VMSND_VU_SET_MEM_TABLE && bus->peer.fds.n == 0) {
		vmsnd_peer_complain_memory(&bus->peer);
		malformed = false;
	} else {
		vmsnd_peer_complain(&bus->peer, vmsnd_vu_name(bus->header.request), why);
	}
	if (!may_stay(bus, malformed, answer))
		bus->peer.broken = why;
}

/* The socket's own buffer holds hundreds of answers: who lets it fill does not read. */
static void send_answer(struct vmsnd_transport *bus, struct answer *answer)
{
	struct vmsnd_fds fds = {.n = answer->fd >= 0, .fd = {answer->fd}};

	if (answer->bytes > 0 &&
	    !vmsnd_socket_send(bus->peer.fd, answer->to, answer->bytes, &fds) && !bus->peer.broken)
		bus->peer.broken = "answers that nobody reads";
	vmsnd_fds_close(&fds);
}

void vmsnd_vu_dispatch(struct vmsnd_transport *bus)
{
	const uint8_t *payload = bus->in + VMSND_VU_HEADER_BYTES;
	struct answer answer = {.bytes = 0, .fd = -1};
	const char *why = check(bus, payload);
	bool malformed = why != NULL;

	if (!why)
		why = actions[bus->header.request].act(bus, payload, &answer);
	if (why)
		refuse(bus, why, malformed, &answer);
	else if (answer.bytes == 0 && bus->header.flags & VMSND_VU_NEED_REPLY)
		answer_u64(bus, &answer, 0);
	vmsnd_fds_close(&bus->peer.fds);
	send_answer(bus, &answer);
}
