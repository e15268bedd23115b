/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VMM does with a PCI card through machine.h: configuration space, BARs, the line and
 * messages, memory, reset, saved state; and many virtual CPUs at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../device/toy_pci.h"
#include "base/endian.h"
#include "vmsnd/machine.h"
#include "vmsnd/module.h"

#define GPA       UINT64_C(0x80000000)
#define RAM_BYTES 4096u
#define MS        UINT64_C(1000000)
#define N_CPUS    3u

struct vmm {
	struct vmsnd_registry *registry;
	struct vmsnd_machine *machine;
	struct vmsnd_pci_bus bus;
	uint8_t ram[RAM_BYTES];
	vmsnd_ns now;
	/* Callbacks come one at a time, on whichever thread has the lane. */
	atomic_uint rises, falls, messages;
	atomic_bool line;
	struct vmsnd_msi message;
	atomic_bool over;
};

static void on_level(void *ctx, bool high)
{
	struct vmm *vmm = ctx;

	atomic_store(&vmm->line, high);
	atomic_fetch_add(high ? &vmm->rises : &vmm->falls, 1);
}

static void on_message(void *ctx, const struct vmsnd_msi *message)
{
	struct vmm *vmm = ctx;

	vmm->message = *message;
	atomic_fetch_add(&vmm->messages, 1);
}

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level == VMSND_LOG_ERROR)
		print_message("%s\n", line);
}

static void listen_to(struct vmm *vmm)
{
	const struct vmsnd_interrupt to = {.ctx = vmm, .level = on_level, .message = on_message};

	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, &to), VMSND_OK);
}

static struct vmm *open_machine(unsigned lanes)
{
	struct vmm *vmm = calloc(1, sizeof(*vmm));
	struct vmsnd_machine_conf conf = {.lanes = lanes, .log.write = write_line};
	const struct vmsnd_card_conf card = {
	    .device = "toy-timer", .transport = "in-process", .listen_fd = -1};

