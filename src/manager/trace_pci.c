/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI card by way of its trace. */
#include <string.h>

#include "base/endian.h"
#include "manager/trace_parts.h"

#define VALUE_BYTES 8u /* wider accesses: the first of them */

static uint64_t value_of(const void *bytes, uint32_t n)
{
	uint8_t value[VALUE_BYTES] = {0};

	if (n > 0)
		memcpy(value, bytes, n < VALUE_BYTES ? n : VALUE_BYTES);
	return vmsnd_le64(value);
}

/* It changes nothing. */
static void bar(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out)
{
	const struct vmsnd_card_ref *real = &vmsnd_trace_of(dev)->real;

	real->cls->pci->bar(real->dev, index, out);
}

static void pci_read(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, void *to)
{
	struct vmsnd_trace_record record = {.what = VMSND_TRACE_DEV_PCI_READ,
					    .index = access->region,
					    .args = {access->offset, access->bytes}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, access->now);
	vmsnd_trace_enter(trace, &record);
	trace->real.cls->pci->read(trace->real.dev, access, to);
	vmsnd_trace_leave(trace, &record, value_of(to, access->bytes));
}

static void pci_write(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access,
		      const void *from)
{
	struct vmsnd_trace_record record = {
	    .what = VMSND_TRACE_DEV_PCI_WRITE,
	    .index = access->region,
	    .args = {access->offset, access->bytes, value_of(from, access->bytes)}};
	struct vmsnd_trace *trace = vmsnd_trace_of(dev);

	vmsnd_trace_time(trace, access->now);
	vmsnd_trace_enter(trace, &record);
	trace->real.cls->pci->write(trace->real.dev, access, from);
	vmsnd_trace_leave(trace, &record, 0);
}

const struct vmsnd_pci_ops *vmsnd_trace_pci(struct vmsnd_trace *trace,
					    const struct vmsnd_pci_ops *real)
{
	trace->pci = (struct vmsnd_pci_ops){.bar = bar, .read = pci_read, .write = pci_write};
	return real ? &trace->pci : NULL;
}
