/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/vfio_user_codec.h"

#include "base/endian.h"

/* ---- bytes to numbers and back ------------------------------------------------------------ */

void vmsnd_vfu_header_get(const uint8_t *from, struct vmsnd_vfu_header *header)
{
	header->id = vmsnd_le16(from);
	header->command = vmsnd_le16(from + 2);
	header->bytes = vmsnd_le32(from + 4);
	header->flags = vmsnd_le32(from + 8);
	header->error = vmsnd_le32(from + 12);
}

void vmsnd_vfu_header_put(uint8_t *to, const struct vmsnd_vfu_header *header)
{
	vmsnd_put_le16(to, header->id);
	vmsnd_put_le16(to + 2, header->command);
	vmsnd_put_le32(to + 4, header->bytes);
	vmsnd_put_le32(to + 8, header->flags);
	vmsnd_put_le32(to + 12, header->error);
}

void vmsnd_vfu_version_get(const uint8_t *payload, struct vmsnd_vfu_version *out)
{
	out->major = vmsnd_le16(payload);
	out->minor = vmsnd_le16(payload + 2);
}

uint32_t vmsnd_vfu_version_put(uint8_t *to, const struct vmsnd_vfu_version *version)
{
	vmsnd_put_le16(to, version->major);
	vmsnd_put_le16(to + 2, version->minor);
	return VMSND_VFU_VERSION_BYTES;
}

void vmsnd_vfu_dma_map_get(const uint8_t *payload, struct vmsnd_vfu_dma_map *out)
{
	out->argsz = vmsnd_le32(payload);
	out->flags = vmsnd_le32(payload + 4);
	out->offset = vmsnd_le64(payload + 8);
	out->gpa = vmsnd_le64(payload + 16);
	out->bytes = vmsnd_le64(payload + 24);
}

uint32_t vmsnd_vfu_dma_map_put(uint8_t *to, const struct vmsnd_vfu_dma_map *map)
{
	vmsnd_put_le32(to, map->argsz);
	vmsnd_put_le32(to + 4, map->flags);
	vmsnd_put_le64(to + 8, map->offset);
	vmsnd_put_le64(to + 16, map->gpa);
	vmsnd_put_le64(to + 24, map->bytes);
	return VMSND_VFU_DMA_MAP_BYTES;
}

void vmsnd_vfu_dma_unmap_get(const uint8_t *payload, struct vmsnd_vfu_dma_unmap *out)
{
	*out = (struct vmsnd_vfu_dma_unmap){.argsz = vmsnd_le32(payload),
					    .flags = vmsnd_le32(payload + 4),
					    .gpa = vmsnd_le64(payload + 8),
					    .bytes = vmsnd_le64(payload + 16)};
	if (!(out->flags & VMSND_VFU_UNMAP_GET_BITMAP))
		return;
	out->page_bytes = vmsnd_le64(payload + 24);
	out->bitmap_bytes = vmsnd_le64(payload + 32);
}

uint32_t vmsnd_vfu_dma_unmap_put(uint8_t *to, const struct vmsnd_vfu_dma_unmap *unmap)
{
	vmsnd_put_le32(to, unmap->argsz);
	vmsnd_put_le32(to + 4, unmap->flags);
	vmsnd_put_le64(to + 8, unmap->gpa);
	vmsnd_put_le64(to + 16, unmap->bytes);
	if (!(unmap->flags & VMSND_VFU_UNMAP_GET_BITMAP))
		return VMSND_VFU_DMA_UNMAP_BYTES;
	vmsnd_put_le64(to + 24, unmap->page_bytes);
	vmsnd_put_le64(to + 32, unmap->bitmap_bytes);
	return VMSND_VFU_DMA_UNMAP_BYTES + VMSND_VFU_BITMAP_BYTES;
}

void vmsnd_vfu_region_info_get(const uint8_t *payload, struct vmsnd_vfu_region_info *out)
{
	out->argsz = vmsnd_le32(payload);
	out->flags = vmsnd_le32(payload + 4);
	out->index = vmsnd_le32(payload + 8);
	out->cap_offset = vmsnd_le32(payload + 12);
	out->size = vmsnd_le64(payload + 16);
	out->offset = vmsnd_le64(payload + 24);
}

