/* SPDX-License-Identifier: BSD-3-Clause */
/* One record is checked against the shape of its sort (DM-02 .. DM-08, DM-13). */
#include "manager/records.h"

#include <stdio.h>
#include <string.h>

#include "manager/card.h"
#include "manager/output.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ABSENT       SIZE_MAX

struct callback {
	const char *name;
	size_t at;
};

/* Where a sort has what all have in common; ABSENT: it has not. */
struct shape {
	const char *sort;
	uint32_t abi, flags, kinds;
	size_t abi_end_at, name_at, summary_at, options_at;
	size_t flags_at, kind_at, instances_at, save_at, load_at;
	const struct callback *mandatory;           /* ends with a NULL name */
	const struct vmsnd_option *(*others)(void); /* options that every class of the sort has */
	const char *const *words; /* keys that a configuration needs for itself; NULL-terminated */
};

#define DEVICE(member)    #member, offsetof(struct vmsnd_dev_class, member)
#define VIRTIO(member)    #member, offsetof(struct vmsnd_virtio_ops, member)
#define PCI(member)       #member, offsetof(struct vmsnd_pci_ops, member)
#define BACKEND(member)   #member, offsetof(struct vmsnd_backend_class, member)
#define DRIVER(member)    #member, offsetof(struct vmsnd_driver_class, member)
#define TRANSPORT(member) #member, offsetof(struct vmsnd_transport_class, member)

static const struct callback device_callbacks[] = {
    {DEVICE(footprint)}, {DEVICE(init)},     {DEVICE(reset)},
    {DEVICE(advance)},   {DEVICE(counters)}, {NULL, 0},
};
static const struct callback virtio_callbacks[] = {
    {VIRTIO(features)},   {VIRTIO(set_features)}, {VIRTIO(config_read)}, {VIRTIO(queue_start)},
    {VIRTIO(queue_stop)}, {VIRTIO(queue_enable)}, {VIRTIO(kick)},        {NULL, 0},
};
static const struct callback pci_callbacks[] = {
    {PCI(bar)},
    {PCI(read)},
    {PCI(write)},
    {NULL, 0},
};
static const struct callback backend_callbacks[] = {
    {BACKEND(open)},
    {BACKEND(close)},
    {BACKEND(stream_open)},
    {BACKEND(stream_start)},
    {BACKEND(stream_stop)},
    {BACKEND(stream_close)},
    {NULL, 0},
};
static const struct callback driver_callbacks[] = {
    {DRIVER(footprint)},
    {DRIVER(init)},
    {DRIVER(process_rt)},
    {NULL, 0},
};
static const struct callback transport_callbacks[] = {
    {TRANSPORT(open)},
    {TRANSPORT(ready)},
    {TRANSPORT(close)},
    {NULL, 0},
};

static const char *const card_words[] = {"device",    "number",  "priority", "lane",
					 "transport", "outputs", NULL};
static const char *const output_words[] = {"backend", "drivers", NULL};
static const char *const driver_words[] = {"driver", NULL};

