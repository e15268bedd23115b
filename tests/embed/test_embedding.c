/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VMM does through machine.h: registers, memory that comes and goes, the interrupt line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_mmio.h>

#include "guests/mmio.h"
#include "guests/player.h"
#include "vmsnd/machine.h"

#define GPA       UINT64_C(0x80000000)
#define RAM_BYTES (4u << 20)
#define MS        UINT64_C(1000000)

struct vmm {
	struct vmsnd_machine *machine;
	uint8_t *ram;
	struct vmsnd_mmio_bus bus;
	struct vmsnd_guest_mmio driver;
	struct vmsnd_guest guest;
	struct vmsnd_guest_player player;
	unsigned rises, falls;
	bool line;
	vmsnd_ns now;
};

static void on_level(void *ctx, bool high)
{
	struct vmm *vmm = ctx;

	assert_int_equal(vmm->line, !high);
	vmm->line = high;
	vmm->rises += high;
	vmm->falls += !high;
}

static struct vmsnd_region ram_of(const struct vmm *vmm)
{
	return (struct vmsnd_region){
	    .gpa = GPA, .bytes = RAM_BYTES, .at = vmm->ram, .rights = VMSND_READ | VMSND_WRITE};
}

static enum vmsnd_rc share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct vmm *vmm = ctx;
	struct vmsnd_region region = ram_of(vmm);

	return vmsnd_machine_memory_add(vmm->machine, 0, &region, vmm->now);
}

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level == VMSND_LOG_ERROR)
		print_message("%s\n", line);
}

static struct vmm *vmm_open(const char *transport)
{
	struct vmm *vmm = calloc(1, sizeof(*vmm));
	const struct vmsnd_machine_conf conf = {.log.write = log_line};
	const struct vmsnd_card_conf card = {
	    .device = "virtio-snd,capture=0", .transport = transport, .listen_fd = -1};
	const struct vmsnd_interrupt line = {.ctx = vmm, .level = on_level};

	assert_non_null(vmm);
	vmm->ram = calloc(1, RAM_BYTES);
	assert_non_null(vmm->ram);
	assert_int_equal(vmsnd_machine_open(&conf, &vmm->machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(vmm->machine, &card, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, &line), VMSND_OK);
	return vmm;
}

static void vmm_close(struct vmm *vmm)
{
	vmsnd_machine_close(vmm->machine, vmm->now);
	free(vmm->ram);
	free(vmm);
}

/* A second of silence is about to be played. */
static void start_guest(struct vmm *vmm, bool mmio)
{
	const struct vmsnd_guest_mmio_conf registers = {
	    .bus = vmm->bus, .memory_ctx = vmm, .share = share, .now = vmm->now};
	struct vmsnd_guest_conf conf = {
	    .memory = vmm->ram, .memory_bytes = RAM_BYTES, .gpa = GPA, .by_interrupt = true};
	const struct vmsnd_guest_player_conf play = {
	    .params = {.format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
		       .period_frames = 480,
		       .periods = 4},
	    .frames = 48000};

	if (mmio)
		vmsnd_guest_mmio_init(&vmm->driver, &registers, &conf.bus);
	else
		assert_int_equal(vmsnd_machine_guest_bus(vmm->machine, 0, &conf.bus), VMSND_OK);
	assert_int_equal(vmsnd_guest_open(&vmm->guest, &conf, vmm->now), VMSND_OK);
	vmsnd_guest_player_init(&vmm->player, &vmm->guest, &play);
}

static uint32_t silence(void *ctx, void *to, uint32_t frames)
{
	memset(to, 0, frames * 4);
	return frames;
}

static struct vmm *vmm_up(void)
{
	struct vmm *vmm = vmm_open("virtio-mmio");