uint32_t vmsnd_vfu_region_info_put(uint8_t *to, const struct vmsnd_vfu_region_info *info)
{
	vmsnd_put_le32(to, info->argsz);
	vmsnd_put_le32(to + 4, info->flags);
	vmsnd_put_le32(to + 8, info->index);
	vmsnd_put_le32(to + 12, info->cap_offset);
	vmsnd_put_le64(to + 16, info->size);
	vmsnd_put_le64(to + 24, info->offset);
	return VMSND_VFU_REGION_INFO_BYTES;
}

void vmsnd_vfu_four_get(const uint8_t *payload, struct vmsnd_vfu_four *out)
{
	out->argsz = vmsnd_le32(payload);
	out->flags = vmsnd_le32(payload + 4);
	out->index = vmsnd_le32(payload + 8);
	out->count = vmsnd_le32(payload + 12);
}

uint32_t vmsnd_vfu_four_put(uint8_t *to, const struct vmsnd_vfu_four *four)
{
	vmsnd_put_le32(to, four->argsz);
	vmsnd_put_le32(to + 4, four->flags);
	vmsnd_put_le32(to + 8, four->index);
	vmsnd_put_le32(to + 12, four->count);
	return VMSND_VFU_FOUR_BYTES;
}

void vmsnd_vfu_set_irqs_get(const uint8_t *payload, struct vmsnd_vfu_set_irqs *out)
{
	out->argsz = vmsnd_le32(payload);
	out->flags = vmsnd_le32(payload + 4);
	out->index = vmsnd_le32(payload + 8);
	out->start = vmsnd_le32(payload + 12);
	out->count = vmsnd_le32(payload + 16);
}

uint32_t vmsnd_vfu_set_irqs_put(uint8_t *to, const struct vmsnd_vfu_set_irqs *set)
{
	vmsnd_put_le32(to, set->argsz);
	vmsnd_put_le32(to + 4, set->flags);
	vmsnd_put_le32(to + 8, set->index);
	vmsnd_put_le32(to + 12, set->start);
	vmsnd_put_le32(to + 16, set->count);
	return VMSND_VFU_SET_IRQS_BYTES;
}

void vmsnd_vfu_access_get(const uint8_t *payload, struct vmsnd_vfu_access *out)
{
	out->offset = vmsnd_le64(payload);
	out->region = vmsnd_le32(payload + 8);
	out->count = vmsnd_le32(payload + 12);
}

uint32_t vmsnd_vfu_access_put(uint8_t *to, const struct vmsnd_vfu_access *access)
{
	vmsnd_put_le64(to, access->offset);
	vmsnd_put_le32(to + 8, access->region);
	vmsnd_put_le32(to + 12, access->count);
	return VMSND_VFU_ACCESS_BYTES;
}

void vmsnd_vfu_dma_access_get(const uint8_t *payload, struct vmsnd_vfu_dma_access *out)
{
	out->gpa = vmsnd_le64(payload);
	out->count = vmsnd_le64(payload + 8);
}

uint32_t vmsnd_vfu_dma_access_put(uint8_t *to, const struct vmsnd_vfu_dma_access *access)
{
	vmsnd_put_le64(to, access->gpa);
	vmsnd_put_le64(to + 8, access->count);
	return VMSND_VFU_DMA_ACCESS_BYTES;
}

void vmsnd_vfu_two_get(const uint8_t *payload, struct vmsnd_vfu_two *out)
{
	out->argsz = vmsnd_le32(payload);
	out->second = vmsnd_le32(payload + 4);
}

uint32_t vmsnd_vfu_two_put(uint8_t *to, const struct vmsnd_vfu_two *two)
{
	vmsnd_put_le32(to, two->argsz);
	vmsnd_put_le32(to + 4, two->second);
	return VMSND_VFU_FEATURE_BYTES;
}

/* ---- one validator a message -------------------------------------------------------------- */

static const char small_argsz[] = "an argsz smaller than the answer";

