/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share: peers, calls, the table of commands. */
#ifndef VMSND_CONTROL_PARTS_H
#define VMSND_CONTROL_PARTS_H

#include <jansson.h>

#include "control/control.h"
#include "control/frame.h"
#include "control/json_tree.h"
#include "os/loop.h"
#include "os/socket.h"

/* ---- peer.c: one client's bytes ---- */

struct vmsnd_control_peer {
	int fd; /* -1: this place is free */
	struct vmsnd_peer_id id;
	bool negotiated; /* it said qmp_capabilities */
	bool ended;      /* it sends nothing any more */
	bool leaving;    /* goes as soon as it has read what waits for it */
	bool broken;     /* goes now */
	bool more;       /* what has been read may hold another request */
	bool in, out;    /* what the loop watches it for */
	struct vmsnd_frame frame;
	char *request; /* VMSND_CONTROL_REQUEST_BYTES */
	size_t request_bytes;
	size_t taken; /* of them: what the last VALUE is in */
	char *queue;  /* what waits: [queue_at, queue_bytes) */
	size_t queue_at, queue_bytes, queue_room;
	vmsnd_ns stuck;      /* since when nothing of it went; VMSND_NEVER: nothing waits */
	vmsnd_ns paid_until; /* see serve.c */
	struct vmsnd_control_request *unfinished; /* its last request, not answered yet; or NULL */
	vmsnd_ns ask;                             /* when that is asked again */
};

/* Takes `fd` over; false: no memory, and `fd` is closed. */
bool vmsnd_control_peer_open(struct vmsnd_control_peer *peer, int fd);
void vmsnd_control_peer_close(struct vmsnd_control_peer *peer);
/* Reads what there is, within reason, when nothing that was read before waits. */
void vmsnd_control_peer_read(struct vmsnd_control_peer *peer);
/* The next request: VALUE gives [*text, *bytes), good until the next call. */
enum vmsnd_frame_got vmsnd_control_peer_next(struct vmsnd_control_peer *peer, const char **text,
					     size_t *bytes);
/* Queues `message` and a newline. */
void vmsnd_control_peer_say(struct vmsnd_control_peer *peer, const json_t *message);
/* The same, and gives it up; NULL, for want of memory, ends the session. */
void vmsnd_control_peer_tell(struct vmsnd_control_peer *peer, json_t *message);
/* Sends what the socket takes. */
void vmsnd_control_peer_send(struct vmsnd_control_peer *peer, vmsnd_ns now);
size_t vmsnd_control_peer_waiting(const struct vmsnd_control_peer *peer);

/* ---- commands ---- */

enum vmsnd_control_kind {
	VMSND_CONTROL_CARD, /* optional when there is but one */
	VMSND_CONTROL_DIRECTION,
	VMSND_CONTROL_OUTPUT,
	VMSND_CONTROL_STREAM,
	VMSND_CONTROL_POINT,
	VMSND_CONTROL_BOOL,
	VMSND_CONTROL_TEXT,
	VMSND_CONTROL_TEXT_OR_NULL,
	VMSND_CONTROL_PATH,  /* absolute */
	VMSND_CONTROL_TEXTS, /* drivers */
	VMSND_CONTROL_OBJECT,
	VMSND_CONTROL_AT, /* a place in a chain */
	VMSND_CONTROL_OCCURRENCE,
	VMSND_CONTROL_GAIN,
	VMSND_CONTROL_GAINS,
	VMSND_CONTROL_BOOLS,
	VMSND_CONTROL_WORDS,
	VMSND_CONTROL_JACK_STATE,
	VMSND_CONTROL_SOURCES, /* bits: outputs, or all */
	VMSND_CONTROL_KIND_COUNT
};

struct vmsnd_control_arg {
	const char *name; /* NULL: none from here */
	enum vmsnd_control_kind kind;
	bool optional;
	const char *help;
};

#define VMSND_CONTROL_ARGS_MAX 8u

struct vmsnd_control_value {
	bool given;
	bool on;         /* BOOL */
	unsigned number; /* CARD, DIRECTION, OUTPUT, STREAM, POINT, AT, OCCURRENCE, JACK_STATE */
	int32_t mdb;     /* GAIN */
	const char *text;
	const json_t *object;
	const char *texts[VMSND_DRIVERS_MAX];
	unsigned n; /* GAINS, BOOLS, WORDS, TEXTS */
	int32_t mdbs[VMSND_CHANNELS_MAX];
	uint32_t bits;
};

struct vmsnd_control_watch;
struct vmsnd_save;

/* How often what takes time is asked whether it is done. */
#define VMSND_CONTROL_AGAIN_NS (10 * UINT64_C(1000000))

