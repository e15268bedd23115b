/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI card's trace, printed by `vmsnd trace`, whose path is the first argument. */
#include "trace_rig.h"

#include <string.h>
#include <unistd.h>

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

static void dev_reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	dev->calls++;
}

static vmsnd_ns dev_advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	return VMSND_NEVER;
}

static size_t dev_counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	return 0;
}

static const struct vmsnd_pci_ops dev_pci_ops = {
    .bar = dev_bar, .read = dev_read, .write = dev_write};
static const struct vmsnd_dev_class dev_class = {.abi = VMSND_DEV_ABI,
						 .name = "asker",
						 .pci = &dev_pci_ops,
						 .reset = dev_reset,
						 .advance = dev_advance,
						 .counters = dev_counters,
						 .abi_end = VMSND_DEV_ABI};

static void test_DM54_registers_and_interrupts_of_a_PCI_card(void **state)
{
	static struct world world;
	struct vmsnd_pci_access access = {
	    .region = 1, .bytes = 2, .offset = 0x16, .now = START + MS};
	const uint8_t bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct vmsnd_pci_bar bar;
	const struct vmsnd_pci_ops *ops;
	uint8_t to[16];

	trace_begin(&world, &dev_class, 0);
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
	ops->read(world.card.dev, &access, to);
	ops->write(world.card.dev, &access, bytes);
	assert_int_equal(world.lines, 3);
	assert_false(world.high);
	assert_int_equal(world.messages, 2);
	assert_int_equal(world.message.vector, 3);
	assert_int_equal(world.message.data, 0x4021);
	trace_end(&world);
	trace_expect(
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
	trace_expect(&world, "--only irq --limit 1",
		     "card vm1, asker\n"
		     "     0.000000 +0.000000 irq.line high=yes\n");
	unlink(world.path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM54_registers_and_interrupts_of_a_PCI_card),
	};

	if (argc != 2)
		return 2;
	trace_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