	assert_non_null(vmm);
	assert_int_equal(vmsnd_registry_open(NULL, &vmm->registry), VMSND_OK);
	assert_int_equal(vmsnd_registry_add_device(vmm->registry, &toy_pci_class), 0);
	conf.registry = vmm->registry;
	assert_int_equal(vmsnd_machine_open(&conf, &vmm->machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(vmm->machine, &card, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_pci_bus(vmm->machine, 0, &vmm->bus), VMSND_OK);
	return vmm;
}

static struct vmm *open_vmm(unsigned lanes)
{
	struct vmm *vmm = open_machine(lanes);
	const struct vmsnd_region ram = {
	    .gpa = GPA, .bytes = RAM_BYTES, .at = vmm->ram, .rights = VMSND_READ | VMSND_WRITE};

	assert_int_equal(vmsnd_machine_memory_add(vmm->machine, 0, &ram, 0), VMSND_OK);
	listen_to(vmm);
	return vmm;
}

static void close_vmm(struct vmm *vmm)
{
	vmsnd_machine_close(vmm->machine, vmm->now);
	vmsnd_registry_close(vmm->registry);
	free(vmm);
}

static uint32_t get(struct vmm *vmm, unsigned region, uint64_t offset, uint32_t bytes)
{
	const struct vmsnd_pci_access access = {
	    .region = region, .bytes = bytes, .offset = offset, .now = vmm->now};
	uint32_t value = 0;

	vmm->bus.read(vmm->bus.ctx, &access, &value);
	return value;
}

static void put(struct vmm *vmm, unsigned region, uint64_t offset, uint32_t bytes, uint32_t value)
{
	const struct vmsnd_pci_access access = {
	    .region = region, .bytes = bytes, .offset = offset, .now = vmm->now};

	vmm->bus.write(vmm->bus.ctx, &access, &value);
}

static void start_timer(struct vmm *vmm, uint32_t interval)
{
	put(vmm, VMSND_PCI_CONFIG, 0x04, 2, 7);
	put(vmm, 0, TOY_INTERVAL, 4, interval);
	put(vmm, 0, TOY_CONTROL, 1, TOY_RUNS | TOY_INTERRUPTS);
}

/* ---- one thread, the VMM's own time ---- */

static void test_a_vmm_sizes_bars_and_finds_the_card(void **state)
{
	struct vmm *vmm = open_vmm(0);
	struct vmsnd_pci_bar bar;

	assert_int_equal(get(vmm, VMSND_PCI_CONFIG, 0, 4), 0x10ff1b36);
	vmm->bus.bar(vmm->bus.ctx, 0, &bar);
	assert_true(bar.io && bar.bytes == TOY_PORTS_BYTES);
	vmm->bus.bar(vmm->bus.ctx, 1, &bar);
	assert_true(!bar.io && bar.bytes == TOY_MEMORY_BYTES);
	for (unsigned i = 2; i < 9; i++) {
		vmm->bus.bar(vmm->bus.ctx, i, &bar);
		assert_int_equal(bar.bytes, 0);
	}
	put(vmm, VMSND_PCI_CONFIG, 0x14, 4, UINT32_MAX);
	assert_int_equal(get(vmm, VMSND_PCI_CONFIG, 0x14, 4), 0xffffff00);
	close_vmm(vmm);
}

/* A read has the card at its own time, whether or not anybody called advance before. */
static void test_reads_are_of_the_time_they_carry(void **state)
{
	struct vmm *vmm = open_vmm(0);

	start_timer(vmm, 480);
	vmm->now = 9 * MS;
	assert_int_equal(get(vmm, 0, TOY_POSITION, 4), 432);
	assert_false(vmm->line);
	vmm->now = 10 * MS;
	assert_int_equal(get(vmm, 1, TOY_POSITION, 4), 480);
	assert_true(vmm->line);
	/* Never back. */
	vmm->now = 5 * MS;
	assert_int_equal(get(vmm, 0, TOY_POSITION, 4), 480);
	close_vmm(vmm);
}

static void test_the_line_rises_and_falls(void **state)
{
	struct vmm *vmm = open_vmm(0);
	vmsnd_ns next;

	start_timer(vmm, 480);
	next = vmsnd_machine_advance(vmm->machine, 0);
	assert_true(next == 10 * MS);
	for (unsigned i = 1; i <= 5; i++) {
		vmm->now = next;
		next = vmsnd_machine_advance(vmm->machine, next);
		assert_int_equal(vmm->rises, i);
		assert_int_equal(get(vmm, VMSND_PCI_CONFIG, 0x06, 1) & 8, 8);
		put(vmm, 0, TOY_STATUS, 1, 1);
		assert_int_equal(vmm->falls, i);
		next = vmsnd_machine_advance(vmm->machine, vmm->now);
		assert_true(next == (i + 1) * 10 * MS);
	}
	assert_int_equal(vmm->messages, 0);
	close_vmm(vmm);
}

static void test_messages_instead_of_the_line(void **state)
{
	struct vmm *vmm = open_vmm(0);

	put(vmm, VMSND_PCI_CONFIG, TOY_MSI_AT + 4, 4, 0xfee00000);
	put(vmm, VMSND_PCI_CONFIG, TOY_MSI_AT + 12, 2, 0x4041);
	put(vmm, VMSND_PCI_CONFIG, TOY_MSI_AT + 2, 2, 1);
	start_timer(vmm, 480);
	vmm->now = 10 * MS;
	vmsnd_machine_advance(vmm->machine, vmm->now);
	assert_int_equal(vmm->messages, 1);
	assert_true(vmm->message.address == 0xfee00000 && vmm->message.data == 0x4041);
	assert_int_equal(vmm->rises, 0);
	/* Nobody listens: it is lost, and nothing else happens. */
	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, NULL), VMSND_OK);
	put(vmm, 0, TOY_STATUS, 1, 1);
	vmm->now = 20 * MS;
	vmsnd_machine_advance(vmm->machine, vmm->now);
	assert_int_equal(vmm->messages, 1);
	close_vmm(vmm);
}

static void test_a_new_listener_hears_of_a_line_that_is_high(void **state)
{
	struct vmm *vmm = open_vmm(0);

	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, NULL), VMSND_OK);
	start_timer(vmm, 480);
	vmm->now = 10 * MS;
	vmsnd_machine_advance(vmm->machine, vmm->now);
	assert_int_equal(vmm->rises, 0);
	listen_to(vmm);
	assert_int_equal(vmm->rises, 1);
	put(vmm, 0, TOY_STATUS, 1, 1);
	assert_false(vmm->line);
	listen_to(vmm);
	assert_int_equal(vmm->rises, 1);
	close_vmm(vmm);
}

