/* SPDX-License-Identifier: BSD-3-Clause */
/* The one file that names concrete classes: a row for each. */
#include "manager/builtin.h"

#include "backends/loop.h"
#include "backends/null.h"
#include "devices/ac97/ac97_card.h"
#include "devices/virtio-snd/virtio_snd.h"
#include "drivers/delay.h"
#include "drivers/map.h"
#include "transports/inprocess.h"
#include "transports/vfio_user.h"
#include "transports/vhost_user.h"
#include "transports/virtio_mmio.h"
#if VMSND_HAVE_SNDFILE
#include "backends/file.h"
#endif

static const void *const devices[] = {&vmsnd_virtio_snd_class, &vmsnd_ac97_class, NULL};
static const void *const backends[] = {
    &vmsnd_null_class,
    &vmsnd_loop_class,
#if VMSND_HAVE_SNDFILE
    &vmsnd_file_class,
#endif
    NULL,
};
static const void *const drivers[] = {&vmsnd_delay_class, &vmsnd_map_class, NULL};
static const void *const transports[] = {&vmsnd_vhost_user_class, &vmsnd_vfio_user_class,
					 &vmsnd_inprocess_class, &vmsnd_virtio_mmio_class, NULL};

const void *vmsnd_builtin(enum vmsnd_sort sort, size_t index)
{
	static const void *const *const all[VMSND_SORT_COUNT] = {
	    [VMSND_SORT_DEVICE] = devices,
	    [VMSND_SORT_BACKEND] = backends,
	    [VMSND_SORT_DRIVER] = drivers,
	    [VMSND_SORT_TRANSPORT] = transports,
	};

	for (size_t i = 0; i < index; i++)
		if (!all[sort][i])
			return NULL;
	return all[sort][index];
}
