/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI card's common part for tests, and the bus around it. */
#ifndef VMSND_TESTS_DEVICE_PCI_WORLD_H
#define VMSND_TESTS_DEVICE_PCI_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "devices/pci/pci.h"

#define TEST(f)  cmocka_unit_test_setup(f, set_up)
#define N(array) (sizeof(array) / sizeof((array)[0]))

#define PM          0x50u
#define MSI         0x60u
#define PM_CONTROL  (PM + 4)
#define MSI_CONTROL (MSI + 2)
#define MSI_MASK    (MSI + 0x10)
#define MSI_PENDING (MSI + 0x14)
#define COMMAND     0x04u
#define STATUS      0x06u

/* Ports of 256 and 4 bytes, memory of 512 and of 1 MiB; two BARs that are not there. */
static const struct vmsnd_pci_conf usual = {.identity = {.vendor = 0x8086,
							 .device = 0x24c5,
							 .subsystem_vendor = 0x1028,
							 .subsystem = 0x0177,
							 .class_code = 0x040102,
							 .revision = 0x81},
					    .bars = {{.bytes = 256, .io = true},
						     {.bytes = 4, .io = true},
						     {.bytes = 512},
						     {0},
						     {.bytes = 0x100000},
						     {0}},
					    .msi = true,
					    .power_management = true,
					    .msi_at = MSI,
					    .power_management_at = PM};

struct world {
	struct vmsnd_dev_env env;
	struct vmsnd_pci pci;
	bool line;
	unsigned changes, messages;
	struct vmsnd_msi message;
};
static struct world world;

static inline void on_line(void *ctx, bool high)
{
	struct world *to = ctx;

	assert_int_not_equal(to->line, high);
	to->line = high;
	to->changes++;
}

static inline void on_message(void *ctx, const struct vmsnd_msi *message)
{
	struct world *to = ctx;

	to->message = *message;
	to->messages++;
}

static inline void open_card(struct world *to, const struct vmsnd_pci_conf *conf)
{
	memset(to, 0, sizeof(*to));
	to->env = (struct vmsnd_dev_env){.ctx = to, .line = on_line, .message = on_message};
	vmsnd_pci_init(&to->pci, conf, &to->env);
}

static inline int set_up(void **state)
{
	open_card(&world, &usual);
	return 0;
}

static inline uint32_t get(uint32_t at, uint32_t bytes)
{
	uint32_t value = 0;

	vmsnd_pci_config_read(&world.pci, at, &value, bytes);
	return value;
}

static inline enum vmsnd_pci_wrote put(uint32_t at, uint32_t bytes, uint32_t value)
{
	return vmsnd_pci_config_write(&world.pci, at, &value, bytes);
}

static inline void set_up_msi(void)
{
	put(COMMAND, 2, 4);
	put(MSI + 4, 4, 0xfee01007);
	put(MSI + 8, 4, 0x00000012);
	put(MSI + 12, 4, 0xabcd4321);
	put(MSI_CONTROL, 2, 1);
}

#endif