static const char *check_version(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_version version;

	vmsnd_vfu_version_get(payload, &version);
	if (version.major != VMSND_VFU_MAJOR)
		return "another major version of the protocol";
	if (bytes - VMSND_VFU_VERSION_BYTES > VMSND_VFU_JSON_MAX)
		return "more than 16 KiB of capabilities";
	if (bytes > VMSND_VFU_VERSION_BYTES && payload[bytes - 1] != '\0')
		return "capabilities without a NUL at their end";
	return NULL;
}

static bool is_whole_pages(uint64_t bytes)
{
	return bytes % VMSND_VFU_PAGE_BYTES == 0;
}

static const char *check_map(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_dma_map map;

	vmsnd_vfu_dma_map_get(payload, &map);
	if (map.argsz < VMSND_VFU_DMA_MAP_BYTES)
		return "an argsz smaller than its structure";
	if (map.flags & ~(VMSND_VFU_DMA_READABLE | VMSND_VFU_DMA_WRITABLE | VMSND_VFU_DMA_MMAP))
		return "flags of a DMA range that no standard knows";
	if (!(map.flags & (VMSND_VFU_DMA_READABLE | VMSND_VFU_DMA_WRITABLE)))
		return "a DMA range neither readable nor writable";
	if (map.flags & VMSND_VFU_DMA_MMAP && n_fds == 0)
		return "a DMA range to be mapped without a descriptor";
	if (map.bytes == 0)
		return "a DMA range of no size";
	if (!is_whole_pages(map.gpa) || !is_whole_pages(map.bytes))
		return "a DMA range that is not of whole pages";
	if (map.gpa > UINT64_MAX - map.bytes)
		return "a DMA range that wraps round the guest's address space";
	if (map.offset > INT64_MAX || map.bytes > INT64_MAX - map.offset)
		return "a DMA range that reaches beyond any file";
	return NULL;
}

static const char *check_unmap(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_dma_unmap unmap = {.flags = vmsnd_le32(payload + 4)};
	uint64_t answer = VMSND_VFU_DMA_UNMAP_BYTES;

	if (unmap.flags != 0 && unmap.flags != VMSND_VFU_UNMAP_GET_BITMAP &&
	    unmap.flags != VMSND_VFU_UNMAP_ALL)
		return "flags of an unmap that no standard knows";
	if (unmap.flags == VMSND_VFU_UNMAP_GET_BITMAP) {
		answer += VMSND_VFU_BITMAP_BYTES;
		if (bytes < answer)
			return "an unmap shorter than its bitmap's description";
	}
	vmsnd_vfu_dma_unmap_get(payload, &unmap);
	if (unmap.bitmap_bytes > VMSND_VFU_DATA_MAX)
		return "a bitmap larger than any message";
	if (unmap.argsz < answer + unmap.bitmap_bytes)
		return small_argsz;
	if (unmap.flags == VMSND_VFU_UNMAP_ALL && (unmap.gpa != 0 || unmap.bytes != 0))
		return "an unmap of everything that names a range";
	return NULL;
}

static const char *check_four(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	return vmsnd_le32(payload) < VMSND_VFU_FOUR_BYTES ? small_argsz : NULL;
}

static const char *check_region_info(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_region_info info;

	vmsnd_vfu_region_info_get(payload, &info);
	if (info.argsz < VMSND_VFU_REGION_INFO_BYTES)
		return small_argsz;
	return info.index < VMSND_VFU_REGIONS ? NULL : "a region that no PCI card has";
}

static const char *check_io_fds(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_four four;

	vmsnd_vfu_four_get(payload, &four);
	if (four.argsz < VMSND_VFU_FOUR_BYTES)
		return small_argsz;
	if (four.argsz > VMSND_VFU_DATA_MAX)
		return "an argsz larger than any message";
	if (four.flags != 0 || four.count != 0)
		return "flags or a count in a question for descriptors";
	return four.index < VMSND_VFU_REGIONS ? NULL : "a region that no PCI card has";
}

static const char *check_irq_info(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_four four;

	vmsnd_vfu_four_get(payload, &four);
	if (four.argsz < VMSND_VFU_FOUR_BYTES)
		return small_argsz;
	return four.index < VMSND_VFU_IRQS ? NULL : "a kind of interrupt that no PCI card has";
}

