/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that read YAML share. */
#ifndef VMSND_CONFIG_YAML_PARTS_H
#define VMSND_CONFIG_YAML_PARTS_H

#include <yaml.h>

#include "vmsnd/tree.h"

#define VMSND_YAML_BYTES_MAX (1024u * 1024u)

/* What is being read, and where its error goes. */
struct vmsnd_yaml_text {
	const char *name;
	const char *text;
	size_t bytes;
	struct vmsnd_error *error;
};

struct vmsnd_place vmsnd_yaml_place(const struct vmsnd_yaml_text *from, const yaml_mark_t *mark);
/* Why the parser stopped, as a line of ours. */
enum vmsnd_rc vmsnd_yaml_complain(const struct vmsnd_yaml_text *from, const yaml_parser_t *parser);

#endif
