/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd/machine.h - cards put together: transport, device, connector, backend, on one lane.
 *
 * A machine has no thread and no clock: whoever embeds it calls ready() when a watched
 * descriptor is readable and advance() when the time it last returned has come. All
 * calls for one machine come from one thread. */
#ifndef VMSND_MACHINE_H
#define VMSND_MACHINE_H

#include "backend.h"
#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vmsnd_machine;

/* How the machine asks its embedder to watch descriptors. `token` comes back in
 * vmsnd_machine_ready. unwatch is always called before a descriptor is closed. */
struct vmsnd_poller {
	void *ctx;
	enum vmsnd_rc (*watch)(void *ctx, int fd, uint64_t token);
	void (*unwatch)(void *ctx, int fd);
};

struct vmsnd_machine_conf {
	struct vmsnd_poller poller;
	struct vmsnd_log log;
	/* Backends of the embedder's own, found before those of the same name that the library has;
	 * NULL after the last. May be NULL; outlives the machine, like all it points to. */
	const struct vmsnd_backend_class *const *backends;
	unsigned workers; /* threads for what hosts are slow at: at most so many, 1..3; 0: 3 */
};

/* Outputs and inputs of one card at a time. */
#define VMSND_OUTPUTS_MAX 8u

/* What the program's --device and --backend say, as text. */
struct vmsnd_card_conf {
	const char *device;  /* "virtio-snd,socket=PATH,playback=1" */
	const char *backend; /* "file,path=out.wav"; NULL means "null" */
	/* Further ones, beside the first: each plays all that the card plays and is mixed into all
	 * that it records. NULL after the last. */
	const char *more[VMSND_OUTPUTS_MAX - 1];
	const char *transport; /* NULL: the device's usual one ("vhost-user") */
	int listen_fd;         /* an inherited listening socket, or -1; taken over on success */
};

/* VMSND_E_NOMEM. The machine is freed by close. */
enum vmsnd_rc vmsnd_machine_open(const struct vmsnd_machine_conf *conf, struct vmsnd_machine **out);

/* Adds a card; its transport listens when this returns. A failure has written one line
 * to the log (some for want of memory none) and left the machine as it was. VMSND_E_INVALID: the
 * text is wrong; other codes: what the backend or the transport met. */
enum vmsnd_rc vmsnd_machine_add(struct vmsnd_machine *machine, const struct vmsnd_card_conf *conf,
				vmsnd_ns now);

/* Whether the device's text is right and names no socket of its own, so that listen_fd is what
 * it listens on: for handing out sockets that a service manager passed. */
bool vmsnd_machine_wants_socket(const struct vmsnd_card_conf *conf);

/* A watched descriptor is readable. */
void vmsnd_machine_ready(struct vmsnd_machine *machine, uint64_t token, vmsnd_ns now);

/* Catches up to `now`; returns when to be called next, VMSND_NEVER, or `now` when the
 * budget of one call is spent and there is more to do. */
vmsnd_ns vmsnd_machine_advance(struct vmsnd_machine *machine, vmsnd_ns now);

struct vmsnd_machine_status {
	unsigned cards, connected;
	unsigned sessions_ended; /* VMMs that came and left again */
};
struct vmsnd_machine_status vmsnd_machine_status(const struct vmsnd_machine *machine);

/* Figures of one card, by its number in the order added: the device's counters, then each
 * port's, names as "tx_messages" or "playback0.underruns". Returns how many there are. */
struct vmsnd_named_counter {
	char name[48];
	uint64_t value;
};
size_t vmsnd_machine_counters(const struct vmsnd_machine *machine, unsigned card,
			      struct vmsnd_named_counter *out, size_t max);

/* ---- outputs, while it runs ----------------------------------------------------
 *
 * Each backend of a card has a number, from 0, the lowest that was free. Number 0 sets the pace;
 * without it a clock does. None of these disturbs the other outputs or the guest. */

/* Adds a backend, given as --backend is. The direction and what else it takes are options that
 * every backend has ('vmsnd backends' lists them). VMSND_E_INVALID: the text is wrong, or there
 * are VMSND_OUTPUTS_MAX; the line is in the log. A server that is not there is no failure: it is
 * tried again until it is. */
enum vmsnd_rc vmsnd_machine_attach(struct vmsnd_machine *machine, unsigned card,
				   const char *backend, vmsnd_ns now, unsigned *output);
/* VMSND_E_INVALID: no such output. What it still holds is dropped, the backend closed. */
enum vmsnd_rc vmsnd_machine_detach(struct vmsnd_machine *machine, unsigned card, unsigned output,
				   vmsnd_ns now);

/* The owner's switch of a direction: off closes every host stream of it and leaves the guest with
 * a working card that plays into nothing or records silence. Playback is on, capture off, unless
 * the card's options say otherwise. */
enum vmsnd_rc vmsnd_machine_enable(struct vmsnd_machine *machine, unsigned card, enum vmsnd_dir dir,
				   bool on, vmsnd_ns now);
/* Playback and capture, together, as they are now. */
enum vmsnd_rc vmsnd_machine_enabled(const struct vmsnd_machine *machine, unsigned card,
				    enum vmsnd_dir dir, bool *on);