	assert_int_equal(vmsnd_machine_mmio_bus(vmm->machine, 0, &vmm->bus), VMSND_OK);
	start_guest(vmm, true);
	vmm->player.conf.read = silence;
	return vmm;
}

/* Until then, or until the player has ended; whether it has. */
static bool run_until(struct vmm *vmm, vmsnd_ns to)
{
	bool more = vmsnd_guest_player_step(&vmm->player, vmm->now);

	while (more && vmm->now < to) {
		vmsnd_ns next = vmsnd_machine_advance(vmm->machine, vmm->now);

		vmm->now = next < to ? next : to;
		vmsnd_machine_advance(vmm->machine, vmm->now);
		more = vmsnd_guest_player_step(&vmm->player, vmm->now);
	}
	return !more;
}

static uint64_t counter(struct vmm *vmm, const char *name)
{
	struct vmsnd_named_counter list[128];
	size_t n = vmsnd_machine_counters(vmm->machine, 0, list, 128);

	for (size_t i = 0; i < n && i < 128; i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].value;
	fail_msg("no counter '%s'", name);
	return 0;
}

/* ---- tests -------------------------------------------------------------------------------- */

static void test_each_call_says_for_whom_it_is(void **state)
{
	struct vmm *vmm = vmm_open("in-process");
	struct vmsnd_region region = ram_of(vmm);
	struct vmsnd_guest_bus guest;

	assert_int_equal(vmsnd_machine_mmio_bus(vmm->machine, 0, &vmm->bus), VMSND_E_INVALID);
	assert_int_equal(vmsnd_machine_mmio_bus(vmm->machine, 7, &vmm->bus), VMSND_E_NO_CARD);
	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 7, NULL), VMSND_E_NO_CARD);
	assert_int_equal(vmsnd_machine_memory_add(vmm->machine, 7, &region, 0), VMSND_E_NO_CARD);
	assert_int_equal(vmsnd_machine_memory_remove(vmm->machine, 7, GPA, RAM_BYTES, 0),
			 VMSND_E_NO_CARD);
	vmm_close(vmm);
	vmm = vmm_open("virtio-mmio");
	assert_int_equal(vmsnd_machine_guest_bus(vmm->machine, 0, &guest), VMSND_E_INVALID);
	vmm_close(vmm);
}

static void test_memory_has_rules(void **state)
{
	struct vmm *vmm = vmm_open("virtio-mmio");
	struct vmsnd_region region = ram_of(vmm), beside = region;

	assert_int_equal(vmsnd_machine_memory_add(vmm->machine, 0, &region, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_memory_add(vmm->machine, 0, &region, 0), VMSND_E_INVALID);
	beside.gpa += RAM_BYTES;
	assert_int_equal(vmsnd_machine_memory_add(vmm->machine, 0, &beside, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_memory_remove(vmm->machine, 0, GPA, RAM_BYTES * 2, 0),
			 VMSND_E_INVALID);
	assert_int_equal(vmsnd_machine_memory_remove(vmm->machine, 0, GPA, RAM_BYTES, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_memory_remove(vmm->machine, 0, GPA, RAM_BYTES, 0),
			 VMSND_E_INVALID);
	vmm_close(vmm);
}

static void test_memory_that_goes_while_it_plays(void **state)
{
	struct vmm *vmm = vmm_up();
	uint8_t *before = malloc(RAM_BYTES);
	uint64_t faults;

	assert_non_null(before);
	assert_false(run_until(vmm, 300 * MS));
	assert_int_equal(vmsnd_machine_memory_remove(vmm->machine, 0, GPA, RAM_BYTES, vmm->now),
			 VMSND_OK);
	memcpy(before, vmm->ram, RAM_BYTES);
	vmm->now += 500 * MS;
	vmsnd_machine_advance(vmm->machine, vmm->now);
	vmm->bus.write(vmm->bus.ctx, VIRTIO_MMIO_QUEUE_NOTIFY, 4, 2, vmm->now);
	assert_memory_equal(before, vmm->ram, RAM_BYTES);
	faults = counter(vmm, "faults_ring") + counter(vmm, "faults_data_address");
	assert_true(faults > 0);
	/* A driver that comes up anew plays as if nothing had been. */
	start_guest(vmm, true);
	vmm->player.conf.read = silence;
	assert_true(run_until(vmm, vmm->now + 2000 * MS));
	assert_int_equal(vmm->player.state, VMSND_GUEST_PLAYER_DONE);
	assert_int_equal(vmm->player.frames_completed, 48000);
	free(before);
	vmm_close(vmm);
}

static void test_memory_that_comes_while_it_plays(void **state)
{
	struct vmm *vmm = vmm_up();
	uint8_t more[4096];
	const struct vmsnd_region below = {
	    .gpa = GPA / 2, .bytes = sizeof(more), .at = more, .rights = VMSND_READ};
	unsigned done = 0;

	for (vmsnd_ns at = 50 * MS; !run_until(vmm, at); at += 50 * MS, done++) {
		assert_int_equal(vmsnd_machine_memory_add(vmm->machine, 0, &below, vmm->now), 0);
		vmsnd_machine_advance(vmm->machine, vmm->now);
		assert_int_equal(
		    vmsnd_machine_memory_remove(vmm->machine, 0, below.gpa, below.bytes, vmm->now),
		    VMSND_OK);
	}
	assert_true(done > 10);
	assert_int_equal(vmm->player.frames_completed, 48000);
	assert_int_equal(vmm->player.messages_failed, 0);
	vmm_close(vmm);
}

/* The registers are those of virtio over MMIO; the line falls with the last acknowledgement. */
static void test_interrupt_line_of_registers(void **state)
{
	struct vmm *vmm = vmm_up();

	assert_true(run_until(vmm, 2000 * MS));
	assert_int_equal(vmm->player.frames_completed, 48000);
	assert_true(vmm->rises >= 100);
	while (vmm->line)
		vmm->bus.write(vmm->bus.ctx, VIRTIO_MMIO_INTERRUPT_ACK, 4,
			       vmm->bus.read(vmm->bus.ctx, VIRTIO_MMIO_INTERRUPT_STATUS, 4),
			       vmm->now);
	assert_int_equal(vmm->rises, vmm->falls);
	vmm_close(vmm);
}

static void test_interrupt_line_in_process(void **state)
{
	struct vmm *vmm = vmm_open("in-process");

	start_guest(vmm, false);
	vmm->player.conf.read = silence;
	assert_true(run_until(vmm, 2000 * MS));
	assert_int_equal(vmm->player.frames_completed, 48000);
	assert_true(vmm->rises >= 100);
	vmsnd_guest_poll(&vmm->guest, vmm->now);
	assert_false(vmm->line);
	vmm_close(vmm);
}

static void test_interrupt_that_is_high_is_told_at_once(void **state)
{
	struct vmm *vmm = vmm_open("virtio-mmio");
	const struct vmsnd_interrupt line = {.ctx = vmm, .level = on_level};

	assert_int_equal(vmsnd_machine_mmio_bus(vmm->machine, 0, &vmm->bus), VMSND_OK);
	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, NULL), VMSND_OK);
	start_guest(vmm, true);
	assert_int_equal(vmsnd_guest_submit_pcm(&vmm->guest, 0x104, 0, vmm->now) >= 0, true);
	assert_int_equal(vmm->rises, 0);
	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, &line), VMSND_OK);
	assert_int_equal(vmm->rises, 1);
	assert_true(vmm->line);
	vmm_close(vmm);
}

