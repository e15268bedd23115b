/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a vhost-user message: checked, decoded, encoded again. */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "transports/vhost_user_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
	if (!truth)
		abort();
}

static void round_trip_regions(const uint8_t *payload, uint32_t bytes)
{
	struct vmsnd_vu_region regions[VMSND_VU_TABLE_REGIONS_MAX];
	unsigned n = vmsnd_vu_table_get(payload, regions);
	uint8_t again[VMSND_VU_REGION_BYTES];

	must(n <= VMSND_VU_TABLE_REGIONS_MAX && 8 + n * VMSND_VU_REGION_BYTES <= bytes);
	for (unsigned i = 0; i < n; i++) {
		must(regions[i].bytes > 0 && regions[i].gpa + regions[i].bytes > regions[i].gpa);
		must(regions[i].user + regions[i].bytes > regions[i].user);
		vmsnd_vu_region_put(again, &regions[i]);
		must(memcmp(again, payload + 8 + i * VMSND_VU_REGION_BYTES, sizeof(again)) == 0);
	}
}

/* What the session does with a message that was found good. */
static void decode(const struct vmsnd_vu_header *header, const uint8_t *payload)
{
	uint8_t reply[VMSND_VU_REPLY_BYTES_MAX];
	struct vmsnd_vu_config config;
	struct vmsnd_vu_state state, state_again;

	switch (header->request) {
	case VMSND_VU_SET_MEM_TABLE:
		round_trip_regions(payload, header->bytes);
		break;
	case VMSND_VU_SET_VRING_NUM:
		vmsnd_vu_state_get(payload, &state);
		must(state.value > 0 && state.value <= 1024);
		must(vmsnd_vu_reply_state(reply, header->request, &state) == 20);
		vmsnd_vu_state_get(reply + VMSND_VU_HEADER_BYTES, &state_again);
		must(state.index == state_again.index && state.value == state_again.value);
		break;
	case VMSND_VU_GET_CONFIG:
		vmsnd_vu_config_get(payload, &config);
		must(config.bytes == header->bytes - 12);
		if (config.bytes <= VMSND_VU_CONFIG_BYTES_MAX)
			must(vmsnd_vu_reply_config(reply, &config) <= sizeof(reply));
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmsnd_vu_header header, again;
	uint8_t *payload, *message;
	unsigned n_fds;

	if (size < VMSND_VU_HEADER_BYTES + 1)
		return 0;
	n_fds = data[0] % (VMSND_VU_FDS_MAX + 1);
	vmsnd_vu_header_get(data + 1, &header);
	if (vmsnd_vu_header_check(&header))
		return 0;
	header.bytes = (uint32_t)(size - 1 - VMSND_VU_HEADER_BYTES);
	if (header.bytes > VMSND_VU_PAYLOAD_MAX)
		return 0;
	payload = malloc(header.bytes ? header.bytes : 1); /* no longer: reading on would show */
	message = malloc(VMSND_VU_HEADER_BYTES + header.bytes);
	must(payload && message);
	memcpy(payload, data + 1 + VMSND_VU_HEADER_BYTES, header.bytes);
	if (!vmsnd_vu_check(&header, payload, n_fds))
		decode(&header, payload);
	must(vmsnd_vu_put(message, &header, payload) == VMSND_VU_HEADER_BYTES + header.bytes);
	vmsnd_vu_header_get(message, &again);
	must(memcmp(&again, &header, sizeof(header)) == 0);
	free(payload);
	free(message);
	return 0;
}
