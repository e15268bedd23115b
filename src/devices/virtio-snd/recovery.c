/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking over from a process that died ("Inflight I/O tracking" of vhost-user).
 *
 * Buffers are noted by the rings themselves (devices/virtio/inflight.h). What no ring tells of is
 * in a journal behind the queues' regions: the features, each stream's state, parameters and mixer,
 * jacks as the guest has remapped them, and the last control request that changed any of it. There
 * are two copies, one that holds and one being written; a single store makes the other one hold.
 *
 * A request is executed, then what it gave back is published, then the journal is written, then it
 * is answered. Before the journal holds, the request is executed again; after it, only answered. */
#include "base/endian.h"
#include "devices/virtio-snd/ctl.h"
#include "devices/virtio-snd/snd.h"

/* "vmsnd-jn" */
#define MAGIC   UINT64_C(0x6e6a2d646e736d76)
#define VERSION 1u

enum { MAGIC_AT = 0, VERSION_AT = 8, SLOT_AT = 10, SLOTS_AT = 64, SLOT_BYTES = 8192 };
enum { SLOT_CHECK_AT = 0, SLOT_USED_AT = 4, SLOT_HEAD_BYTES = 8 };

#define JOURNAL_BYTES (SLOTS_AT + 2 * SLOT_BYTES)

uint64_t snd_recovery_bytes(const struct vmsnd_snd *snd, unsigned n_queues, unsigned queue_size)
{
	if (n_queues == 0 || n_queues > VIRTIO_SND_VQ_MAX || queue_size == 0 ||
	    queue_size > VMSND_QUEUE_SIZE_MAX || (snd->features & VMSND_VIRTIO_F_RING_PACKED))
		return 0;
	return n_queues * vmsnd_inflight_queue_bytes(queue_size) + JOURNAL_BYTES;
}

/* ---- the journal ---- */

static vmsnd_gpa journal_at(const struct snd_recovery *recovery)
{
	const struct vmsnd_inflight *where = &recovery->where;

	return where->at + where->n_queues * vmsnd_inflight_queue_bytes(where->queue_size);
}

static vmsnd_gpa slot_at(const struct snd_recovery *recovery, uint16_t slot)
{
	return journal_at(recovery) + SLOTS_AT + (vmsnd_gpa)slot * SLOT_BYTES;
}

/* FNV-1a: against what is torn or was never written, not against malice. */
static uint32_t check_of(const uint8_t *bytes, size_t n)
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ bytes[i]) * UINT32_C(16777619);
	return hash;
}

/* What the guest has set of it is the port's, and a new process has new ports. */
static void save_mixer(const struct snd_stream *stream, struct vmsnd_state_writer *to)
{
	struct vmsnd_mixer mixer;

	vmsnd_port_mixer(stream->port, &mixer);
	vmsnd_state_put_u32(to, (uint32_t)mixer.volume.gain_mdb);
	for (unsigned i = 0; i < VMSND_CHANNELS_MAX; i++)
		vmsnd_state_put_u32(to, (uint32_t)mixer.volume.channel_mdb[i]);
	vmsnd_state_put_u32(to, mixer.volume.muted);
	vmsnd_state_put_u32(to, mixer.sources);
}

static int32_t load_gain(struct vmsnd_state_reader *from)
{
	int32_t mdb = (int32_t)vmsnd_state_get_u32(from);

	from->bad |= mdb < VMSND_GAIN_MIN_MDB || mdb > VMSND_GAIN_MAX_MDB;
	return mdb;
}

static void load_mixer(const struct snd_stream *stream, struct vmsnd_state_reader *from,
		       vmsnd_ns now)
{
	struct vmsnd_mixer mixer;

	mixer.volume.gain_mdb = load_gain(from);
	for (unsigned i = 0; i < VMSND_CHANNELS_MAX; i++)
		mixer.volume.channel_mdb[i] = load_gain(from);
	mixer.volume.muted = vmsnd_state_get_u32(from);
	mixer.sources = vmsnd_state_get_u32(from);
	if (!from->bad)
		vmsnd_port_mixer_set(stream->port, &mixer, now);
}

