/* SPDX-License-Identifier: BSD-3-Clause */
/* vfio-user: what QEMU 11.1 sends, message for message (qemu-traces.txt D, E, F), and what the card
 * is told of it; and what Cloud Hypervisor sends, by its source and that of the crate vfio_user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/endian.h"
#include "vfio_harness.h"

struct step {
	uint16_t command;
	uint32_t bytes; /* of the whole message, as it was seen */
	unsigned fds;
	uint32_t flags; /* of what it is about */
	uint64_t a, b, c;
	bool posted;
	int answer; /* 0, or an error number */
};

#define HELLO                                                                                      \
	{                                                                                          \
		.command = VMSND_VFU_VERSION, .bytes = 214                                         \
	}
#define MAP(nfd, f, off, iova, size)                                                               \
	{                                                                                          \
		.command = VMSND_VFU_DMA_MAP, .bytes = 48, .fds = nfd, .flags = f, .a = off,       \
		.b = iova, .c = size                                                               \
	}
#define UNMAP(iova, size)                                                                          \
	{                                                                                          \
		.command = VMSND_VFU_DMA_UNMAP, .bytes = 40, .b = iova, .c = size                  \
	}
#define INFO                                                                                       \
	{                                                                                          \
		.command = VMSND_VFU_GET_INFO, .bytes = 32                                         \
	}
#define REGION(index)                                                                              \
	{                                                                                          \
		.command = VMSND_VFU_GET_REGION_INFO, .bytes = 48, .a = index                      \
	}
#define IRQ(index, rc)                                                                             \
	{                                                                                          \
		.command = VMSND_VFU_GET_IRQ_INFO, .bytes = 32, .a = index, .answer = rc           \
	}
#define READ(region, off, n)                                                                       \
	{                                                                                          \
		.command = VMSND_VFU_REGION_READ, .bytes = 32, .a = region, .b = off, .c = n       \
	}
#define WRITE(region, off, n, value)                                                               \
	{                                                                                          \
		.command = VMSND_VFU_REGION_WRITE, .bytes = 32 + n, .a = region, .b = off,         \
		.c = value                                                                         \
	}
#define POST(region, off, n, value)                                                                \
	{                                                                                          \
		.command = VMSND_VFU_REGION_WRITE, .bytes = 32 + n, .a = region, .b = off,         \
		.c = value, .posted = true                                                         \
	}
#define IRQS(nfd, index, n, f)                                                                     \
	{                                                                                          \
		.command = VMSND_VFU_SET_IRQS, .bytes = 36, .fds = nfd, .flags = f, .a = index,    \
		.b = n                                                                             \
	}
#define RESET                                                                                      \
	{                                                                                          \
		.command = VMSND_VFU_RESET, .bytes = 16                                            \
	}

enum {
	NONE = VMSND_VFU_DATA_NONE,
	EVENTFD = VMSND_VFU_DATA_EVENTFD,
	MASK = VMSND_VFU_ACTION_MASK,
	UNMASK = VMSND_VFU_ACTION_UNMASK,
	TRIGGER = VMSND_VFU_ACTION_TRIGGER
};

#define BARS_TO_0                                                                                  \
	WRITE(7, 0x10, 4, 0), WRITE(7, 0x14, 4, 0), WRITE(7, 0x18, 4, 0), WRITE(7, 0x1c, 4, 0),    \
	    WRITE(7, 0x20, 4, 0), WRITE(7, 0x24, 4, 0)
#define REGIONS REGION(0), REGION(1), REGION(2), REGION(3), REGION(4), REGION(5), REGION(7)
#define FIRST                                                                                      \
	HELLO, MAP(1, 3, 0, 0, 0xc0000), MAP(0, 1, 0, 0xc0000, 0x20000),                           \
	    MAP(0, 1, 0, 0xe0000, 0x20000), MAP(1, 3, 0x100000, 0x100000, 0x3f00000),              \
	    MAP(0, 1, 0, 0xfffc0000, 0x40000), INFO, REGIONS, IRQ(3, VMSND_VFU_EINVAL)