static void test_a_driver_that_comes_up_again_and_again(void **state)
{
	struct vmm *vmm = vmm_up();
	struct vmsnd_region region = ram_of(vmm);

	for (unsigned i = 0; i < 50; i++) {
		run_until(vmm, vmm->now + i * 7 * MS);
		assert_int_equal(vmsnd_machine_memory_remove(vmm->machine, 0, region.gpa,
							     region.bytes, vmm->now),
				 VMSND_OK);
		start_guest(vmm, true);
		vmm->player.conf.read = silence;
	}
	assert_true(run_until(vmm, vmm->now + 2000 * MS));
	assert_int_equal(vmm->player.frames_completed, 48000);
	assert_int_equal(counter(vmm, "mmio_resets"), 51);
	assert_int_equal(vmsnd_machine_status(vmm->machine).sessions_ended, 0);
	assert_int_equal(vmsnd_machine_status(vmm->machine).connected, 1);
	vmm_close(vmm);
}

static void test_the_machine_is_reset(void **state)
{
	struct vmm *vmm = vmm_up();
	struct vmsnd_region region = ram_of(vmm);

	assert_false(run_until(vmm, 300 * MS));
	assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_RESET, vmm->now), VMSND_OK);
	assert_int_equal(vmm->bus.read(vmm->bus.ctx, VIRTIO_MMIO_STATUS, 4), 0);
	assert_false(vmm->line);
	assert_int_equal(
	    vmsnd_machine_memory_remove(vmm->machine, 0, region.gpa, region.bytes, vmm->now),
	    VMSND_OK);
	start_guest(vmm, true);
	vmm->player.conf.read = silence;
	assert_true(run_until(vmm, vmm->now + 2000 * MS));
	assert_int_equal(vmm->player.frames_completed, 48000);
	vmm_close(vmm);
}

