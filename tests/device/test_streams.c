/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams as their owner configures them: groups, channels, formats, rates, maps (V20, V22,
 * V30-V34, V38-V56, V85-V89). */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "vmsnd/tree.h"

#define OK       VIRTIO_SND_S_OK
#define BAD_MSG  VIRTIO_SND_S_BAD_MSG
#define NOT_SUPP VIRTIO_SND_S_NOT_SUPP

#define FORMAT(name) (UINT64_C(1) << VIRTIO_SND_PCM_FMT_##name)
#define RATE(hz)     (UINT64_C(1) << VIRTIO_SND_PCM_RATE_##hz)

static struct rig rig;
static struct vmsnd_node *node;
static struct vmsnd_conf options;

static int tear_down(void **state)
{
	if (rig.ram)
		rig_close(&rig);
	vmsnd_tree_free(node);
	node = NULL;
	memset(&rig, 0, sizeof(rig));
	return 0;
}

/* What a card's lines in a file are to its device. */
static struct vmsnd_dev_conf read_card(const char *yaml, unsigned n_playback, unsigned n_capture)
{
	const struct vmsnd_conf_source from = {.who = "card"};
	struct vmsnd_conf_source source = from;
	struct vmsnd_error error = {""};

	vmsnd_tree_free(node);
	node = NULL;
	if (vmsnd_yaml_parse("card.yaml", yaml, strlen(yaml), &node, &error))
		fail_msg("%s", error.line);
	source.node = node;
	if (vmsnd_conf_from_node(&options, RIG_CLASS->options, &source, &error))
		fail_msg("%s", error.line);
	return (struct vmsnd_dev_conf){.name = "card",
				       .playback_streams = n_playback,
				       .capture_streams = n_capture,
				       .options = &options,
				       .node = node};
}

static void up(const char *yaml, unsigned n_playback, unsigned n_capture)
{
	struct rig_card card = {.n_playback = n_playback, .n_capture = n_capture};

	read_card(yaml, n_playback, n_capture);
	card.options = &options;
	card.node = node;
	rig_open_as(&rig, &card);
	rig_boot(&rig, RIG_F_ALL, 64);
}

static uint32_t query(uint32_t code, uint32_t start, uint32_t count, uint32_t size, void *items)
{
	const struct virtio_snd_query_info request = {{code}, start, count, size};
	static uint8_t answer[64 * 100 + 4];
	uint32_t status;

	assert_true((uint64_t)count * size + 4 <= sizeof(answer));
	rig_request(&rig, &request, sizeof(request), answer, 4 + count * size);
	memcpy(&status, answer, 4);
	memcpy(items, answer + 4, (size_t)count * size);
	return status;
}

static struct virtio_snd_pcm_info pcm(uint32_t stream)
{
	struct virtio_snd_pcm_info info;

	assert_int_equal(query(VIRTIO_SND_R_PCM_INFO, stream, 1, sizeof(info), &info), OK);
	return info;
}

static uint32_t chmaps(struct virtio_snd_chmap_info *info, uint32_t most)
{
	uint32_t n;

	RIG_OPS->config_read(rig.dev, 8, &n, sizeof(n));
	assert_true(n <= most);
	assert_int_equal(query(VIRTIO_SND_R_CHMAP_INFO, 0, n, sizeof(*info), info), OK);
	return n;
}

/* ---- items -------------------------------------------------------------------------------- */

static void test_V22_V38_each_stream_as_configured(void **state)
{
	struct virtio_snd_pcm_info info;

	up("channels: 8\n"
	   "streams:\n"
	   "  playback0: {channels: 2-6, formats: \"S16 FLOAT64\", rates: \"44100 48000\"}\n"
	   "  playback1: {group: 3, rates: 88200-384000}\n"
	   "  capture0: {group: 127, channels: 1, formats: MULAW, rates: 12000}\n",
	   2, 1);
	info = pcm(0);
	assert_int_equal(info.hdr.hda_fn_nid, 0);
	assert_true(info.formats == (FORMAT(S16) | FORMAT(FLOAT64)));
	assert_true(info.rates == (RATE(44100) | RATE(48000)));
	assert_int_equal(info.channels_min, 2);
	assert_int_equal(info.channels_max, 6);
	info = pcm(1);
	assert_int_equal(info.hdr.hda_fn_nid, 3);
	assert_true(info.rates ==
		    (RATE(88200) | RATE(96000) | RATE(176400) | RATE(192000) | RATE(384000)));
	assert_int_equal(info.channels_min, 1);
	assert_int_equal(info.channels_max, 8);
	info = pcm(2);
	assert_int_equal(info.direction, VIRTIO_SND_D_INPUT);
	assert_int_equal(info.hdr.hda_fn_nid, 127);
	assert_true(info.formats == FORMAT(MU_LAW));
	assert_true(info.rates == UINT64_C(1) << 14);
	assert_int_equal(info.channels_max, 1);
}

