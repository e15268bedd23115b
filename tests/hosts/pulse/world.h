/* SPDX-License-Identifier: BSD-3-Clause */
/* What each test of the PulseAudio backend has: a server, a backend, a player and a recorder. */
#ifndef VMSND_TESTS_HOSTS_PULSE_WORLD_H
#define VMSND_TESTS_HOSTS_PULSE_WORLD_H

#include "servers.h"
#include "sound.h"

#define SINK_A "sink_name=a format=s16le rate=48000 channels=2"
#define SINK_B "sink_name=b format=s16le rate=48000 channels=2"
#define WITH   "server=unix:%s/native,cookie=%s/own/cookie,latency-ms=100,in-device=a.monitor"

/* Machines that run tests have other things to do. */
#define PATIENCE_MS 8000u

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

struct world {
	struct server server;
	struct bench bench;
	struct sound voice, ear, late; /* here, because a test that fails leaves them open */
};

extern const struct vmsnd_format cd;

int world_setup(void **state);
int world_teardown(void **state);
/* Its server, and a backend with it. */
void world_begin(struct world *world);
void world_wait_for_server(struct world *world);
/* A recorder of the sink's monitor that has begun to record. */
void world_record(struct world *world, struct sound *ear, struct vmsnd_format format);
/* Until the recorder has had `frames` more. */
void world_listen(struct sound *ear, uint64_t frames);
void world_check_all(const struct sound *ear, uint64_t frames);
/* Plays half a second into the monitor. */
void world_play_exactly(struct world *world, struct vmsnd_format format);

/* A word that comes within `ms`. */
bool said_within(struct bench *bench, const char *word, unsigned ms);
bool rises_within(atomic_uint *figure, unsigned above, unsigned ms);
bool is_at_within(struct sound *sound, const char *device, unsigned ms);
const char *fact_text(const struct vmsnd_fact *facts, size_t n, enum vmsnd_fact_name name);

/* What main returns when there is no server to test with; -1: there is one. */
int world_missing(void);

#endif
