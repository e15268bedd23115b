/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzz target: the virtio sound card with all it can have, against a driver that speaks its
 * language: the input is a list of sentences (requests, sound, event buffers, things done to rings,
 * time, what owner and VMM do), most of them nearly right. The driver's books are in snd_driver.h;
 * besides, every request of a card at rest is answered with a status of the standard. */
#include <linux/virtio_snd.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { N_QUEUES = 4, N_PLAYBACK = 3, N_CAPTURE = 2, N_PORTS = 5 };
enum { OPS_MAX = 300, STEPS_MAX = 500 };
#include "card_world.h"
#include "snd_driver.h"
#include "vmsnd/tree.h"

#define SAVED_BYTES 0x10000u
#define F_CTLS      UINT64_C(1)
#define F_PACKED    (UINT64_C(1) << 34)

static uint64_t accepted;
static bool mapped;
static bool held_over; /* messages of a saved card may be, for want of a queue */

/* ---- the cards ---- */

/* What they are made of; the input's first byte chooses. */
static const char *const cards[] = {
    "{}",
    "{controls: on, jacks: on, channels: 8, xruns: on, polling: on, period-events: on}",
    "{packed: on, controls: on, jacks: on}",
    "{packed: on, in-order: on, ring-reset: on}",
    "{in-order: on, ring-reset: on, channels: 18, formats: all, rates: all}",
    "{event-idx: off, indirect: off, controls: on, formats: all, "
    "streams: {playback0: {group: 1, channels: 6, jack: out}, playback2: {group: 2}, "
    "capture1: {group: 1, channels: 1-4}}, "
    "jacks: {out: {type: headphones, remap: on}, in: {type: mic, output: 1, remap: on}}}",
};
enum { N_CARDS = sizeof(cards) / sizeof(cards[0]) };

static struct vmsnd_node *nodes[N_CARDS];
static struct vmsnd_conf confs[N_CARDS];
static unsigned card;

static void on_notify(void *ctx, unsigned vector)
{
	check(vector < N_QUEUES);
}

static const struct vmsnd_dev_env env = {.mem = &mem, .notify = on_notify, .port = on_port};

static void read_cards(void)
{
	struct vmsnd_error error;

	for (unsigned i = 0; i < N_CARDS && !nodes[i]; i++) {
		struct vmsnd_conf_source source;

		check(vmsnd_yaml_parse("card", cards[i], strlen(cards[i]), &nodes[i], &error) ==
		      VMSND_OK);
		source = (struct vmsnd_conf_source){.node = nodes[i], .who = "card"};
		check(vmsnd_conf_from_node(&confs[i], CLASS->options, &source, &error) == VMSND_OK);
	}
}

/* Reading a configuration takes far longer than a sentence of the driver's, so each card is kept as
 * init left it: two of a kind, since one is loaded with the state of the other. */
struct fresh {
	void *at, *copy;
	size_t bytes;
};
static struct fresh fresh[N_CARDS][2];

static void keep(struct fresh *made, const struct vmsnd_dev_conf *conf)
{
	made->bytes = CLASS->footprint(conf);
	made->at = block(made->bytes);
	made->copy = block(made->bytes);
	check(CLASS->init(made->at, conf, &env, now) == VMSND_OK);
	memcpy(made->copy, made->at, made->bytes);
}

static void make_this_card(void)
{
	struct fresh *made = &fresh[card][dev == fresh[card][0].at];
	const struct vmsnd_dev_conf conf = {.name = "card",
					    .playback_streams = N_PLAYBACK,
					    .capture_streams = N_CAPTURE,
					    .options = &confs[card],
					    .node = nodes[card]};

	if (!made->at)
		keep(made, &conf);
	memcpy(made->at, made->copy, made->bytes);
	dev = made->at;
}

static void make_ports(void)
{
	static const struct vmsnd_connector_env nothing;

	for (unsigned i = 0; i < N_PORTS; i++) {
		struct vmsnd_port_conf conf = {.dir =
						   i < N_PLAYBACK ? VMSND_PLAYBACK : VMSND_CAPTURE,
					       .enabled = true,
					       .env = &nothing};

		if (!ports[i]) {
			ports[i] = block(vmsnd_port_footprint());
			port_rings[i] = block(VMSND_PORT_RING_BYTES);
		}
		conf.ring_storage = port_rings[i];
		memset(ports[i], 0, vmsnd_port_footprint());
		vmsnd_port_init(ports[i], &conf);
	}
}