static void test_V40_V44_V46_V48_all_that_is_pcm(void **state)
{
	struct virtio_snd_pcm_info info;

	up("formats: all\nrates: all\nchannels: 18\n", 1, 1);
	for (uint32_t i = 0; i < 2; i++) {
		info = pcm(i);
		/* Without IMA_ADPCM, and without DSD and IEC958, which have names of their own. */
		assert_true(info.formats == 0x1ffffe);
		assert_true(info.rates == 0xffff);
		assert_int_equal(info.channels_min, 1);
		assert_int_equal(info.channels_max, 18);
	}
}

static void test_V45_what_is_no_pcm_by_name(void **state)
{
	up("formats: DSD_U8 DSD_U16 DSD_U32 IEC958_SUBFRAME\n", 1, 0);
	assert_true(pcm(0).formats == 0x1e00000);
}

static void test_V45_beside_all_that_is_pcm(void **state)
{
	up("formats: all DSD_U16\n", 1, 0);
	assert_true(pcm(0).formats == (0x1ffffe | FORMAT(DSD_U16)));
}

/* Placeholders of the standard: a card that offered them would promise what cannot be. */
static void test_V31_V33_V34_shared_memory_is_never_offered(void **state)
{
	struct virtio_snd_pcm_info info;

	up("formats: all\nrates: all\nchannels: 18\n", 1, 1);
	for (uint32_t i = 0; i < 2; i++) {
		info = pcm(i);
		assert_int_equal(info.features & (1u << VIRTIO_SND_PCM_F_SHMEM_HOST |
						  1u << VIRTIO_SND_PCM_F_SHMEM_GUEST),
				 0);
		assert_int_equal(info.features >> 5, 0);
		assert_true(info.formats >> 25 == 0);
		assert_true(info.rates >> 16 == 0);
		assert_true(info.direction <= VIRTIO_SND_D_INPUT);
	}
}

/* Older and newer drivers: items are cut, or filled up with zeros. */
static void test_V20_strides_of_64_streams(void **state)
{
	static const uint32_t sizes[] = {24, 32, 40, 96};
	static uint8_t whole[64 * 32], got[64 * 96];

	up("streams: {playback39: {group: 5}}\n", 40, 24);
	assert_int_equal(query(VIRTIO_SND_R_PCM_INFO, 0, 64, 32, whole), OK);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		uint32_t size = sizes[s];

		memset(got, 0xEE, sizeof(got));
		assert_int_equal(query(VIRTIO_SND_R_PCM_INFO, 0, 64, size, got), OK);
		for (uint32_t i = 0; i < 64 * size; i++)
			assert_int_equal(got[i],
					 i % size < 32 ? whole[i / size * 32 + i % size] : 0);
	}
	for (uint32_t i = 0; i < 64; i += 7) {
		uint32_t n = 64 - i < 7 ? 64 - i : 7;

		assert_int_equal(query(VIRTIO_SND_R_PCM_INFO, i, n, 32, got), OK);
		assert_memory_equal(got, whole + (size_t)i * 32, (size_t)n * 32);
	}
	assert_int_equal(pcm(39).hdr.hda_fn_nid, 5);
	assert_int_equal(pcm(39).direction, VIRTIO_SND_D_OUTPUT);
	assert_int_equal(pcm(40).direction, VIRTIO_SND_D_INPUT);
}

/* ---- parameters ----------------------------------------------------------------------------- */

static uint32_t set(uint32_t stream, uint8_t channels, uint8_t format, uint8_t rate)
{
	const struct virtio_snd_pcm_set_params params = {.channels = channels,
							 .format = format,
							 .rate = rate,
							 .period_bytes = 3840,
							 .buffer_bytes = 3840 * 4};

	return rig_set_params(&rig, stream, &params);
}