#define ROM_SIZING                                                                                 \
	READ(7, 0, 256), READ(7, 0x30, 4), WRITE(7, 0x30, 4, 0xfffff800), READ(7, 0x30, 4),        \
	    WRITE(7, 0x30, 4, 0)
#define MACHINE_RESET                                                                              \
	IRQS(0, 0, 0, NONE | TRIGGER), READ(7, 4, 2), WRITE(7, 4, 2, 0), RESET, READ(7, 0x3d, 1),  \
	    IRQS(1, 0, 1, EVENTFD | TRIGGER), BARS_TO_0, READ(7, 0, 4)

/* D: a card with ports and INTx, by qtest. */
static const struct step ac97[] = {
    FIRST,
    ROM_SIZING,
    READ(7, 0x10, 4),
    READ(7, 0x14, 4),
    READ(7, 0x3d, 1),
    READ(7, 0x3d, 1),
    IRQS(1, 0, 1, EVENTFD | TRIGGER),
    MACHINE_RESET,
    WRITE(7, 0x10, 4, 0xffffffff),
    WRITE(7, 0x14, 4, 0xffffffff),
    WRITE(7, 0x10, 4, 0xc001),
    WRITE(7, 0x14, 4, 0xd001),
    WRITE(7, 4, 4, 7),
    WRITE(0, 0x2c, 2, 0x5622),
    READ(0, 0x2c, 2),
    WRITE(1, 0x1b, 1, 1),
    WRITE(1, 0x10, 4, 0x1000),
};
static const struct step ac97_interrupt[] = {
    READ(1, 0x16, 1),
    IRQS(0, 0, 1, NONE | UNMASK),
    WRITE(1, 0x16, 1, 0x1c),
    IRQS(0, 0, 1, NONE | UNMASK),
};

/* E: a card with memory and MSI. */
static const struct step hda[] = {
    FIRST,
    ROM_SIZING,
    READ(7, 0x10, 4),
    READ(7, 0x62, 2),
    READ(7, 0x3d, 1),
    READ(7, 0x3d, 1),
    IRQS(1, 0, 1, EVENTFD | TRIGGER),
    MACHINE_RESET,
    WRITE(7, 0x10, 4, 0xe0000000),
    WRITE(7, 4, 4, 6),
    POST(2, 8, 4, 1),
    READ(2, 8, 4),
    POST(2, 0x4c, 1, 2),
};
static const struct step msi_on[] = {
    POST(2, 0x48, 2, 3),       WRITE(7, 0x64, 4, 0xfee00000), WRITE(7, 0x68, 4, 0),
    WRITE(7, 0x6c, 4, 0x4021), WRITE(7, 0x60, 4, 0x00810005),
};
static const struct step msi_armed[] = {
    IRQS(0, 0, 0, NONE | TRIGGER),
    IRQS(1, 1, 1, EVENTFD | TRIGGER),
};
static const struct step msi_off[] = {
    WRITE(7, 0x60, 4, 0x00800005),
    IRQS(0, 1, 0, NONE | TRIGGER),
    READ(7, 0x3d, 1),
    IRQS(1, 0, 1, EVENTFD | TRIGGER),
};

/* F: KVM and firmware, without the reads, which were not written down. */
#define KVM_INTX                                                                                   \
	IRQS(1, 0, 1, EVENTFD | TRIGGER), IRQS(0, 0, 1, NONE | MASK),                              \
	    IRQS(1, 0, 1, EVENTFD | UNMASK), IRQS(0, 0, 1, NONE | UNMASK)