/* What the old machine does on its way out the guest must not see. */
static void leave(struct vmm *vmm)
{
	struct vmsnd_region region = ram_of(vmm);

	assert_int_equal(
	    vmsnd_machine_memory_remove(vmm->machine, 0, region.gpa, region.bytes, vmm->now),
	    VMSND_OK);
	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, NULL), VMSND_OK);
	vmsnd_machine_close(vmm->machine, vmm->now);
}

static void add_memory(struct vmm *vmm)
{
	struct vmsnd_region region = ram_of(vmm);

	assert_int_equal(vmsnd_machine_memory_add(vmm->machine, 0, &region, vmm->now), VMSND_OK);
}

/* The VMM's machine is another one now; guest memory and the driver are the same. */
static void move_to(struct vmm *vmm, struct vmm *next, const uint8_t *bytes, size_t n_bytes,
		    bool memory_first)
{
	const struct vmsnd_interrupt line = {.ctx = vmm, .level = on_level};

	leave(vmm);
	vmm->machine = next->machine;
	vmm->line = false;
	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, &line), VMSND_OK);
	if (memory_first)
		add_memory(vmm);
	assert_int_equal(vmsnd_machine_load(vmm->machine, bytes, n_bytes, vmm->now), VMSND_OK);
	if (!memory_first)
		add_memory(vmm);
	assert_int_equal(vmsnd_machine_mmio_bus(vmm->machine, 0, &vmm->bus), VMSND_OK);
	vmm->driver.conf.bus = vmm->bus;
	free(next->ram);
	free(next);
}

static uint8_t *save(struct vmm *vmm, size_t *n_bytes)
{
	uint8_t *bytes = NULL;

	assert_int_equal(vmsnd_machine_save(vmm->machine, vmm->now, &bytes, n_bytes), VMSND_OK);
	return bytes;
}

static void finish_as_one(struct vmm *vmm)
{
	assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_RESUME, vmm->now), VMSND_OK);
	assert_true(run_until(vmm, vmm->now + 2000 * MS));
	assert_int_equal(vmm->player.state, VMSND_GUEST_PLAYER_DONE);
	assert_int_equal(vmm->player.frames_completed, 48000);
	assert_int_equal(vmm->player.messages_failed, 0);
	/* By the one machine or the other, nothing twice. */
	assert_int_equal(counter(vmm, "tx_frames"), 48000);
	assert_int_equal(counter(vmm, "mmio_refused_queues"), 0);
	vmm_close(vmm);
}

static struct vmm *suspended(unsigned i)
{
	struct vmm *vmm = vmm_up();

	assert_false(run_until(vmm, 100 * MS + i * 1234567));
	assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_SUSPEND, vmm->now), VMSND_OK);
	return vmm;
}

/* Guest memory may be there before the load or come after it. */
static void test_saved_and_brought_back_while_it_plays(void **state)
{
	for (unsigned i = 0; i < 40; i++) {
		struct vmm *vmm = suspended(i);
		size_t n_bytes;
		uint8_t *bytes = save(vmm, &n_bytes);

		move_to(vmm, vmm_open("virtio-mmio"), bytes, n_bytes, i & 1);
		finish_as_one(vmm);
		free(bytes);
	}
}

static void test_saved_again_before_it_goes_on(void **state)
{
	struct vmm *vmm = suspended(7);
	size_t first_bytes, second_bytes;
	uint8_t *first = save(vmm, &first_bytes), *second;

	move_to(vmm, vmm_open("virtio-mmio"), first, first_bytes, false);
	second = save(vmm, &second_bytes);
	assert_int_equal(first_bytes, second_bytes);
	move_to(vmm, vmm_open("virtio-mmio"), second, second_bytes, false);
	finish_as_one(vmm);
	free(first);
	free(second);
}

/* CPUs that go on before the machine does: the driver's first write begins. */
static void test_a_driver_that_writes_before_the_machine_goes_on(void **state)
{
	struct vmm *vmm = suspended(9);
	size_t n_bytes;
	uint8_t *bytes = save(vmm, &n_bytes);

	move_to(vmm, vmm_open("virtio-mmio"), bytes, n_bytes, false);
	vmm->bus.write(vmm->bus.ctx, VIRTIO_MMIO_QUEUE_NOTIFY, 4, 2, vmm->now);
	assert_int_equal(counter(vmm, "mmio_refused_writes"), 0);
	finish_as_one(vmm);
	free(bytes);
}

