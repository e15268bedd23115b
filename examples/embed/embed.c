/* SPDX-License-Identifier: BSD-3-Clause */
/* A VMM in one file, and a guest's driver in it that plays a tone. README.md says more. */
#include <err.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_snd.h>
#include <math.h>
#include <semaphore.h>
#include <string.h>
#include <vmsnd/machine.h>

#define RAM_GPA    0x40000000u
#define QUEUE_SIZE 32u
#define PERIOD     480u /* frames: 10 ms */
#define PERIODS    4u   /* under way at a time */
#define FORMAT     (2 | VIRTIO_SND_PCM_FMT_S16 << 8 | VIRTIO_SND_PCM_RATE_48000 << 16)

static struct vm {
	struct vmsnd_machine *machine;
	struct vmsnd_mmio_bus bus;
	bool by_lane;    /* the library steps the card, not we */
	vmsnd_ns now;    /* the machine's time, where we step it */
	sem_t interrupt; /* what wakes the virtual CPU */
	uint8_t ram[1 << 20] __attribute__((aligned(4096)));
	struct vring rings[VIRTIO_SND_VQ_MAX]; /* the guest's, from here */
	uint16_t seen[VIRTIO_SND_VQ_MAX];
	uint32_t frame;
} vm;

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level <= VMSND_LOG_WARNING)
		warnx("%s", line);
}

static void check(bool holds, const char *or_else)
{
	if (!holds)
		errx(1, "%s", or_else);
}

/* From a thread of the library, or from inside our own calls: no more than a wake. */
static void on_interrupt(void *ctx, bool high)
{
	if (high)
		sem_post(&vm.interrupt);
}

static void open_machine(const char *backend)
{
	const struct vmsnd_machine_conf conf = {.lanes = vm.by_lane, .log.write = log_line};
	const struct vmsnd_region ram = {.gpa = RAM_GPA,
					 .bytes = sizeof(vm.ram),
					 .at = vm.ram,
					 .rights = VMSND_READ | VMSND_WRITE};
	const struct vmsnd_interrupt line = {.level = on_interrupt};
	const struct vmsnd_card_conf card = {
	    "virtio-snd,capture=0", backend, {0}, "virtio-mmio", -1};

	sem_init(&vm.interrupt, 0, 0);
	check(!vmsnd_machine_open(&conf, &vm.machine), "no machine");
	check(!vmsnd_machine_add(vm.machine, &card, vm.now), "no card");
	check(!vmsnd_machine_memory_add(vm.machine, 0, &ram, vm.now), "no memory");
	check(!vmsnd_machine_interrupt(vm.machine, 0, &line) &&
		  !vmsnd_machine_mmio_bus(vm.machine, 0, &vm.bus),
	      "no registers");
}

/* Where a CPU halts. Our own loop goes to the card's next deadline and does not wait for it. */
static void halt(void)
{
	if (vm.by_lane)
		sem_wait(&vm.interrupt);
	while (!vm.by_lane && sem_trywait(&vm.interrupt)) {
		vm.now = vmsnd_machine_advance(vm.machine, vm.now);
		check(vm.now != VMSND_NEVER, "the guest waits for ever");
	}
}

/* ---- the guest ------------------------------------------------------------------------ */

static uint32_t get(uint64_t at)
{
	return (uint32_t)vm.bus.read(vm.bus.ctx, at, 4);
}

static void put(uint64_t at, uint32_t value)
{
	vm.bus.write(vm.bus.ctx, at, 4, value, vm.now);
}

static uint32_t gpa(const void *at)
{
	return RAM_GPA + (uint32_t)((const uint8_t *)at - vm.ram);
}