/* At most one state is written at a time. */
struct vmsnd_control_saver {
	struct vmsnd_save *job; /* NULL: none */
	bool orphan;            /* whoever asked for it has left */
	struct vmsnd_wake *wake;
};

/* A suspend or resume that takes time goes on when whoever asked for it waits no more: lanes with
 * threads do not go on with it by themselves. */
struct vmsnd_control_life {
	bool left;
	enum vmsnd_life what;
	vmsnd_ns ask; /* when it is gone on with */
};

struct vmsnd_control_call {
	struct vmsnd_control *control;
	struct vmsnd_machine *machine;
	const struct vmsnd_node *root; /* what the program was configured with, or NULL */
	struct vmsnd_overheard *heard;
	struct vmsnd_control_watch *watch;
	struct vmsnd_control_saver *saver;
	struct vmsnd_control_life *life;
	vmsnd_ns now;
	const struct vmsnd_control_command *command;
	struct vmsnd_control_value args[VMSND_CONTROL_ARGS_MAX]; /* as in the command's row */
	bool quit;                                               /* out: the program is to end */
	/* out: it needs time, and its function is to be called again, with all as it left it. */
	bool again;
	unsigned step;    /* the function's own, 0 the first time */
	uint64_t number;  /* likewise */
	unsigned touched; /* the card that it was about */
	/* How it went: `failed` is a class of QMP, then `line` says why; else `result`, NULL for
	 * {}. */
	const char *failed;
	char line[640];
	json_t *result;
};

/* Classes of errors (QMP). */
#define VMSND_CONTROL_GENERIC   "GenericError"
#define VMSND_CONTROL_NO_SUCH   "CommandNotFound"
#define VMSND_CONTROL_NO_DEVICE "DeviceNotFound"

struct vmsnd_control_command {
	const char *name, *help;
	const char *returns; /* what, for the reference; NULL: {} */
	bool told;           /* the owner finds a line in the log */
	struct vmsnd_control_arg args[VMSND_CONTROL_ARGS_MAX];
	void (*run)(struct vmsnd_control_call *call);
	/* The client has left, or the limit is over, while run wanted to be called again; may be
	 * NULL. */
	void (*left)(struct vmsnd_control_call *call);
};

/* commands.c: the `index`th row, or NULL beyond the last. */
const struct vmsnd_control_command *vmsnd_control_command(size_t index);
const struct vmsnd_control_command *vmsnd_control_command_find(const char *name);

/* arguments.c: checks what came against the command's row and fills call->args. */
bool vmsnd_control_arguments(struct vmsnd_control_call *call, const json_t *given);
/* What a value of this kind is, in words: "a number from -144 to 24". */
const char *vmsnd_control_kind_words(enum vmsnd_control_kind kind);

/* ---- result.c: how it went ---- */

/* The call has failed, with this line. */
__attribute__((format(printf, 3, 4))) void
vmsnd_control_fail(struct vmsnd_control_call *call, const char *cls, const char *format, ...);
/* There is no card of that name or number. */
void vmsnd_control_fail_card(struct vmsnd_control_call *call, const json_t *given);
/* The same from a code of the machine: the line it logged, else one that says what there is, else
 * `line` (may be NULL) when it is VMSND_E_INVALID, else the code's own words. True when `rc` is
 * VMSND_OK. */
bool vmsnd_control_went(struct vmsnd_control_call *call, enum vmsnd_rc rc, const char *line);