static bool is_one_bit(uint32_t bits)
{
	return bits != 0 && (bits & (bits - 1)) == 0;
}

/* How start and count fit the card is for whoever knows it to see. */
static const char *check_set_irqs(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_set_irqs set;
	uint32_t data, action;

	vmsnd_vfu_set_irqs_get(payload, &set);
	data = set.flags & VMSND_VFU_DATA_MASK;
	action = set.flags & VMSND_VFU_ACTIONS;
	if (set.argsz < VMSND_VFU_SET_IRQS_BYTES)
		return "an argsz smaller than its structure";
	if (set.flags != (data | action) || !is_one_bit(data) || !is_one_bit(action))
		return "interrupt flags that are not one kind of data and one action";
	if (set.index >= VMSND_VFU_IRQS)
		return "a kind of interrupt that no PCI card has";
	if (set.start > UINT32_MAX - set.count)
		return "a range of interrupts that wraps";
	if (data == VMSND_VFU_DATA_BOOL && bytes - VMSND_VFU_SET_IRQS_BYTES != set.count)
		return "booleans that are not as many as the interrupts";
	if (n_fds > 0 && data != VMSND_VFU_DATA_EVENTFD)
		return "descriptors without eventfd data";
	if (n_fds > 0 && n_fds != set.count)
		return "descriptors that are not as many as the interrupts";
	if (set.count == 0 &&
	    (set.start != 0 || data != VMSND_VFU_DATA_NONE || action != VMSND_VFU_ACTION_TRIGGER))
		return "no interrupts for an action that needs some";
	return NULL;
}

static const char *check_access(const struct vmsnd_vfu_access *access)
{
	if (access->region >= VMSND_VFU_REGIONS)
		return "a region that no PCI card has";
	if (access->count > VMSND_VFU_DATA_MAX)
		return "an access of more than max_data_xfer_size";
	if (access->offset > UINT64_MAX - access->count)
		return "an access that wraps";
	return NULL;
}

static const char *check_read(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_access access;

	vmsnd_vfu_access_get(payload, &access);
	return check_access(&access);
}

static const char *check_write(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_access access;

	vmsnd_vfu_access_get(payload, &access);
	if (access.count != bytes - VMSND_VFU_ACCESS_BYTES)
		return "a write whose data is not as long as it says";
	return check_access(&access);
}

static const char *check_multi(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	uint64_t n = vmsnd_le64(payload);
	uint32_t room = bytes - VMSND_VFU_MULTI_HEAD_BYTES;
	const char *why = NULL;

	if (room % VMSND_VFU_MULTI_BYTES != 0 || room / VMSND_VFU_MULTI_BYTES != n)
		return "writes that are not as many as the message says";
	if (n > VMSND_VFU_MULTI_MAX)
		return "more than 256 writes in one message";
	for (uint64_t i = 0; i < n && !why; i++) {
		struct vmsnd_vfu_access access;

		vmsnd_vfu_access_get(
		    payload + VMSND_VFU_MULTI_HEAD_BYTES + i * VMSND_VFU_MULTI_BYTES, &access);
		why = access.count > VMSND_VFU_MULTI_DATA_BYTES ? "one of many writes with more "
								  "than eight bytes"
								: check_access(&access);
	}
	return why;
}

static const char *check_feature(const uint8_t *payload, uint32_t bytes, unsigned n_fds)
{
	struct vmsnd_vfu_two feature;

	vmsnd_vfu_two_get(payload, &feature);
	return feature.argsz < VMSND_VFU_FEATURE_BYTES ? small_argsz : NULL;
}

/* ---- the table ------------------------------------------------------------------------------ */

#define MANY VMSND_VFU_PAYLOAD_MAX /* newer clients may add to a structure */

