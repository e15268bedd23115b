/* SPDX-License-Identifier: BSD-3-Clause */
/* What mixers, patch bays and the session manager see of a stream. */
#include <stdio.h>
#include <string.h>

#include "backends/pipewire/parts.h"

bool vmsnd_pw_monitors(const struct vmsnd_backend *host)
{
	return vmsnd_conf_bool(&host->options, "monitor");
}

static void set_text(struct pw_properties *to, const char *key, const char *value)
{
	if (value && *value)
		pw_properties_set(to, key, value);
}

const char *vmsnd_pw_wanted(const struct vmsnd_backend *host, enum vmsnd_dir dir)
{
	static const char *const options[] = {"out-device", "in-device"};
	const char *option = vmsnd_conf_text(&host->options, options[dir]);

	if (*host->chosen[dir])
		return host->chosen[dir];
	return option ? option : "";
}

static void set_target(struct pw_properties *to, const struct vmsnd_stream *stream)
{
	struct vmsnd_backend *host = stream->host;

	pthread_mutex_lock(&host->lock);
	set_text(to, PW_KEY_TARGET_OBJECT, vmsnd_pw_wanted(host, stream->dir));
	pthread_mutex_unlock(&host->lock);
	if (stream->dir == VMSND_CAPTURE && vmsnd_pw_monitors(host))
		pw_properties_set(to, PW_KEY_STREAM_CAPTURE_SINK, "true");
}

struct pw_properties *vmsnd_pw_properties(const struct vmsnd_stream *stream)
{
	const struct vmsnd_backend *host = stream->host;
	const struct vmsnd_conf *options = &host->options;
	const char *given = vmsnd_conf_text(options, "stream-name");
	const char *name = given && *given ? given : host->card;
	const char *more = vmsnd_conf_text(options, "props");
	bool plays = stream->dir == VMSND_PLAYBACK;
	struct pw_properties *to =
	    pw_properties_new(PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY,
			      plays ? "Playback" : "Capture", NULL);

	if (!to)
		return NULL;
	if (strcmp(vmsnd_conf_text(options, "role"), "none") != 0)
		set_text(to, PW_KEY_MEDIA_ROLE, vmsnd_conf_text(options, "role"));
	/* Desktops list programs: to their users each machine is one. */
	set_text(to, PW_KEY_APP_NAME, host->card);
	set_text(to, PW_KEY_APP_ICON_NAME, vmsnd_conf_text(options, "icon"));
	set_text(to, PW_KEY_MEDIA_ICON_NAME, vmsnd_conf_text(options, "icon"));
	pw_properties_setf(to, PW_KEY_NODE_NAME, "vmsnd.%s", name);
	set_text(to, PW_KEY_NODE_DESCRIPTION, name);
	set_text(to, PW_KEY_MEDIA_NAME, name);
	pw_properties_setf(to, PW_KEY_NODE_LATENCY, "%u/%u", stream->latency_frames,
			   stream->format.rate_hz);
	pw_properties_setf(to, PW_KEY_NODE_RATE, "1/%u", stream->format.rate_hz);
	set_target(to, stream);
	if (more && *more)
		pw_properties_update_string(to, more, strlen(more));
	return to;
}