/* query.c, query_build.c, query_tree.c */
void vmsnd_control_query_status(struct vmsnd_control_call *call);
void vmsnd_control_query_version(struct vmsnd_control_call *call);
void vmsnd_control_query_commands(struct vmsnd_control_call *call);
void vmsnd_control_query_schema(struct vmsnd_control_call *call);
void vmsnd_control_query_cards(struct vmsnd_control_call *call);
void vmsnd_control_query_streams(struct vmsnd_control_call *call);
void vmsnd_control_query_counters(struct vmsnd_control_call *call);
void vmsnd_control_query_devices(struct vmsnd_control_call *call);
void vmsnd_control_query_backends(struct vmsnd_control_call *call);
void vmsnd_control_query_drivers(struct vmsnd_control_call *call);
void vmsnd_control_query_modules(struct vmsnd_control_call *call);
void vmsnd_control_query_host_devices(struct vmsnd_control_call *call);
void vmsnd_control_query_host(struct vmsnd_control_call *call);
void vmsnd_control_query_config(struct vmsnd_control_call *call);
void vmsnd_control_query_statistics(struct vmsnd_control_call *call);
/* change.c */
void vmsnd_control_enable(struct vmsnd_control_call *call);
void vmsnd_control_volume(struct vmsnd_control_call *call);
void vmsnd_control_tap_set(struct vmsnd_control_call *call);
void vmsnd_control_host_device(struct vmsnd_control_call *call);
void vmsnd_control_host_volume(struct vmsnd_control_call *call);
void vmsnd_control_pause(struct vmsnd_control_call *call);
void vmsnd_control_unpause(struct vmsnd_control_call *call);
/* mixer.c */
void vmsnd_control_query_mixer(struct vmsnd_control_call *call);
void vmsnd_control_set_mixer(struct vmsnd_control_call *call);
json_t *vmsnd_control_volume_of(const struct vmsnd_volume *volume, uint32_t channels);
json_t *vmsnd_control_mixer_of(enum vmsnd_dir dir, const struct vmsnd_mixer *mixer);
/* jack.c */
void vmsnd_control_query_jacks(struct vmsnd_control_call *call);
void vmsnd_control_set_jack(struct vmsnd_control_call *call);
/* chain.c */
void vmsnd_control_attach(struct vmsnd_control_call *call);
void vmsnd_control_reattach(struct vmsnd_control_call *call);
void vmsnd_control_detach(struct vmsnd_control_call *call);
void vmsnd_control_driver_attach(struct vmsnd_control_call *call);
void vmsnd_control_driver_reattach(struct vmsnd_control_call *call);
void vmsnd_control_driver_detach(struct vmsnd_control_call *call);
/* cards.c */
void vmsnd_control_card_add(struct vmsnd_control_call *call);
void vmsnd_control_card_remove(struct vmsnd_control_call *call);
/* lifecycle.c */
void vmsnd_control_suspend(struct vmsnd_control_call *call);
void vmsnd_control_resume(struct vmsnd_control_call *call);
void vmsnd_control_suspend_left(struct vmsnd_control_call *call);
void vmsnd_control_resume_left(struct vmsnd_control_call *call);
/* The machine is taken through what was left. */
void vmsnd_control_life_go_on(struct vmsnd_control_life *life, struct vmsnd_machine *machine,
			      vmsnd_ns now);
void vmsnd_control_save(struct vmsnd_control_call *call);
void vmsnd_control_save_left(struct vmsnd_control_call *call);
void vmsnd_control_quit(struct vmsnd_control_call *call);

/* value.c: C into JSON. */
json_t *vmsnd_control_text(const char *text); /* NULL: null; what is no UTF-8 becomes '?' */
json_t *vmsnd_control_count(uint64_t value);
json_t *vmsnd_control_real(double value);
json_t *vmsnd_control_version(void);
const char *vmsnd_control_direction(enum vmsnd_dir dir);
/* All streams of a card in one allocation, to be freed; NULL and *n 0 for none, or no memory. */
struct vmsnd_stream_status *vmsnd_control_streams(const struct vmsnd_machine *machine,
						  unsigned card, size_t *n);

/* ---- request.c: one request, from its text to the answer ---- */

struct vmsnd_control_request {
	struct vmsnd_control_call call; /* control, machine, heard, watch and now filled in */
	const struct vmsnd_log *log;
	struct vmsnd_peer_id who;
	bool negotiated; /* in and out */
	vmsnd_ns limit;  /* it is answered by then, whatever it waits for */
	json_t *parsed;  /* what the arguments point into */
};
/* The answer; NULL while call.again is set, then `again` gives it. No memory is NULL, too. */
json_t *vmsnd_control_answer(struct vmsnd_control_request *request, const char *text, size_t bytes);
json_t *vmsnd_control_answer_again(struct vmsnd_control_request *request);
/* Whether it was answered or not. */
void vmsnd_control_request_end(struct vmsnd_control_request *request);
json_t *vmsnd_control_error(const char *cls, const char *line);

/* ---- events.c: what changed since the last look ---- */

struct vmsnd_control_watch_conf {
	const struct vmsnd_machine *machine;
	int64_t (*wall_us)(void);
	void (*tell)(void *ctx, const json_t *event);
	void *ctx;
};

struct vmsnd_control_watch *vmsnd_control_watch_open(const struct vmsnd_control_watch_conf *conf);
/* Takes what is now for granted. */
void vmsnd_control_watch_start(struct vmsnd_control_watch *watch);
/* This one is under way: its end will be told. */
void vmsnd_control_watch_expect(struct vmsnd_control_watch *watch,
				const struct vmsnd_reattach *which);
/* Tells what changed of the machine and on a card; or on some of the cards, all of them in turn. */
void vmsnd_control_watch_look_at(struct vmsnd_control_watch *watch, unsigned card);
void vmsnd_control_watch_look(struct vmsnd_control_watch *watch);
void vmsnd_control_watch_tell(struct vmsnd_control_watch *watch, const char *event, json_t *data);
void vmsnd_control_watch_close(struct vmsnd_control_watch *watch);
/* The `index`th event's name, NULL beyond the last; *help says when it comes. */
const char *vmsnd_control_event(size_t index, const char **help);

#endif