#define SIZING(at, back) WRITE(7, at, 4, 0xffffffff), WRITE(7, at, 4, back)
static const struct step kvm[] = {
    FIRST,
    WRITE(7, 0x30, 4, 0xfffff800),
    WRITE(7, 0x30, 4, 0),
    KVM_INTX,
    IRQS(0, 0, 1, NONE | MASK),
    IRQS(0, 0, 1, NONE | UNMASK),
    IRQS(0, 0, 0, NONE | TRIGGER),
    WRITE(7, 4, 2, 0),
    RESET,
    KVM_INTX,
    BARS_TO_0,
    UNMAP(0, 0xc0000),
    UNMAP(0xc0000, 0x20000),
    UNMAP(0xe0000, 0x20000),
    UNMAP(0x100000, 0x3f00000),
    MAP(1, 3, 0, 0, 0xd0000),
    MAP(0, 1, 0, 0xd0000, 0x10000),
    MAP(0, 1, 0, 0xe0000, 0x10000),
    MAP(1, 3, 0xf0000, 0xf0000, 0x3f10000),
    UNMAP(0, 0xd0000),
    UNMAP(0xd0000, 0x10000),
    UNMAP(0xe0000, 0x10000),
    UNMAP(0xf0000, 0x3f10000),
    MAP(1, 3, 0, 0, 0x4000000),
    SIZING(0x10, 1),
    SIZING(0x14, 1),
    SIZING(0x18, 0),
    SIZING(0x1c, 0),
    SIZING(0x20, 0),
    SIZING(0x24, 0),
    WRITE(7, 0x30, 4, 0xfffff800),
    WRITE(7, 0x30, 4, 0),
    WRITE(7, 0x10, 4, 0xc000),
    WRITE(7, 0x14, 4, 0xc400),
    IRQS(0, 0, 1, NONE | MASK),
    IRQS(0, 0, 1, NONE | UNMASK),
    IRQS(0, 0, 1, NONE | MASK),
    IRQS(1, 0, 1, EVENTFD | UNMASK),
    IRQS(0, 0, 1, NONE | UNMASK),
    WRITE(7, 0x3c, 1, 0x0a),
    WRITE(7, 4, 2, 0x0103),
    WRITE(7, 0x30, 4, 0xfffffffe),
    WRITE(7, 0x30, 4, 0),
    UNMAP(0, 0x4000000),
    MAP(1, 3, 0, 0, 0xc3000),
    MAP(1, 1, 0xc3000, 0xc3000, 0xd000),
    MAP(1, 3, 0xd0000, 0xd0000, 0x20000),
    MAP(1, 1, 0xf0000, 0xf0000, 0x10000),
    MAP(1, 3, 0x100000, 0x100000, 0x3f00000),
    UNMAP(0xc3000, 0xd000),
    UNMAP(0xd0000, 0x20000),
    MAP(1, 1, 0xc3000, 0xc3000, 0x25000),
    MAP(1, 3, 0xe8000, 0xe8000, 0x8000),
};

/* Cloud Hypervisor: its client reads as many bytes as an answer without error has, looks at no
 * flag, and waits for them for ever. */
#define CLOUD_JSON                                                                                 \
	"{\"capabilities\":{\"max_msg_fds\":1,\"max_data_xfer_size\":1048576,"                     \
	"\"migration\":{\"pgsize\":4096}}}"
#define CLOUD_HELLO                                                                                \
	{                                                                                          \
		.command = VMSND_VFU_VERSION, .bytes = 16 + 4 + sizeof(CLOUD_JSON)                 \
	}
#define UNMASKED         IRQS(0, 0, 1, NONE | UNMASK)
#define CAPABILITIES     READ(7, 6, 2), READ(7, 0x34, 1), READ(7, 0x50, 1), READ(7, 0x51, 1)
#define ALL_CAPABILITIES CAPABILITIES, READ(7, 0x60, 1), READ(7, 0x61, 1)
#define GUEST_READS(at)  ALL_CAPABILITIES, READ(7, at, 4)
#define CLOUD_SIZING(at) READ(7, at, 4), WRITE(7, at, 4, 0xffffffff), READ(7, at, 4)

#define CLOUD_REGIONS                                                                              \
	REGION(0), REGION(1), REGION(2), REGION(3), REGION(4), REGION(5), REGION(6), REGION(7),    \
	    REGION(8)
