/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control server answered, for people. */
#ifndef VMSND_CLI_CTL_SHOW_H
#define VMSND_CLI_CTL_SHOW_H

#include <jansson.h>

void vmsnd_ctl_show_mixers(const json_t *mixers);
/* {"version", "status", "cards": query-cards with "streams" in each} */
void vmsnd_ctl_show_status(const json_t *all);
void vmsnd_ctl_show_counters(const json_t *counters);
void vmsnd_ctl_show_host(const json_t *answer);
void vmsnd_ctl_show_devices(const json_t *devices);
void vmsnd_ctl_show_cards(const json_t *cards);
void vmsnd_ctl_show_jacks(const json_t *jacks);
void vmsnd_ctl_show_classes(const json_t *classes);
void vmsnd_ctl_show_modules(const json_t *modules);
void vmsnd_ctl_show_statistics(const json_t *tree);
void vmsnd_ctl_show_config(const json_t *tree);
/* What attach, card-add and save answer. */
void vmsnd_ctl_show_output(const json_t *answer);
void vmsnd_ctl_show_card(const json_t *answer);
void vmsnd_ctl_show_saved(const json_t *answer);
/* One line. */
void vmsnd_ctl_show_event(const json_t *event);
/* As it came, indented. */
void vmsnd_ctl_show_json(const json_t *value);

#endif