/* The machine of card `card` is suspended, or goes on. */
enum vmsnd_rc vmsnd_machine_pause(struct vmsnd_machine *machine, unsigned card, bool on,
				  vmsnd_ns now);

/* Loudness of an output's streams of one direction. The change is a ramp of 10 ms. VMSND_E_INVALID
 * also for a gain beyond VMSND_GAIN_MAX_MDB. */
enum vmsnd_rc vmsnd_machine_volume(struct vmsnd_machine *machine, unsigned card, unsigned output,
				   enum vmsnd_dir dir, const struct vmsnd_volume *volume);

/* Debug taps: what goes by, into a sound file, while it is set. VMSND_TAP_DEVICE: what the device
 * handed in, or took out; VMSND_TAP_HOST: what output 0 took, or handed in, silence included.
 * `path` NULL switches it off. VMSND_E_INVALID: no such stream; other codes: the file. */
enum vmsnd_tap { VMSND_TAP_DEVICE, VMSND_TAP_HOST, VMSND_TAP_COUNT };
struct vmsnd_tap_conf {
	enum vmsnd_dir dir;
	unsigned stream;
	enum vmsnd_tap point;
	const char *path;
};
enum vmsnd_rc vmsnd_machine_tap(struct vmsnd_machine *machine, unsigned card,
				const struct vmsnd_tap_conf *tap, vmsnd_ns now);
/* Those that are set: fills at most `max`, returns how many there are. A path is good until its
 * tap is set anew. */
size_t vmsnd_machine_taps(const struct vmsnd_machine *machine, unsigned card,
			  struct vmsnd_tap_conf *out, size_t max);

/* What an output is. Reading disturbs nobody. */
struct vmsnd_output_status {
	const char *backend;      /* the class' name */
	const char *text;         /* what it was attached with; good until it is detached */
	bool present;             /* its card or server is there now */
	struct vmsnd_output_way { /* by enum vmsnd_dir */
		bool serves;
		/* UNKNOWN while it is away, and of a backend that does not tell (AT-05). */
		enum vmsnd_backend_status status;
	} ways[2];
};
/* VMSND_E_INVALID: no such output. Numbers go up to VMSND_OUTPUTS_MAX - 1, with gaps. */
enum vmsnd_rc vmsnd_machine_output(const struct vmsnd_machine *machine, unsigned card,
				   unsigned output, struct vmsnd_output_status *out);
/* Whether the card's machine is suspended. */
enum vmsnd_rc vmsnd_machine_paused(const struct vmsnd_machine *machine, unsigned card, bool *on);

/* What one stream is on one output. Reading disturbs nobody. */
struct vmsnd_stream_status {
	enum vmsnd_dir dir;
	unsigned stream, output;
	const char *backend;      /* the class' name */
	const char *host, *state; /* "running"; "PLAY": constant words of docs/connector.md */
	struct vmsnd_format guest_format; /* rate 0: not prepared */
	struct vmsnd_format host_format;  /* rate 0: not open */
	bool exact;                       /* samples pass as they are */
	struct vmsnd_volume volume;
	uint64_t frames_in, frames_out, dropped_frames, silence_frames, xruns, xrun_frames;
	uint32_t fill_frames;
	uint64_t latency_ns, latency_min_ns, latency_max_ns;
	double drift_ppm, bend_ppm;
	uint64_t opens, losses;
	/* The last changes of `host`, newest first, at most VMSND_STREAM_CHANGES of them. */
	unsigned n_changes;
	struct vmsnd_stream_change {
		vmsnd_ns when; /* the lane's time */
		const char *to;
	} changes[16];
};
/* Fills at most `max`, returns how many there are: one for each stream and output. */
size_t vmsnd_machine_streams(const struct vmsnd_machine *machine, unsigned card,
			     struct vmsnd_stream_status *out, size_t max);

/* Devices of an output's host, as last looked at: a look is under way from attach on, after every
 * notice of the host, and when refresh is called. */
size_t vmsnd_machine_host_devices(const struct vmsnd_machine *machine, unsigned card,
				  unsigned output, struct vmsnd_host_device *out, size_t max);
enum vmsnd_rc vmsnd_machine_host_refresh(struct vmsnd_machine *machine, unsigned card,
					 unsigned output, vmsnd_ns now);
/* Has the output's streams of a direction moved to another host device; NULL: the default one.
 * VMSND_E_UNSUPPORTED: this backend has no devices to choose from. */
enum vmsnd_rc vmsnd_machine_host_device(struct vmsnd_machine *machine, unsigned card,
					unsigned output, enum vmsnd_dir dir, const char *id,
					vmsnd_ns now);

/* A card's name, NULL beyond the last. Good until close. */
const char *vmsnd_machine_card_name(const struct vmsnd_machine *machine, unsigned card);

/* The guest's side of a card added with transport "in-process"; VMSND_E_INVALID for
 * another. Good until close. */
enum vmsnd_rc vmsnd_machine_guest_bus(struct vmsnd_machine *machine, unsigned card,
				      struct vmsnd_guest_bus *out);

/* Answers what is pending, closes files and servers, removes socket files. */
void vmsnd_machine_close(struct vmsnd_machine *machine, vmsnd_ns now);

#ifdef __cplusplus
}
#endif
#endif