#define CLOUD_BARS                                                                                 \
	CLOUD_SIZING(0x10), CLOUD_SIZING(0x14), CLOUD_SIZING(0x18), CLOUD_SIZING(0x1c),            \
	    CLOUD_SIZING(0x20), CLOUD_SIZING(0x24), CLOUD_SIZING(0x30)

static const struct step cloud[] = {
    CLOUD_HELLO,
    INFO,
    CLOUD_REGIONS,
    RESET, /* its client asks for that when it may not, and else does not: a flag read backwards */
    CAPABILITIES,
    READ(7, 0x60, 1),
    IRQ(1, 0),
    READ(7, 0x62, 2),
    READ(7, 0x61, 1),
    IRQ(0, 0),
    IRQS(1, 0, 1, EVENTFD | TRIGGER),
    CLOUD_BARS,
    MAP(1, 3, 0, 0, 0x2000000),
    MAP(1, 3, 0x2000000, 0x100000000, 0x2000000),
    GUEST_READS(0),
    GUEST_READS(8),
    GUEST_READS(0xc),
    GUEST_READS(0x2c),
    GUEST_READS(0x3c),
    GUEST_READS(0xfc),
    WRITE(7, 0x3c, 1, 0x0b),
    WRITE(7, 4, 2, 7),
    WRITE(1, 0x2c, 4, 2),
    UNMASKED,
    READ(0, 0x7c, 2),
    UNMASKED,
    WRITE(1, 0x1b, 1, 0x15),
    UNMASKED,
};
static const struct step cloud_handler[] = {
    READ(1, 0x30, 4),     UNMASKED, READ(1, 0x16, 2), UNMASKED, READ(1, 0x14, 1),       UNMASKED,
    WRITE(1, 0x15, 1, 3), UNMASKED, READ(1, 0x18, 2), UNMASKED, WRITE(1, 0x16, 2, 0x1c)};
static const struct step cloud_after[] = {UNMASKED, WRITE(1, 0x30, 4, 0x40), UNMASKED,
					  READ(1, 0x18, 2), UNMASKED};
static const struct step cloud_msi_on[] = {
    WRITE(7, 0x64, 4, 0xfee00000),    WRITE(7, 0x6c, 2, 0x4021), IRQS(0, 0, 0, NONE | TRIGGER),
    IRQS(1, 1, 1, EVENTFD | TRIGGER), WRITE(7, 0x62, 2, 0x81),   READ(1, 0x30, 4),
    WRITE(1, 0x16, 2, 0x1c)};
static const struct step cloud_msi_off[] = {
    IRQS(0, 1, 0, NONE | TRIGGER), IRQS(1, 0, 1, EVENTFD | TRIGGER), WRITE(7, 0x62, 2, 0x80)};
static const struct step cloud_ends[] = {UNMAP(0, 0x2000000), UNMAP(0x100000000, 0x2000000)};

/* ---- playing ---- */

struct world {
	struct vfio_harness h;
	struct vfio_client *client;
	int memory, trigger, resample;
};

static int open_world(void **state)
{
	static struct world w;
	uint64_t bytes;

	vfio_harness_open(&w.h, true);
	w.client = vfio_harness_connect(&w.h);
	w.memory = vfio_client_memory_fd(w.client);
	/* QEMU's machine has 64 MiB. */
	assert_int_equal(ftruncate(w.memory, 64 << 20), 0);
	((uint8_t *)vfio_client_memory(w.client, &bytes))[0x400] = 1;
	w.trigger = vfio_eventfd();
	w.resample = vfio_eventfd();
	*state = &w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;

	vfio_client_close(w->client);
	close(w->trigger);
	close(w->resample);
	vfio_harness_close(&w->h);
	return 0;
}

/* Its capabilities, of the very length that was seen. */
static uint32_t put_hello(uint8_t *to)
{
	static const char json[] = "{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, "
				   "\"max_dma_maps\": 65535, \"max_data_xfer_size\": 1048576, "
				   "\"migration\": {\"max_bitmap_size\": 268435456, "
				   "\"pgsize\": 4096}, \"write_multiple\": true}}";

	memset(to, 0, 4); /* 0.0 */
	memcpy(to + 4, json, sizeof(json));
	return 4 + sizeof(json);
}

