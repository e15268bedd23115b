/* SPDX-License-Identifier: BSD-3-Clause */
/* A card's trace: every kind of record written, and printed by `vmsnd trace`, whose path is the
 * first argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../connector/rig.h"
#include "manager/trace.h"
#include "manager/trace_format.h"

static const char *program;

/* ---- a device that asks for everything there is ---- */

struct vmsnd_dev {
	const struct vmsnd_dev_env *env;
	unsigned calls;
};

static const struct vmsnd_stream_params params = {
    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
    .buffer_frames = BUFFER,
    .period_frames = PERIOD};

static void ask_port(struct vmsnd_port *port, vmsnd_ns now)
{
	void *at;

	vmsnd_port_hint(port, &params, now);
	vmsnd_port_fits(port, &params);
	vmsnd_port_prepare(port, &params, now);
	vmsnd_port_wanted(port);
	vmsnd_port_begin(port, 100, &at);
	vmsnd_port_commit(port, 100);
	vmsnd_port_start(port, now);
	vmsnd_port_done_frames(port);
	vmsnd_port_delay_frames(port);
	vmsnd_port_due(port, 100, now);
	vmsnd_port_drain(port, now);
	vmsnd_port_stop(port, now);
	vmsnd_port_release(port, now);
}

static void ask_memory(struct vmsnd_gmem *mem)
{
	uint8_t bytes[16] = {0};
	uint16_t index;

	vmsnd_gmem_check(mem, 0x1000, 32, VMSND_READ | VMSND_WRITE);
	vmsnd_gmem_read(mem, 0x1000, bytes, sizeof(bytes));
	vmsnd_gmem_write(mem, 0x1010, bytes, sizeof(bytes));
	vmsnd_gmem_store16(mem, 0x1002, 513);
	vmsnd_gmem_load16(mem, 0x1002, &index);
	vmsnd_gmem_read(mem, 0x9000, bytes, 1);
}

static void dev_kick(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	dev->calls++;
	if (queue == 2)
		ask_port(dev->env->port(dev->env->ctx, VMSND_PLAYBACK, 0), now);
	if (queue == 1)
		ask_memory(dev->env->mem);
	dev->env->guest_fault(dev->env->ctx, VMSND_FAULT_CHAIN, 0x77);
	dev->env->notify(dev->env->ctx, queue);
}

static void dev_reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	dev->calls++;
}

static vmsnd_ns dev_advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	return dev->calls++ == 0 ? VMSND_NEVER : now + 10 * MS;
}

static size_t dev_counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	return 7;
}

static void dev_fini(struct vmsnd_dev *dev)
{
	dev->calls++;
}

static enum vmsnd_rc dev_init_complete(struct vmsnd_dev *dev, vmsnd_ns now)
{
	return VMSND_OK;
}

static enum vmsnd_rc dev_life(struct vmsnd_dev *dev, enum vmsnd_life what, vmsnd_ns now)
{
	return VMSND_E_AGAIN;
}

static void dev_save(const struct vmsnd_dev *dev, struct vmsnd_state_writer *to)
{
	vmsnd_state_put_u32(to, 1);
}

static enum vmsnd_rc dev_load(struct vmsnd_dev *dev, struct vmsnd_state_reader *from,
			      uint16_t minor, vmsnd_ns now)
{
	return VMSND_E_DAMAGED;
}

static uint64_t dev_features(const struct vmsnd_dev *dev)
{
	return UINT64_C(0x130000000);
}

static void dev_set_features(struct vmsnd_dev *dev, uint64_t accepted)
{
	dev->calls++;
}

static void dev_config_read(const struct vmsnd_dev *dev, uint32_t offset, void *to, uint32_t bytes)
{
	memset(to, 0x11, bytes);
}

static enum vmsnd_rc dev_queue_start(struct vmsnd_dev *dev, unsigned queue,
				     const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	return queue < 4 ? VMSND_OK : VMSND_E_INVALID;
}

static uint32_t dev_queue_stop(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	return 40000;
}

static void dev_queue_enable(struct vmsnd_dev *dev, unsigned queue, bool on, vmsnd_ns now)
{
	dev->calls++;
}