static const struct shape shapes[] = {
    [VMSND_SORT_DEVICE] =
	{
	    .sort = "device",
	    .abi = VMSND_DEV_ABI,
	    .flags = VMSND_DEV_FIRST_RESET | VMSND_DEV_FIRST_SUSPEND | VMSND_DEV_FIRST_POWER_OFF,
	    .kinds = VMSND_KIND_BUS | VMSND_KIND_INPUT | VMSND_KIND_AUDIO | VMSND_KIND_MISC,
	    .abi_end_at = offsetof(struct vmsnd_dev_class, abi_end),
	    .name_at = offsetof(struct vmsnd_dev_class, name),
	    .summary_at = offsetof(struct vmsnd_dev_class, summary),
	    .options_at = offsetof(struct vmsnd_dev_class, options),
	    .flags_at = offsetof(struct vmsnd_dev_class, flags),
	    .kind_at = offsetof(struct vmsnd_dev_class, kind),
	    .instances_at = offsetof(struct vmsnd_dev_class, max_instances),
	    .save_at = offsetof(struct vmsnd_dev_class, save),
	    .load_at = offsetof(struct vmsnd_dev_class, load),
	    .mandatory = device_callbacks,
	    .others = vmsnd_card_options,
	    .words = card_words,
	},
    [VMSND_SORT_BACKEND] =
	{
	    .sort = "backend",
	    .abi = VMSND_BACKEND_ABI,
	    .flags = VMSND_BACKEND_SLOW_OPEN | VMSND_BACKEND_SLOW_STREAM_OPEN |
		     VMSND_BACKEND_SLOW_STREAM_CLOSE | VMSND_BACKEND_SLOW_HINT |
		     VMSND_BACKEND_SLOW_DEVICES | VMSND_BACKEND_STREAM_NOTICES,
	    .abi_end_at = offsetof(struct vmsnd_backend_class, abi_end),
	    .name_at = offsetof(struct vmsnd_backend_class, name),
	    .summary_at = offsetof(struct vmsnd_backend_class, summary),
	    .options_at = offsetof(struct vmsnd_backend_class, options),
	    .flags_at = offsetof(struct vmsnd_backend_class, flags),
	    .kind_at = ABSENT,
	    .instances_at = ABSENT, /* 0: any number */
	    .save_at = ABSENT,
	    .load_at = ABSENT,
	    .mandatory = backend_callbacks,
	    .others = vmsnd_output_options,
	    .words = output_words,
	},
    [VMSND_SORT_DRIVER] =
	{
	    .sort = "driver",
	    .abi = VMSND_DRIVER_ABI,
	    .abi_end_at = offsetof(struct vmsnd_driver_class, abi_end),
	    .name_at = offsetof(struct vmsnd_driver_class, name),
	    .summary_at = offsetof(struct vmsnd_driver_class, summary),
	    .options_at = offsetof(struct vmsnd_driver_class, options),
	    .flags_at = ABSENT,
	    .kind_at = ABSENT,
	    .instances_at = offsetof(struct vmsnd_driver_class, max_instances),
	    .save_at = offsetof(struct vmsnd_driver_class, save),
	    .load_at = offsetof(struct vmsnd_driver_class, load),
	    .mandatory = driver_callbacks,
	    .words = driver_words,
	},
    [VMSND_SORT_TRANSPORT] =
	{
	    .sort = "transport",
	    .abi = VMSND_TRANSPORT_ABI,
	    .abi_end_at = offsetof(struct vmsnd_transport_class, abi_end),
	    .name_at = offsetof(struct vmsnd_transport_class, name),
	    .summary_at = offsetof(struct vmsnd_transport_class, summary),
	    .options_at = offsetof(struct vmsnd_transport_class, options),
	    .flags_at = ABSENT,
	    .kind_at = ABSENT,
	    .instances_at = ABSENT,
	    .save_at = offsetof(struct vmsnd_transport_class, save),
	    .load_at = offsetof(struct vmsnd_transport_class, load),
	    .mandatory = transport_callbacks,
	    .others = vmsnd_card_options,
	    .words = card_words,
	},
};
_Static_assert(COUNT(shapes) == VMSND_SORT_COUNT, "a shape for each sort");

const char *vmsnd_sort_name(enum vmsnd_sort sort)
{
	return shapes[sort].sort;
}

enum vmsnd_sort vmsnd_sort_of(const char *name)
{
	enum vmsnd_sort sort = VMSND_SORT_DEVICE;

	while (sort < VMSND_SORT_COUNT && strcmp(shapes[sort].sort, name) != 0)
		sort++;
	return sort;
}

const char *vmsnd_record_fault_text(enum vmsnd_record_fault fault)
{
	static const char *const texts[] = {
	    [VMSND_RECORD_FINE] = "nothing is wrong",
	    [VMSND_RECORD_VERSION] = "its record is of another version",
	    [VMSND_RECORD_VERSION_END] = "its record does not end where it should",
	    [VMSND_RECORD_NAME] = "its name is not one",
	    [VMSND_RECORD_SUMMARY] = "it has no summary",
	    [VMSND_RECORD_KIND] = "it is of no known kind",
	    [VMSND_RECORD_FLAGS] = "it has flags that mean nothing",
	    [VMSND_RECORD_INSTANCES] = "it allows no instances",
	    [VMSND_RECORD_CALLBACK] = "it lacks a mandatory function",
	    [VMSND_RECORD_PAIR] = "it has one of two functions that go together",
	    [VMSND_RECORD_OPTIONS] = "its table of options is wrong",
	    [VMSND_RECORD_DUPLICATE] = "there is one of this name already",
	    [VMSND_RECORD_MEMORY] = "there is no memory for it",
	    [VMSND_RECORD_BUS] = "it is not for one bus",
	};

	_Static_assert(COUNT(texts) == VMSND_RECORD_COUNT, "a text for each fault");
	return (unsigned)fault < COUNT(texts) ? texts[fault] : "it is wrong";
}