static void let_go(void)
{
	CLASS->reset(dev, VMSND_RESET_PEER_LOST, now);
	for (unsigned i = 0; i < N_PORTS; i++)
		vmsnd_port_close(ports[i], now);
}

static void map(void)
{
	const struct vmsnd_region region = {
	    .gpa = RAM_GPA, .bytes = RAM_BYTES, .at = ram, .rights = VMSND_READ | VMSND_WRITE};

	if (!mapped)
		check(vmsnd_gmem_add(&mem, &region) == VMSND_OK);
	mapped = true;
}

static void start(unsigned queue, uint32_t next_avail)
{
	const struct vmsnd_queue_setup setup = {.size = SIZE,
						.desc = ring_gpa(queue),
						.avail = driver_gpa(queue),
						.used = device_gpa(queue),
						.next_avail = next_avail};

	rings[queue].started = OPS->queue_start(dev, queue, &setup, now) == VMSND_OK;
	rings[queue].enabled = rings[queue].started;
}

static void boot(uint64_t features)
{
	held_over = false;
	accepted = features & OPS->features(dev);
	OPS->set_features(dev, accepted);
	for (unsigned i = 0; i < N_QUEUES; i++) {
		ring_clear(i, accepted & F_PACKED);
		start(i, rings[i].resume_at);
	}
}

static void look(void)
{
	for (unsigned i = 0; i < N_QUEUES; i++)
		ring_take(i);
}

/* ---- numbers ---- */