static const struct vmsnd_virtio_ops dev_ops = {.device_id = 25,
						.n_queues = 4,
						.features = dev_features,
						.set_features = dev_set_features,
						.config_read = dev_config_read,
						.queue_start = dev_queue_start,
						.queue_stop = dev_queue_stop,
						.queue_enable = dev_queue_enable,
						.kick = dev_kick};

static const struct vmsnd_dev_class dev_class = {.abi = VMSND_DEV_ABI,
						 .name = "asker",
						 .virtio = &dev_ops,
						 .reset = dev_reset,
						 .advance = dev_advance,
						 .counters = dev_counters,
						 .fini = dev_fini,
						 .init_complete = dev_init_complete,
						 .life = dev_life,
						 .save = dev_save,
						 .load = dev_load,
						 .abi_end = VMSND_DEV_ABI};

/* ---- and one on a PCI bus ---- */

static void dev_bar(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out)
{
	*out = (struct vmsnd_pci_bar){.bytes = 64u << index, .io = true};
}

static void dev_read(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, void *to)
{
	memset(to, 0x2a, access->bytes);
}

/* Zeros lower the line. */
static void dev_write(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
		      const void *from)
{
	const struct vmsnd_msi message = {
	    .vector = 3, .address = UINT64_C(0x1fee00000), .data = 0x4021};
	uint8_t first = 0;

	if (access->bytes > 0)
		memcpy(&first, from, 1);
	dev->env->line(dev->env->ctx, first != 0);
	if (access->region == VMSND_PCI_CONFIG)
		dev->env->message(dev->env->ctx, &message);
}

static const struct vmsnd_pci_ops dev_pci_ops = {
    .bar = dev_bar, .read = dev_read, .write = dev_write};
static const struct vmsnd_dev_class dev_pci_class = {.abi = VMSND_DEV_ABI,
						     .name = "asker",
						     .pci = &dev_pci_ops,
						     .reset = dev_reset,
						     .advance = dev_advance,
						     .counters = dev_counters,
						     .abi_end = VMSND_DEV_ABI};

/* ---- a card that is traced ---- */

struct world {
	char path[64];
	struct rig rig;
	struct vmsnd_connector_env env;
	struct vmsnd_job *jobs[16]; /* held until work */
	unsigned n_jobs;
	bool hold, refuse;
	struct vmsnd_log log;
	char said[512];
	unsigned notified, faults, lines, messages;
	bool high;
	struct vmsnd_msi message;
	struct vmsnd_dev dev;
	struct vmsnd_dev_env dev_env;
	struct vmsnd_gmem mem;
	struct vmsnd_gmem_guard guard;
	struct vmsnd_card_ref card;
	struct vmsnd_trace *trace;
	uint8_t memory[64];
};

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct world *world = ctx;

	snprintf(world->said, sizeof(world->said), "%s", line);
}

static bool submit(void *ctx, struct vmsnd_job *job)
{
	struct world *world = ctx;

	if (world->refuse)
		return false;
	if (world->hold) {
		world->jobs[world->n_jobs++] = job;
		return true;
	}
	job->run(job);
	atomic_store(&job->done, true);
	return true;
}

static void work(struct world *world)
{
	for (unsigned i = 0; i < world->n_jobs; i++) {
		world->jobs[i]->run(world->jobs[i]);
		atomic_store(&world->jobs[i]->done, true);
	}
	world->n_jobs = 0;
}

static void on_notify(void *ctx, unsigned vector)
{
	((struct world *)ctx)->notified++;
}

static void on_line(void *ctx, bool high)
{
	struct world *world = ctx;

	world->lines++;
	world->high = high;
}

static void on_message(void *ctx, const struct vmsnd_msi *message)
{
	struct world *world = ctx;

	world->messages++;
	world->message = *message;
}

static struct vmsnd_port *on_port(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	return ((struct world *)ctx)->rig.port;
}

static void on_fault(void *ctx, enum vmsnd_fault what, uint64_t detail)
{
	((struct world *)ctx)->faults++;
}

/* The port of the rig is made anew, with somebody who watches. */
static void watch_port(struct world *world)
{
	struct vmsnd_port_conf conf = {.dir = VMSND_PLAYBACK, .enabled = true};

	rig_begin(&world->rig, VMSND_PLAYBACK, true);
	conf.env = &world->rig.env;
	conf.ring_storage = world->rig.storage;
	conf.watch = vmsnd_trace_port(world->trace, VMSND_PLAYBACK, 0);
	memset(world->rig.port, 0, vmsnd_port_footprint());
	vmsnd_port_init(world->rig.port, &conf);
}

