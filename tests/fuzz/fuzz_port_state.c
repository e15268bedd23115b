/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: a port's saved state, good but for the bytes that the input changes, is loaded; then
 * the port runs for a while with hosts and a guest. A state is taken whole or not at all; whatever
 * was taken may not crash, spin, or be lost when it is saved again. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "connector/connector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { UNITS = 3, STATE_BYTES = 1 << 22, TURNS = 60, PERIOD = 480 };
#define MS UINT64_C(1000000)

/* A host that takes, or gives, a block each time it is asked. */
struct vmsnd_stream {
	struct vmsnd_stream_user user;
	void *ctx;
	struct vmsnd_stream_got got;
	uint32_t frames;
	void *samples;
	bool running;
};

struct vmsnd_backend {
	struct vmsnd_stream stream;
	bool open;
};

struct machine {
	struct vmsnd_connector_env env;
	struct vmsnd_port *port;
	void *rings[UNITS];
	struct vmsnd_lun *luns[UNITS];
	struct vmsnd_backend hosts[UNITS];
};

static uint8_t good[2][STATE_BYTES], state[STATE_BYTES], again[STATE_BYTES];
static size_t good_bytes[2];

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Pages that are not touched cost nothing. */
static void *zeroed(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(at != MAP_FAILED);
	return at;
}

static enum vmsnd_rc host_open(struct vmsnd_backend *host, const struct vmsnd_stream_want *want,
			       const struct vmsnd_stream_user *user, void *ctx,
			       struct vmsnd_stream **out, struct vmsnd_stream_got *got)
{
	check(!host->open);
	if (want->period_frames > 48000)
		return VMSND_E_UNSUPPORTED;
	*got = (struct vmsnd_stream_got){.format = want->format,
					 .period_frames = want->period_frames,
					 .max_frames = want->period_frames,
					 .follows = want->follow};
	host->open = true;
	host->stream = (struct vmsnd_stream){.user = *user, .ctx = ctx, .got = *got};
	host->stream.samples =
	    malloc((size_t)want->period_frames * vmsnd_format_frame_bytes(&want->format));
	check(host->stream.samples);
	memset(host->stream.samples, 0,
	       (size_t)want->period_frames * vmsnd_format_frame_bytes(&want->format));
	*out = &host->stream;
	return VMSND_OK;
}

static enum vmsnd_rc host_start(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->running = true;
	return VMSND_OK;
}

static void host_stop(struct vmsnd_stream *stream, vmsnd_ns now)
{
	stream->running = false;
}

static void host_close(struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = (struct vmsnd_backend *)stream;

	free(stream->samples);
	host->open = false;
}

static void host_move(struct vmsnd_backend *host, vmsnd_ns now)
{
	struct vmsnd_stream *stream = &host->stream;
	struct vmsnd_block block = {.samples = stream->samples,
				    .frames = stream->got.period_frames,
				    .delay_frames = 100,
				    .when = now};

	if (host->open && stream->running) {
		stream->user.ready_rt(stream->ctx);
		stream->user.block_rt(stream->ctx, &block);
	}
}

static const struct vmsnd_backend_class host_class = {
    .abi = VMSND_BACKEND_ABI,
    .abi_end = VMSND_BACKEND_ABI,
    .name = "fuzz",
    .stream_open = host_open,
    .stream_start = host_start,
    .stream_stop = host_stop,
    .stream_close = host_close,
};

static void machine_open(struct machine *machine, enum vmsnd_dir dir, vmsnd_ns now)
{
	struct vmsnd_port_conf conf = {.dir = dir, .enabled = true, .env = &machine->env};

	memset(machine, 0, sizeof(*machine));
	machine->env.cpu = VMSND_CPU_BASELINE;
	machine->port = zeroed(vmsnd_port_footprint());
	for (unsigned i = 0; i < UNITS; i++)
		machine->rings[i] = zeroed(VMSND_PORT_RING_BYTES);
	conf.ring_storage = machine->rings[0];
	vmsnd_port_init(machine->port, &conf);
	for (unsigned i = 0; i < UNITS; i++) {
		struct vmsnd_lun_conf lun = {
		    .role = i == 2 ? VMSND_LUN_TAP_DEVICE : VMSND_LUN_NORMAL,
		    .backend = &host_class,
		    .host = &machine->hosts[i],
		    .prefs = {.sample = VMSND_SAMPLE_COUNT, .prebuffer_ms = VMSND_PREBUFFER_UNSET},
		    .ring_storage = i ? machine->rings[i] : NULL};

		machine->luns[i] = zeroed(vmsnd_lun_footprint());
		check(vmsnd_port_add(machine->port, i, machine->luns[i], &lun, now) == VMSND_OK);
	}
}