static void test_memory_comes_and_goes(void **state)
{
	struct vmm *vmm = open_vmm(0);

	vmsnd_put_le32(vmm->ram + 16, 41);
	put(vmm, 0, TOY_ADDRESS, 4, (uint32_t)GPA + 16);
	put(vmm, 0, TOY_FETCH, 4, 0);
	assert_int_equal(get(vmm, 0, TOY_WORD, 4), 0); /* no bus mastering yet */
	put(vmm, VMSND_PCI_CONFIG, 0x04, 2, 7);
	put(vmm, 0, TOY_FETCH, 4, 0);
	assert_int_equal(get(vmm, 0, TOY_WORD, 4), 41);
	assert_int_equal(vmsnd_le32(vmm->ram + 16), 42);
	assert_int_equal(vmsnd_machine_memory_remove(vmm->machine, 0, GPA, RAM_BYTES, 0), VMSND_OK);
	put(vmm, 0, TOY_FETCH, 4, 0);
	assert_int_equal(get(vmm, 0, TOY_WORD, 4), 41);
	assert_int_equal(vmsnd_le32(vmm->ram + 16), 42);
	assert_int_equal(get(vmm, VMSND_PCI_CONFIG, 0x07, 1) & 0x20, 0x20);
	close_vmm(vmm);
}

static void test_what_is_not_there_reads_as_ones(void **state)
{
	struct vmm *vmm = open_vmm(0);

	assert_int_equal(get(vmm, 2, 0, 4), UINT32_MAX);
	assert_int_equal(get(vmm, 6, 0, 4), UINT32_MAX);
	assert_int_equal(get(vmm, 0, 62, 4), UINT32_MAX);
	assert_int_equal(get(vmm, 0, UINT64_MAX, 4), UINT32_MAX);
	assert_int_equal(get(vmm, VMSND_PCI_CONFIG, 256, 2), 0xffff);
	put(vmm, VMSND_PCI_CONFIG, UINT64_MAX - 1, 4, 0);
	close_vmm(vmm);
}

static void test_a_reset_of_the_machine_is_power_on(void **state)
{
	struct vmm *vmm = open_vmm(0);

	start_timer(vmm, 480);
	put(vmm, VMSND_PCI_CONFIG, 0x10, 4, 0xc000);
	vmm->now = 10 * MS;
	vmsnd_machine_advance(vmm->machine, vmm->now);
	assert_true(vmm->line);
	assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_RESET, vmm->now), VMSND_OK);
	assert_false(vmm->line);
	assert_int_equal(get(vmm, VMSND_PCI_CONFIG, 0x10, 4), 1);
	assert_int_equal(get(vmm, VMSND_PCI_CONFIG, 0x04, 2), 0);
	assert_int_equal(get(vmm, 0, TOY_POSITION, 4), 0);
	close_vmm(vmm);
}

static void test_other_doors_are_closed(void **state)
{
	struct vmm *vmm = open_vmm(0);
	struct vmsnd_card_conf card = {
	    .device = "virtio-snd", .transport = "in-process", .listen_fd = -1};
	struct vmsnd_guest_bus guest;
	struct vmsnd_mmio_bus mmio;
	struct vmsnd_pci_bus pci;

	assert_int_equal(vmsnd_machine_guest_bus(vmm->machine, 0, &guest), VMSND_E_INVALID);
	assert_int_equal(vmsnd_machine_mmio_bus(vmm->machine, 0, &mmio), VMSND_E_INVALID);
	assert_int_equal(vmsnd_machine_pci_bus(vmm->machine, 7, &pci), VMSND_E_NO_CARD);
	assert_int_equal(vmsnd_machine_add(vmm->machine, &card, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_guest_bus(vmm->machine, 1, &guest), VMSND_OK);
	assert_int_equal(vmsnd_machine_pci_bus(vmm->machine, 1, &pci), VMSND_E_INVALID);
	card.transport = "virtio-mmio";
	assert_int_equal(vmsnd_machine_add(vmm->machine, &card, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_pci_bus(vmm->machine, 2, &pci), VMSND_E_INVALID);
	card.device = "toy-timer";
	assert_int_not_equal(vmsnd_machine_add(vmm->machine, &card, 0), VMSND_OK);
	close_vmm(vmm);
}

/* ---- saved state ---- */

/* `vmm` becomes the one it was moved to. */
static struct vmm *move(struct vmm *vmm, vmsnd_ns now)
{
	struct vmm *next = open_machine(0);
	uint8_t *bytes = NULL;
	size_t n_bytes = 0;

	assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_SUSPEND, vmm->now), VMSND_OK);
	assert_int_equal(vmsnd_machine_save(vmm->machine, vmm->now, &bytes, &n_bytes), VMSND_OK);
	next->now = now;
	assert_int_equal(vmsnd_machine_load(next->machine, bytes, n_bytes, now), VMSND_OK);
	free(bytes);
	close_vmm(vmm);
	return next;
}