static void save_card(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u64(to, snd->features);
	vmsnd_state_put_u64(to, snd->recovery.answered.number);
	vmsnd_state_put_u32(to, snd->recovery.answered.status);
	vmsnd_state_put_u32(to, snd->plan.n_playback);
	vmsnd_state_put_u32(to, snd->plan.n_streams);
	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		snd_stream_save(&snd->streams[i], to);
		if (snd->features & SND_F_CTLS)
			save_mixer(&snd->streams[i], to);
	}
	snd_jacks_save(snd, to);
}

static void write_journal(struct vmsnd_snd *snd)
{
	struct snd_recovery *recovery = &snd->recovery;
	struct vmsnd_gmem *mem = recovery->where.mem;
	vmsnd_gpa at = journal_at(recovery);
	uint16_t next = !recovery->slot;
	uint8_t bytes[SLOT_BYTES];
	struct vmsnd_state_writer to = {.to = bytes + SLOT_HEAD_BYTES,
					.room = sizeof(bytes) - SLOT_HEAD_BYTES};
	const uint64_t magic = MAGIC;

	save_card(snd, &to);
	vmsnd_put_le32(bytes + SLOT_CHECK_AT, check_of(to.to, to.used));
	vmsnd_put_le32(bytes + SLOT_USED_AT, (uint32_t)to.used);
	vmsnd_gmem_write(mem, slot_at(recovery, next), bytes, SLOT_HEAD_BYTES + to.used);
	vmsnd_gmem_store16(mem, at + SLOT_AT, next);
	vmsnd_gmem_write(mem, at + MAGIC_AT, &magic, sizeof(magic));
	vmsnd_gmem_store16(mem, at + VERSION_AT, VERSION);
	recovery->slot = next;
}

/* 0: nothing was ever written; negative: it cannot be read. */
static int read_journal(struct snd_recovery *recovery, uint8_t *bytes,
			struct vmsnd_state_reader *from)
{
	struct vmsnd_gmem *mem = recovery->where.mem;
	vmsnd_gpa at = journal_at(recovery);
	uint64_t magic = 0;
	uint16_t version = 0, slot = 0;
	uint32_t used;

	vmsnd_gmem_read(mem, at + MAGIC_AT, &magic, sizeof(magic));
	vmsnd_gmem_load16(mem, at + VERSION_AT, &version);
	vmsnd_gmem_load16(mem, at + SLOT_AT, &slot);
	if (version == 0)
		return 0;
	if (magic != MAGIC || version != VERSION || slot > 1 ||
	    vmsnd_gmem_read(mem, slot_at(recovery, slot), bytes, SLOT_BYTES))
		return -1;
	used = vmsnd_le32(bytes + SLOT_USED_AT);
	if (used > SLOT_BYTES - SLOT_HEAD_BYTES ||
	    check_of(bytes + SLOT_HEAD_BYTES, used) != vmsnd_le32(bytes + SLOT_CHECK_AT))
		return -1;
	*from = (struct vmsnd_state_reader){.from = bytes + SLOT_HEAD_BYTES, .bytes = used};
	recovery->slot = slot;
	return 1;
}

/* ---- set ---- */

enum vmsnd_rc snd_recovery_set(struct vmsnd_snd *snd, const struct vmsnd_inflight *where)
{
	struct snd_recovery *recovery = &snd->recovery;
	struct vmsnd_state_reader from;
	uint8_t bytes[SLOT_BYTES];
	uint64_t needed = where ? snd_recovery_bytes(snd, where->n_queues, where->queue_size) : 0;
	int journal;

	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++) {
		if (where && snd->queues[i].ring.started)
			return VMSND_E_INVALID;
		snd->queues[i].ring.notes = NULL;
	}
	*recovery = (struct snd_recovery){.slot = 0};
	if (!where)
		return VMSND_OK;
	if (needed == 0 || where->bytes < needed ||
	    vmsnd_gmem_check(where->mem, where->at, needed, VMSND_READ | VMSND_WRITE))
		return VMSND_E_INVALID;
	recovery->where = *where;
	for (uint16_t i = 0; i < where->n_queues; i++) {
		recovery->queues[i] = (struct vmsnd_inflight_queue){
		    .mem = where->mem,
		    .at = where->at + i * vmsnd_inflight_queue_bytes(where->queue_size),
		    .size = where->queue_size};
		/* A card that was loaded knows more than is noted. */
		recovery->resume[i] = !snd->queues[i].place.known;
	}
	journal = read_journal(recovery, bytes, &from);
	recovery->resume_card = journal > 0 && recovery->resume[0];
	return journal < 0 ? VMSND_E_DAMAGED : VMSND_OK;
}