/* Its queues are not looked for any more, wherever they were. */
static void test_reset_before_the_machine_goes_on(void **state)
{
	for (unsigned by_machine = 0; by_machine < 2; by_machine++) {
		struct vmm *vmm = suspended(3);
		size_t n_bytes;
		uint8_t *bytes = save(vmm, &n_bytes);
		struct vmsnd_region region = ram_of(vmm);

		move_to(vmm, vmm_open("virtio-mmio"), bytes, n_bytes, false);
		vmsnd_machine_memory_remove(vmm->machine, 0, region.gpa, region.bytes, vmm->now);
		if (by_machine)
			vmsnd_machine_life(vmm->machine, VMSND_LIFE_RESET, vmm->now);
		else
			vmm->bus.write(vmm->bus.ctx, VIRTIO_MMIO_STATUS, 4, 0, vmm->now);
		assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_RESUME, vmm->now),
				 VMSND_OK);
		assert_int_equal(vmm->bus.read(vmm->bus.ctx, VIRTIO_MMIO_STATUS, 4), 0);
		assert_int_equal(counter(vmm, "mmio_refused_queues"), 0);
		start_guest(vmm, true);
		vmm->player.conf.read = silence;
		assert_true(run_until(vmm, vmm->now + 2000 * MS));
		assert_int_equal(vmm->player.frames_completed, 48000);
		vmm_close(vmm);
		free(bytes);
	}
}

/* The driver has to reset the card, and can. */
static void test_memory_that_never_came(void **state)
{
	struct vmm *vmm = suspended(5);
	size_t n_bytes;
	uint8_t *bytes = save(vmm, &n_bytes);
	struct vmsnd_region region = ram_of(vmm);

	move_to(vmm, vmm_open("virtio-mmio"), bytes, n_bytes, false);
	vmsnd_machine_memory_remove(vmm->machine, 0, region.gpa, region.bytes, vmm->now);
	assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_RESUME, vmm->now), VMSND_OK);
	assert_int_equal(counter(vmm, "mmio_refused_queues"), 4);
	assert_true(vmm->bus.read(vmm->bus.ctx, VIRTIO_MMIO_STATUS, 4) & 0x40);
	start_guest(vmm, true);
	vmm->player.conf.read = silence;
	assert_true(run_until(vmm, vmm->now + 2000 * MS));
	vmm_close(vmm);
	free(bytes);
}

static void test_mistakes_are_counted_with_the_card(void **state)
{
	struct vmm *vmm = vmm_up();

	assert_true(vmm->bus.read(vmm->bus.ctx, 3, 2) == 0);
	vmm->bus.write(vmm->bus.ctx, UINT64_MAX, 4, 1, vmm->now);
	assert_int_equal(counter(vmm, "mmio_odd_accesses"), 1);
	assert_int_equal(counter(vmm, "mmio_bad_writes"), 1);
	assert_int_equal(counter(vmm, "mmio_refused_writes"), 0);
	assert_int_equal(counter(vmm, "mmio_bad_reads"), 0);
	assert_true(run_until(vmm, 2000 * MS));
	assert_int_equal(vmm->player.frames_completed, 48000);
	vmm_close(vmm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_call_says_for_whom_it_is),
	    cmocka_unit_test(test_memory_has_rules),
	    cmocka_unit_test(test_memory_that_goes_while_it_plays),
	    cmocka_unit_test(test_memory_that_comes_while_it_plays),
	    cmocka_unit_test(test_interrupt_line_of_registers),
	    cmocka_unit_test(test_interrupt_line_in_process),
	    cmocka_unit_test(test_interrupt_that_is_high_is_told_at_once),
	    cmocka_unit_test(test_a_driver_that_comes_up_again_and_again),
	    cmocka_unit_test(test_the_machine_is_reset),
	    cmocka_unit_test(test_saved_and_brought_back_while_it_plays),
	    cmocka_unit_test(test_saved_again_before_it_goes_on),
	    cmocka_unit_test(test_a_driver_that_writes_before_the_machine_goes_on),
	    cmocka_unit_test(test_reset_before_the_machine_goes_on),
	    cmocka_unit_test(test_memory_that_never_came),
	    cmocka_unit_test(test_mistakes_are_counted_with_the_card),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
