/* SPDX-License-Identifier: BSD-3-Clause */
/* A card with control elements, and the requests of a driver that knows them. */
#ifndef VMSND_TESTS_DEVICE_CONTROLS_RIG_H
#define VMSND_TESTS_DEVICE_CONTROLS_RIG_H

#include "rig.h"

#include "devices/virtio-snd/ctl.h"
#include "vmsnd/tree.h"

#define OK       VIRTIO_SND_S_OK
#define BAD_MSG  VIRTIO_SND_S_BAD_MSG
#define NOT_SUPP VIRTIO_SND_S_NOT_SUPP

#define RIG_F_CTLS UINT64_C(1)
#define N_ELEMENTS 5u /* of the usual card */

/* Elements of a card with one group, in order. */
enum { PLAY_VOLUME, PLAY_SWITCH, REC_VOLUME, REC_SWITCH, REC_SOURCE };

extern struct rig rig; /* streams 0 and 1 play, 2 and 3 record */

/* A card with `controls`, in place of the one that is there, if any; nothing is agreed on yet. */
void open_with(const char *yaml, unsigned n_playback, unsigned n_capture);
int set_up(void **state);
int tear_down(void **state);

uint32_t config_controls(void);
/* A request with nothing but the element's number; `bytes` of answer behind the status. */
uint32_t ask(uint32_t code, uint32_t element, void *answer, uint32_t bytes, uint32_t *written);
struct snd_ctl_info info_of(uint32_t element);
/* Writes two values; a status. */
uint32_t set(uint32_t element, uint32_t first, uint32_t second);
/* Reads: two values, and nothing behind them. */
void expect_both(uint32_t element, uint32_t first, uint32_t second);
/* Every element is as a card begins. */
void expect_untouched(void);

#endif