void snd_recovery_reset(struct vmsnd_snd *snd, enum vmsnd_reset why)
{
	struct snd_recovery *recovery = &snd->recovery;

	if (!recovery->where.mem)
		return;
	/* Without its VMM the card lets go of the area as it is: the VMM may come back with it. */
	if (why == VMSND_RESET_PEER_LOST || why == VMSND_RESET_SHUTDOWN) {
		snd_recovery_set(snd, NULL);
		return;
	}
	for (unsigned i = 0; i < recovery->where.n_queues; i++) {
		vmsnd_inflight_forget(&recovery->queues[i]);
		recovery->resume[i] = false;
	}
	recovery->resume_card = false;
	recovery->answered.number = 0;
	write_journal(snd);
}

/* ---- take up ---- */

/* What is plugged in is what it is now, and the guest is told of it in any case. */
static void load_jacks(struct vmsnd_snd *snd, struct vmsnd_state_reader *from)
{
	bool connected[SND_JACKS_MAX];

	for (uint32_t i = 0; i < snd->plan.n_jacks; i++)
		connected[i] = snd->jacks[i].connected;
	snd_jacks_load(snd, from);
	for (uint32_t i = 0; i < snd->plan.n_jacks; i++) {
		snd->jacks[i].connected = connected[i];
		if (!from->bad)
			snd_events_jack(snd, i);
	}
}

static void load_streams(struct vmsnd_snd *snd, struct vmsnd_state_reader *from, vmsnd_ns now)
{
	if (vmsnd_state_get_u32(from) != snd->plan.n_playback ||
	    vmsnd_state_get_u32(from) != snd->plan.n_streams)
		from->bad = true;
	for (uint32_t i = 0; i < snd->plan.n_streams && !from->bad; i++) {
		snd_stream_reset(&snd->streams[i], now);
		snd_stream_load(snd, i, from);
		if (snd->features & SND_F_CTLS)
			load_mixer(&snd->streams[i], from, now);
	}
	load_jacks(snd, from);
	for (uint32_t i = 0; i < snd->plan.n_streams; i++) {
		struct snd_stream *stream = &snd->streams[i];

		if (from->bad)
			snd_stream_reset(stream, now);
		else if (stream->state >= SND_STATE_PREPARED &&
			 vmsnd_port_prepare(stream->port, &stream->params, now))
			stream->state = SND_STATE_SET;
	}
	snd_elements_note(snd);
}

/* Another driver than the one that was noted. */
static void leave_it(struct vmsnd_snd *snd)
{
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++)
		snd->recovery.resume[i] = false;
}

/* Streams come back once, before the first queue does. They run when their queues do. */
static void take_up_card(struct vmsnd_snd *snd, vmsnd_ns now)
{
	struct snd_recovery *recovery = &snd->recovery;
	struct vmsnd_state_reader from;
	struct snd_answered answered;
	uint8_t bytes[SLOT_BYTES];
	uint64_t features;

	if (!recovery->resume_card)
		return;
	recovery->resume_card = false;
	if (read_journal(recovery, bytes, &from) <= 0)
		return;
	features = vmsnd_state_get_u64(&from);
	answered.number = vmsnd_state_get_u64(&from);
	answered.status = vmsnd_state_get_u32(&from);
	if (features != snd->features) {
		leave_it(snd);
		return;
	}
	recovery->answered = answered;
	load_streams(snd, &from, now);
}

