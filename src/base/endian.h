/* SPDX-License-Identifier: BSD-3-Clause */
/* Little-endian access to bytes of any alignment. */
#ifndef VMSND_BASE_ENDIAN_H
#define VMSND_BASE_ENDIAN_H

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "samples and ring indices are used in place: little-endian hosts only");

static inline uint16_t vmsnd_le16(const void *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint32_t vmsnd_le32(const void *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint64_t vmsnd_le64(const void *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static inline void vmsnd_put_le16(void *to, uint16_t value)
{
	memcpy(to, &value, sizeof(value));
}

static inline void vmsnd_put_le32(void *to, uint32_t value)
{
	memcpy(to, &value, sizeof(value));
}

static inline void vmsnd_put_le64(void *to, uint64_t value)
{
	memcpy(to, &value, sizeof(value));
}

#endif
