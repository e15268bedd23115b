/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual CPUs and the VMM's other threads at one card, while its lane plays in real time. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/virtio_mmio.h>

#include "guests/mmio.h"
#include "guests/player.h"
#include "vmsnd/machine.h"

#define GPA       UINT64_C(0x80000000)
#define RAM_BYTES (1u << 20)
#define FRAMES    14400u /* 0.3 s */
#define N_CPUS    3u

struct vmm {
	struct vmsnd_machine *machine;
	struct vmsnd_mmio_bus bus;
	struct vmsnd_guest_bus guest_bus;
	uint8_t *ram;
	sem_t interrupt;
	atomic_bool over;
	bool mmio;
	struct vmsnd_guest_mmio driver;
	struct vmsnd_guest guest;
	struct vmsnd_guest_player player;
};

static void on_level(void *ctx, bool high)
{
	struct vmm *vmm = ctx;

	if (high)
		sem_post(&vmm->interrupt);
}

static enum vmsnd_rc share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	struct vmm *vmm = ctx;
	const struct vmsnd_region region = {
	    .gpa = gpa, .bytes = bytes, .at = at, .rights = VMSND_READ | VMSND_WRITE};

	return vmsnd_machine_memory_add(vmm->machine, 0, &region, 0);
}

static uint32_t silence(void *ctx, void *to, uint32_t frames)
{
	memset(to, 0, frames * 4);
	return frames;
}

/* Every wish for attention, without a reason. */
static void *cpu(void *ctx)
{
	struct vmm *vmm = ctx;

	for (unsigned i = 0; !atomic_load(&vmm->over); i++) {
		if (!vmm->mmio) {
			vmm->guest_bus.kick(vmm->guest_bus.ctx, i % 4, 0);
			continue;
		}
		vmm->bus.write(vmm->bus.ctx, VIRTIO_MMIO_QUEUE_NOTIFY, 4, i % 4, 0);
		vmm->bus.read(vmm->bus.ctx, VIRTIO_MMIO_INTERRUPT_STATUS, 4);
		vmm->bus.read(vmm->bus.ctx, VIRTIO_MMIO_CONFIG + i % 16, 4);
	}
	return NULL;
}

/* Memory that is plugged and unplugged, and a line that finds another listener. */
static void *hotplug(void *ctx)
{
	struct vmm *vmm = ctx;
	static uint8_t more[4096];
	const struct vmsnd_region region = {
	    .gpa = GPA / 2, .bytes = sizeof(more), .at = more, .rights = VMSND_READ | VMSND_WRITE};
	const struct vmsnd_interrupt line = {.ctx = vmm, .level = on_level};
	uint64_t failures = 0;

	while (!atomic_load(&vmm->over)) {
		failures += vmsnd_machine_memory_add(vmm->machine, 0, &region, 0) != VMSND_OK;
		failures += vmsnd_machine_interrupt(vmm->machine, 0, &line) != VMSND_OK;
		failures += vmsnd_machine_memory_remove(vmm->machine, 0, region.gpa, region.bytes,
							0) != VMSND_OK;
		vmsnd_machine_status(vmm->machine);
	}
	return (void *)(uintptr_t)failures;
}

static void open_guest(struct vmm *vmm)
{
	const struct vmsnd_guest_mmio_conf registers = {
	    .bus = vmm->bus, .memory_ctx = vmm, .share = share};
	struct vmsnd_guest_conf conf = {
	    .bus = vmm->guest_bus, .memory = vmm->ram, .memory_bytes = RAM_BYTES, .gpa = GPA};
	const struct vmsnd_guest_player_conf play = {
	    .params = {.format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
		       .period_frames = 480,
		       .periods = 4},
	    .frames = FRAMES,
	    .read = silence};

	if (vmm->mmio)
		vmsnd_guest_mmio_init(&vmm->driver, &registers, &conf.bus);
	assert_int_equal(vmsnd_guest_open(&vmm->guest, &conf, 0), VMSND_OK);
	vmsnd_guest_player_init(&vmm->player, &vmm->guest, &play);
}

static void play(struct vmm *vmm)
{
	while (vmsnd_guest_player_step(&vmm->player, 0)) {
		sem_wait(&vmm->interrupt);
		if (vmm->mmio)
			vmm->bus.write(vmm->bus.ctx, VIRTIO_MMIO_INTERRUPT_ACK, 4, 3, 0);
		for (unsigned queue = 0; queue < 4 && !vmm->mmio; queue++)
			vmm->guest_bus.interrupted(vmm->guest_bus.ctx, queue);
	}
}

static void case_of(const char *transport)
{
	const struct vmsnd_machine_conf conf = {.lanes = 1};
	const struct vmsnd_card_conf card = {
	    .device = "virtio-snd,capture=0", .transport = transport, .listen_fd = -1};
	struct vmm *vmm = calloc(1, sizeof(*vmm));
	const struct vmsnd_interrupt line = {.ctx = vmm, .level = on_level};
	pthread_t threads[N_CPUS + 1];
	void *failures;

	assert_non_null(vmm);
	vmm->ram = calloc(1, RAM_BYTES);
	vmm->mmio = strcmp(transport, "virtio-mmio") == 0;
	sem_init(&vmm->interrupt, 0, 0);
	assert_int_equal(vmsnd_machine_open(&conf, &vmm->machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(vmm->machine, &card, 0), VMSND_OK);
	assert_int_equal(vmsnd_machine_interrupt(vmm->machine, 0, &line), VMSND_OK);
	if (vmm->mmio)
		assert_int_equal(vmsnd_machine_mmio_bus(vmm->machine, 0, &vmm->bus), VMSND_OK);
	else
		assert_int_equal(vmsnd_machine_guest_bus(vmm->machine, 0, &vmm->guest_bus),
				 VMSND_OK);
	open_guest(vmm);
	for (unsigned i = 0; i <= N_CPUS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i ? cpu : hotplug, vmm), 0);
	play(vmm);
	atomic_store(&vmm->over, true);
	pthread_join(threads[0], &failures);
	for (unsigned i = 1; i <= N_CPUS; i++)
		pthread_join(threads[i], NULL);
	assert_null(failures);
	assert_int_equal(vmm->player.state, VMSND_GUEST_PLAYER_DONE);
	assert_int_equal(vmm->player.frames_completed, FRAMES);
	assert_int_equal(vmm->player.messages_failed, 0);
	vmsnd_machine_close(vmm->machine, 0);
	sem_destroy(&vmm->interrupt);
	free(vmm->ram);
	free(vmm);
}

static void test_virtual_cpus_at_the_registers(void **state)
{
	case_of("virtio-mmio");
}

static void test_virtual_cpus_in_process(void **state)
{
	case_of("in-process");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_virtual_cpus_at_the_registers),
	    cmocka_unit_test(test_virtual_cpus_in_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
