/* SPDX-License-Identifier: BSD-3-Clause */
/* Control elements as they lie in guest memory (V90-V108). System headers before Linux 6.9 do not
 * have them, so the structures are our own. All little-endian. */
#ifndef VMSND_DEVICES_VIRTIO_SND_CTL_H
#define VMSND_DEVICES_VIRTIO_SND_CTL_H

#include <stdint.h>

#define SND_F_CTLS UINT64_C(1) /* the device feature (V3) */

enum {
	SND_R_CTL_INFO = 0x300,
	SND_R_CTL_ENUM_ITEMS,
	SND_R_CTL_READ,
	SND_R_CTL_WRITE,
	SND_R_CTL_TLV_READ,
	SND_R_CTL_TLV_WRITE,
	SND_R_CTL_TLV_COMMAND
};

/* A role is (kind << 1) | direction, or 0 (V92). */
enum { SND_CTL_KIND_UNDEFINED, SND_CTL_KIND_VOLUME, SND_CTL_KIND_MUTE, SND_CTL_KIND_GAIN };

enum { SND_CTL_BOOLEAN, SND_CTL_INTEGER, SND_CTL_INTEGER64, SND_CTL_ENUMERATED };

/* Bits of access (V94). */
enum {
	SND_CTL_MAY_READ = 1,
	SND_CTL_MAY_WRITE = 2,
	SND_CTL_IS_VOLATILE = 4,
	SND_CTL_IS_INACTIVE = 8,
	SND_CTL_MAY_READ_TLV = 16,
	SND_CTL_MAY_WRITE_TLV = 32,
	SND_CTL_MAY_COMMAND_TLV = 64
};

/* Bits of a notification (V109). */
enum { SND_CTL_VALUE_CHANGED = 1, SND_CTL_INFO_CHANGED = 2, SND_CTL_TLV_CHANGED = 4 };

#define SND_CTL_NAME_BYTES 44u
#define SND_CTL_ITEM_BYTES 64u
#define SND_CTL_VALUES_MAX 128u   /* of 32 bits (V96) */
#define SND_CTL_TLV_MAX    65536u /* bytes of a TLV's value (V107) */

struct snd_ctl_hdr {
	uint32_t code, control_id;
};

/* V91: the union begins at a multiple of 8, as compilers lay it out for Linux. */
struct snd_ctl_info {
	uint32_t hda_fn_nid, role, type, access, count, index;
	char name[SND_CTL_NAME_BYTES];
	uint32_t unused;
	union {
		struct {
			uint32_t min, max, step;
		} integer;
		struct {
			uint64_t min, max, step;
		} integer64;
		struct {
			uint32_t items;
		} enumerated;
	} value;
};

struct snd_ctl_enum_item {
	char item[SND_CTL_ITEM_BYTES];
};

/* The other members of the standard's union are for types that are not offered. */
struct snd_ctl_value {
	uint32_t integer[SND_CTL_VALUES_MAX];
};

struct snd_ctl_write {
	struct snd_ctl_hdr hdr;
	struct snd_ctl_value value;
};

/* ALSA's scale of decibels, in hundredths, with its two words (V111). */
struct snd_ctl_tlv {
	uint32_t type, length, minimum, step;
};

/* What a request to write a TLV begins with. */
struct snd_ctl_tlv_write {
	struct snd_ctl_hdr hdr;
	uint32_t type, length;
};

_Static_assert(sizeof(struct snd_ctl_info) == 96, "V91");
_Static_assert(sizeof(struct snd_ctl_enum_item) == 64, "V99");
_Static_assert(sizeof(struct snd_ctl_value) == 512, "V100");
_Static_assert(sizeof(struct snd_ctl_write) == 520, "V101");
_Static_assert(sizeof(struct snd_ctl_tlv) == 16, "V105");

#endif