static enum vmsnd_rc open_trace(struct world *world, uint32_t room)
{
	const struct vmsnd_trace_conf conf = {.path = world->path,
					      .card = "vm1",
					      .cls = "asker",
					      .env = &world->env,
					      .log = &world->log,
					      .room = room};

	return vmsnd_trace_open(&conf, START, &world->trace);
}

static void begin(struct world *world, uint32_t room)
{
	int fd;

	memset(world, 0, sizeof(*world));
	snprintf(world->path, sizeof(world->path), "/tmp/vmsnd-trace-XXXXXX");
	fd = mkstemp(world->path);
	assert_true(fd >= 0);
	close(fd);
	world->env = (struct vmsnd_connector_env){.ctx = world, .submit = submit};
	world->log = (struct vmsnd_log){world, write_line};
	assert_int_equal(open_trace(world, room), VMSND_OK);
	watch_port(world);
	world->guard = (struct vmsnd_gmem_guard){.first = 0, .last = UINT64_MAX};
	vmsnd_trace_guard(world->trace, &world->guard);
	world->mem.guard = &world->guard;
	world->dev_env = (struct vmsnd_dev_env){.ctx = world,
						.mem = &world->mem,
						.notify = on_notify,
						.line = on_line,
						.message = on_message,
						.port = on_port,
						.guest_fault = on_fault};
	vmsnd_trace_env(world->trace, &world->dev_env);
	world->dev.env = &world->dev_env;
	world->card =
	    vmsnd_trace_card(world->trace, (struct vmsnd_card_ref){&dev_class, &world->dev});
}

static void end_trace(struct world *world)
{
	vmsnd_trace_stop(world->trace);
	for (unsigned i = 0; !vmsnd_trace_gone(world->trace); i++) {
		assert_true(i < 10);
		work(world);
	}
	rig_close(&world->rig);
}

