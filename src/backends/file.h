/* SPDX-License-Identifier: BSD-3-Clause */
/* The host that is a file: what is played goes into sound files, capture comes from one. */
#ifndef VMSND_BACKENDS_FILE_H
#define VMSND_BACKENDS_FILE_H

#include "vmsnd/backend.h"

extern const struct vmsnd_backend_class vmsnd_file_class;

#endif