/* Every number a driver may write, against what that stream has. */
static void test_V51_V52_only_what_the_stream_offers(void **state)
{
	up("streams:\n"
	   "  playback0: {channels: 2-6, formats: \"S16 S32\", rates: 48000}\n"
	   "  playback1: {channels: 1, formats: all, rates: all}\n",
	   2, 0);
	for (unsigned n = 0; n < 256; n++) {
		assert_int_equal(
		    set(0, (uint8_t)n, VIRTIO_SND_PCM_FMT_S16, VIRTIO_SND_PCM_RATE_48000),
		    n >= 2 && n <= 6 ? OK : NOT_SUPP);
		assert_int_equal(
		    set(0, 2, (uint8_t)n, VIRTIO_SND_PCM_RATE_48000),
		    n == VIRTIO_SND_PCM_FMT_S16 || n == VIRTIO_SND_PCM_FMT_S32 ? OK : NOT_SUPP);
		assert_int_equal(set(0, 2, VIRTIO_SND_PCM_FMT_S16, (uint8_t)n),
				 n == VIRTIO_SND_PCM_RATE_48000 ? OK : NOT_SUPP);
		assert_int_equal(set(1, 1, (uint8_t)n, VIRTIO_SND_PCM_RATE_384000),
				 n >= 1 && n <= 20 ? OK : NOT_SUPP);
		assert_int_equal(set(1, 1, VIRTIO_SND_PCM_FMT_S16, (uint8_t)n),
				 n < 16 ? OK : NOT_SUPP);
	}
}

/* A frame of 18 channels of 8 bytes: what divides fewer does not divide it. */
static void test_V50_V56_whole_frames_of_any_size(void **state)
{
	struct virtio_snd_pcm_set_params params = {.channels = 18,
						   .format = VIRTIO_SND_PCM_FMT_FLOAT64,
						   .rate = VIRTIO_SND_PCM_RATE_48000,
						   .period_bytes = 144 * 48,
						   .buffer_bytes = 144 * 48 * 4};

	up("formats: all\nchannels: 18\n", 1, 0);
	assert_int_equal(rig_set_params(&rig, 0, &params), OK);
	params.period_bytes += 8;
	params.buffer_bytes = params.period_bytes * 4;
	assert_int_equal(rig_set_params(&rig, 0, &params), BAD_MSG);
	params.format = VIRTIO_SND_PCM_FMT_S18_3;
	params.channels = 7;
	params.period_bytes = 21 * 480;
	params.buffer_bytes = params.period_bytes * 2;
	assert_int_equal(rig_set_params(&rig, 0, &params), OK);
	params.buffer_bytes += 21;
	assert_int_equal(rig_set_params(&rig, 0, &params), BAD_MSG);
}

/* ---- maps ----------------------------------------------------------------------------------- */

/* One for each number of channels; places in the room differ within a map. */
static void test_V85_V86_V87_V88_a_map_for_every_count(void **state)
{
	struct virtio_snd_chmap_info info[40];
	unsigned seen[2][19] = {{0}};

	up("channels: 18\n", 2, 1);
	assert_int_equal(chmaps(info, 40), 36);
	for (unsigned i = 0; i < 36; i++) {
		assert_true(info[i].direction <= VIRTIO_SND_D_INPUT);
		assert_in_range(info[i].channels, 1, 18);
		assert_int_equal(seen[info[i].direction][info[i].channels]++, 0);
		for (unsigned c = 0; c < 18; c++) {
			if (c >= info[i].channels) {
				assert_int_equal(info[i].positions[c], 0);
				continue;
			}
			assert_in_range(info[i].positions[c], VIRTIO_SND_CHMAP_MONO,
					VIRTIO_SND_CHMAP_BRC);
			for (unsigned d = 0; d < c; d++)
				assert_int_not_equal(info[i].positions[c], info[i].positions[d]);
		}
	}
}

#define AT(position) VIRTIO_SND_CHMAP_##position

/* What Linux' own default is for 5.1 and 7.1. */
static void test_V89_usual_places(void **state)
{
	static const uint8_t eight[] = {AT(FL), AT(FR),  AT(RL), AT(RR),
					AT(FC), AT(LFE), AT(SL), AT(SR)};
	static const uint8_t three[] = {AT(FL), AT(FR), AT(FC)};
	struct virtio_snd_chmap_info info[8];

	up("channels: 8\n", 1, 0);
	assert_int_equal(chmaps(info, 8), 8);
	assert_memory_equal(info[2].positions, three, 3);
	assert_memory_equal(info[5].positions, eight, 6);
	assert_memory_equal(info[7].positions, eight, 8);
}