static uint32_t put_payload(const struct step *step, uint8_t *to)
{
	const struct vmsnd_vfu_dma_map map = {32, step->flags, step->a, step->b, step->c};
	const struct vmsnd_vfu_dma_unmap unmap = {
	    .argsz = 24, .flags = step->flags, .gpa = step->b, .bytes = step->c};
	const struct vmsnd_vfu_four four = {.argsz = 16, .index = (uint32_t)step->a};
	const struct vmsnd_vfu_region_info region = {.argsz = 32, .index = (uint32_t)step->a};
	const struct vmsnd_vfu_set_irqs irqs = {.argsz = 20,
						.flags = step->flags,
						.index = (uint32_t)step->a,
						.count = (uint32_t)step->b};
	bool reads = step->command == VMSND_VFU_REGION_READ;
	uint32_t data = reads ? 0 : step->bytes - 32;
	const struct vmsnd_vfu_access access = {step->b, (uint32_t)step->a,
						reads ? (uint32_t)step->c : data};

	switch (step->command) {
	case VMSND_VFU_VERSION:
		return put_hello(to);
	case VMSND_VFU_DMA_MAP:
		return vmsnd_vfu_dma_map_put(to, &map);
	case VMSND_VFU_DMA_UNMAP:
		return vmsnd_vfu_dma_unmap_put(to, &unmap);
	case VMSND_VFU_GET_REGION_INFO:
		return vmsnd_vfu_region_info_put(to, &region);
	case VMSND_VFU_GET_INFO:
	case VMSND_VFU_GET_IRQ_INFO:
		return vmsnd_vfu_four_put(to, &four);
	case VMSND_VFU_SET_IRQS:
		return vmsnd_vfu_set_irqs_put(to, &irqs);
	case VMSND_VFU_REGION_READ:
	case VMSND_VFU_REGION_WRITE:
		vmsnd_put_le64(to + vmsnd_vfu_access_put(to, &access), step->c);
		return VMSND_VFU_ACCESS_BYTES + data;
	default:
		return 0;
	}
}

/* How QEMU reads an answer: no longer than its request, or than what it asked to be read. */
static void check_answer(const struct step *step, const struct vfio_message *answer)
{
	uint32_t most = step->bytes;

	if (step->command == VMSND_VFU_REGION_READ)
		most += (uint32_t)step->c;
	assert_true(answer->header.bytes <= most);
	assert_int_equal(answer->header.command, step->command);
	assert_int_equal(answer->header.flags,
			 VMSND_VFU_REPLY | (step->answer ? VMSND_VFU_ERROR : 0));
	assert_int_equal((int)answer->header.error, step->answer);
}

/* ---- Cloud Hypervisor's side ---- */

static uint32_t put_cloud_payload(const struct step *step, uint8_t *to)
{
	static const char json[] = CLOUD_JSON;
	uint32_t bytes = 4 + sizeof(json);

	if (step->command != VMSND_VFU_VERSION) {
		bytes = put_payload(step, to);
		if (step->command == VMSND_VFU_GET_INFO)
			vmsnd_put_le32(to, 32); /* it counts the header in */
		return bytes;
	}
	vmsnd_put_le32(to, 0x00010000); /* 0.1 */
	memcpy(to + 4, json, sizeof(json));
	return bytes;
}

static void check_number(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	assert_true(json_is_integer(number));
	assert_in_range(json_integer_value(number), 0, UINT32_MAX);
}

/* It ends when it cannot parse what is before the last byte. */
static void check_capabilities(const struct vfio_message *answer)
{
	const char *text = (const char *)answer->payload + 4;
	json_t *root;
	const json_t *capabilities;

	assert_true(answer->bytes > 5);
	assert_int_equal(text[answer->bytes - 5], '\0');
	root = json_loadb(text, answer->bytes - 5, 0, NULL);
	capabilities = json_object_get(root, "capabilities");
	check_number(capabilities, "max_msg_fds");
	check_number(capabilities, "max_data_xfer_size");
	check_number(json_object_get(capabilities, "migration"), "pgsize");
	json_decref(root);
}