static const struct vmsnd_vfu_row rows[VMSND_VFU_COMMANDS] = {
    [VMSND_VFU_VERSION] = {"VERSION", VMSND_VFU_VERSION_BYTES, MANY, 0, check_version},
    [VMSND_VFU_DMA_MAP] = {"DMA_MAP", VMSND_VFU_DMA_MAP_BYTES, MANY, 1, check_map},
    [VMSND_VFU_DMA_UNMAP] = {"DMA_UNMAP", VMSND_VFU_DMA_UNMAP_BYTES, MANY, 0, check_unmap},
    [VMSND_VFU_GET_INFO] = {"DEVICE_GET_INFO", VMSND_VFU_INFO_BYTES, MANY, 0, check_four},
    [VMSND_VFU_GET_REGION_INFO] = {"DEVICE_GET_REGION_INFO", VMSND_VFU_REGION_INFO_BYTES, MANY, 0,
				   check_region_info},
    [VMSND_VFU_GET_REGION_IO_FDS] = {"DEVICE_GET_REGION_IO_FDS", VMSND_VFU_FOUR_BYTES, MANY, 0,
				     check_io_fds},
    [VMSND_VFU_GET_IRQ_INFO] = {"DEVICE_GET_IRQ_INFO", VMSND_VFU_FOUR_BYTES, MANY, 0,
				check_irq_info},
    [VMSND_VFU_SET_IRQS] = {"DEVICE_SET_IRQS", VMSND_VFU_SET_IRQS_BYTES, MANY, VMSND_VFU_FDS_MAX,
			    check_set_irqs},
    [VMSND_VFU_REGION_READ] = {"REGION_READ", VMSND_VFU_ACCESS_BYTES, MANY, 0, check_read},
    [VMSND_VFU_REGION_WRITE] = {"REGION_WRITE", VMSND_VFU_ACCESS_BYTES, MANY, 0, check_write},
    [VMSND_VFU_RESET] = {"DEVICE_RESET", 0, 0, 0, NULL},
    [VMSND_VFU_WRITE_MULTI] = {"REGION_WRITE_MULTI", VMSND_VFU_MULTI_HEAD_BYTES, MANY, 0,
			       check_multi},
    [VMSND_VFU_DEVICE_FEATURE] = {"DEVICE_FEATURE", VMSND_VFU_FEATURE_BYTES, MANY, 0,
				  check_feature},
    [VMSND_VFU_MIG_DATA_READ] = {"MIG_DATA_READ", VMSND_VFU_FEATURE_BYTES, MANY, 0, NULL},
    [VMSND_VFU_MIG_DATA_WRITE] = {"MIG_DATA_WRITE", VMSND_VFU_FEATURE_BYTES, MANY, 0, NULL},
};

const struct vmsnd_vfu_row *vmsnd_vfu_row(uint16_t command)
{
	return &rows[command < VMSND_VFU_COMMANDS ? command : 0];
}

const char *vmsnd_vfu_name(uint16_t command)
{
	const char *name = vmsnd_vfu_row(command)->name;

	return name ? name : "unknown message";
}

uint32_t vmsnd_vfu_payload_bytes(const struct vmsnd_vfu_header *header)
{
	return header->bytes < VMSND_VFU_HEADER_BYTES ? 0 : header->bytes - VMSND_VFU_HEADER_BYTES;
}

const char *vmsnd_vfu_header_check(const struct vmsnd_vfu_header *header)
{
	return header->bytes > VMSND_VFU_MESSAGE_MAX ? "a message longer than any can be" : NULL;
}

const char *vmsnd_vfu_check(const struct vmsnd_vfu_header *header, const uint8_t *payload,
			    unsigned n_fds)
{
	const struct vmsnd_vfu_row *row = vmsnd_vfu_row(header->command);
	uint32_t bytes = vmsnd_vfu_payload_bytes(header);

	if ((header->flags & VMSND_VFU_TYPE_MASK) != VMSND_VFU_COMMAND)
		return "a message that is no command";
	if (header->bytes < VMSND_VFU_HEADER_BYTES)
		return "a message shorter than its header";
	if (!row->name)
		return "a command that a client cannot give";
	if (bytes < row->bytes_min)
		return "a message that is too short";
	if (bytes > row->bytes_max)
		return "a message that is too long";
	if (n_fds > row->fds_max)
		return "descriptors where none belong";
	return row->check ? row->check(payload, bytes, n_fds) : NULL;
}