static void place_queue(struct vmsnd_snd *snd, unsigned index,
			const struct vmsnd_inflight_place *place)
{
	struct snd_queue *queue = &snd->queues[index];

	queue->place.known = true;
	queue->place.next_avail = place->next_avail;
	queue->place.features = snd->features;
	/* What was interrupted for may not have been heard of. */
	queue->restored = true;
	if (index != VIRTIO_SND_VQ_TX && index != VIRTIO_SND_VQ_RX)
		return;
	queue->place.window = place->n_popped;
	for (unsigned i = 0; i < VMSND_QUEUE_SIZE_MAX / 64; i++)
		queue->place.given_back[i] = place->given_back[i];
	/* In order, all that is out is in the ring. */
	snd_hold(&snd->pools[index == VIRTIO_SND_VQ_TX ? VMSND_PLAYBACK : VMSND_CAPTURE],
		 place->held, snd->features & VMSND_VIRTIO_F_IN_ORDER ? 0 : place->n_held);
}

enum snd_taken snd_recovery_take_up(struct vmsnd_snd *snd, unsigned index,
				    struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	struct snd_recovery *recovery = &snd->recovery;
	struct vmsnd_inflight_place place = {.n_held = 0};

	if (!recovery->where.mem)
		return SND_TAKEN_NOTHING;
	take_up_card(snd, now);
	/* Of packed rings nothing is noted: what is there is of a driver before this one. */
	if (snd->features & VMSND_VIRTIO_F_RING_PACKED)
		leave_it(snd);
	if (!recovery->resume[index] || !vmsnd_inflight_is_begun(&recovery->queues[index]))
		return SND_TAKEN_NOTHING;
	if (!vmsnd_inflight_resume(&recovery->queues[index], snd->env.mem, setup, &place)) {
		leave_it(snd);
		return SND_TAKEN_ANOTHER;
	}
	setup->next_avail = place.next_avail;
	place_queue(snd, index, &place);
	return SND_TAKEN_UP;
}

void snd_recovery_started(struct vmsnd_snd *snd, unsigned index, bool anew)
{
	struct snd_recovery *recovery = &snd->recovery;
	struct vmsnd_inflight_queue *notes = &recovery->queues[index];
	struct vmsnd_queue *ring = &snd->queues[index].ring;

	/* An area need not have a place for every queue. */
	if (!notes->mem)
		return;
	recovery->resume[index] = false;
	anew |= !vmsnd_inflight_is_of_size(notes, ring->size);
	if (anew && index == VIRTIO_SND_VQ_CONTROL)
		recovery->answered.number = 0;
	if (!ring->packed && ring->size <= notes->size) {
		if (anew)
			vmsnd_inflight_begin(notes, ring->size, ring->used_index);
		ring->notes = notes;
	}
	write_journal(snd);
}

/* ---- control requests ---- */

/* All others can be executed once more. */
static bool changes_the_card(uint32_t code)
{
	return code == VIRTIO_SND_R_JACK_REMAP || code == SND_R_CTL_WRITE ||
	       (code >= VIRTIO_SND_R_PCM_SET_PARAMS && code <= VIRTIO_SND_R_PCM_STOP);
}

bool snd_recovery_is_answered(const struct vmsnd_snd *snd, uint16_t head, uint32_t *status)
{
	const struct snd_answered *answered = &snd->recovery.answered;
	const struct vmsnd_inflight_queue *notes = snd->queues[VIRTIO_SND_VQ_CONTROL].ring.notes;

	if (answered->number == 0 || vmsnd_inflight_number(notes, head) != answered->number)
		return false;
	*status = answered->status;
	return true;
}

void snd_recovery_executed(struct vmsnd_snd *snd, uint16_t head, uint32_t code, uint32_t status)
{
	const struct vmsnd_inflight_queue *notes = snd->queues[VIRTIO_SND_VQ_CONTROL].ring.notes;

	if (!snd->recovery.where.mem || !changes_the_card(code))
		return;
	vmsnd_queue_publish(&snd->queues[VIRTIO_SND_VQ_TX].ring);
	vmsnd_queue_publish(&snd->queues[VIRTIO_SND_VQ_RX].ring);
	snd->recovery.answered.number = vmsnd_inflight_number(notes, head);
	snd->recovery.answered.status = status;
	write_journal(snd);
}

/* One answer at a time, so that the journal need not remember more than one. */
void snd_recovery_answered(struct vmsnd_snd *snd)
{
	if (snd->recovery.where.mem)
		vmsnd_queue_publish(&snd->queues[VIRTIO_SND_VQ_CONTROL].ring);
}