static uint32_t cloud_reads(const struct step *step)
{
	static const uint32_t bytes[VMSND_VFU_COMMANDS] = {
	    [VMSND_VFU_DMA_MAP] = 16,      [VMSND_VFU_DMA_UNMAP] = 40,
	    [VMSND_VFU_GET_INFO] = 32,     [VMSND_VFU_GET_REGION_INFO] = 48,
	    [VMSND_VFU_GET_IRQ_INFO] = 32, [VMSND_VFU_SET_IRQS] = 16,
	    [VMSND_VFU_REGION_READ] = 32,  [VMSND_VFU_REGION_WRITE] = 32,
	    [VMSND_VFU_RESET] = 16};

	return bytes[step->command] +
	       (step->command == VMSND_VFU_REGION_READ ? (uint32_t)step->c : 0);
}

static void check_cloud_answer(const struct step *step, const struct vfio_message *answer)
{
	struct vmsnd_vfu_region_info region;
	struct vmsnd_vfu_four four;

	assert_int_equal(answer->header.flags, VMSND_VFU_REPLY);
	assert_int_equal(answer->header.error, 0);
	if (step->command == VMSND_VFU_VERSION) {
		check_capabilities(answer);
		return;
	}
	assert_int_equal(answer->header.bytes, cloud_reads(step));
	vmsnd_vfu_four_get(answer->payload, &four);
	vmsnd_vfu_region_info_get(answer->payload, &region);
	if (step->command == VMSND_VFU_GET_INFO) {
		assert_true(four.flags & VMSND_VFU_INFO_PCI);
		assert_int_equal(four.index, 9); /* regions: it asks for each */
	} else if (step->command == VMSND_VFU_GET_REGION_INFO) {
		assert_int_equal(region.argsz, 32); /* or it would ask for the rest */
		assert_int_equal(region.index, step->a);
		assert_int_equal(region.flags & ~3u, 0); /* nothing to map */
	} else if (step->command == VMSND_VFU_GET_IRQ_INFO) {
		assert_int_equal(four.index, step->a);
		assert_int_equal(four.count, 1);
	}
}

/* ---- both ---- */

struct vmm {
	uint32_t (*put)(const struct step *step, uint8_t *to);
	void (*check)(const struct step *step, const struct vfio_message *answer);
};
static const struct vmm qemu = {put_payload, check_answer};
static const struct vmm cloud_hypervisor = {put_cloud_payload, check_cloud_answer};

static void play_step(struct world *w, const struct vmm *vmm, const struct step *step, uint16_t id)
{
	static struct vfio_message answer;
	static uint8_t payload[512];
	const struct vmsnd_vfu_header header = {.id = id,
						.command = step->command,
						.bytes = step->bytes,
						.flags = step->posted ? VMSND_VFU_NO_REPLY : 0};
	struct vmsnd_fds fds = {.n = step->fds};

	assert_int_equal(vmm->put(step, payload) + 16, step->bytes);
	fds.fd[0] = step->command == VMSND_VFU_DMA_MAP ? w->memory
		    : step->flags & UNMASK             ? w->resample
						       : w->trigger;
	assert_true(vfio_send(w->client, &header, payload, &fds));
	if (step->posted) {
		vfio_client_pump(w->client);
		return;
	}
	assert_int_equal(vfio_receive(w->client, &answer), 0);
	assert_int_equal(answer.header.id, id);
	vmm->check(step, &answer);
}

#define PLAY(w, steps)  play(w, &qemu, steps, sizeof(steps) / sizeof((steps)[0]))
#define CLOUD(w, steps) play(w, &cloud_hypervisor, steps, sizeof(steps) / sizeof((steps)[0]))
static void play(struct world *w, const struct vmm *vmm, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		play_step(w, vmm, &steps[i], (uint16_t)i);
		vfio_harness_pass(&w->h, 40 * 1000);
	}
}