/* ---- fields by their place ---- */

static uint32_t word_at(const void *record, size_t at)
{
	uint32_t word;

	memcpy(&word, (const char *)record + at, sizeof(word));
	return word;
}

static const void *pointer_at(const void *record, size_t at)
{
	const void *pointer;

	memcpy(&pointer, (const char *)record + at, sizeof(pointer));
	return pointer;
}

static bool callback_at(const void *record, size_t at)
{
	void (*function)(void);

	memcpy(&function, (const char *)record + at, sizeof(function));
	return function != NULL;
}

const char *vmsnd_record_name(enum vmsnd_sort sort, const void *record)
{
	return pointer_at(record, shapes[sort].name_at);
}

const struct vmsnd_option *vmsnd_record_options(enum vmsnd_sort sort, const void *record)
{
	return pointer_at(record, shapes[sort].options_at);
}

/* ---- options ---- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* DM-04; the same for a key. Looks at no byte beyond the room for a name. */
static bool is_name(const char *name)
{
	size_t at = 0;

	if (!name || !is_letter(name[0]))
		return false;
	while (at < VMSND_CLASS_NAME_BYTES && name[at]) {
		char c = name[at++];

		if (!is_letter(c) && (c < '0' || c > '9') && c != '-' && c != '_')
			return false;
	}
	return at < VMSND_CLASS_NAME_BYTES;
}

static const char *find_key(const struct vmsnd_option *table, const char *key)
{
	for (; table && table->key; table++)
		if (strcmp(table->key, key) == 0)
			return table->key;
	return NULL;
}

static bool is_word(const char *const *words, const char *key)
{
	while (*words && strcmp(*words, key) != 0)
		words++;
	return *words != NULL;
}

const char *vmsnd_record_common_key(const struct vmsnd_option *a, const struct vmsnd_option *b)
{
	for (; a && a->key; a++)
		if (find_key(b, a->key))
			return a->key;
	return NULL;
}

size_t vmsnd_record_count_options(const struct vmsnd_option *table)
{
	size_t n = 0;

	while (table && table[n].key)
		n++;
	return n;
}

/* A default has to be what a user could have given. */
static bool default_fits(const struct vmsnd_option *row, char *text, size_t bytes)
{
	const struct vmsnd_option alone[] = {*row, {.key = NULL}};
	struct vmsnd_conf conf;
	char pair[VMSND_CLASS_NAME_BYTES + 256];
	int wanted;

	if (!row->value || row->type == VMSND_OPTION_TEXT)
		return true;
	wanted = snprintf(pair, sizeof(pair), "%s=%s", row->key, row->value);
	return wanted > 0 && (size_t)wanted < sizeof(pair) &&
	       vmsnd_conf_parse(&conf, alone, "default", pair, text, bytes) == VMSND_OK;
}

/* Limits of 0 and 0 are none, but for unsigned numbers, where they are what they say. */
static bool limits_cross(const struct vmsnd_option *row)
{
	switch (row->type) {
	case VMSND_OPTION_UINT:
		return row->minimum > row->maximum;
	case VMSND_OPTION_INT:
	case VMSND_OPTION_REAL:
		return (int64_t)row->minimum > (int64_t)row->maximum;
	case VMSND_OPTION_BYTES:
		return row->maximum != 0 && row->minimum > row->maximum;
	default:
		return false;
	}
}

/* What is wrong with a row of `table`, NULL: nothing. */
static const char *row_fault(const struct shape *shape, const struct vmsnd_option *table,
			     const struct vmsnd_option *row)
{
	if ((unsigned)row->type > VMSND_OPTION_BYTES)
		return "its type is none";
	if (!row->help || !*row->help)
		return "it has no help";
	if (limits_cross(row))
		return "its least value is above its greatest";
	for (; table < row; table++)
		if (strcmp(table->key, row->key) == 0)
			return "it is there twice";
	if (shape->others && find_key(shape->others(), row->key))
		return "every class of this sort has it already";
	if (is_word(shape->words, row->key))
		return "a configuration needs this word itself";
	return NULL;
}

static enum vmsnd_record_fault check_options(const struct shape *shape, const void *record,
					     struct vmsnd_record_detail *detail)
{
	const struct vmsnd_option *table = pointer_at(record, shape->options_at);
	char why[120];