/* Every word of the standard in a map, and in the right place. */
static void test_V89_positions_as_their_owner_says(void **state)
{
	static const char *const words[] = {
	    "NONE NA MONO FL FR RL RR FC LFE SL SR RC FLC FRC RLC RRC FLW FRW",
	    "FLH FCH FRH TC TFL TFR TFC TRL TRR TRC TFLC TFRC TSL TSR LLFE RLFE BC BLC", "BRC"};
	struct virtio_snd_chmap_info info[40];
	char yaml[1024];
	unsigned next = 0;

	snprintf(yaml, sizeof(yaml),
		 "streams:\n"
		 "  playback0: {channels: 18-18, positions: %s}\n"
		 "  playback1: {channels: 18, group: 1, positions: %s}\n"
		 "  playback2: {channels: 1, group: 2, positions: %s}\n",
		 words[0], words[1], words[2]);
	up(yaml, 3, 0);
	assert_int_equal(chmaps(info, 40), 1 + 18 + 1);
	for (unsigned c = 0; c < 18; c++)
		assert_int_equal(info[0].positions[c], next++);
	assert_int_equal(info[1].positions[0], AT(MONO));
	for (unsigned c = 0; c < 18; c++)
		assert_int_equal(info[18].positions[c], next++);
	assert_int_equal(info[18].hdr.hda_fn_nid, 1);
	assert_int_equal(info[19].positions[0], next);
	assert_int_equal(next, AT(BRC));
}

/* Streams of a group and direction share maps; the port is told the positions. */
static void test_V88_maps_reach_the_port(void **state)
{
	struct vmsnd_stream_params params;
	uint8_t format = VIRTIO_SND_PCM_FMT_S16, rate = VIRTIO_SND_PCM_RATE_48000;

	up("channels: 6\n"
	   "streams:\n"
	   "  playback1: {positions: FC LFE FL FR FLW FLC}\n"
	   "  playback2: {group: 1}\n",
	   3, 0);
	for (uint32_t i = 0; i < 3; i++) {
		struct virtio_snd_pcm_set_params wish = {.channels = 6,
							 .format = format,
							 .rate = rate,
							 .period_bytes = 12 * 480,
							 .buffer_bytes = 12 * 480 * 4};

		assert_int_equal(rig_set_params(&rig, i, &wish), OK);
		rig_expect(&rig, VIRTIO_SND_R_PCM_PREPARE, i, OK);
	}
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(vmsnd_port_params(rig.ports[i], &params));
		assert_int_equal(params.format.positions[0], VMSND_POSITION_FC);
		assert_int_equal(params.format.positions[3], VMSND_POSITION_FR);
		/* Wide stands near FLC, which is taken, and then near SL. */
		assert_int_equal(params.format.positions[4], VMSND_POSITION_SL);
		assert_int_equal(params.format.positions[5], VMSND_POSITION_FLC);
	}
	assert_true(vmsnd_port_params(rig.ports[2], &params));
	assert_int_equal(params.format.positions[2], VMSND_POSITION_RL);
	assert_int_equal(params.format.positions[5], VMSND_POSITION_LFE);
}

/* ---- what the manager is told -----------------------------------------------------------------
 */

static void test_V38_outputs_of_streams(void **state)
{
	struct vmsnd_dev_conf conf = read_card("streams:\n"
					       "  playback0: {outputs: \"0 2\"}\n"
					       "  playback1: {outputs: none}\n"
					       "  capture0: {outputs: 7}\n",
					       3, 1);
	struct vmsnd_stream_plan plan;

	RIG_CLASS->plan(&conf, VMSND_PLAYBACK, 0, &plan);
	assert_int_equal(plan.outputs, 5);
	RIG_CLASS->plan(&conf, VMSND_PLAYBACK, 1, &plan);
	assert_int_equal(plan.outputs, 0);
	RIG_CLASS->plan(&conf, VMSND_PLAYBACK, 2, &plan);
	assert_int_equal(plan.outputs, UINT32_MAX);
	RIG_CLASS->plan(&conf, VMSND_CAPTURE, 0, &plan);
	assert_int_equal(plan.outputs, 0x80);
}

