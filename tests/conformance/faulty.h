/* SPDX-License-Identifier: BSD-3-Clause */
/* A card that is wrong in one thing: our own, with what it gives back changed on its way to the
 * guest. The program's own test: each fault must be found by the row that is about it. */
#ifndef VMSND_TESTS_CONFORMANCE_FAULTY_H
#define VMSND_TESTS_CONFORMANCE_FAULTY_H

#include "vmsnd/transport.h"

#define FAULTY_QUEUES   4u
#define FAULTY_SIZE_MAX 1024u
#define FAULTY_PIECES   80u

enum { CONTROL, EVENT, TX, RX };

struct faulty;

/* A piece of guest memory, in the order of its chain. */
struct piece {
	vmsnd_gpa gpa;
	uint32_t bytes;
};

struct chain {
	struct piece readable[FAULTY_PIECES], writable[FAULTY_PIECES];
	unsigned n_readable, n_writable;
	uint32_t ask_bytes, room;
	bool indirect;
};

/* A buffer on its way back. */
struct entry {
	unsigned queue;
	uint16_t head;
	uint32_t bytes;
	bool drop, twice;
	unsigned hold_ms;
	struct chain chain;
	uint32_t words[6]; /* the request or header, zero behind its end */
	uint32_t status;   /* first word of a control answer, or of the last eight bytes */
	unsigned in_batch; /* buffers of its queue that come back in the same call */
};

/* One byte in each item of the answer to an INFO request. */
struct item_byte {
	uint32_t code, at;
	uint8_t value;
};

struct fault {
	const char *name;
	struct item_byte items; /* code 0: none */
	uint64_t (*features)(uint64_t features);
	void (*config)(uint32_t words[4]);
	/* A buffer comes back; changes it, or guest memory. */
	void (*entry)(struct faulty *faulty, struct entry *entry);
	/* The guest has kicked; before the card sees it. */
	void (*kick)(struct faulty *faulty, unsigned queue);
	/* The card gave no interrupt of this queue: a bit each. */
	unsigned mute;
};

struct fault_table {
	const struct fault *faults;
	unsigned n;
};

extern const struct fault_table faults_card, faults_ctl, faults_more;

/* ---- what faults work with ---------------------------------------------------------------- */

/* Bytes of what is writable, across descriptors; beyond it, nothing happens. */
void chain_write(struct faulty *faulty, const struct chain *chain, uint32_t at, const void *from,
		 uint32_t bytes);
void chain_read(struct faulty *faulty, const struct chain *chain, uint32_t at, void *to,
		uint32_t bytes);
/* Of a control request with this code. */
bool is_control(const struct entry *entry, uint32_t code);
void set_in_items(struct faulty *faulty, struct entry *entry, const struct item_byte *byte);
void chain_status(struct faulty *faulty, struct entry *entry, uint32_t status);
/* Behind the last writable byte. */
void chain_overrun(struct faulty *faulty, const struct chain *chain, uint32_t bytes);
/* Streams of the card by number: 0, 1 playback; 2, 3 capture. */
bool stream_is_prepared(const struct faulty *faulty, uint32_t stream);
bool stream_is_running(const struct faulty *faulty, uint32_t stream);
/* Gives back, by the wrapper's own hand, what the guest has made available on a queue: with this
 * status, only for streams that are prepared. What the card says of it later is dropped. */
void finish_all(struct faulty *faulty, unsigned queue, uint32_t status);
/* The next event buffer, with this in it, whatever its room. */
void tell_event(struct faulty *faulty, uint32_t code, uint32_t data);
/* An xrun of stream 0 into the next event buffer if that is one of these, without telling. */
void tell_event_if(struct faulty *faulty, bool (*wanted)(const struct chain *chain));

#endif