/* What the program prints, standard error last; its exit code. */
static int print(struct world *world, const char *options, char *text, size_t bytes)
{
	char command[512];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command), "'%s' trace %s %s 2>&1", program, options, world->path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(text, 1, bytes - 1, pipe);
	text[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static void expect_printed(struct world *world, const char *options, const char *want)
{
	static char text[65536];

	assert_int_equal(print(world, options, text, sizeof(text)), 0);
	assert_string_equal(text, want);
}

static void kick(struct world *world, unsigned queue, vmsnd_ns at)
{
	world->card.cls->virtio->kick(world->card.dev, queue, START + at);
}

/* ---- every kind ---- */

static void all_device(struct world *world)
{
	const struct vmsnd_queue_setup setup = {64, 0x1000, 0x2000, 0x3000, 5};
	const struct vmsnd_dev_class *cls = world->card.cls;
	const struct vmsnd_virtio_ops *ops = cls->virtio;
	struct vmsnd_dev *dev = world->card.dev;
	struct vmsnd_state_writer to = {.to = NULL};
	struct vmsnd_state_reader from = {.bytes = 0};
	struct vmsnd_counter counter;
	uint8_t byte;

	assert_int_equal(cls->advance(dev, START), VMSND_NEVER);
	assert_int_equal(cls->advance(dev, START + 1500), START + 1500 + 10 * MS);
	cls->reset(dev, VMSND_RESET_BUS, START + MS);
	assert_int_equal(cls->init_complete(dev, START + MS), VMSND_OK);
	assert_int_equal(cls->life(dev, VMSND_LIFE_SUSPEND, START + MS), VMSND_E_AGAIN);
	cls->save(dev, &to);
	assert_int_equal(cls->load(dev, &from, 3, START + 2 * MS), VMSND_E_DAMAGED);
	assert_int_equal(cls->counters(dev, &counter, 1), 7);
	assert_int_equal(ops->features(dev), UINT64_C(0x130000000));
	ops->set_features(dev, 0x100000000);
	ops->config_read(dev, 4, &byte, 1);
	assert_int_equal(byte, 0x11);
	assert_int_equal(ops->queue_start(dev, 2, &setup, START + 2 * MS), VMSND_OK);
	assert_int_equal(ops->queue_start(dev, 9, &setup, START + 2 * MS), VMSND_E_INVALID);
	assert_int_equal(ops->queue_stop(dev, 2, START + 3 * MS), 40000);
	ops->queue_enable(dev, 2, true, START + 3 * MS);
	cls->fini(dev);
}

static void test_DM54_every_call_of_the_device_is_there(void **state)
{
	static struct world world;

	begin(&world, 0);
	all_device(&world);
	end_trace(&world);
	expect_printed(&world, "",
		       "card vm1, asker\n"
		       "     0.000000 +0.000000 dev.advance -> never\n"
		       "     0.000001 +0.000001 dev.advance -> in 0.010000 s\n"
		       "     0.001000 +0.000998 dev.reset why=bus\n"
		       "     0.001000 +0.000000 dev.init_complete -> ok\n"
		       "     0.001000 +0.000000 dev.life what=suspend -> not done yet\n"
		       "     0.001000 +0.000000 dev.save -> 4\n"
		       "     0.002000 +0.001000 dev.load minor=3 -> damaged\n"
		       "     0.002000 +0.000000 dev.features -> 0x130000000\n"
		       "     0.002000 +0.000000 dev.set_features accepted=0x100000000\n"
		       "     0.002000 +0.000000 dev.config_read offset=4 bytes=1\n"
		       "     0.002000 +0.000000 dev.queue_start queue=2 size=64 next_avail=5 "
		       "desc=0x1000 avail=0x2000 used=0x3000 -> ok\n"
		       "     0.002000 +0.000000 dev.queue_start queue=9 size=64 next_avail=5 "
		       "desc=0x1000 avail=0x2000 used=0x3000 -> not allowed like this\n"
		       "     0.003000 +0.001000 dev.queue_stop queue=2 -> 40000\n"
		       "     0.003000 +0.000000 dev.queue_enable queue=2 on=yes\n"
		       "     0.003000 +0.000000 dev.fini\n");
	unlink(world.path);
}

static void test_DM54_memory_interrupts_and_faults(void **state)
{
	static struct world world;
	const struct vmsnd_region region = {.gpa = 0x1000,
					    .bytes = sizeof(world.memory),
					    .at = world.memory,
					    .rights = VMSND_READ | VMSND_WRITE};

	begin(&world, 0);
	assert_int_equal(vmsnd_gmem_add(&world.mem, &region), VMSND_OK);
	kick(&world, 1, MS);
	assert_int_equal(vmsnd_gmem_remove(&world.mem, 0x1000, sizeof(world.memory)), VMSND_OK);
	assert_int_equal(world.notified, 1);
	assert_int_equal(world.faults, 1);
	assert_int_equal(world.guard.refusals, 1);
	end_trace(&world);
	expect_printed(
	    &world, "",
	    "card vm1, asker\n"
	    "     0.000000 +0.000000 mem.add gpa=0x1000 bytes=64 rights=rw -> ok\n"
	    "     0.001000 +0.001000 dev.kick queue=1 {\n"
	    "     0.001000 +0.000000   mem.check gpa=0x1000 bytes=32 rights=rw -> ok\n"
	    "     0.001000 +0.000000   mem.read gpa=0x1000 bytes=16 -> ok\n"
	    "     0.001000 +0.000000   mem.write gpa=0x1010 bytes=16 -> ok\n"
	    "     0.001000 +0.000000   mem.store16 gpa=0x1002 value=513 -> ok\n"
	    "     0.001000 +0.000000   mem.load16 gpa=0x1002 value=513 -> ok\n"
	    "     0.001000 +0.000000   mem.read gpa=0x9000 bytes=1 -> address outside "
	    "guest memory\n"
	    "     0.001000 +0.000000   fault what=malformed descriptor chain detail=0x77\n"
	    "     0.001000 +0.000000   irq.notify vector=1\n"
	    "     0.001000 +0.000000 } dev.kick\n"
	    "     0.001000 +0.000000 mem.remove gpa=0x1000 bytes=64 -> ok\n");
	expect_printed(&world, "--only irq,fault",
		       "card vm1, asker\n"
		       "     0.001000 +0.001000 fault what=malformed descriptor chain detail=0x77\n"
		       "     0.001000 +0.000000 irq.notify vector=1\n");
	expect_printed(&world, "--only mem --limit 2",
		       "card vm1, asker\n"
		       "     0.000000 +0.000000 mem.add gpa=0x1000 bytes=64 rights=rw -> ok\n"
		       "     0.001000 +0.001000 mem.check gpa=0x1000 bytes=32 rights=rw -> ok\n");
	unlink(world.path);
}

/* What the manager asks a port by itself is none of the device's. */
static void test_DM54_ports(void **state)
{
	static struct world world;

	begin(&world, 0);
	vmsnd_port_wanted(world.rig.port);
	kick(&world, 2, 0);
	end_trace(&world);
	expect_printed(
	    &world, "--only port",
	    "card vm1, asker\n"
	    "     0.000000 +0.000000 port.hint playback0 sample=S16 rate_hz=48000 channels=2 "
	    "buffer_frames=1920 period_frames=480\n"
	    "     0.000000 +0.000000 port.fits playback0 sample=S16 rate_hz=48000 channels=2 "
	    "buffer_frames=1920 period_frames=480 -> yes\n"
	    "     0.000000 +0.000000 port.prepare playback0 sample=S16 rate_hz=48000 channels=2 "
	    "buffer_frames=1920 period_frames=480 -> ok\n"
	    "     0.000000 +0.000000 port.wanted playback0 -> 960\n"
	    "     0.000000 +0.000000 port.begin playback0 frames=100 -> 100\n"
	    "     0.000000 +0.000000 port.commit playback0 frames=100\n"
	    "     0.000000 +0.000000 port.start playback0 -> ok\n"
	    "     0.000000 +0.000000 port.done_frames playback0 -> 0\n"
	    "     0.000000 +0.000000 port.delay_frames playback0 -> 0\n"
	    "     0.000000 +0.000000 port.due playback0 frames=100 -> never\n"
	    "     0.000000 +0.000000 port.drain playback0\n"
	    "     0.000000 +0.000000 port.stop playback0\n"
	    "     0.000000 +0.000000 port.release playback0\n");
	unlink(world.path);
}

static void test_DM54_registers_and_interrupts_of_a_PCI_card(void **state)
{
	static struct world world;
	struct vmsnd_pci_access access = {
	    .region = 1, .bytes = 2, .offset = 0x16, .now = START + MS};
	const uint8_t bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct vmsnd_pci_bar bar;
	const struct vmsnd_pci_ops *ops;
	uint8_t to[16];

	begin(&world, 0);
	world.card =
	    vmsnd_trace_card(world.trace, (struct vmsnd_card_ref){&dev_pci_class, &world.dev});
	assert_null(world.card.cls->virtio);
	ops = world.card.cls->pci;
	ops->bar(world.card.dev, 2, &bar);
	assert_true(bar.io && bar.bytes == 256);
	ops->read(world.card.dev, &access, to);
	assert_int_equal(to[1], 0x2a);
	ops->write(world.card.dev, &access, bytes);
	access = (struct vmsnd_pci_access){
	    .region = VMSND_PCI_CONFIG, .bytes = 16, .offset = 4, .now = START + 2 * MS};
	ops->write(world.card.dev, &access, bytes);
	access.bytes = 0;
	ops->read(world.card.dev, &access, NULL);
	ops->write(world.card.dev, &access, NULL);
	assert_int_equal(world.lines, 3);
	assert_false(world.high);
	assert_int_equal(world.messages, 2);
	assert_int_equal(world.message.vector, 3);
	assert_int_equal(world.message.data, 0x4021);
	end_trace(&world);
	expect_printed(
	    &world, "",
	    "card vm1, asker\n"
	    "     0.000000 +0.000000 dev.pci_read region=1 offset=0x16 bytes=2 -> 0x2a2a\n"
	    "     0.000000 +0.000000 dev.pci_write region=1 offset=0x16 bytes=2 value=0x201 {\n"
	    "     0.000000 +0.000000   irq.line high=yes\n"
	    "     0.000000 +0.000000 } dev.pci_write\n"
	    "     0.001000 +0.001000 dev.pci_write region=7 offset=0x4 bytes=16 "
	    "value=0x807060504030201 {\n"
	    "     0.001000 +0.000000   irq.line high=yes\n"
	    "     0.001000 +0.000000   irq.message vector=3 address=0x1fee00000 data=0x4021\n"
	    "     0.001000 +0.000000 } dev.pci_write\n"
	    "     0.001000 +0.000000 dev.pci_read region=7 offset=0x4 bytes=0 -> 0x0\n"
	    "     0.001000 +0.000000 dev.pci_write region=7 offset=0x4 bytes=0 value=0x0 {\n"
	    "     0.001000 +0.000000   irq.line high=no\n"
	    "     0.001000 +0.000000   irq.message vector=3 address=0x1fee00000 data=0x4021\n"
	    "     0.001000 +0.000000 } dev.pci_write\n");
	expect_printed(&world, "--only irq --limit 1",
		       "card vm1, asker\n"
		       "     0.000000 +0.000000 irq.line high=yes\n");
	unlink(world.path);
}

/* ---- what does not fit ---- */

/* The disk takes its time: two buffers of eight are full, what comes then is counted, and a record
 * says so where it is missing. */
static void test_DM54_the_lane_never_waits_and_gaps_are_told(void **state)
{
	static struct world world;
	static char text[65536];

	begin(&world, 8);
	world.hold = true;
	for (unsigned i = 0; i < 20; i++) /* four records each */
		kick(&world, 3, i * MS);
	assert_int_equal(vmsnd_trace_records(world.trace), 16);
	assert_int_equal(vmsnd_trace_lost(world.trace), 64);
	assert_int_equal(world.notified, 20);
	work(&world);
	kick(&world, 3, 20 * MS);
	work(&world);
	kick(&world, 3, 21 * MS);
	work(&world);
	end_trace(&world);
	assert_int_equal(print(&world, "", text, sizeof(text)), 0);
	assert_non_null(strstr(text, "     0.003000 +0.000000 } dev.kick\n"
				     "     0.020000 +0.017000 gap records=64\n"
				     "     0.020000 +0.000000 dev.kick queue=3 {\n"));
	unlink(world.path);
}

static void test_DM54_what_is_lost_at_the_end_is_told(void **state)
{
	static struct world world;
	static char text[65536];

	begin(&world, 8);
	world.hold = true;
	for (unsigned i = 0; i < 10; i++)
		kick(&world, 3, 0);
	assert_int_equal(vmsnd_trace_lost(world.trace), 24);
	work(&world);
	vmsnd_trace_tend(world.trace, START);
	end_trace(&world);
	assert_int_equal(print(&world, "", text, sizeof(text)), 0);
	assert_string_equal(text + strlen(text) - strlen("gap records=24\n"), "gap records=24\n");
	unlink(world.path);
}

static void test_DM54_without_a_worker_it_is_written_at_once(void **state)
{
	static struct world world;
	struct stat at;

	begin(&world, 8);
	world.refuse = true;
	kick(&world, 3, 0);
	assert_int_equal(stat(world.path, &at), 0);
	assert_int_equal(at.st_size, VMSND_TRACE_HEADER_BYTES);
	assert_int_equal(vmsnd_trace_tend(world.trace, START + MS), VMSND_NEVER);
	assert_int_equal(stat(world.path, &at), 0);
	assert_int_equal(at.st_size, VMSND_TRACE_HEADER_BYTES + 4 * VMSND_TRACE_RECORD_BYTES);
	end_trace(&world);
	assert_int_equal(vmsnd_trace_kind(0), NULL);
	unlink(world.path);
}

/* Few records are written some time, too, and the file is its owner's alone. */
static void test_DM54_what_is_there_is_written_after_a_second(void **state)
{
	static struct world world;
	struct stat at;

	begin(&world, 0);
	unlink(world.path);
	vmsnd_trace_stop(world.trace);
	assert_true(vmsnd_trace_gone(world.trace));
	assert_int_equal(open_trace(&world, 0), VMSND_OK);
	world.card = vmsnd_trace_card(world.trace, (struct vmsnd_card_ref){&dev_class, &world.dev});
	world.card.cls->fini(world.card.dev);
	assert_int_equal(vmsnd_trace_tend(world.trace, START + MS), START + SECOND);
	assert_int_equal(stat(world.path, &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
	assert_int_equal(at.st_size, VMSND_TRACE_HEADER_BYTES);
	vmsnd_trace_tend(world.trace, START + SECOND);
	assert_int_equal(stat(world.path, &at), 0);
	assert_int_equal(at.st_size, VMSND_TRACE_HEADER_BYTES + 2 * VMSND_TRACE_RECORD_BYTES);
	end_trace(&world);
	unlink(world.path);
}

static void test_DM54_a_disk_that_is_full_is_said_once(void **state)
{
	static struct world world;
	struct rlimit was, small;
	char want[160];

	begin(&world, 8);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = VMSND_TRACE_HEADER_BYTES + 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (unsigned i = 0; i < 5; i++)
		kick(&world, 3, i * MS);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	snprintf(want, sizeof(want), "vm1: its trace ends here: cannot write %s: File too large",
		 world.path);
	assert_string_equal(world.said, want);
	world.said[0] = '\0';
	kick(&world, 3, 9 * MS);
	assert_true(vmsnd_trace_lost(world.trace) > 0);
	end_trace(&world);
	assert_string_equal(world.said, "");
	unlink(world.path);
}

static void test_DM54_a_file_that_cannot_be_made(void **state)
{
	static struct world world;

	begin(&world, 8);
	end_trace(&world);
	unlink(world.path);
	snprintf(world.path, sizeof(world.path), "/nowhere/at/all");
	assert_int_equal(open_trace(&world, 0), VMSND_E_SYSTEM);
	assert_string_equal(world.said,
			    "vm1: cannot trace into /nowhere/at/all: No such file or directory");
	assert_null(world.trace);
}

/* ---- files that are not as they should be ---- */

static void expect_refused(struct world *world, const char *want)
{
	static char text[65536];
	const char *line;

	assert_int_equal(print(world, "", text, sizeof(text)), 1);
	line = strstr(text, "vmsnd trace: ");
	assert_non_null(line);
	assert_memory_equal(line + strlen("vmsnd trace: "), world->path, strlen(world->path));
	line += strlen("vmsnd trace: ") + strlen(world->path) + 2;
	assert_string_equal(line, want);
}

static void put_byte(const struct world *world, long at, int byte)
{
	FILE *file = fopen(world->path, "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fputc(byte, file), byte);
	assert_int_equal(fclose(file), 0);
}

static void test_DM54_damaged_files_are_told_in_one_line(void **state)
{
	static struct world world;

	begin(&world, 8);
	kick(&world, 3, 0);
	end_trace(&world);
	assert_int_equal(truncate(world.path, 128 + 2 * 64 + 63), 0);
	expect_refused(&world, "it ends within record 3\n");
	put_byte(&world, 128 + 64 + 8, 99);
	expect_refused(&world, "it is damaged at record 2\n");
	put_byte(&world, 8, 2);
	expect_refused(&world, "it is of version 2.0; this program reads version 1\n");
	put_byte(&world, 0, 'v');
	expect_refused(&world, "it is no trace of vmsnd\n");
	assert_int_equal(truncate(world.path, 127), 0);
	expect_refused(&world, "it is no trace: it is too short for one\n");
	unlink(world.path);
	expect_refused(&world, "No such file or directory\n");
}

/* Any byte may be any other: the program ends by itself, and prints lines. */
static void test_DM54_mutated_files_do_no_harm(void **state)
{
	static struct world world;
	static char text[65536];

	begin(&world, 16);
	kick(&world, 3, 0);
	end_trace(&world);
	for (long at = 20; at < 128 + 64; at += 3) {
		put_byte(&world, at, 0xff);
		assert_in_range(print(&world, "", text, sizeof(text)), 0, 1);
	}
	unlink(world.path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM54_every_call_of_the_device_is_there),
	    cmocka_unit_test(test_DM54_memory_interrupts_and_faults),
	    cmocka_unit_test(test_DM54_ports),
	    cmocka_unit_test(test_DM54_registers_and_interrupts_of_a_PCI_card),
	    cmocka_unit_test(test_DM54_the_lane_never_waits_and_gaps_are_told),
	    cmocka_unit_test(test_DM54_what_is_lost_at_the_end_is_told),
	    cmocka_unit_test(test_DM54_without_a_worker_it_is_written_at_once),
	    cmocka_unit_test(test_DM54_what_is_there_is_written_after_a_second),
	    cmocka_unit_test(test_DM54_a_disk_that_is_full_is_said_once),
	    cmocka_unit_test(test_DM54_a_file_that_cannot_be_made),
	    cmocka_unit_test(test_DM54_damaged_files_are_told_in_one_line),
	    cmocka_unit_test(test_DM54_mutated_files_do_no_harm),
	};

	if (argc != 2)
		return 2;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
