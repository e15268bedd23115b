/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMSND_CONFIG_YAML_H
#define VMSND_CONFIG_YAML_H

#include "vmsnd/tree.h"

/* vmsnd_yaml_parse without its limit, for texts of our own that somebody else has bounded. */
enum vmsnd_rc vmsnd_yaml_parse_long(const char *name, const char *text, size_t bytes,
				    struct vmsnd_node **out, struct vmsnd_error *error);

#endif