	for (const struct vmsnd_option *row = table; row && row->key; row++) {
		const char *fault;

		if ((size_t)(row - table) >= VMSND_RECORD_OPTIONS_MAX) {
			snprintf(detail->text, sizeof(detail->text),
				 "more than %u rows, or no row without a key at its end",
				 VMSND_RECORD_OPTIONS_MAX);
			return VMSND_RECORD_OPTIONS;
		}
		if (!is_name(row->key)) {
			snprintf(detail->text, sizeof(detail->text), "row %zu: its key is not one",
				 (size_t)(row - table));
			return VMSND_RECORD_OPTIONS;
		}
		fault = row_fault(shape, table, row);
		if (!fault && !default_fits(row, why, sizeof(why)))
			fault = why;
		if (fault) {
			snprintf(detail->text, sizeof(detail->text), "%s: %s", row->key, fault);
			return VMSND_RECORD_OPTIONS;
		}
	}
	return VMSND_RECORD_FINE;
}

/* ---- the other checks, each of one thing ---- */

/* DM-02. Of a record of another version nothing else can be read, not even the name. */
static enum vmsnd_record_fault check_version(const struct shape *shape, const void *record,
					     struct vmsnd_record_detail *detail)
{
	uint32_t abi = word_at(record, 0);

	if (abi == shape->abi)
		return VMSND_RECORD_FINE;
	snprintf(detail->text, sizeof(detail->text),
		 "it has %u, this vmsnd takes %u; build it against this vmsnd's headers", abi,
		 shape->abi);
	return VMSND_RECORD_VERSION;
}

/* DM-03, for every sort. */
static enum vmsnd_record_fault check_version_end(const struct shape *shape, const void *record,
						 struct vmsnd_record_detail *detail)
{
	if (word_at(record, shape->abi_end_at) == shape->abi)
		return VMSND_RECORD_FINE;
	snprintf(detail->text, sizeof(detail->text),
		 "abi_end is not %u; build it against this vmsnd's headers", shape->abi);
	return VMSND_RECORD_VERSION_END;
}

static enum vmsnd_record_fault check_name(const struct shape *shape, const void *record,
					  struct vmsnd_record_detail *detail)
{
	const char *name = pointer_at(record, shape->name_at);

	if (!is_name(name)) {
		snprintf(detail->text, sizeof(detail->text),
			 "letters, digits, '-' and '_', the first a letter, at most %u",
			 VMSND_CLASS_NAME_BYTES - 1);
		return VMSND_RECORD_NAME;
	}
	snprintf(detail->name, sizeof(detail->name), "%s", name);
	return VMSND_RECORD_FINE;
}

static enum vmsnd_record_fault check_summary(const struct shape *shape, const void *record,
					     struct vmsnd_record_detail *detail)
{
	const char *summary = pointer_at(record, shape->summary_at);

	return summary && *summary ? VMSND_RECORD_FINE : VMSND_RECORD_SUMMARY;
}

/* DM-05 */
static enum vmsnd_record_fault check_kind(const struct shape *shape, const void *record,
					  struct vmsnd_record_detail *detail)
{
	uint32_t kind = shape->kind_at == ABSENT ? 0 : word_at(record, shape->kind_at);

	if (shape->kind_at == ABSENT || (kind != 0 && (kind & ~shape->kinds) == 0))
		return VMSND_RECORD_FINE;
	snprintf(detail->text, sizeof(detail->text), "its kind is 0x%x", kind);
	return VMSND_RECORD_KIND;
}

/* DM-13 */
static enum vmsnd_record_fault check_flags(const struct shape *shape, const void *record,
					   struct vmsnd_record_detail *detail)
{
	uint32_t flags = shape->flags_at == ABSENT ? 0 : word_at(record, shape->flags_at);

	if ((flags & ~shape->flags) == 0)
		return VMSND_RECORD_FINE;
	snprintf(detail->text, sizeof(detail->text), "0x%x", flags & ~shape->flags);
	return VMSND_RECORD_FLAGS;
}

/* DM-06 */
static enum vmsnd_record_fault check_instances(const struct shape *shape, const void *record,
					       struct vmsnd_record_detail *detail)
{
	if (shape->instances_at == ABSENT || word_at(record, shape->instances_at) > 0)
		return VMSND_RECORD_FINE;
	snprintf(detail->text, sizeof(detail->text), "max_instances is 0");
	return VMSND_RECORD_INSTANCES;
}

