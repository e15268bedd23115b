/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the AC'97 world ask of each other. */
#ifndef VMSND_TESTS_SIM_AC97_PARTS_H
#define VMSND_TESTS_SIM_AC97_PARTS_H

#include "ac97_world.h"

/* ac97_host.c: the host as a backend of the class "world", for the one world there is. */
void ac97_host_begin(struct ac97_world *world);
/* When a host that calls by itself moves its next block, and that block. */
vmsnd_ns ac97_host_due(const struct ac97_world *world);
void ac97_host_run(struct ac97_world *world);
/* Frames that know their number, from 1. */
void ac97_frames_put(const struct vmsnd_format *format, void *to, uint64_t number, uint32_t frames);
/* 0: silence; UINT64_MAX: neither that nor a frame of ours. */
uint64_t ac97_frame_number(const struct vmsnd_format *format, const void *frame);
void ac97_ear_hear(struct ac97_world *world, struct ac97_ear *ear, uint64_t number);

#endif