/* Mostly small ones; edges of every width else. */
static uint32_t number(struct input *in)
{
	static const uint32_t edges[] = {
	    0,    1,     2,      3,       4,          7,          8,          9,         0x7f,
	    0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
	uint8_t how = take8(in);

	if (how < 0x80)
		return how % 8;
	if (how < 0xc0)
		return edges[how % (sizeof(edges) / sizeof(edges[0]))];
	return take16(in);
}

/* ---- words: chains ---- */

/* Cuts what is readable and what is writable into pieces. */
static void post(struct input *in, unsigned queue, uint32_t readable, uint32_t writable)
{
	struct segment list[SEGMENTS_MAX];
	vmsnd_gpa at = ring_page(queue);
	uint32_t left[2] = {readable, writable};
	uint8_t cuts = take8(in);
	unsigned n = 0;

	for (unsigned part = 0; part < 2; part++)
		for (unsigned i = 0; i < 4 && left[part] > 0; i++) {
			uint32_t piece =
			    i < 3 && (cuts >> (part * 3 + i) & 1) ? take8(in) : left[part];

			piece = piece < left[part] ? piece : left[part];
			list[n++] = (struct segment){at, piece, part == 1};
			at += piece;
			left[part] -= piece;
		}
	if (n == 0)
		list[n++] = (struct segment){at, 0, cuts & 1};
	ring_post(queue, list, n, cuts & 0x40);
}

/* Where the readable part of the next chain will be, for the sender to write it first. */
static uint8_t *words(struct input *in, unsigned queue)
{
	ring_pick_page(queue, take8(in));
	return at_gpa(ring_page(queue));
}

/* ---- sentences ---- */

struct code {
	uint32_t code, bytes, answer_bytes;
};

static const struct code codes[] = {
    {VIRTIO_SND_R_JACK_INFO, 16, 4 + 4 * 24},
    {VIRTIO_SND_R_JACK_REMAP, 16, 4},
    {VIRTIO_SND_R_PCM_INFO, 16, 4 + 6 * 32},
    {VIRTIO_SND_R_CHMAP_INFO, 16, 4 + 8 * 24},
    {VIRTIO_SND_R_PCM_SET_PARAMS, 24, 4},
    {VIRTIO_SND_R_PCM_PREPARE, 8, 4},
    {VIRTIO_SND_R_PCM_RELEASE, 8, 4},
    {VIRTIO_SND_R_PCM_START, 8, 4},
    {VIRTIO_SND_R_PCM_STOP, 8, 4},
    {0x300, 16, 4 + 4 * 96},
    {0x301, 8, 4 + 8 * 64},
    {0x302, 8, 4 + 512},
    {0x303, 8 + 512, 4},
    {0x304, 8, 4 + 64},
    {0x305, 8 + 16, 4},
    {0x306, 8 + 16, 4 + 16},
};

static void op_request(struct input *in)
{
	const struct code *code = &codes[take8(in) % (sizeof(codes) / sizeof(codes[0]))];
	uint32_t body[4] = {number(in), number(in), number(in), number(in)};
	uint8_t how = take8(in);
	uint32_t bytes = how & 1 ? number(in) % 1024 : code->bytes;
	uint32_t answer_bytes = how & 2 ? number(in) % 0x4000 : code->answer_bytes;
	uint8_t *at = words(in, 0);
	uint32_t stride = code->answer_bytes > 4 ? (code->answer_bytes - 4) / 4 : 0;

	/* A query of the right stride as a rule. */
	if (code->bytes == 16 && !(how & 4))
		body[2] = stride;
	memset(at, how & 8 ? 0xff : 0, 600);
	memcpy(at, &code->code, 4);
	memcpy(at + 4, body, sizeof(body));
	post(in, 0, bytes, answer_bytes);
	OPS->kick(dev, 0, now);
}

static void set_params(struct input *in, uint32_t stream, uint8_t how)
{
	static const uint8_t formats[] = {VIRTIO_SND_PCM_FMT_S16, VIRTIO_SND_PCM_FMT_U8,
					  VIRTIO_SND_PCM_FMT_S32, VIRTIO_SND_PCM_FMT_FLOAT};
	const struct virtio_snd_pcm_set_params request = {
	    .hdr = {{VIRTIO_SND_R_PCM_SET_PARAMS}, stream},
	    .buffer_bytes = how & 1 ? number(in) : 4096,
	    .period_bytes = how & 2 ? number(in) : 1024,
	    .features = how & 4 ? number(in) : 0,
	    .channels = how & 8 ? take8(in) : 2,
	    .format = how & 16 ? take8(in) : formats[how >> 5 & 3],
	    .rate = how & 128 ? take8(in) : VIRTIO_SND_PCM_RATE_48000,
	};

	memcpy(words(in, 0), &request, sizeof(request));
	post(in, 0, sizeof(request), 4);
	OPS->kick(dev, 0, now);
	look();
}

static void command(struct input *in, uint32_t code, uint32_t stream)
{
	const uint32_t request[] = {code, stream};

	memcpy(words(in, 0), request, sizeof(request));
	post(in, 0, sizeof(request), 4);
	OPS->kick(dev, 0, now);
	look();
}

static void op_params(struct input *in)
{
	uint32_t stream = take8(in) % (N_PORTS + 1);

	set_params(in, stream, take8(in));
}

/* So that streams come to life often. */
static void op_bring_up(struct input *in)
{
	uint32_t stream = take8(in) % N_PORTS;

	set_params(in, stream, take8(in) & 0x64);
	command(in, VIRTIO_SND_R_PCM_PREPARE, stream);
	if (take8(in) & 1)
		command(in, VIRTIO_SND_R_PCM_START, stream);
}

static void op_sound(struct input *in)
{
	uint8_t how = take8(in);
	unsigned queue = how & 1 ? VIRTIO_SND_VQ_RX : VIRTIO_SND_VQ_TX;
	uint32_t stream = how & 2 ? number(in) : how / 4 % 4 + (queue == VIRTIO_SND_VQ_RX ? 3 : 0);
	/* What is recorded stays within its page. */
	uint32_t bytes =
	    how & 0x80 ? number(in) % (queue == VIRTIO_SND_VQ_RX ? 0xff0 : 0x8000) : 1024;
	uint32_t status = how & 0x40 ? take8(in) % 12 : 8;

	memcpy(words(in, queue), &stream, 4);
	if (queue == VIRTIO_SND_VQ_TX)
		post(in, queue, how & 0x20 ? take8(in) % 8 : 4 + bytes, status);
	else
		post(in, queue, how & 0x20 ? take8(in) % 8 : 4, bytes + status);
	if (how & 0x10)
		OPS->kick(dev, queue, now);
}

static void op_events(struct input *in)
{
	uint8_t how = take8(in);

	for (unsigned n = how % 8; n > 0; n--) {
		words(in, VIRTIO_SND_VQ_EVENT);
		post(in, VIRTIO_SND_VQ_EVENT, how & 0x40 ? take8(in) % 5 : 0,
		     how & 0x80 ? take8(in) % 16 : 8);
	}
	OPS->kick(dev, VIRTIO_SND_VQ_EVENT, now);
}

static void op_kick(struct input *in)
{
	OPS->kick(dev, take8(in) % (N_QUEUES + 1), now);
}

static void op_advance(struct input *in)
{
	step_until(now + take16(in) * UINT64_C(2000));
}

/* ---- things done to rings ---- */

static void op_mangle(struct input *in)
{
	unsigned queue = take8(in) % N_QUEUES;
	uint8_t *ring = at_gpa(ring_gpa(queue));
	uint32_t at = take16(in) % RING_AT;
	uint8_t how = take8(in);

	rings[queue].good = false;
	switch (how % 4) {
	case 0: /* one field of a descriptor, ours or of a table, or of an area */
		ring[at] = take8(in);
		break;
	case 1: /* a descriptor with edges for numbers */
		at = at / 16 * 16;
		memcpy(ring + at, &(uint64_t){number(in)}, 8);
		memcpy(ring + at + 8, &(uint32_t){number(in)}, 4);
		memcpy(ring + at + 12, &(uint32_t){number(in)}, 4);
		break;
	case 2: /* split: the index jumps; packed: the event area */
		memcpy(at_gpa(driver_gpa(queue)) + 0, &(uint32_t){number(in) << (how & 16)}, 4);
		break;
	default: /* the same head again */
		if (!rings[queue].packed)
			split_offer(queue, (uint16_t)number(in));
	}
	OPS->kick(dev, queue, now);
}

static void op_suppress(struct input *in)
{
	unsigned queue = take8(in) % N_QUEUES;
	uint16_t word = take16(in);
	uint8_t *area = at_gpa(driver_gpa(queue));

	memcpy(area + (rings[queue].packed ? 0 : 4 + 2 * SIZE), &word, 2);
	area[rings[queue].packed ? 2 : 0] = take8(in) & 3;
}

/* ---- what a VMM does ---- */

static void op_stop_start(struct input *in)
{
	uint8_t how = take8(in);
	unsigned queue = how % N_QUEUES;
	uint32_t place = OPS->queue_place(dev, queue);

	rings[queue].resume_at = OPS->queue_stop(dev, queue, now);
	ring_take(queue);
	check(rings[queue].resume_at == OPS->queue_stop(dev, queue, now));
	/* A stop may give back what could not be found again; else it is where it was told to be.
	 */
	check(rings[queue].packed || ring_out(queue) == 0 || (place >> 16) == 0);
	rings[queue].started = rings[queue].enabled = false;
	if (how & 0x10)
		step_until(now + 3000000);
	if (how & 0x80) { /* a new driver for one queue is one for all */
		for (unsigned i = 0; i < N_QUEUES; i++)
			rings[i].good = false;
		start(queue, number(in));
		return;
	}
	start(queue, rings[queue].resume_at);
}

static void op_ring_reset(struct input *in)
{
	unsigned queue = take8(in) % N_QUEUES;

	if (!OPS->queue_reset)
		return;
	OPS->queue_reset(dev, queue, now);
	ring_clear(queue, accepted & F_PACKED);
	step_until(now + take8(in) * UINT64_C(100000));
	start(queue, rings[queue].resume_at);
}

static void op_enable(struct input *in)
{
	uint8_t what = take8(in);
	unsigned queue = what % (N_QUEUES + 1);

	OPS->queue_enable(dev, queue, what & 0x80, now);
	if (queue < N_QUEUES)
		rings[queue].enabled = (what & 0x80) && rings[queue].started;
}

static void op_reset(struct input *in)
{
	uint8_t what = take8(in);

	CLASS->reset(dev, (enum vmsnd_reset)(what % 4), now);
	look();
	/* All that was out comes back before the card leaves a guest that may run. */
	if (what % 4 == VMSND_RESET_SHUTDOWN && !held_over)
		for (unsigned i = VIRTIO_SND_VQ_TX; i < N_QUEUES; i++)
			check(!rings[i].good || !rings[i].enabled || ring_out(i) == 0);
	boot(what & 0x80 ? UINT64_MAX : ~(F_CTLS | (UINT64_C(7) << 28)));
}

/* Memory goes away and comes back under running queues. */
static void op_unmap(struct input *in)
{
	vmsnd_gmem_remove(&mem, RAM_GPA, RAM_BYTES);
	mapped = false;
	OPS->kick(dev, take8(in) % N_QUEUES, now);
	step_until(now + 1000000);
	map();
	for (unsigned i = 0; i < N_QUEUES; i++)
		rings[i].good = false;
}

/* ---- what an owner does ---- */

static void op_owner(struct input *in)
{
	const struct vmsnd_panel_ops *panel = CLASS->panel;
	uint8_t how = take8(in);
	struct vmsnd_mixer mixer = {.sources = how};
	struct vmsnd_jack jack;
	unsigned stream = how % N_PORTS;

	if (!panel)
		return;
	if (how & 0x80) {
		if (panel->jack && panel->jack(dev, stream, &jack))
			panel->jack_set(dev, stream, how & 0x40, now);
		return;
	}
	mixer.volume.gain_mdb = -(int32_t)(number(in) % 200000);
	mixer.volume.muted = how & 0x20 ? UINT32_MAX : 0;
	vmsnd_port_mixer_set(ports[stream], &mixer, now);
	if (panel->mixer_changed)
		panel->mixer_changed(dev, stream < N_PLAYBACK ? VMSND_PLAYBACK : VMSND_CAPTURE,
				     stream < N_PLAYBACK ? stream : stream - N_PLAYBACK, now);
}

/* Saved, and brought back in a card just made; its ports are as they were. The queues go on. */
static void op_save(struct input *in)
{
	static uint8_t saved[SAVED_BYTES];
	struct vmsnd_state_writer to = {.to = saved, .room = sizeof(saved)};
	struct vmsnd_state_reader from = {.from = saved};
	uint32_t places[N_QUEUES];

	for (unsigned i = 0; i < N_QUEUES; i++)
		places[i] = OPS->queue_place(dev, i);
	for (unsigned i = 0; i < N_PORTS; i++)
		vmsnd_port_stop(ports[i], now);
	CLASS->save(dev, &to);
	check(!to.full);
	make_this_card();
	from.bytes = to.used;
	check(CLASS->load(dev, &from, CLASS->state_minor, now) == VMSND_OK);
	for (unsigned i = 0; i < N_QUEUES; i++)
		if (rings[i].started)
			start(i, places[i]);
	/* Messages held over wait until each queue that there was is back. */
	for (unsigned i = 0; i < N_QUEUES; i++)
		held_over |= !rings[i].started;
	/* A lane's turn follows what a VMM does, and then the guest runs again. */
	step();
}

static void op_config(struct input *in)
{
	uint8_t to[64];

	OPS->config_read(dev, take16(in), to, take8(in) % sizeof(to));
}

static void (*const ops[])(struct input *in) = {
    op_request, op_request, op_request, op_params,   op_bring_up,   op_bring_up,
    op_sound,   op_sound,   op_sound,   op_sound,    op_events,     op_kick,
    op_advance, op_advance, op_mangle,  op_suppress, op_stop_start, op_enable,
    op_reset,   op_unmap,   op_owner,   op_save,     op_config,     op_ring_reset,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = {data, bytes};

	read_cards();
	now = 1000000;
	memset(&mem, 0, sizeof(mem));
	memset(ram, 0, sizeof(ram));
	mapped = false;
	map();
	card = take8(&in) % N_CARDS;
	make_ports();
	dev = NULL;
	make_this_card();
	boot(UINT64_MAX);
	for (unsigned n = 0; n < OPS_MAX && in.left > 0; n++) {
		ops[take8(&in) % (sizeof(ops) / sizeof(ops[0]))](&in);
		look();
	}
	let_go();
	return 0;
}
