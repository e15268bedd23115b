/* SPDX-License-Identifier: BSD-3-Clause */
/* A card's trace: every kind of record written, and printed by `vmsnd trace`, whose path is the
 * first argument. */
#include "trace_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a device that asks for everything there is ---- */

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

	trace_begin(&world, &dev_class, 0);
	all_device(&world);
	trace_end(&world);
	trace_expect(&world, "",
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

	trace_begin(&world, &dev_class, 0);
	assert_int_equal(vmsnd_gmem_add(&world.mem, &region), VMSND_OK);
	kick(&world, 1, MS);
	assert_int_equal(vmsnd_gmem_remove(&world.mem, 0x1000, sizeof(world.memory)), VMSND_OK);
	assert_int_equal(world.notified, 1);
	assert_int_equal(world.faults, 1);
	assert_int_equal(world.guard.refusals, 1);
	trace_end(&world);
	trace_expect(&world, "",
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
	trace_expect(&world, "--only irq,fault",
		     "card vm1, asker\n"
		     "     0.001000 +0.001000 fault what=malformed descriptor chain detail=0x77\n"
		     "     0.001000 +0.000000 irq.notify vector=1\n");
	trace_expect(&world, "--only mem --limit 2",
		     "card vm1, asker\n"
		     "     0.000000 +0.000000 mem.add gpa=0x1000 bytes=64 rights=rw -> ok\n"
		     "     0.001000 +0.001000 mem.check gpa=0x1000 bytes=32 rights=rw -> ok\n");
	unlink(world.path);
}

/* What the manager asks a port by itself is none of the device's. */
static void test_DM54_ports(void **state)
{
	static struct world world;

	trace_begin(&world, &dev_class, 0);
	vmsnd_port_wanted(world.rig.port);
	kick(&world, 2, 0);
	trace_end(&world);
	trace_expect(
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

/* ---- what does not fit ---- */

/* The disk takes its time: two buffers of eight are full, what comes then is counted, and a record
 * says so where it is missing. */
static void test_DM54_the_lane_never_waits_and_gaps_are_told(void **state)
{
	static struct world world;
	static char text[65536];

	trace_begin(&world, &dev_class, 8);
	world.hold = true;
	for (unsigned i = 0; i < 20; i++) /* four records each */
		kick(&world, 3, i * MS);
	assert_int_equal(vmsnd_trace_records(world.trace), 16);
	assert_int_equal(vmsnd_trace_lost(world.trace), 64);
	assert_int_equal(world.notified, 20);
	trace_work(&world);
	kick(&world, 3, 20 * MS);
	trace_work(&world);
	kick(&world, 3, 21 * MS);
	trace_work(&world);
	trace_end(&world);
	assert_int_equal(trace_print(&world, "", text, sizeof(text)), 0);
	assert_non_null(strstr(text, "     0.003000 +0.000000 } dev.kick\n"
				     "     0.020000 +0.017000 gap records=64\n"
				     "     0.020000 +0.000000 dev.kick queue=3 {\n"));
	unlink(world.path);
}

static void test_DM54_what_is_lost_at_the_end_is_told(void **state)
{
	static struct world world;
	static char text[65536];

	trace_begin(&world, &dev_class, 8);
	world.hold = true;
	for (unsigned i = 0; i < 10; i++)
		kick(&world, 3, 0);
	assert_int_equal(vmsnd_trace_lost(world.trace), 24);
	trace_work(&world);
	vmsnd_trace_tend(world.trace, START);
	trace_end(&world);
	assert_int_equal(trace_print(&world, "", text, sizeof(text)), 0);
	assert_string_equal(text + strlen(text) - strlen("gap records=24\n"), "gap records=24\n");
	unlink(world.path);
}

static void test_DM54_without_a_worker_it_is_written_at_once(void **state)
{
	static struct world world;
	struct stat at;

	trace_begin(&world, &dev_class, 8);
	world.refuse = true;
	kick(&world, 3, 0);
	assert_int_equal(stat(world.path, &at), 0);
	assert_int_equal(at.st_size, VMSND_TRACE_HEADER_BYTES);
	assert_int_equal(vmsnd_trace_tend(world.trace, START + MS), VMSND_NEVER);
	assert_int_equal(stat(world.path, &at), 0);
	assert_int_equal(at.st_size, VMSND_TRACE_HEADER_BYTES + 4 * VMSND_TRACE_RECORD_BYTES);
	trace_end(&world);
	assert_int_equal(vmsnd_trace_kind(0), NULL);
	unlink(world.path);
}

/* Few records are written some time, too, and the file is its owner's alone. */
static void test_DM54_what_is_there_is_written_after_a_second(void **state)
{
	static struct world world;
	struct stat at;

	trace_begin(&world, &dev_class, 0);
	unlink(world.path);
	vmsnd_trace_stop(world.trace);
	assert_true(vmsnd_trace_gone(world.trace));
	assert_int_equal(trace_open(&world, 0), VMSND_OK);
	world.card = vmsnd_trace_card(world.trace, (struct vmsnd_card_ref){&dev_class, &world.dev});
	world.card.cls->fini(world.card.dev);
	assert_int_equal(vmsnd_trace_tend(world.trace, START + MS), START + SECOND);
	assert_int_equal(stat(world.path, &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
	assert_int_equal(at.st_size, VMSND_TRACE_HEADER_BYTES);
	vmsnd_trace_tend(world.trace, START + SECOND);
	assert_int_equal(stat(world.path, &at), 0);
	assert_int_equal(at.st_size, VMSND_TRACE_HEADER_BYTES + 2 * VMSND_TRACE_RECORD_BYTES);
	trace_end(&world);
	unlink(world.path);
}

static void test_DM54_a_disk_that_is_full_is_said_once(void **state)
{
	static struct world world;
	struct rlimit was, small;
	char want[160];

	trace_begin(&world, &dev_class, 8);
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
	trace_end(&world);
	assert_string_equal(world.said, "");
	unlink(world.path);
}

static void test_DM54_a_file_that_cannot_be_made(void **state)
{
	static struct world world;

	trace_begin(&world, &dev_class, 8);
	trace_end(&world);
	unlink(world.path);
	snprintf(world.path, sizeof(world.path), "/nowhere/at/all");
	assert_int_equal(trace_open(&world, 0), VMSND_E_SYSTEM);
	assert_string_equal(world.said,
			    "vm1: cannot trace into /nowhere/at/all: No such file or directory");
	assert_null(world.trace);
}

/* ---- files that are not as they should be ---- */

static void expect_refused(struct world *world, const char *want)
{
	static char text[65536];
	const char *line;

	assert_int_equal(trace_print(world, "", text, sizeof(text)), 1);
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

	trace_begin(&world, &dev_class, 8);
	kick(&world, 3, 0);
	trace_end(&world);
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

	trace_begin(&world, &dev_class, 16);
	kick(&world, 3, 0);
	trace_end(&world);
	for (long at = 20; at < 128 + 64; at += 3) {
		put_byte(&world, at, 0xff);
		assert_in_range(trace_print(&world, "", text, sizeof(text)), 0, 1);
	}
	unlink(world.path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM54_every_call_of_the_device_is_there),
	    cmocka_unit_test(test_DM54_memory_interrupts_and_faults),
	    cmocka_unit_test(test_DM54_ports),
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
	trace_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
