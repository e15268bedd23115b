/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest and its owner turn the same mixer, and both hear it: from the driver's request to the
 * samples in a file, and from the owner's call to the driver's event. */
#include <stdlib.h>
#include <string.h>

#include "devices/virtio-snd/ctl.h"
#include "sim.h"

#define PERIOD 480u
#define LEVEL  10000

enum { PLAY_VOLUME, PLAY_SWITCH, REC_VOLUME, REC_SWITCH, REC_SOURCE };

static const struct vmsnd_guest_conf wish = {.event_idx = true, .indirect = true, .controls = true};

/* ---- the guest ------------------------------------------------------------------------------- */

static uint32_t level(void *ctx, void *to, uint32_t frames)
{
	int16_t *samples = to;

	for (uint32_t i = 0; i < 2 * frames; i++)
		samples[i] = LEVEL;
	return frames;
}

static struct vmsnd_guest_player playing(struct sim *sim)
{
	const struct vmsnd_guest_player_conf conf = {
	    .params = {{.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2}, PERIOD, 4},
	    .frames = UINT64_MAX,
	    .read = level,
	};
	struct vmsnd_guest_player player;

	vmsnd_guest_player_init(&player, &sim->cards[0]->guest, &conf);
	return player;
}

static void run_on(struct sim *sim, struct vmsnd_guest_player *player, unsigned ms)
{
	sim_run_until(sim, player, player ? 1 : 0, sim->now + ms * MS);
}

static void guest_sets(struct sim *sim, uint32_t element, uint32_t value)
{
	struct snd_ctl_write request = {.hdr = {SND_R_CTL_WRITE, element}};

	for (unsigned i = 0; i < 2; i++)
		request.value.integer[i] = value;
	assert_int_equal(
	    vmsnd_guest_request(&sim->cards[0]->guest, &request, sizeof(request), sim->now).status,
	    VIRTIO_SND_S_OK);
}

static uint32_t guest_sees(struct sim *sim, uint32_t element)
{
	const struct snd_ctl_hdr request = {SND_R_CTL_READ, element};
	struct vmsnd_guest_answer answer =
	    vmsnd_guest_request(&sim->cards[0]->guest, &request, sizeof(request), sim->now);
	uint32_t values[2];

	assert_int_equal(answer.status, VIRTIO_SND_S_OK);
	memcpy(values, answer.at + 4, sizeof(values));
	return values[0];
}

/* ---- the owner ------------------------------------------------------------------------------- */

static enum vmsnd_rc owner_sets(struct sim *sim, enum vmsnd_dir dir, uint32_t stream,
				const struct vmsnd_mixer *mixer)
{
	const struct vmsnd_mixer_place place = {.card = 0, .dir = dir, .stream = stream};

	return vmsnd_machine_mixer_set(sim->machine, &place, mixer, sim->now);
}

static struct vmsnd_mixer owner_sees(struct sim *sim, enum vmsnd_dir dir, uint32_t stream)
{
	const struct vmsnd_mixer_place place = {.card = 0, .dir = dir, .stream = stream};
	struct vmsnd_mixer mixer;

	assert_int_equal(vmsnd_machine_mixer(sim->machine, &place, &mixer), VMSND_OK);
	return mixer;
}

/* Frames of a file whose both samples are `wanted`, or one off. */
static uint64_t count(const struct sim_sound *sound, int wanted)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < sound->frames; i++)
		n += abs((sound->samples[2 * i] >> 16) - wanted) <= 1 &&
		     abs((sound->samples[2 * i + 1] >> 16) - wanted) <= 1;
	return n;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_V101_V108_V110_both_turn_the_same_mixer_and_hear_it(void **state)
{
	struct vmsnd_mixer mixer = {.volume.gain_mdb = -6000, .sources = UINT32_MAX};
	struct vmsnd_guest_player player;
	struct sim_sound sound;
	struct sim sim;

	sim_open(&sim);
	sim_add_with(&sim, "controls=on", sim_file(&sim, "out.wav", ""), &wish);
	player = playing(&sim);
	run_on(&sim, &player, 500);
	guest_sets(&sim, PLAY_VOLUME, 60);
	assert_int_equal(owner_sees(&sim, VMSND_PLAYBACK, 0).volume.gain_mdb, -30000);
	run_on(&sim, &player, 500);
	assert_int_equal(sim.cards[0]->guest.events_seen, 0);
	assert_int_equal(owner_sets(&sim, VMSND_PLAYBACK, 0, &mixer), VMSND_OK);
	run_on(&sim, &player, 500);
	assert_int_equal(sim.cards[0]->guest.events_seen, 1);
	assert_int_equal(sim.cards[0]->guest.last_event.hdr.code, 0x1200);
	assert_int_equal(sim.cards[0]->guest.last_event.data, PLAY_VOLUME | 1u << 16);
	assert_int_equal(guest_sees(&sim, PLAY_VOLUME), 108);
	guest_sets(&sim, PLAY_SWITCH, 0);
	run_on(&sim, &player, 500);
	assert_int_equal(owner_sees(&sim, VMSND_PLAYBACK, 0).volume.muted, UINT32_MAX);
	vmsnd_guest_player_abort(&player);
	sim_run(&sim, &player, 1, SECOND);
	vmsnd_machine_remove(sim.machine, 0, sim.now);
	sound = sim_sound_load(sim_path(&sim, "out.wav"));
	/* Half a second each, but for ramps and what the rings hold ahead. */
	assert_in_range(count(&sound, LEVEL), 22000, 26000);
	assert_in_range(count(&sound, 316), 22000, 24000);  /* -30 dB */
	assert_in_range(count(&sound, 5012), 22000, 24000); /* -6 dB */
	assert_in_range(count(&sound, 0), 20000, 26000);
	sim_sound_free(&sound);
	sim_close(&sim);
}

