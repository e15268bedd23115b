/* SPDX-License-Identifier: BSD-3-Clause */
/* VERSION: what client and server can do, as JSON. A client may leave any capability out, and may
 * write whatever it likes (defect 18 of the catalogue: a page size of 0). */
#include <jansson.h>
#include <stdio.h>

#include "transports/vfio_user_room.h"

/* Without being told (specification, "Capabilities"). */
#define FDS_ASSUMED  1u
#define DATA_ASSUMED (1024u * 1024u)

/* libvfio-user refuses more; so does QEMU. */
#define CLIENT_FDS_MAX 65536

static const char malformed[] = "capabilities that are no JSON object";

/* The number `key` of `from`; `value` stays when it is not there. NULL, or why not. */
static const char *take_number(const json_t *from, const char *key, json_int_t least,
			       json_int_t *value)
{
	const json_t *number = json_object_get(from, key);

	if (!number)
		return NULL;
	if (!json_is_integer(number))
		return "a capability that should be a whole number";
	if (json_integer_value(number) < least)
		return "a capability that is too small a number";
	*value = json_integer_value(number);
	return NULL;
}

static const char *take_object(const json_t *from, const char *key, const json_t **object)
{
	*object = json_object_get(from, key);
	return *object && !json_is_object(*object) ? "a capability that should be an object" : NULL;
}

static const char *take_switch(const json_t *from, const char *key)
{
	const json_t *on = json_object_get(from, key);

	return on && !json_is_boolean(on) ? "a capability that should be true or false" : NULL;
}

/* Pages of the sizes in `mask`, or'ed; ours has to be among them. */
static const char *check_pages(json_int_t mask)
{
	return mask & (json_int_t)VMSND_VFU_PAGE_BYTES ? NULL : "page sizes without 4096";
}

static const char *take_nested(const json_t *capabilities)
{
	const json_t *migration = NULL, *twin = NULL;
	json_int_t page = VMSND_VFU_PAGE_BYTES, bitmap = 0;
	const char *why = take_object(capabilities, "migration", &migration);

	if (!why && migration)
		why = take_number(migration, "pgsize", 1, &page);
	if (!why && migration)
		why = take_number(migration, "max_bitmap_size", 0, &bitmap);
	if (!why && (page & (page - 1)) != 0)
		why = "a page size that is no power of two";
	if (!why)
		why = take_object(capabilities, "twin_socket", &twin);
	return why || !twin ? why : take_switch(twin, "supported");
}

static const char *take(struct vmsnd_transport *bus, const json_t *capabilities)
{
	json_int_t fds = FDS_ASSUMED, data = DATA_ASSUMED, maps = 1, pages = VMSND_VFU_PAGE_BYTES;
	const char *why = take_number(capabilities, "max_msg_fds", 0, &fds);

	if (!why && fds > CLIENT_FDS_MAX)
		why = "a max_msg_fds beyond reason";
	if (!why)
		why = take_number(capabilities, "max_data_xfer_size", 1, &data);
	if (!why)
		why = take_number(capabilities, "max_dma_maps", 0, &maps);
	if (!why)
		why = take_number(capabilities, "pgsizes", 1, &pages);
	if (!why)
		why = check_pages(pages);
	if (!why)
		why = take_switch(capabilities, "write_multiple");
	if (!why)
		why = take_nested(capabilities);
	if (why)
		return why;
	bus->client_data_max = data > VMSND_VFU_DATA_MAX ? VMSND_VFU_DATA_MAX : (uint32_t)data;
	return NULL;
}

/* `bytes` without the NUL at its end. */
static const char *read_capabilities(struct vmsnd_transport *bus, const char *text, size_t bytes)
{
	json_t *root = json_loadb(text, bytes, 0, NULL);
	const json_t *capabilities = json_object_get(root, "capabilities");
	const char *why = NULL;

	if (!json_is_object(root))
		why = malformed;
	else if (capabilities && !json_is_object(capabilities))
		why = malformed;
	else if (capabilities)
		why = take(bus, capabilities);
	json_decref(root);
	return why;
}

/* What is not offered is left out: a twin socket above all. QEMU's longest answer is
 * VMSND_VFU_REPLY_JSON bytes of this. */
static uint32_t put_capabilities(uint8_t *to)
{
	int n = snprintf((char *)to, VMSND_VFU_REPLY_JSON,
			 "{\"capabilities\":{\"max_msg_fds\":%u,\"max_data_xfer_size\":%u,"
			 "\"max_dma_maps\":%u,\"pgsizes\":%u,\"migration\":{\"pgsize\":%u},"
			 "\"write_multiple\":true}}",
			 VMSND_VFU_FDS_MAX, VMSND_VFU_DATA_MAX, VMSND_GMEM_REGIONS_MAX,
			 VMSND_VFU_PAGE_BYTES, VMSND_VFU_PAGE_BYTES);

	return (uint32_t)n + 1;
}

const char *vmsnd_vfu_version(struct vmsnd_transport *bus, const uint8_t *payload,
			      struct vmsnd_vfu_answer *answer)
{
	uint32_t bytes = vmsnd_vfu_payload_bytes(&bus->header) - VMSND_VFU_VERSION_BYTES;
	struct vmsnd_vfu_version version;
	const char *why = NULL;

	if (bus->agreed)
		return "a second VERSION";
	bus->client_data_max = DATA_ASSUMED;
	if (bytes > 0)
		why = read_capabilities(bus, (const char *)payload + VMSND_VFU_VERSION_BYTES,
					bytes - 1);
	if (why)
		return why;
	vmsnd_vfu_version_get(payload, &version);
	if (version.minor > VMSND_VFU_MINOR)
		version.minor = VMSND_VFU_MINOR;
	answer->bytes = vmsnd_vfu_version_put(answer->to, &version);
	answer->bytes += put_capabilities(answer->to + answer->bytes);
	bus->agreed = true;
	return NULL;
}