/* ---- what came of it ---- */

#define BARS_TOLD "w7:10+4 w7:14+4 w7:18+4 w7:1c+4 w7:20+4 w7:24+4 "

static void test_qemu_with_ports_and_intx(void **state)
{
	struct world *w = *state;

	PLAY(w, ac97);
	assert_string_equal(vfio_harness_trace(&w->h),
			    "r7:0+256 r7:30+4 w7:30+4 r7:30+4 w7:30+4 r7:10+4 r7:14+4 "
			    "r7:4+2 w7:4+2 R1 " BARS_TOLD "r7:0+4 "
			    "w7:10+4 w7:14+4 w7:10+4 w7:14+4 w7:4+4 "
			    "w0:2c+2 r0:2c+2 w1:1b+1 w1:10+4 ");
	assert_int_equal(w->h.connected, 1);
	assert_int_equal(w->h.ready, 1);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->trigger), 1);
	PLAY(w, ac97_interrupt);
	assert_int_equal(vfio_signals(w->trigger), 0);
	vfio_harness_line(&w->h, false);
	assert_int_equal(w->h.n_troubles, 0);
}

static void test_qemu_with_memory_and_msi(void **state)
{
	struct world *w = *state;

	PLAY(w, hda);
	vfio_harness_trace(&w->h);
	PLAY(w, msi_on);
	/* The card sees that MSI is on before QEMU has a descriptor for it. */
	vfio_harness_message(&w->h);
	assert_int_equal(vfio_signals(w->trigger), 0);
	PLAY(w, msi_armed);
	assert_int_equal(vfio_signals(w->trigger), 1);
	vfio_harness_message(&w->h);
	assert_int_equal(vfio_signals(w->trigger), 1);
	PLAY(w, msi_off);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->trigger), 1);
	vfio_harness_line(&w->h, false);
	assert_string_equal(vfio_harness_trace(&w->h),
			    "w2:48+2 w7:64+4 w7:68+4 w7:6c+4 w7:60+4 w7:60+4 ");
	assert_int_equal(w->h.n_troubles, 0);
}

static void test_qemu_with_kvm_and_firmware(void **state)
{
	struct world *w = *state;
	uint32_t word;

	PLAY(w, kvm);
	assert_int_equal(w->h.n_troubles, 0);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, 0xe7fff, &word, 4), VMSND_OK);
	assert_int_equal(vmsnd_gmem_write(&w->h.mem, 0xe8000, &word, 4), VMSND_OK);
	assert_int_equal(vmsnd_gmem_write(&w->h.mem, 0xc3000, &word, 4), VMSND_E_DENIED);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->trigger), 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(write(w->resample, &(uint64_t){1}, 8), 8);
		vfio_harness_pump(&w->h);
		assert_int_equal(vfio_signals(w->trigger), 1);
	}
	vfio_harness_line(&w->h, false);
}

/* Debian's driver, from one interrupt to the next (ac97-over-vfio-user.md, "Messages"): QEMU
 * without KVM says UNMASK after each access. */