static void test_machine_mixer_places_and_limits(void **state)
{
	struct vmsnd_mixer mixer = {.volume.gain_mdb = -1000, .sources = UINT32_MAX}, got;
	struct vmsnd_mixer_place place = {.card = 1};
	struct sim sim;

	sim_open(&sim);
	sim_add_with(&sim, "playback=2,capture=1,controls=on", "null", &wish);
	assert_int_equal(vmsnd_machine_mixer(sim.machine, &place, &got), VMSND_E_NO_CARD);
	assert_int_equal(vmsnd_machine_mixer_set(sim.machine, &place, &mixer, sim.now),
			 VMSND_E_NO_CARD);
	assert_int_equal(owner_sets(&sim, VMSND_PLAYBACK, 2, &mixer), VMSND_E_INVALID);
	assert_int_equal(owner_sets(&sim, (enum vmsnd_dir)2, 0, &mixer), VMSND_E_INVALID);
	assert_int_equal(owner_sees(&sim, VMSND_CAPTURE, 0).sources, UINT32_MAX);
	assert_int_equal(owner_sets(&sim, VMSND_PLAYBACK, VMSND_STREAM_ALL, &mixer), VMSND_OK);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(owner_sees(&sim, VMSND_PLAYBACK, i).volume.gain_mdb, -1000);
	assert_int_equal(owner_sees(&sim, VMSND_CAPTURE, 0).volume.gain_mdb, 0);
	mixer.volume.channel_mdb[17] = VMSND_GAIN_MAX_MDB + 1;
	assert_int_equal(owner_sets(&sim, VMSND_PLAYBACK, 0, &mixer), VMSND_E_INVALID);
	assert_int_equal(owner_sees(&sim, VMSND_PLAYBACK, 0).volume.channel_mdb[17], 0);
	sim_close(&sim);
}

/* The items are the outputs that the card was made with. */
static void test_V99_the_inputs_have_the_names_of_their_backends(void **state)
{
	const struct snd_ctl_hdr request = {SND_R_CTL_ENUM_ITEMS, REC_SOURCE};
	struct vmsnd_guest_answer answer;
	struct sim sim;

	sim_open(&sim);
	sim_add_with(&sim, "controls=on", "null", &wish);
	answer = vmsnd_guest_request(&sim.cards[0]->guest, &request, sizeof(request), sim.now);
	assert_int_equal(answer.status, VIRTIO_SND_S_OK);
	assert_int_equal(answer.bytes, 4 + 2 * 64);
	assert_string_equal((const char *)answer.at + 4, "All inputs");
	assert_string_equal((const char *)answer.at + 4 + 64, "0 null");
	guest_sets(&sim, REC_SOURCE, 1);
	assert_int_equal(owner_sees(&sim, VMSND_CAPTURE, 0).sources, 1);
	sim_close(&sim);
}

/* The machine's state has the mixers. */
static void test_the_mixer_is_saved_with_the_machine(void **state)
{
	const struct vmsnd_card_conf card = {.device = "virtio-snd,controls=on",
					     .backend = "null",
					     .transport = "in-process",
					     .listen_fd = -1};
	struct vmsnd_machine *other;
	struct vmsnd_mixer_place place = {.dir = VMSND_PLAYBACK};
	struct vmsnd_mixer mixer;
	uint8_t *bytes;
	size_t n_bytes;
	struct sim sim;

	if (sim_over_mmio())
		return; /* the same state */
	sim_open(&sim);
	sim_add_with(&sim, "controls=on", "null", &wish);
	guest_sets(&sim, PLAY_VOLUME, 40);
	guest_sets(&sim, REC_SOURCE, 1);
	assert_int_equal(vmsnd_machine_save(sim.machine, sim.now, &bytes, &n_bytes), VMSND_OK);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){.lanes = 0}, &other),
			 VMSND_OK);
	assert_int_equal(vmsnd_machine_add(other, &card, sim.now), VMSND_OK);
	assert_int_equal(vmsnd_machine_load(other, bytes, n_bytes, sim.now), VMSND_OK);
	assert_int_equal(vmsnd_machine_mixer(other, &place, &mixer), VMSND_OK);
	assert_int_equal(mixer.volume.gain_mdb, -40000);
	place.dir = VMSND_CAPTURE;
	assert_int_equal(vmsnd_machine_mixer(other, &place, &mixer), VMSND_OK);
	assert_int_equal(mixer.sources, 1);
	vmsnd_machine_close(other, sim.now);
	free(bytes);
	sim_close(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_V101_V108_V110_both_turn_the_same_mixer_and_hear_it),
	    cmocka_unit_test(test_machine_mixer_places_and_limits),
	    cmocka_unit_test(test_V99_the_inputs_have_the_names_of_their_backends),
	    cmocka_unit_test(test_the_mixer_is_saved_with_the_machine),
	};

	return cmocka_run_group_tests_name("sim-controls", tests, NULL, NULL);
}