/* 160 ms of the largest frame at the highest rate, in a power of two of frames of any size. */
static void test_V55_rings_hold_what_linux_may_ask_for(void **state)
{
	struct vmsnd_dev_conf conf =
	    read_card("streams: {playback1: {channels: 18, formats: all, rates: all}}\n", 2, 0);
	struct vmsnd_stream_plan plan;

	RIG_CLASS->plan(&conf, VMSND_PLAYBACK, 0, &plan);
	assert_in_range(plan.ring_bytes, 2 * 4 * 2 * 160 * 192, 1024 * 1024);
	RIG_CLASS->plan(&conf, VMSND_PLAYBACK, 1, &plan);
	assert_in_range(plan.ring_bytes, 2 * 8 * 18 * 160 * 384, 20 * 1024 * 1024);
}

/* One line each: where, what, and what to do. */
static void test_mistakes_are_told(void **state)
{
	static const struct {
		const char *yaml, *line;
	} rows[] = {
	    {"channels: 19", "card.yaml:1:1: card: channels: '19' is not within 1-18"},
	    {"channels: 4-2", "channels: '4-2' is not within 1-18, the fewer channels first"},
	    {"channels: many", "channels: 'many' is no number of channels, such as 2, nor a range"},
	    {"channels: 0", "channels: '0' is not within 1-18"},
	    {"formats: S61", "formats: there is no format 'S61' (did you mean '"},
	    {"formats: IMA_ADPCM", "formats: there is no format 'IMA_ADPCM'"},
	    {"formats: ' '", "formats: ' ' names no format"},
	    {"rates: 44000", "there is no rate '44000' (did you mean '44100'?)"},
	    {"rates: 1-2", "there is no rate '1-2'"},
	    {"streams: {playback9: {group: 1}}",
	     "streams has no node 'playback9' (did you mean 'playback0'?); allowed: playback0 "
	     "playback1 capture0"},
	    {"streams: {playback0: {grup: 1}}", "has no option 'grup' (did you mean 'group'?)"},
	    {"streams: {playback0: 2}", "streams: 'playback0' is a node of its own, not one value"},
	    {"streams: {playback0: {group: 128}}", "group: '128' is no number from 0 to 127"},
	    {"streams: {playback0: {outputs: 8}}", "outputs: '8' is no list of outputs"},
	    {"streams: {playback0: {outputs: ''}}", "outputs: '' names no output: write none"},
	    {"streams: {playback0: {positions: FL}, playback1: {positions: FL FR FC}}",
	     "streams.playback1: positions: 'FL FR FC' has more, or fewer, positions"},
	    {"streams: {playback0: {positions: FL FL}}", "positions: 'FL FL' has a position twice"},
	    {"streams: {playback0: {positions: FL RF}}",
	     "there is no position 'RF' (did you mean '"},
	    {"streams: {playback0: {positions: FL FR}, playback1: {positions: FR FL}}",
	     "card.yaml:1:54: streams.playback1: positions: they are others than those of "
	     "playback0"},
	    {"streams: {playback0: {jack: head}}", "jack: there is no jack 'head'"},
	};
	struct vmsnd_error error;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vmsnd_dev_conf conf = read_card(rows[i].yaml, 2, 1);

		error.line[0] = '\0';
		assert_int_equal(RIG_CLASS->check(&conf, &error), VMSND_E_INVALID);
		if (!strstr(error.line, rows[i].line))
			fail_msg("'%s' says: %s", rows[i].yaml, error.line);
		assert_int_equal(RIG_CLASS->footprint(&conf), 0);
	}
}

#define TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_V22_V38_each_stream_as_configured),
	    TEST(test_V40_V44_V46_V48_all_that_is_pcm),
	    TEST(test_V45_what_is_no_pcm_by_name),
	    TEST(test_V45_beside_all_that_is_pcm),
	    TEST(test_V31_V33_V34_shared_memory_is_never_offered),
	    TEST(test_V20_strides_of_64_streams),
	    TEST(test_V51_V52_only_what_the_stream_offers),
	    TEST(test_V50_V56_whole_frames_of_any_size),
	    TEST(test_V85_V86_V87_V88_a_map_for_every_count),
	    TEST(test_V89_usual_places),
	    TEST(test_V89_positions_as_their_owner_says),
	    TEST(test_V88_maps_reach_the_port),
	    TEST(test_V38_outputs_of_streams),
	    TEST(test_V55_rings_hold_what_linux_may_ask_for),
	    TEST(test_mistakes_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