static void test_an_interrupt_of_linux_is_one_signal(void **state)
{
	struct world *w = *state;

	PLAY(w, ac97);
	for (unsigned i = 0; i < 100; i++) {
		static const struct {
			uint8_t at, bytes;
			bool writes;
		} accesses[] = {{0x30, 4, false}, {0x16, 1, false}, {0x14, 1, false},
				{0x15, 1, true},  {0x14, 1, false}, {0x18, 2, false},
				{0x14, 1, false}, {0x18, 2, false}, {0x16, 1, true},
				{0x30, 4, true},  {0x14, 1, false}, {0x18, 2, false}};

		vfio_harness_line(&w->h, true);
		assert_int_equal(vfio_signals(w->trigger), 1);
		for (size_t k = 0; k < sizeof(accesses) / sizeof(accesses[0]); k++) {
			vfio_harness_pass(&w->h, 40 * 1000);
			if (accesses[k].writes)
				vfio_put(w->client, 1, accesses[k].at, accesses[k].bytes, 0x1c);
			else
				vfio_in(w->client, 1, accesses[k].at, accesses[k].bytes);
			if (k == 8) /* the status is acknowledged */
				vfio_harness_line(&w->h, false);
			assert_int_equal(vfio_unmask(w->client), 0);
		}
		vfio_harness_pass(&w->h, 10 * 1000 * 1000);
		assert_int_equal(vfio_signals(w->trigger), 0);
	}
	assert_int_equal(vfio_harness_counter(&w->h, "signals"), 100);
	assert_int_equal(vfio_harness_counter(&w->h, "resignals"), 0);
}

static void test_cloud_hypervisor_is_refused_nothing(void **state)
{
	struct world *w = *state;
	uint32_t word;

	CLOUD(w, cloud);
	assert_int_equal(w->h.connected, 1);
	assert_int_equal(w->h.n_troubles, 0);
	assert_int_equal(vmsnd_gmem_read(&w->h.mem, 0x1fffffc, &word, 4), VMSND_OK);
	assert_int_equal(vmsnd_gmem_write(&w->h.mem, 0x101fffffc, &word, 4), VMSND_OK);
	/* With MSI, no UNMASK. */
	CLOUD(w, cloud_msi_on);
	assert_int_equal(vfio_signals(w->trigger), 0);
	vfio_harness_message(&w->h);
	assert_int_equal(vfio_signals(w->trigger), 1);
	CLOUD(w, cloud_msi_off);
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->trigger), 1);
	vfio_harness_line(&w->h, false);
	CLOUD(w, cloud_ends);
	assert_int_equal(w->h.mem.n_regions, 0);
	assert_int_equal(w->h.left, 0);
	assert_int_equal(w->h.n_troubles, 0);
}

/* It says UNMASK after each access, and the driver acknowledges after several. */
static void test_cloud_hypervisor_hears_of_each_interrupt_once(void **state)
{
	struct world *w = *state;

	CLOUD(w, cloud);
	assert_int_equal(vfio_signals(w->trigger), 0);
	for (unsigned i = 0; i < 100; i++) {
		vfio_harness_line(&w->h, true);
		assert_int_equal(vfio_signals(w->trigger), 1);
		CLOUD(w, cloud_handler);
		vfio_harness_line(&w->h, false);
		CLOUD(w, cloud_after);
		vfio_harness_pass(&w->h, 10 * 1000 * 1000);
		assert_int_equal(vfio_signals(w->trigger), 0);
	}
	/* One that comes while the last is handled is not lost. */
	vfio_harness_line(&w->h, true);
	assert_int_equal(vfio_signals(w->trigger), 1);
	CLOUD(w, cloud_handler);
	vfio_harness_line(&w->h, false);
	vfio_harness_line(&w->h, true);
	CLOUD(w, cloud_after);
	assert_int_equal(vfio_signals(w->trigger), 1);
	CLOUD(w, cloud_handler);
	vfio_harness_line(&w->h, false);
	CLOUD(w, cloud_after);
	vfio_harness_pass(&w->h, 10 * 1000 * 1000);
	assert_int_equal(vfio_signals(w->trigger), 0);
	assert_int_equal(vfio_harness_counter(&w->h, "signals"), 102);
	assert_int_equal(vfio_harness_counter(&w->h, "resignals"), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
	    T(test_qemu_with_ports_and_intx),
	    T(test_qemu_with_memory_and_msi),
	    T(test_qemu_with_kvm_and_firmware),
	    T(test_an_interrupt_of_linux_is_one_signal),
	    T(test_cloud_hypervisor_is_refused_nothing),
	    T(test_cloud_hypervisor_hears_of_each_interrupt_once),
	};

	return cmocka_run_group_tests_name("vfio-vmms", tests, NULL, NULL);
}