static const char *missing_callback(const struct callback *mandatory, const void *record)
{
	while (mandatory->name && callback_at(record, mandatory->at))
		mandatory++;
	return mandatory->name;
}

static const char *missing_of_bus(const struct vmsnd_dev_class *cls)
{
	if (cls->pci)
		return missing_callback(pci_callbacks, cls->pci);
	return cls->virtio ? missing_callback(virtio_callbacks, cls->virtio) : NULL;
}

static const char *device_bus_fault(const struct vmsnd_dev_class *cls)
{
	if (cls->virtio && cls->pci)
		return "it has both virtio and pci";
	return cls->virtio || cls->pci ? NULL : "it has neither virtio nor pci";
}

static const char *transport_bus_fault(const struct vmsnd_transport_class *cls)
{
	if (!cls->line != !cls->message)
		return cls->line ? "line without message" : "message without line";
	return cls->notify || cls->line ? NULL : "it has neither notify nor line and message";
}

/* A device is on one; a transport tells of the interrupts of one at least. */
static enum vmsnd_record_fault check_bus(const struct shape *shape, const void *record,
					 struct vmsnd_record_detail *detail)
{
	const char *fault = NULL;

	if (shape == &shapes[VMSND_SORT_DEVICE])
		fault = device_bus_fault(record);
	else if (shape == &shapes[VMSND_SORT_TRANSPORT])
		fault = transport_bus_fault(record);
	if (!fault)
		return VMSND_RECORD_FINE;
	snprintf(detail->text, sizeof(detail->text), "%s", fault);
	return VMSND_RECORD_BUS;
}

/* More than a configuration could ask for would be no default. */
static enum vmsnd_record_fault check_streams(const struct shape *shape, const void *record,
					     struct vmsnd_record_detail *detail)
{
	const struct vmsnd_dev_class *cls = record;

	if (shape != &shapes[VMSND_SORT_DEVICE] ||
	    (cls->usual_streams[VMSND_PLAYBACK] <= VMSND_CARD_STREAMS_MAX &&
	     cls->usual_streams[VMSND_CAPTURE] <= VMSND_CARD_STREAMS_MAX))
		return VMSND_RECORD_FINE;
	snprintf(detail->text, sizeof(detail->text), "usual_streams has more than %u",
		 VMSND_CARD_STREAMS_MAX);
	return VMSND_RECORD_OPTIONS;
}

/* DM-08 */
static enum vmsnd_record_fault check_callbacks(const struct shape *shape, const void *record,
					       struct vmsnd_record_detail *detail)
{
	const char *missing = missing_callback(shape->mandatory, record);

	if (!missing && shape == &shapes[VMSND_SORT_DEVICE])
		missing = missing_of_bus(record);
	if (!missing)
		return VMSND_RECORD_FINE;
	snprintf(detail->text, sizeof(detail->text), "%s", missing);
	return VMSND_RECORD_CALLBACK;
}

static enum vmsnd_record_fault check_pairs(const struct shape *shape, const void *record,
					   struct vmsnd_record_detail *detail)
{
	bool save = shape->save_at != ABSENT && callback_at(record, shape->save_at);
	bool load = shape->load_at != ABSENT && callback_at(record, shape->load_at);

	if (save == load)
		return VMSND_RECORD_FINE;
	snprintf(detail->text, sizeof(detail->text),
		 save ? "save without load" : "load without save");
	return VMSND_RECORD_PAIR;
}

enum vmsnd_record_fault vmsnd_record_check(enum vmsnd_sort sort, const void *record,
					   struct vmsnd_record_detail *detail)
{
	static enum vmsnd_record_fault (*const checks[])(const struct shape *, const void *,
							 struct vmsnd_record_detail *) = {
	    check_version, check_version_end, check_name,      check_summary,
	    check_kind,    check_flags,       check_instances, check_callbacks,
	    check_bus,     check_pairs,       check_streams,   check_options};

	*detail = (struct vmsnd_record_detail){.name = ""};
	if (!record) {
		snprintf(detail->text, sizeof(detail->text), "there is no record at all");
		return VMSND_RECORD_VERSION;
	}
	for (size_t i = 0; i < COUNT(checks); i++) {
		enum vmsnd_record_fault fault = checks[i](&shapes[sort], record, detail);

		if (fault)
			return fault;
	}
	return VMSND_RECORD_FINE;
}
