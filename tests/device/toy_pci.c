/* SPDX-License-Identifier: BSD-3-Clause */
#include "toy_pci.h"

#include <string.h>

#include "vmsnd/transport.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

struct vmsnd_dev {
	struct vmsnd_dev_env env;
	struct vmsnd_pci pci;
	struct vmsnd_sample_clock clock;
	vmsnd_ns now;
	uint64_t next; /* frame of the next interrupt */
	uint32_t interval, address, word;
	uint16_t scratch[8];
	uint8_t control, status;
	uint64_t faults;
};

static const struct vmsnd_pci_conf pci_conf = {
    .identity = {.vendor = 0x1b36,
		 .device = 0x10ff,
		 .subsystem_vendor = 0x1af4,
		 .subsystem = 0x1100,
		 .class_code = 0x080200,
		 .revision = 1},
    .bars = {{.bytes = TOY_PORTS_BYTES, .io = true}, {.bytes = TOY_MEMORY_BYTES}},
    .msi = true,
    .power_management = true,
    .msi_at = TOY_MSI_AT,
    .power_management_at = TOY_PM_AT};

static void fault(struct vmsnd_dev *dev, enum vmsnd_fault what, uint64_t detail)
{
	if (dev->faults++ == 0)
		dev->env.guest_fault(dev->env.ctx, what, detail);
}

static void interrupt(struct vmsnd_dev *dev)
{
	vmsnd_pci_interrupt(&dev->pci, (dev->status & 1) && (dev->control & TOY_INTERRUPTS));
}

/* ---- registers ---- */

static uint32_t read_position(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	const struct vmsnd_dev *dev = ctx;

	return (uint32_t)vmsnd_sample_clock_frames(&dev->clock, now);
}

static uint32_t *plain(struct vmsnd_dev *dev, unsigned which)
{
	return which == TOY_INTERVAL ? &dev->interval
	       : which == TOY_WORD   ? &dev->word
				     : &dev->address;
}

static uint32_t read_plain(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	return *plain(ctx, which);
}

static void write_plain(void *ctx, unsigned instance, unsigned which,
			const struct vmsnd_register_write *write)
{
	uint32_t *at = plain(ctx, which);

	*at = vmsnd_register_merge(*at, UINT32_MAX, write);
}

static uint32_t read_control(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	const struct vmsnd_dev *dev = ctx;

	return dev->control;
}

static void write_control(void *ctx, unsigned instance, unsigned which,
			  const struct vmsnd_register_write *write)
{
	struct vmsnd_dev *dev = ctx;
	uint8_t before = dev->control;

	dev->control = (uint8_t)vmsnd_register_merge(before, TOY_RUNS | TOY_INTERRUPTS, write);
	if (dev->control & ~before & TOY_RUNS) {
		vmsnd_sample_clock_start(&dev->clock, TOY_RATE_HZ, write->now);
		dev->next = dev->interval;
	}
	if (before & ~dev->control & TOY_RUNS)
		vmsnd_sample_clock_bend(&dev->clock, 0, write->now);
	interrupt(dev);
}

static uint32_t read_status(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	const struct vmsnd_dev *dev = ctx;

	return dev->status;
}

static void write_status(void *ctx, unsigned instance, unsigned which,
			 const struct vmsnd_register_write *write)
{
	struct vmsnd_dev *dev = ctx;

	dev->status &= (uint8_t)~write->value;
	interrupt(dev);
}

static void write_fetch(void *ctx, unsigned instance, unsigned which,
			const struct vmsnd_register_write *write)
{
	struct vmsnd_dev *dev = ctx;
	uint32_t next;

	if (!vmsnd_pci_masters(&dev->pci))
		return;
	if (vmsnd_gmem_read(dev->env.mem, dev->address, &dev->word, sizeof(dev->word))) {
		vmsnd_pci_master_abort(&dev->pci);
		fault(dev, VMSND_FAULT_LIST, dev->address);
		return;
	}
	next = dev->word + 1;
	vmsnd_gmem_write(dev->env.mem, dev->address, &next, sizeof(next));
}

static uint32_t read_scratch(void *ctx, unsigned instance, unsigned which, vmsnd_ns now)
{
	const struct vmsnd_dev *dev = ctx;

	return dev->scratch[instance];
}

static void write_scratch(void *ctx, unsigned instance, unsigned which,
			  const struct vmsnd_register_write *write)
{
	struct vmsnd_dev *dev = ctx;

	dev->scratch[instance] =
	    (uint16_t)vmsnd_register_merge(dev->scratch[instance], UINT16_MAX, write);
}

static const struct vmsnd_register timer[] = {
    {.offset = TOY_POSITION, .bytes = 4, .read = read_position},
    {.offset = TOY_INTERVAL,
     .bytes = 4,
     .which = TOY_INTERVAL,
     .read = read_plain,
     .write = write_plain},
    {.offset = TOY_CONTROL, .bytes = 1, .read = read_control, .write = write_control},
    {.offset = TOY_STATUS, .bytes = 1, .read = read_status, .write = write_status},
    {.offset = TOY_ADDRESS,
     .bytes = 4,
     .which = TOY_ADDRESS,
     .read = read_plain,
     .write = write_plain},
    {.offset = TOY_FETCH, .bytes = 4, .write = write_fetch},
    {.offset = TOY_WORD, .bytes = 4, .which = TOY_WORD, .read = read_plain},
};
static const struct vmsnd_register scratch[] = {
    {.bytes = 2, .read = read_scratch, .write = write_scratch},
};
static const struct vmsnd_register_block blocks[] = {
    {.instances = 1, .rows = timer, .n_rows = N(timer)},
    {.offset = TOY_SCRATCH, .stride = 2, .instances = 8, .rows = scratch, .n_rows = 1},
};
const struct vmsnd_register_space toy_pci_space = {
    .blocks = blocks, .n_blocks = N(blocks), .bytes = TOY_PORTS_BYTES};

