/* SPDX-License-Identifier: BSD-3-Clause */
/* The AC'97 card inside a VMM, by its registers alone: the line and messages, a card that is moved
 * while it plays, and virtual CPUs that all want something of it at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/endian.h"
#include "vmsnd/machine.h"

#define GPA           UINT32_C(0x80000000)
#define BUFFER_AT     0x1000u
#define RAM_BYTES     (1u << 20)
#define MS            UINT64_C(1000000)
#define N_CPUS        3u
#define PERIOD_FRAMES 480u /* 10 ms */
#define PERIOD_BYTES  (PERIOD_FRAMES * 4u)

/* Intel 290655: the bus master's registers for PCM out, and the globals. */
enum { MASTER = 1, BDBAR = 0x10, CIV = 0x14, LVI = 0x15, SR = 0x16, PICB = 0x18, CR = 0x1b };
enum { GLOB_CNT = 0x2c, GLOB_STA = 0x30, CAS = 0x34 };
enum { STA_POINT = 0x40, SR_LVBCI = 4, SR_BCIS = 8, CR_RUN = 0x01, CR_IOCE = 0x10 };
enum { COMMAND = 0x04, MSI = 0x60 };

struct vmm {
	struct vmsnd_machine *machine;
	struct vmsnd_pci_bus bus;
	uint8_t *ram;
	vmsnd_ns now;
	unsigned served;
	atomic_uint rises, messages;
	atomic_bool line, over;
	struct vmsnd_msi message;
};

static void on_level(void *ctx, bool high)
{
	struct vmm *vmm = ctx;

	atomic_store(&vmm->line, high);
	atomic_fetch_add(&vmm->rises, high);
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

static void plug(struct vmm *vmm)
{
	const struct vmsnd_region ram = {
	    .gpa = GPA, .bytes = RAM_BYTES, .at = vmm->ram, .rights = VMSND_READ | VMSND_WRITE};
	const struct vmsnd_interrupt to = {.ctx = vmm, .level = on_level, .message = on_message};

	assert_int_equal(vmsnd_machine_memory_add(vmm->machine, 0, &ram, vmm->now), VMSND_OK);
	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, &to), VMSND_OK);
	assert_int_equal(vmsnd_machine_pci_bus(vmm->machine, 0, &vmm->bus), VMSND_OK);
}

static struct vmsnd_machine *open_machine(unsigned lanes)
{
	const struct vmsnd_machine_conf conf = {.lanes = lanes, .log.write = write_line};
	const struct vmsnd_card_conf card = {.device = "ac97,msi=on,variant=ich4",
					     .backend = "null",
					     .transport = "in-process",
					     .listen_fd = -1};
	struct vmsnd_machine *machine;

	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(machine, &card, 0), VMSND_OK);
	return machine;
}

static struct vmm *open_vmm(unsigned lanes)
{
	struct vmm *vmm = calloc(1, sizeof(*vmm));

	assert_non_null(vmm);
	vmm->ram = calloc(1, RAM_BYTES);
	assert_non_null(vmm->ram);
	vmm->machine = open_machine(lanes);
	plug(vmm);
	return vmm;
}

