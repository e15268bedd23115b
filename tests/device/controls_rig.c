/* SPDX-License-Identifier: BSD-3-Clause */
#include "controls_rig.h"

#include <string.h>

static const char card_yaml[] = "{outputs: [{backend: alsa}, {backend: file, dir: playback},"
				" {backend: \"p\\u00fclse\", dir: capture}]}";

struct rig rig;
static struct vmsnd_conf options;
static bool is_open;
static struct vmsnd_node *node;

void open_with(const char *yaml, unsigned n_playback, unsigned n_capture)
{
	struct vmsnd_error error;
	char line[256];

	if (is_open)
		tear_down(NULL);
	is_open = true;
	assert_int_equal(vmsnd_conf_parse(&options, RIG_CLASS->options, "card", "controls=on", line,
					  sizeof(line)),
			 VMSND_OK);
	if (yaml)
		assert_int_equal(vmsnd_yaml_parse("card", yaml, strlen(yaml), &node, &error),
				 VMSND_OK);
	rig_open_as(&rig, &(struct rig_card){n_playback, n_capture, &options, node});
}

int set_up(void **state)
{
	open_with(card_yaml, 2, 2);
	rig_boot(&rig, RIG_F_ALL | RIG_F_CTLS, 64);
	return 0;
}

int tear_down(void **state)
{
	rig_close(&rig);
	vmsnd_tree_free(node);
	node = NULL;
	is_open = false;
	return 0;
}

uint32_t config_controls(void)
{
	uint32_t word = 0xEEEEEEEE;

	RIG_OPS->config_read(rig.dev, 12, &word, 4);
	return word;
}

/* ---- requests -------------------------------------------------------------------------------- */

uint32_t ask(uint32_t code, uint32_t element, void *answer, uint32_t bytes, uint32_t *written)
{
	const struct snd_ctl_hdr request = {code, element};
	uint8_t whole[4 + 1024];
	uint32_t status;

	assert_true(4 + bytes <= sizeof(whole));
	*written = rig_request(&rig, &request, sizeof(request), whole, 4 + bytes);
	memcpy(&status, whole, 4);
	memcpy(answer, whole + 4, bytes);
	return status;
}

struct snd_ctl_info info_of(uint32_t element)
{
	const struct virtio_snd_query_info query = {
	    {SND_R_CTL_INFO}, element, 1, sizeof(struct snd_ctl_info)};
	uint8_t answer[4 + sizeof(struct snd_ctl_info)];
	struct snd_ctl_info info;
	uint32_t status;

	assert_int_equal(rig_request(&rig, &query, sizeof(query), answer, sizeof(answer)),
			 sizeof(answer));
	memcpy(&status, answer, 4);
	assert_int_equal(status, OK);
	memcpy(&info, answer + 4, sizeof(info));
	return info;
}

static struct snd_ctl_value element_value(uint32_t element)
{
	struct snd_ctl_value value;
	uint32_t written;

	assert_int_equal(ask(SND_R_CTL_READ, element, &value, sizeof(value), &written), OK);
	assert_int_equal(written, 4 + 512);
	return value;
}

uint32_t set(uint32_t element, uint32_t first, uint32_t second)
{
	struct snd_ctl_write request = {.hdr = {SND_R_CTL_WRITE, element}};
	uint32_t status;

	request.value.integer[0] = first;
	request.value.integer[1] = second;
	assert_int_equal(rig_request(&rig, &request, sizeof(request), &status, 4), 4);
	return status;
}

void expect_both(uint32_t element, uint32_t first, uint32_t second)
{
	struct snd_ctl_value value = element_value(element);

	assert_int_equal(value.integer[0], first);
	assert_int_equal(value.integer[1], second);
	for (unsigned i = 2; i < SND_CTL_VALUES_MAX; i++)
		assert_int_equal(value.integer[i], 0);
}

void expect_untouched(void)
{
	expect_both(PLAY_VOLUME, 120, 120);
	expect_both(PLAY_SWITCH, 1, 1);
	expect_both(REC_VOLUME, 120, 120);
	expect_both(REC_SOURCE, 0, 0);
}
