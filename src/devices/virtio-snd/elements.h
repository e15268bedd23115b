/* SPDX-License-Identifier: BSD-3-Clause */
/* Which control elements a card has, and what they turn: the mixers of its ports. */
#ifndef VMSND_DEVICES_VIRTIO_SND_ELEMENTS_H
#define VMSND_DEVICES_VIRTIO_SND_ELEMENTS_H

#include "devices/virtio-snd/ctl.h"
#include "devices/virtio-snd/topology.h"

struct vmsnd_snd;

/* Each group may be of one stream; three of one that records. */
#define SND_ELEMENTS_MAX (3u * SND_STREAMS_MAX)
/* Inputs that the guest may choose from: as many as a card has outputs. */
#define SND_INPUTS_MAX 8u

enum snd_element_kind { SND_ELEMENT_VOLUME, SND_ELEMENT_SWITCH, SND_ELEMENT_SOURCE };

struct snd_element {
	uint8_t kind;   /* enum snd_element_kind */
	uint8_t stream; /* the first of its group and direction: its value is the element's */
	uint8_t index;  /* the group's number, from 0 on (V98) */
	uint8_t count;  /* values */
	uint8_t inputs; /* SOURCE: bit n: input n is one of the items */
	uint8_t told[SND_CHANNELS_MAX]; /* its values, as the driver knows them */
};

struct snd_elements {
	uint32_t n;
	struct snd_element list[SND_ELEMENTS_MAX];
	char inputs[SND_INPUTS_MAX][SND_CTL_ITEM_BYTES]; /* names; "": not there */
};

/* Once, in init; none unless the card offers them. */
void snd_elements_plan(struct vmsnd_snd *snd, const struct vmsnd_node *node);
uint32_t snd_element_access(const struct snd_element *element);
uint32_t snd_element_items(const struct snd_element *element);
/* Whether a value is one that the element can have (V103). */
bool snd_element_takes(const struct snd_element *element, uint32_t value);
/* `count` values. */
void snd_element_get(const struct vmsnd_snd *snd, const struct snd_element *element,
		     uint32_t *values);
/* Turns all streams of the group and direction. Returns how many had other values before. */
uint32_t snd_element_set(struct vmsnd_snd *snd, struct snd_element *element, const uint32_t *values,
			 vmsnd_ns now);
/* The owner has set a stream's mixer: the driver is told of what is another value now (V110). */
void snd_elements_turned(struct vmsnd_snd *snd, uint32_t stream);
/* A driver that begins reads them all. */
void snd_elements_note(struct vmsnd_snd *snd);
void snd_elements_save(const struct vmsnd_snd *snd, struct vmsnd_state_writer *to);
/* As the last part of a state: what is read is taken at once. */
void snd_elements_load(struct vmsnd_snd *snd, struct vmsnd_state_reader *from);

/* Fill what is shown; `id` of an item: element << 16 | number. */
void snd_element_info(const struct vmsnd_snd *snd, uint32_t id, void *to);
void snd_element_item(const struct vmsnd_snd *snd, uint32_t id, void *to);
void snd_element_value(const struct vmsnd_snd *snd, uint32_t id, void *to);
void snd_element_tlv(const struct vmsnd_snd *snd, uint32_t id, void *to);

#endif