/* The handshake of the standard: what is offered, what is accepted, where the queues are. */
static void start_card(void)
{
	uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	check(get(VIRTIO_MMIO_DEVICE_ID) == 25, "no sound card there");
	put(VIRTIO_MMIO_STATUS, 0);
	put(VIRTIO_MMIO_STATUS, status);
	put(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	put(VIRTIO_MMIO_DRIVER_FEATURES, 1u << (VIRTIO_F_VERSION_1 - 32));
	put(VIRTIO_MMIO_STATUS, status |= VIRTIO_CONFIG_S_FEATURES_OK);
	check(get(VIRTIO_MMIO_STATUS) == status, "features were refused");
	for (unsigned i = 0; i < VIRTIO_SND_VQ_MAX; i++) {
		vring_init(&vm.rings[i], QUEUE_SIZE, vm.ram + i * 0x4000, 4096);
		put(VIRTIO_MMIO_QUEUE_SEL, i);
		put(VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE);
		put(VIRTIO_MMIO_QUEUE_DESC_LOW, gpa(vm.rings[i].desc)); /* high halves: 0 */
		put(VIRTIO_MMIO_QUEUE_AVAIL_LOW, gpa(vm.rings[i].avail));
		put(VIRTIO_MMIO_QUEUE_USED_LOW, gpa(vm.rings[i].used));
		put(VIRTIO_MMIO_QUEUE_READY, 1);
	}
	put(VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* Message `slot` of a queue: what the card reads at `at`, and behind it room for its answer. */
static void post(unsigned queue, uint16_t slot, void *at, uint32_t bytes, uint32_t room)
{
	struct vring *ring = &vm.rings[queue];
	struct vring_desc *desc = &ring->desc[slot * 2];

	desc[0] = (struct vring_desc){gpa(at), bytes, VRING_DESC_F_NEXT, (uint16_t)(slot * 2 + 1)};
	desc[1] = (struct vring_desc){gpa(at) + bytes, room, VRING_DESC_F_WRITE, 0};
	ring->avail->ring[ring->avail->idx % QUEUE_SIZE] = (uint16_t)(slot * 2);
	__atomic_store_n(&ring->avail->idx, (uint16_t)(ring->avail->idx + 1), __ATOMIC_RELEASE);
	put(VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

/* Waits until a message comes back; its slot. */
static uint16_t take(unsigned queue)
{
	const struct vring_used *used = vm.rings[queue].used;

	while (__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) == vm.seen[queue]) {
		halt();
		put(VIRTIO_MMIO_INTERRUPT_ACK, get(VIRTIO_MMIO_INTERRUPT_STATUS));
	}
	return (uint16_t)(used->ring[vm.seen[queue]++ % QUEUE_SIZE].id / 2);
}

/* Requests are words, and so are their answers: a status, and what was asked for. */
static const uint32_t *request(const uint32_t *words, uint32_t n, uint32_t room)
{
	uint32_t *at = (uint32_t *)(void *)(vm.ram + 0x20000);

	memcpy(at, words, n * 4);
	post(VIRTIO_SND_VQ_CONTROL, 0, at, n * 4, 4 + room);
	take(VIRTIO_SND_VQ_CONTROL);
	check(at[n] == VIRTIO_SND_S_OK, "a request was refused");
	return at + n + 1;
}

/* One period of 440 Hz, in stereo. */
static void post_period(uint16_t slot)
{
	uint8_t *at = vm.ram + 0x30000 + slot * 0x1000; /* zeros: stream 0 */
	int16_t *sound = (int16_t *)(void *)(at + 4);

	for (unsigned i = 0; i < PERIOD; i++, vm.frame++)
		sound[2 * i] = sound[2 * i + 1] =
		    (int16_t)(16000 * sin(M_PI * 880 * vm.frame / 48000));
	post(VIRTIO_SND_VQ_TX, slot, at, 4 + PERIOD * 4, sizeof(struct virtio_snd_pcm_status));
}

static void run_guest(void)
{
	const uint32_t info[] = {VIRTIO_SND_R_PCM_INFO, 0, 1, sizeof(struct virtio_snd_pcm_info)};
	const uint32_t params[] = {
	    VIRTIO_SND_R_PCM_SET_PARAMS, 0, PERIODS * PERIOD * 4, PERIOD * 4, 0, FORMAT};
	struct virtio_snd_pcm_info stream;

	memcpy(&stream, request(info, 4, info[3]), sizeof(stream));
	check(stream.direction == VIRTIO_SND_D_OUTPUT, "stream 0 does not play");
	request(params, 6, 0);
	request((const uint32_t[]){VIRTIO_SND_R_PCM_PREPARE, 0}, 2, 0);
	for (uint16_t slot = 0; slot < PERIODS; slot++)
		post_period(slot);
	request((const uint32_t[]){VIRTIO_SND_R_PCM_START, 0}, 2, 0);
	while (vm.frame < 48000)
		post_period(take(VIRTIO_SND_VQ_TX));
	for (unsigned left = PERIODS; left > 0; left--)
		take(VIRTIO_SND_VQ_TX);
	request((const uint32_t[]){VIRTIO_SND_R_PCM_STOP, 0}, 2, 0);
	request((const uint32_t[]){VIRTIO_SND_R_PCM_RELEASE, 0}, 2, 0);
}

int main(int argc, char **argv)
{
	vm.by_lane = argc == 3 && strcmp(argv[2], "lane") == 0;
	check(argc == 2 || vm.by_lane, "usage: embed BACKEND [lane]");
	open_machine(argv[1]);
	start_card();
	run_guest();
	vmsnd_machine_close(vm.machine, vm.now);
	return 0;
}