static void machine_close(struct machine *machine, vmsnd_ns now)
{
	vmsnd_port_close(machine->port, now);
	for (unsigned i = 0; i < UNITS; i++) {
		vmsnd_port_remove(machine->port, i, now);
		check(vmsnd_lun_gone(machine->luns[i]));
		check(!machine->hosts[i].open);
		munmap(machine->luns[i], vmsnd_lun_footprint());
		munmap(machine->rings[i], VMSND_PORT_RING_BYTES);
	}
	munmap(machine->port, vmsnd_port_footprint());
}

static void guest_turn(struct vmsnd_port *port)
{
	uint32_t left = vmsnd_port_wanted(port);
	void *at;

	for (unsigned pieces = 0; left > 0 && pieces < 3; pieces++) {
		uint32_t n = vmsnd_port_begin(port, left, &at);

		vmsnd_port_commit(port, n);
		left -= n;
	}
}

static vmsnd_ns machine_run(struct machine *machine, unsigned turns, vmsnd_ns now)
{
	uint64_t done = vmsnd_port_done_frames(machine->port);

	for (unsigned turn = 0; turn < turns; turn++) {
		struct vmsnd_counter list[32];

		now += MS;
		for (unsigned i = 0; turn % 3 == 0 && i < UNITS; i++)
			host_move(&machine->hosts[i], now);
		vmsnd_port_advance(machine->port, now);
		guest_turn(machine->port);
		vmsnd_port_advance(machine->port, now);
		check(vmsnd_port_done_frames(machine->port) >= done);
		done = vmsnd_port_done_frames(machine->port);
		vmsnd_port_delay_frames(machine->port);
		vmsnd_port_counters(machine->port, list, 32);
	}
	return now;
}

static size_t save(const struct machine *machine, uint8_t *to)
{
	struct vmsnd_state_writer writer = {.to = to, .room = STATE_BYTES};

	vmsnd_port_save(machine->port, &writer);
	check(!writer.full);
	return writer.used;
}

static void make_good(enum vmsnd_dir dir)
{
	const struct vmsnd_stream_params params = {
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
	    .buffer_frames = 4 * PERIOD,
	    .period_frames = PERIOD};
	struct machine machine;

	machine_open(&machine, dir, MS);
	check(vmsnd_port_prepare(machine.port, &params, MS) == VMSND_OK);
	check(vmsnd_port_start(machine.port, MS) == VMSND_OK);
	machine_run(&machine, 20, MS);
	vmsnd_port_pause(machine.port, true, 21 * MS);
	good_bytes[dir] = save(&machine, good[dir]);
	machine_close(&machine, 21 * MS);
}

/* Three bytes say where, one what; most of the places are where the fields are. */
static size_t spoil(enum vmsnd_dir dir, const uint8_t *data, size_t bytes)
{
	size_t n = good_bytes[dir];

	memcpy(state, good[dir], n);
	for (; bytes >= 4; data += 4, bytes -= 4) {
		size_t at = (size_t)(data[0] | data[1] << 8 | data[2] << 16) % n;

		state[data[2] & 0x80 ? at : at % 512] = data[3];
	}
	return bytes == 3 ? (size_t)(data[0] | data[1] << 8) % n : n;
}

/* Loaded, it is what was saved; and goes on. */
static void go_on(struct machine *machine, uint8_t what, vmsnd_ns now)
{
	size_t n = save(machine, again);
	struct vmsnd_state_reader from = {.from = again, .bytes = n};
	struct machine copy;

	machine_open(&copy, what & 1 ? VMSND_CAPTURE : VMSND_PLAYBACK, now);
	check(vmsnd_port_load(copy.port, &from, VMSND_PORT_STATE_MINOR, now) == VMSND_OK);
	check(vmsnd_port_done_frames(copy.port) == vmsnd_port_done_frames(machine->port));
	machine_close(&copy, now);
	vmsnd_port_pause(machine->port, false, now);
	now = machine_run(machine, TURNS, now);
	if (what & 2)
		vmsnd_port_drain(machine->port, now);
	now = machine_run(machine, TURNS, now);
	if (what & 4)
		vmsnd_port_stop(machine->port, now);
	vmsnd_port_start(machine->port, now);
	machine_run(machine, TURNS, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum vmsnd_dir dir;
	struct machine machine;
	struct vmsnd_state_reader from = {.from = state};
	vmsnd_ns now = 1000 * MS;

	if (bytes < 1)
		return 0;
	dir = data[0] & 1 ? VMSND_CAPTURE : VMSND_PLAYBACK;
	if (good_bytes[dir] == 0)
		make_good(dir);
	from.bytes = spoil(dir, data + 1, bytes - 1);
	machine_open(&machine, dir, now);
	if (vmsnd_port_load(machine.port, &from, VMSND_PORT_STATE_MINOR, now) == VMSND_OK)
		go_on(&machine, data[0], now);
	else
		check(!vmsnd_port_params(machine.port, &(struct vmsnd_stream_params){0}));
	machine_close(&machine, now + 1000 * MS);
	return 0;
}