static void close_vmm(struct vmm *vmm)
{
	vmsnd_machine_close(vmm->machine, vmm->now);
	free(vmm->ram);
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

/* ---- a guest's driver in few words ---- */

static void make_list(struct vmm *vmm)
{
	for (unsigned i = 0; i < 32; i++) {
		vmsnd_put_le32(vmm->ram + 8 * i, GPA + BUFFER_AT + i * PERIOD_BYTES);
		vmsnd_put_le32(vmm->ram + 8 * i + 4, UINT32_C(0x80000000) | PERIOD_FRAMES * 2);
	}
}

static void start(struct vmm *vmm)
{
	make_list(vmm);
	put(vmm, VMSND_PCI_CONFIG, COMMAND, 2, 7);
	put(vmm, MASTER, GLOB_CNT, 4, 2);
	put(vmm, MASTER, BDBAR, 4, GPA);
	put(vmm, MASTER, LVI, 1, 31);
	put(vmm, MASTER, CR, 1, CR_RUN | CR_IOCE);
}

/* The handler: a period is over, so its descriptor is the last one again. */
static void serve(struct vmm *vmm)
{
	assert_true(get(vmm, MASTER, GLOB_STA, 4) & STA_POINT);
	assert_true(get(vmm, MASTER, SR, 2) & SR_BCIS);
	put(vmm, MASTER, LVI, 1, (get(vmm, MASTER, CIV, 1) + 31) % 32);
	put(vmm, MASTER, SR, 2, 0x1c);
	vmm->served++;
}

/* Serves what comes, by the line or by messages. */
static void run_until(struct vmm *vmm, vmsnd_ns until)
{
	unsigned seen = atomic_load(&vmm->messages);

	while (vmm->now < until) {
		vmsnd_ns next = vmsnd_machine_advance(vmm->machine, vmm->now);
		bool message = atomic_load(&vmm->messages) != seen;

		seen = atomic_load(&vmm->messages);
		if (vmm->line || message)
			serve(vmm);
		else
			vmm->now = next < until ? next : until;
	}
}

static void test_a_second_by_the_line(void **state)
{
	struct vmm *vmm = open_vmm(0);

	start(vmm);
	run_until(vmm, 1005 * MS);
	assert_int_equal(vmm->served, 100);
	assert_int_equal(vmm->rises, 100);
	assert_int_equal(vmm->messages, 0);
	assert_int_equal(get(vmm, MASTER, CIV, 1), 100 % 32);
	/* Half of it is left. */
	assert_int_equal(get(vmm, MASTER, PICB, 2), PERIOD_FRAMES);
	close_vmm(vmm);
}

static void test_a_second_by_messages(void **state)
{
	struct vmm *vmm = open_vmm(0);

	put(vmm, VMSND_PCI_CONFIG, MSI + 4, 4, 0xfee01000);
	put(vmm, VMSND_PCI_CONFIG, MSI + 12, 2, 0x4025);
	put(vmm, VMSND_PCI_CONFIG, MSI + 2, 2, 1);
	start(vmm);
	run_until(vmm, 1005 * MS);
	assert_int_equal(vmm->served, 100);
	assert_int_equal(vmm->messages, 100);
	assert_int_equal(vmm->rises, 0);
	assert_true(vmm->message.address == 0xfee01000 && vmm->message.data == 0x4025);
	close_vmm(vmm);
}

/* Wherever it is caught: no period is lost, none comes twice, and none later or sooner. */
static void test_moved_while_it_plays(void **state)
{
	for (unsigned i = 0; i < 20; i++) {
		struct vmm *vmm = open_vmm(0);
		uint8_t *bytes = NULL;
		size_t n_bytes = 0;

		start(vmm);
		run_until(vmm, 300 * MS + i * 1234567);
		assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_SUSPEND, vmm->now),
				 VMSND_OK);
		assert_int_equal(vmsnd_machine_save(vmm->machine, vmm->now, &bytes, &n_bytes),
				 VMSND_OK);
		vmsnd_machine_close(vmm->machine, vmm->now);
		vmm->machine = open_machine(0);
		atomic_store(&vmm->line, false);
		assert_int_equal(vmsnd_machine_load(vmm->machine, bytes, n_bytes, vmm->now),
				 VMSND_OK);
		free(bytes);
		plug(vmm);
		assert_int_equal(vmsnd_machine_life(vmm->machine, VMSND_LIFE_RESUME, vmm->now),
				 VMSND_OK);
		assert_int_equal(get(vmm, VMSND_PCI_CONFIG, COMMAND, 2), 7);
		run_until(vmm, 1005 * MS);
		assert_int_equal(vmm->served, 100);
		close_vmm(vmm);
	}
}

/* ---- many threads, real time ---- */

static void *cpu(void *ctx)
{
	struct vmm *vmm = ctx;

	for (uint32_t i = 0; !atomic_load(&vmm->over); i++) {
		uint32_t at = i * 2654435761u >> 24;

		get(vmm, i % 5, at, 1 + i % 4);
		put(vmm, 0, at & 0x7e, 2, i);
		put(vmm, 3, at, i % 5, i * 40503u);
		put(vmm, VMSND_PCI_CONFIG, at, 1, i & 7 ? 7 : i);
	}
	return NULL;
}

static void *hotplug(void *ctx)
{
	struct vmm *vmm = ctx;
	uint64_t failures = 0;

	while (!atomic_load(&vmm->over)) {
		const struct vmsnd_interrupt to = {.ctx = vmm, .level = on_level};
		const struct vmsnd_region ram = {
		    .gpa = GPA, .bytes = RAM_BYTES, .at = vmm->ram, .rights = VMSND_READ};

		failures += vmsnd_machine_memory_remove(vmm->machine, 0, GPA, RAM_BYTES, 0) != 0;
		failures += vmsnd_machine_memory_add(vmm->machine, 0, &ram, 0) != 0;
		failures += vmsnd_machine_interrupt(vmm->machine, 0, &to) != 0;
		vmsnd_machine_status(vmm->machine);
	}
	return (void *)(uintptr_t)failures;
}

static void pause_ms(unsigned ms)
{
	const struct timespec pause = {.tv_nsec = (long)(ms * MS)};

	nanosleep(&pause, NULL);
}

/* Once they have had enough of it, the machine is reset, and a driver finds a card that plays. */
static void test_virtual_cpus_at_the_card(void **state)
{
	struct vmm *vmm = open_vmm(1);
	pthread_t threads[N_CPUS + 1];
	enum vmsnd_rc rc;
	void *failures;

	start(vmm);
	for (unsigned i = 0; i <= N_CPUS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i ? cpu : hotplug, vmm), 0);
	pause_ms(300);
	atomic_store(&vmm->over, true);
	for (unsigned i = 0; i <= N_CPUS; i++) {
		pthread_join(threads[i], &failures);
		assert_null(failures);
	}
	while ((rc = vmsnd_machine_life(vmm->machine, VMSND_LIFE_RESET, 0)) == VMSND_E_AGAIN)
		pause_ms(1);
	assert_int_equal(rc, VMSND_OK);
	assert_false(vmm->line);
	start(vmm);
	while (vmm->served < 20) {
		if (vmm->line)
			serve(vmm);
		else
			pause_ms(1);
	}
	close_vmm(vmm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_second_by_the_line),
	    cmocka_unit_test(test_a_second_by_messages),
	    cmocka_unit_test(test_moved_while_it_plays),
	    cmocka_unit_test(test_virtual_cpus_at_the_card),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
