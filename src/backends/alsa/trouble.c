/* SPDX-License-Identifier: BSD-3-Clause */
/* What alsa-lib's errors mean to whoever reads the log. */
#include <errno.h>

#include "backends/alsa/host.h"

static const struct {
	int error;
	struct vmsnd_alsa_trouble trouble;
} troubles[] = {
    {ENOENT,
     {"there is no such device", "'vmsnd backends -v' lists those that are; is the card plugged "
				 "in and its driver loaded?"}},
    {ENODEV, {"the card is not there", "plug it in, or name another device"}},
    {ENXIO, {"the card is not there", "plug it in, or name another device"}},
    {EBUSY,
     {"another program has the device for itself", "close that program, or use a device that is "
						   "shared, such as default or dmix"}},
    {EACCES,
     {"permission denied", "put this user into the group that /dev/snd belongs to, mostly audio, "
			   "and log in again"}},
    {EPERM,
     {"permission denied", "put this user into the group that /dev/snd belongs to, mostly audio, "
			   "and log in again"}},
    {ECONNREFUSED,
     {"the sound server behind it does not answer", "start the server, or name another device"}},
    {EINVAL, {"its configuration is wrong", "look at /etc/asound.conf and ~/.asoundrc"}},
};

struct vmsnd_alsa_trouble vmsnd_alsa_trouble(int error)
{
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (troubles[i].error == -error)
			return troubles[i].trouble;
	return (struct vmsnd_alsa_trouble){snd_strerror(error), "try it with aplay -D"};
}