static void test_saved_and_brought_back_while_the_line_is_high(void **state)
{
	struct vmm *vmm = open_vmm(0);

	start_timer(vmm, 480);
	put(vmm, VMSND_PCI_CONFIG, 0x10, 4, 0xc000);
	vmm->now = 10 * MS;
	vmsnd_machine_advance(vmm->machine, vmm->now);
	vmm->now = 13 * MS;
	vmsnd_machine_advance(vmm->machine, vmm->now);
	assert_true(vmm->line);
	vmm = move(vmm, 1000 * MS);
	listen_to(vmm);
	assert_true(vmm->line);
	assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_RESUME, vmm->now), VMSND_OK);
	assert_int_equal(get(vmm, VMSND_PCI_CONFIG, 0x10, 4), 0xc001);
	assert_int_equal(get(vmm, 0, TOY_POSITION, 4), 624);
	put(vmm, 0, TOY_STATUS, 1, 1);
	assert_false(vmm->line);
	vmm->now = 1007 * MS;
	vmsnd_machine_advance(vmm->machine, vmm->now - 1);
	assert_false(vmm->line);
	vmsnd_machine_advance(vmm->machine, vmm->now);
	assert_true(vmm->line);
	close_vmm(vmm);
}

/* ---- many threads, real time ---- */

/* Any register, and those of everybody's. */
static void *cpu(void *ctx)
{
	struct vmm *vmm = ctx;
	uint64_t failures = 0;
	uint32_t last = 0;

	for (unsigned i = 0; !atomic_load(&vmm->over); i++) {
		uint32_t position = get(vmm, i & 1, TOY_POSITION, 4);

		failures += position < last;
		last = position;
		failures += get(vmm, VMSND_PCI_CONFIG, 0, 4) != 0x10ff1b36;
		put(vmm, 0, TOY_SCRATCH + 2 * (i % 8), 2, i);
		put(vmm, 0, TOY_STATUS, 1, 1);
		get(vmm, 0, i % 64, i % 5);
	}
	return (void *)(uintptr_t)failures;
}

static void *hotplug(void *ctx)
{
	struct vmm *vmm = ctx;
	static uint8_t more[4096];
	const struct vmsnd_region region = {
	    .gpa = GPA / 2, .bytes = sizeof(more), .at = more, .rights = VMSND_READ | VMSND_WRITE};
	uint64_t failures = 0;

	while (!atomic_load(&vmm->over)) {
		const struct vmsnd_interrupt to = {.ctx = vmm, .level = on_level};

		failures += vmsnd_machine_memory_add(vmm->machine, 0, &region, 0) != VMSND_OK;
		failures += vmsnd_machine_interrupt(vmm->machine, 0, &to) != VMSND_OK;
		failures += vmsnd_machine_memory_remove(vmm->machine, 0, region.gpa, region.bytes,
							0) != VMSND_OK;
		vmsnd_machine_status(vmm->machine);
	}
	return (void *)(uintptr_t)failures;
}

/* The lane's own thread raises the line, with nobody calling. */
static void await_rises(struct vmm *vmm, unsigned rises)
{
	while (atomic_load(&vmm->rises) < rises) {
		const struct timespec pause = {.tv_nsec = 200000};

		nanosleep(&pause, NULL);
	}
}

static void test_virtual_cpus_at_a_pci_card(void **state)
{
	struct vmm *vmm = open_vmm(1);
	pthread_t threads[N_CPUS + 1];
	unsigned before;
	void *failures;

	start_timer(vmm, 48);
	await_rises(vmm, 1);
	for (unsigned i = 0; i <= N_CPUS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i ? cpu : hotplug, vmm), 0);
	await_rises(vmm, 100);
	atomic_store(&vmm->over, true);
	for (unsigned i = 0; i <= N_CPUS; i++) {
		pthread_join(threads[i], &failures);
		assert_null(failures);
	}
	before = atomic_load(&vmm->rises); /* first: nobody acknowledges one between the two */
	put(vmm, 0, TOY_STATUS, 1, 1);
	await_rises(vmm, before + 1);
	close_vmm(vmm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_vmm_sizes_bars_and_finds_the_card),
	    cmocka_unit_test(test_reads_are_of_the_time_they_carry),
	    cmocka_unit_test(test_the_line_rises_and_falls),
	    cmocka_unit_test(test_messages_instead_of_the_line),
	    cmocka_unit_test(test_a_new_listener_hears_of_a_line_that_is_high),
	    cmocka_unit_test(test_memory_comes_and_goes),
	    cmocka_unit_test(test_what_is_not_there_reads_as_ones),
	    cmocka_unit_test(test_a_reset_of_the_machine_is_power_on),
	    cmocka_unit_test(test_other_doors_are_closed),
	    cmocka_unit_test(test_saved_and_brought_back_while_the_line_is_high),
	    cmocka_unit_test(test_virtual_cpus_at_a_pci_card),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