/* ---- the bus ---- */

static void reset_registers(struct vmsnd_dev *dev)
{
	dev->clock = (struct vmsnd_sample_clock){0};
	dev->interval = dev->address = dev->word = 0;
	memset(dev->scratch, 0, sizeof(dev->scratch));
	dev->control = dev->status = 0;
	interrupt(dev);
}

static void bar(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out)
{
	*out = dev->pci.conf.bars[index];
}

static vmsnd_ns advance(struct vmsnd_dev *dev, vmsnd_ns now);

static void pci_read(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, void *to)
{
	const struct vmsnd_register_access at = {access->offset, access->bytes, access->now};

	advance(dev, access->now);
	if (access->region == VMSND_PCI_CONFIG) {
		vmsnd_pci_config_read(&dev->pci, access->offset, to, access->bytes);
		return;
	}
	memset(to, 0xff, access->bytes);
	if (access->region > 1 || !vmsnd_pci_awake(&dev->pci) ||
	    !vmsnd_registers_read(&toy_pci_space, dev, &at, to))
		fault(dev, VMSND_FAULT_REGISTER, access->offset);
}

static void pci_write(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
		      const void *from)
{
	const struct vmsnd_register_access at = {access->offset, access->bytes, access->now};

	advance(dev, access->now);
	if (access->region == VMSND_PCI_CONFIG) {
		if (vmsnd_pci_config_write(&dev->pci, access->offset, from, access->bytes) ==
		    VMSND_PCI_WOKE)
			reset_registers(dev);
		return;
	}
	if (access->region > 1 || !vmsnd_pci_awake(&dev->pci) ||
	    !vmsnd_registers_write(&toy_pci_space, dev, &at, from))
		fault(dev, VMSND_FAULT_REGISTER, access->offset);
}

static const struct vmsnd_pci_ops ops = {.bar = bar, .read = pci_read, .write = pci_write};

/* ---- the card ---- */

static size_t footprint(const struct vmsnd_dev_conf *conf)
{
	return sizeof(struct vmsnd_dev);
}

static enum vmsnd_rc init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
			  const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	dev->env = *env;
	vmsnd_pci_init(&dev->pci, &pci_conf, &dev->env);
	return VMSND_OK;
}

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	vmsnd_pci_reset(&dev->pci);
	reset_registers(dev);
}

static bool counts(const struct vmsnd_dev *dev)
{
	return (dev->control & TOY_RUNS) && dev->interval > 0;
}

static vmsnd_ns advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	uint64_t frames = vmsnd_sample_clock_frames(&dev->clock, now);

	dev->now = now;
	if (!counts(dev))
		return VMSND_NEVER;
	if (frames >= dev->next) {
		dev->next += (frames - dev->next) / dev->interval * dev->interval + dev->interval;
		dev->status = 1;
		interrupt(dev);
	}
	return vmsnd_sample_clock_when(&dev->clock, dev->next);
}

static size_t counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	if (max > 0)
		out[0] = (struct vmsnd_counter){"faults", dev->faults + dev->pci.faults};
	return 1;
}

/* Configuration space is the last: loading it tells the bus of the line. */
static void save(const struct vmsnd_dev *dev, struct vmsnd_state_writer *to)
{
	vmsnd_sample_clock_save(&dev->clock, to, dev->now);
	vmsnd_state_put_u64(to, dev->next);
	vmsnd_state_put_u32(to, dev->interval);
	vmsnd_state_put_u32(to, dev->address);
	vmsnd_state_put_u32(to, dev->word);
	vmsnd_state_put(to, dev->scratch, sizeof(dev->scratch));
	vmsnd_state_put_u8(to, dev->control);
	vmsnd_state_put_u8(to, dev->status);
	vmsnd_pci_save(&dev->pci, to);
}

static enum vmsnd_rc load(struct vmsnd_dev *dev, struct vmsnd_state_reader *from, uint16_t minor,
			  vmsnd_ns now)
{
	struct vmsnd_dev loaded = *dev;

	vmsnd_sample_clock_load(&loaded.clock, from, now);
	loaded.now = now;
	loaded.next = vmsnd_state_get_u64(from);
	loaded.interval = vmsnd_state_get_u32(from);
	loaded.address = vmsnd_state_get_u32(from);
	loaded.word = vmsnd_state_get_u32(from);
	vmsnd_state_get(from, loaded.scratch, sizeof(loaded.scratch));
	loaded.control = vmsnd_state_get_u8_upto(from, TOY_RUNS | TOY_INTERRUPTS);
	loaded.status = vmsnd_state_get_u8_upto(from, 1);
	if (vmsnd_pci_load(&loaded.pci, from))
		return VMSND_E_DAMAGED;
	*dev = loaded;
	return VMSND_OK;
}

const struct vmsnd_dev_class toy_pci_class = {.abi = VMSND_DEV_ABI,
					      .kind = VMSND_KIND_AUDIO,
					      .max_instances = 8,
					      .name = "toy-timer",
					      .summary = "a timer on a PCI bus",
					      .pci = &ops,
					      .footprint = footprint,
					      .init = init,
					      .reset = reset,
					      .advance = advance,
					      .counters = counters,
					      .state_major = 1,
					      .save = save,
					      .load = load,
					      .abi_end = VMSND_DEV_ABI};

const struct vmsnd_pci *toy_pci_of(const struct vmsnd_dev *dev)
{
	return &dev->pci;
}
