/* SPDX-License-Identifier: BSD-3-Clause */
/* Records and the registry, row by row: DM-01 .. DM-08, DM-12 .. DM-14, DM-20, DM-21. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "idle.h"
#include "vmsnd/module.h"

static char last_line[512];
static enum vmsnd_log_level last_level;

static void keep_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	last_level = level;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static const struct vmsnd_log keeper = {.write = keep_line};

/* A function for every place: none is ever called. */
static void never(void)
{
	fail();
}

static void fill(void *record, size_t from, size_t to)
{
	void (*const function)(void) = never;

	for (size_t at = from; at < to; at += sizeof(function))
		memcpy((char *)record + at, &function, sizeof(function));
}

static struct vmsnd_dev_class device(void)
{
	struct vmsnd_dev_class cls = {.abi = VMSND_DEV_ABI,
				      .kind = VMSND_KIND_AUDIO,
				      .max_instances = 1,
				      .name = "toy",
				      .summary = "a toy",
				      .virtio = &idle_virtio,
				      .abi_end = VMSND_DEV_ABI};

	fill(&cls, offsetof(struct vmsnd_dev_class, footprint),
	     offsetof(struct vmsnd_dev_class, fini));
	return cls;
}

static struct vmsnd_backend_class backend(void)
{
	struct vmsnd_backend_class cls = {.abi = VMSND_BACKEND_ABI,
					  .name = "toy",
					  .summary = "a toy",
					  .abi_end = VMSND_BACKEND_ABI};

	fill(&cls, offsetof(struct vmsnd_backend_class, open),
	     offsetof(struct vmsnd_backend_class, advance));
	return cls;
}

static struct vmsnd_driver_class driver(void)
{
	struct vmsnd_driver_class cls = {.abi = VMSND_DRIVER_ABI,
					 .name = "toy",
					 .summary = "a toy",
					 .max_instances = 1,
					 .abi_end = VMSND_DRIVER_ABI};

	fill(&cls, offsetof(struct vmsnd_driver_class, footprint),
	     offsetof(struct vmsnd_driver_class, fini));
	return cls;
}

static struct vmsnd_transport_class transport(void)
{
	struct vmsnd_transport_class cls = {.abi = VMSND_TRANSPORT_ABI,
					    .name = "toy",
					    .summary = "a toy",
					    .abi_end = VMSND_TRANSPORT_ABI};

	fill(&cls, offsetof(struct vmsnd_transport_class, open),
	     offsetof(struct vmsnd_transport_class, guest_bus));
	return cls;
}

static struct vmsnd_registry *registry;

static int set_up(void **state)
{
	const struct vmsnd_registry_conf conf = {.log = &keeper, .bare = true};

	last_line[0] = '\0';
	return vmsnd_registry_open(&conf, &registry);
}

static int tear_down(void **state)
{
	vmsnd_registry_close(registry);
	return 0;
}

/* A refused record is not there, and the log has this line about it. */
static void expect_refused(enum vmsnd_record_fault got, enum vmsnd_record_fault expected,
			   const char *line)
{
	assert_int_equal(got, expected);
	assert_string_equal(last_line, line);
	assert_int_equal(last_level, VMSND_LOG_ERROR);
	assert_null(vmsnd_registry_device(registry, 0));
	assert_null(vmsnd_registry_backend(registry, 0));
	assert_null(vmsnd_registry_driver(registry, 0));
	assert_null(vmsnd_registry_transport(registry, 0));
	last_line[0] = '\0';
}

static void test_whole_records_are_taken(void **state)
{
	const struct vmsnd_dev_class dev = device();
	const struct vmsnd_backend_class host = backend();
	const struct vmsnd_driver_class insert = driver();
	const struct vmsnd_transport_class bus = transport();

	assert_int_equal(vmsnd_registry_add_device(registry, &dev), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_backend(registry, &host), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_driver(registry, &insert), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_transport(registry, &bus), VMSND_RECORD_FINE);
	assert_string_equal(last_line, "");
	assert_ptr_equal(vmsnd_registry_find_device(registry, "toy"), &dev);
	assert_ptr_equal(vmsnd_registry_find_backend(registry, "toy"), &host);
	assert_ptr_equal(vmsnd_registry_find_driver(registry, "toy"), &insert);
	assert_ptr_equal(vmsnd_registry_find_transport(registry, "toy"), &bus);
}

/* Referenced, not copied; first in, first listed. */
static void test_DM01_records_keep_their_order_and_place(void **state)
{
	static const char *const names[] = {"zebra", "ant", "mouse", "Ant"};
	struct vmsnd_backend_class cls[4];

	for (size_t i = 0; i < 4; i++) {
		cls[i] = backend();
		cls[i].name = names[i];
		assert_int_equal(vmsnd_registry_add_backend(registry, &cls[i]), VMSND_RECORD_FINE);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_ptr_equal(vmsnd_registry_backend(registry, i), &cls[i]);
		assert_ptr_equal(vmsnd_registry_find_backend(registry, names[i]), &cls[i]);
	}
	assert_null(vmsnd_registry_backend(registry, 4));
	assert_null(vmsnd_registry_backend(registry, SIZE_MAX));
	assert_null(vmsnd_registry_find_backend(registry, "an"));
	assert_null(vmsnd_registry_find_backend(registry, ""));
}

static void expect_other(enum vmsnd_record_fault got, const char *sort, unsigned has,
			 unsigned takes)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "a %s is not taken: its record is of another version: it has %u, this vmsnd takes "
		 "%u; build it against this vmsnd's headers",
		 sort, has, takes);
	expect_refused(got, VMSND_RECORD_VERSION, line);
}

static void expect_other_end(enum vmsnd_record_fault got, const char *sort, unsigned takes)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "a %s is not taken: its record does not end where it should: abi_end is not %u; "
		 "build it against this vmsnd's headers",
		 sort, takes);
	expect_refused(got, VMSND_RECORD_VERSION_END, line);
}

static void test_DM02_another_version_is_refused(void **state)
{
	struct vmsnd_dev_class dev = device();
	struct vmsnd_backend_class host = backend();
	struct vmsnd_driver_class insert = driver();
	struct vmsnd_transport_class bus = transport();

	dev.abi = VMSND_DEV_ABI + 1;
	host.abi = 1;
	insert.abi = 0;
	bus.abi = 99;
	/* Nothing else of it is read: its name may be anywhere. */
	host.name = (const char *)1;
	expect_other(vmsnd_registry_add_device(registry, &dev), "device", dev.abi, VMSND_DEV_ABI);
	expect_other(vmsnd_registry_add_backend(registry, &host), "backend", host.abi,
		     VMSND_BACKEND_ABI);
	expect_other(vmsnd_registry_add_driver(registry, &insert), "driver", insert.abi,
		     VMSND_DRIVER_ABI);
	expect_other(vmsnd_registry_add_transport(registry, &bus), "transport", bus.abi,
		     VMSND_TRANSPORT_ABI);
	expect_refused(vmsnd_registry_add_transport(registry, NULL), VMSND_RECORD_VERSION,
		       "a transport is not taken: its record is of another version: there is no "
		       "record at all");
}

/* The reference refuses drivers only. */
static void test_DM03_another_end_is_refused_for_every_sort(void **state)
{
	struct vmsnd_dev_class dev = device();
	struct vmsnd_backend_class host = backend();
	struct vmsnd_driver_class insert = driver();
	struct vmsnd_transport_class bus = transport();

	dev.abi_end = host.abi_end = insert.abi_end = bus.abi_end = 0;
	expect_other_end(vmsnd_registry_add_device(registry, &dev), "device", VMSND_DEV_ABI);
	expect_other_end(vmsnd_registry_add_backend(registry, &host), "backend", VMSND_BACKEND_ABI);
	expect_other_end(vmsnd_registry_add_driver(registry, &insert), "driver", VMSND_DRIVER_ABI);
	expect_other_end(vmsnd_registry_add_transport(registry, &bus), "transport",
			 VMSND_TRANSPORT_ABI);
}

static void test_DM04_names(void **state)
{
	static const char *const bad[] = {NULL,
					  "",
					  "1st",
					  "-a",
					  "a b",
					  "a,b=",
					  "a/b",
					  "caf\xc3",
					  "a\nb",
					  "_a",
					  "a.b",
					  "a%s",
					  "abcdefghijklmnopqrstuvwxyz012345"};
	struct vmsnd_driver_class cls = driver();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cls.name = bad[i];
		expect_refused(vmsnd_registry_add_driver(registry, &cls), VMSND_RECORD_NAME,
			       "a driver is not taken: its name is not one: letters, digits, '-' "
			       "and '_', the first a letter, at most 31");
	}
	cls.name = "Abcdefghijklmnopqrstuvwxyz-_012";
	assert_int_equal(strlen(cls.name), 31);
	assert_int_equal(vmsnd_registry_add_driver(registry, &cls), VMSND_RECORD_FINE);
}

static void test_DM05_a_device_has_a_kind(void **state)
{
	struct vmsnd_dev_class cls = device();

	cls.kind = 0;
	expect_refused(vmsnd_registry_add_device(registry, &cls), VMSND_RECORD_KIND,
		       "device 'toy' is not taken: it is of no known kind: its kind is 0x0");
	cls.kind = VMSND_KIND_AUDIO | 1u;
	expect_refused(vmsnd_registry_add_device(registry, &cls), VMSND_RECORD_KIND,
		       "device 'toy' is not taken: it is of no known kind: its kind is 0x2001");
	cls.kind = VMSND_KIND_AUDIO | VMSND_KIND_MISC;
	assert_int_equal(vmsnd_registry_add_device(registry, &cls), VMSND_RECORD_FINE);
}

/* 0 means any number for a backend. */
static void test_DM06_some_instances_are_allowed(void **state)
{
	struct vmsnd_dev_class dev = device();
	struct vmsnd_driver_class insert = driver();
	struct vmsnd_backend_class host = backend();

	dev.max_instances = insert.max_instances = host.max_instances = 0;
	expect_refused(vmsnd_registry_add_device(registry, &dev), VMSND_RECORD_INSTANCES,
		       "device 'toy' is not taken: it allows no instances: max_instances is 0");
	expect_refused(vmsnd_registry_add_driver(registry, &insert), VMSND_RECORD_INSTANCES,
		       "driver 'toy' is not taken: it allows no instances: max_instances is 0");
	assert_int_equal(vmsnd_registry_add_backend(registry, &host), VMSND_RECORD_FINE);
}

/* Takes each function away in turn; `names` in the order of the record. */
static void each_missing(void *record, size_t from, const char *const *names, size_t n,
			 enum vmsnd_record_fault (*add)(const void *), const char *sort)
{
	for (size_t i = 0; i < n; i++) {
		char *at = (char *)record + from + i * sizeof(void (*)(void));
		char line[160];

		memset(at, 0, sizeof(void (*)(void)));
		snprintf(line, sizeof(line),
			 "%s 'toy' is not taken: it lacks a mandatory function: %s", sort,
			 names[i]);
		expect_refused(add(record), VMSND_RECORD_CALLBACK, line);
		fill(record, from + i * sizeof(void (*)(void)),
		     from + (i + 1) * sizeof(void (*)(void)));
	}
	assert_int_equal(add(record), VMSND_RECORD_FINE);
}

static enum vmsnd_record_fault add_device(const void *record)
{
	return vmsnd_registry_add_device(registry, record);
}

static enum vmsnd_record_fault add_backend(const void *record)
{
	return vmsnd_registry_add_backend(registry, record);
}

static enum vmsnd_record_fault add_driver(const void *record)
{
	return vmsnd_registry_add_driver(registry, record);
}

static enum vmsnd_record_fault add_transport(const void *record)
{
	return vmsnd_registry_add_transport(registry, record);
}

static void test_DM08_devices_lack_no_function(void **state)
{
	static const char *const names[] = {"footprint", "init", "reset", "advance", "counters"};
	struct vmsnd_dev_class cls = device();

	each_missing(&cls, offsetof(struct vmsnd_dev_class, footprint), names, 5, add_device,
		     "device");
}

/* `ops` are those of its bus, without a function from `from` on; fills one after the other. */
static void each_missing_of_bus(struct vmsnd_dev_class *cls, void *ops, size_t from,
				const char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		char line[160];

		snprintf(line, sizeof(line),
			 "device 'toy' is not taken: it lacks a mandatory function: %s", names[i]);
		expect_refused(add_device(cls), VMSND_RECORD_CALLBACK, line);
		fill(ops, from, from + (i + 1) * sizeof(void (*)(void)));
	}
	assert_int_equal(add_device(cls), VMSND_RECORD_FINE);
}

static void test_DM08_virtio_devices_lack_no_function(void **state)
{
	static const char *const names[] = {
	    "features",   "set_features", "config_read", "queue_start",
	    "queue_stop", "queue_enable", "kick",        NULL};
	struct vmsnd_virtio_ops ops = {.device_id = 25, .n_queues = 4};
	struct vmsnd_dev_class cls = device();

	cls.virtio = &ops;
	each_missing_of_bus(&cls, &ops, offsetof(struct vmsnd_virtio_ops, features), names);
}

static void test_DM08_pci_devices_lack_no_function(void **state)
{
	static const char *const names[] = {"bar", "read", "write", NULL};
	struct vmsnd_pci_ops ops = {.bar = NULL};
	struct vmsnd_dev_class cls = device();

	cls.virtio = NULL;
	cls.pci = &ops;
	each_missing_of_bus(&cls, &ops, offsetof(struct vmsnd_pci_ops, bar), names);
}

static void test_DM08_backends_lack_no_function(void **state)
{
	static const char *const names[] = {"open",         "close",       "stream_open",
					    "stream_start", "stream_stop", "stream_close"};
	struct vmsnd_backend_class cls = backend();

	each_missing(&cls, offsetof(struct vmsnd_backend_class, open), names, 6, add_backend,
		     "backend");
}

static void test_DM08_drivers_lack_no_function(void **state)
{
	static const char *const names[] = {"footprint", "init", "process_rt"};
	struct vmsnd_driver_class cls = driver();

	each_missing(&cls, offsetof(struct vmsnd_driver_class, footprint), names, 3, add_driver,
		     "driver");
}

static void test_DM08_transports_lack_no_function(void **state)
{
	static const char *const first[] = {"open", "ready"};
	struct vmsnd_transport_class cls = transport();

	each_missing(&cls, offsetof(struct vmsnd_transport_class, open), first, 2, add_transport,
		     "transport");
	cls.close = NULL;
	assert_int_equal(add_transport(&cls), VMSND_RECORD_CALLBACK);
}

/* Virtio cards interrupt by one function, PCI cards by two; a transport has those of one bus, or of
 * both. */
static void test_DM08_a_transport_is_for_one_bus_at_least(void **state)
{
	struct vmsnd_transport_class cls = transport();
	size_t line = offsetof(struct vmsnd_transport_class, line);
	size_t message = offsetof(struct vmsnd_transport_class, message);

	fill(&cls, line, message);
	expect_refused(vmsnd_registry_add_transport(registry, &cls), VMSND_RECORD_BUS,
		       "transport 'toy' is not taken: it is not for one bus: line without message");
	cls.notify = NULL;
	cls.line = NULL;
	expect_refused(vmsnd_registry_add_transport(registry, &cls), VMSND_RECORD_BUS,
		       "transport 'toy' is not taken: it is not for one bus: it has neither notify "
		       "nor line and message");
	fill(&cls, message, offsetof(struct vmsnd_transport_class, advance));
	expect_refused(vmsnd_registry_add_transport(registry, &cls), VMSND_RECORD_BUS,
		       "transport 'toy' is not taken: it is not for one bus: message without line");
	fill(&cls, line, message);
	assert_int_equal(vmsnd_registry_add_transport(registry, &cls), VMSND_RECORD_FINE);
}

static void test_DM08_everyone_says_what_it_is(void **state)
{
	struct vmsnd_backend_class cls = backend();

	cls.summary = NULL;
	expect_refused(vmsnd_registry_add_backend(registry, &cls), VMSND_RECORD_SUMMARY,
		       "backend 'toy' is not taken: it has no summary");
	cls.summary = "";
	expect_refused(vmsnd_registry_add_backend(registry, &cls), VMSND_RECORD_SUMMARY,
		       "backend 'toy' is not taken: it has no summary");
}

static void test_save_and_load_go_together(void **state)
{
	struct vmsnd_dev_class dev = device();
	struct vmsnd_driver_class insert = driver();
	struct vmsnd_transport_class bus = transport();

	fill(&dev, offsetof(struct vmsnd_dev_class, save), offsetof(struct vmsnd_dev_class, load));
	expect_refused(vmsnd_registry_add_device(registry, &dev), VMSND_RECORD_PAIR,
		       "device 'toy' is not taken: it has one of two functions that go together: "
		       "save without load");
	fill(&insert, offsetof(struct vmsnd_driver_class, load),
	     offsetof(struct vmsnd_driver_class, abi_end));
	expect_refused(vmsnd_registry_add_driver(registry, &insert), VMSND_RECORD_PAIR,
		       "driver 'toy' is not taken: it has one of two functions that go together: "
		       "load without save");
	fill(&bus, offsetof(struct vmsnd_transport_class, save),
	     offsetof(struct vmsnd_transport_class, load));
	expect_refused(vmsnd_registry_add_transport(registry, &bus), VMSND_RECORD_PAIR,
		       "transport 'toy' is not taken: it has one of two functions that go "
		       "together: save without load");
	fill(&bus, offsetof(struct vmsnd_transport_class, load),
	     offsetof(struct vmsnd_transport_class, go_on));
	assert_int_equal(vmsnd_registry_add_transport(registry, &bus), VMSND_RECORD_FINE);
}

static void test_DM12_a_name_is_taken_once_for_each_sort(void **state)
{
	struct vmsnd_backend_class first = backend(), second = backend();
	struct vmsnd_driver_class other = driver();

	assert_int_equal(vmsnd_registry_add_backend(registry, &first), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_backend(registry, &second), VMSND_RECORD_DUPLICATE);
	assert_string_equal(last_line,
			    "backend 'toy' is not taken: there is one of this name already");
	assert_ptr_equal(vmsnd_registry_find_backend(registry, "toy"), &first);
	assert_null(vmsnd_registry_backend(registry, 1));
	assert_int_equal(vmsnd_registry_add_driver(registry, &other), VMSND_RECORD_FINE);
}

static void test_DM12_many_classes(void **state)
{
	enum { N = 800 };
	static struct vmsnd_driver_class cls[N];
	static char names[N][16];

	for (size_t i = 0; i < N; i++) {
		cls[i] = driver();
		snprintf(names[i], sizeof(names[i]), "d%zu", (i * 7919) % N);
		cls[i].name = names[i];
		assert_int_equal(vmsnd_registry_add_driver(registry, &cls[i]), VMSND_RECORD_FINE);
	}
	for (size_t i = 0; i < N; i++) {
		assert_ptr_equal(vmsnd_registry_find_driver(registry, names[i]), &cls[i]);
		assert_ptr_equal(vmsnd_registry_driver(registry, i), &cls[i]);
		assert_int_equal(vmsnd_registry_add_driver(registry, &cls[i]),
				 VMSND_RECORD_DUPLICATE);
	}
}

static void test_DM13_unknown_flags_are_refused(void **state)
{
	struct vmsnd_dev_class dev = device();
	struct vmsnd_backend_class host = backend();

	dev.flags = VMSND_DEV_FIRST_RESET | 8u;
	host.flags = VMSND_BACKEND_SLOW_OPEN | 0x80000000u;
	expect_refused(vmsnd_registry_add_device(registry, &dev), VMSND_RECORD_FLAGS,
		       "device 'toy' is not taken: it has flags that mean nothing: 0x8");
	expect_refused(vmsnd_registry_add_backend(registry, &host), VMSND_RECORD_FLAGS,
		       "backend 'toy' is not taken: it has flags that mean nothing: 0x80000000");
	dev.flags = VMSND_DEV_FIRST_RESET | VMSND_DEV_FIRST_SUSPEND | VMSND_DEV_FIRST_POWER_OFF;
	assert_int_equal(vmsnd_registry_add_device(registry, &dev), VMSND_RECORD_FINE);
}

#define ROW(...)                                                                                   \
	(const struct vmsnd_option[])                                                              \
	{                                                                                          \
		{__VA_ARGS__},                                                                     \
		{                                                                                  \
			.key = NULL                                                                \
		}                                                                                  \
	}

static void test_options_that_make_no_sense_are_refused(void **state)
{
	static const char before[] = "backend 'toy' is not taken: its table of options is wrong: ";
	const struct {
		const struct vmsnd_option *table;
		const char *detail;
	} rows[] = {
	    {ROW("", VMSND_OPTION_TEXT, NULL, "h", 0, 0), "row 0: its key is not one"},
	    {ROW("a=b", VMSND_OPTION_TEXT, NULL, "h", 0, 0), "row 0: its key is not one"},
	    {ROW("path", (enum vmsnd_option_type)7, NULL, "h", 0, 0), "path: its type is none"},
	    {ROW("path", VMSND_OPTION_TEXT, NULL, NULL, 0, 0), "path: it has no help"},
	    {ROW("n", VMSND_OPTION_UINT, NULL, "h", 2, 1),
	     "n: its least value is above its greatest"},
	    {ROW("n", VMSND_OPTION_UINT, "3", "h", 1, 2),
	     "n: default: n=3 is not a number from 1 to 2"},
	    {ROW("on", VMSND_OPTION_BOOL, "perhaps", "h", 0, 0),
	     "on: default: on=perhaps is neither on nor off"},
	    {ROW("volume", VMSND_OPTION_TEXT, NULL, "h", 0, 0),
	     "volume: every class of this sort has it already"},
	    {ROW("drivers", VMSND_OPTION_TEXT, NULL, "h", 0, 0),
	     "drivers: a configuration needs this word itself"},
	    {(const struct vmsnd_option[]){{"a", VMSND_OPTION_TEXT, NULL, "h", 0, 0},
					   {"b", VMSND_OPTION_TEXT, NULL, "h", 0, 0},
					   {"a", VMSND_OPTION_UINT, NULL, "h", 0, 1},
					   {.key = NULL}},
	     "a: it is there twice"},
	};
	struct vmsnd_backend_class cls = backend();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[300];

		cls.options = rows[i].table;
		snprintf(line, sizeof(line), "%s%s", before, rows[i].detail);
		expect_refused(vmsnd_registry_add_backend(registry, &cls), VMSND_RECORD_OPTIONS,
			       line);
	}
}

/* Whoever forgot the row at the end is told so, as far as that can be known. */
static void test_a_table_of_options_ends(void **state)
{
	static struct vmsnd_option table[80];
	static char keys[80][8];
	struct vmsnd_backend_class cls = backend();

	for (size_t i = 0; i < 79; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		table[i] = (struct vmsnd_option){keys[i], VMSND_OPTION_TEXT, NULL, "h", 0, 0};
	}
	cls.options = table;
	expect_refused(vmsnd_registry_add_backend(registry, &cls), VMSND_RECORD_OPTIONS,
		       "backend 'toy' is not taken: its table of options is wrong: more than 64 "
		       "rows, or no row without a key at its end");
	table[64].key = NULL;
	assert_int_equal(vmsnd_registry_add_backend(registry, &cls), VMSND_RECORD_FINE);
}

/* They are read from one text. */
static void test_options_of_a_device_and_a_transport_differ(void **state)
{
	struct vmsnd_dev_class dev = device();
	struct vmsnd_transport_class bus = transport();

	dev.options = ROW("jack", VMSND_OPTION_TEXT, NULL, "h", 0, 0);
	bus.options = ROW("jack", VMSND_OPTION_TEXT, NULL, "h", 0, 0);
	bus.name = "wire";
	assert_int_equal(vmsnd_registry_add_device(registry, &dev), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_transport(registry, &bus), VMSND_RECORD_OPTIONS);
	assert_string_equal(last_line, "transport 'wire' is not taken: its table of options is "
				       "wrong: jack: the device 'toy' has it, too");
	dev.options = ROW("capture", VMSND_OPTION_TEXT, NULL, "h", 0, 0);
	dev.name = "other";
	assert_int_equal(vmsnd_registry_add_device(registry, &dev), VMSND_RECORD_OPTIONS);
}

/* DM-14: a program adds its own, of every sort, beside those of the library. */
static void test_DM14_DM20_own_classes_come_after_the_built_in_ones(void **state)
{
	const struct vmsnd_dev_class dev = device();
	const struct vmsnd_backend_class host = backend();
	struct vmsnd_registry *full;
	size_t n = 0;

	assert_int_equal(vmsnd_registry_open(NULL, &full), VMSND_OK);
	while (vmsnd_registry_device(full, n)) {
		assert_ptr_equal(vmsnd_registry_device(full, n), vmsnd_registry_device(NULL, n));
		n++;
	}
	assert_true(n > 0);
	assert_int_equal(vmsnd_registry_add_device(full, &dev), VMSND_RECORD_FINE);
	assert_ptr_equal(vmsnd_registry_device(full, n), &dev);
	assert_int_equal(vmsnd_registry_add_backend(full, &host), VMSND_RECORD_FINE);
	assert_ptr_equal(vmsnd_registry_find_backend(full, "toy"), &host);
	assert_null(vmsnd_registry_find_backend(NULL, "toy"));
	assert_non_null(vmsnd_registry_find_transport(full, "vhost-user"));
	vmsnd_registry_close(full);
}

/* Every record of the library passes the checks that others meet: open would fail. */
static void test_DM21_a_registry_can_be_without_the_built_in_ones(void **state)
{
	struct vmsnd_registry *full;

	assert_null(vmsnd_registry_device(registry, 0));
	assert_null(vmsnd_registry_find_backend(registry, "null"));
	assert_int_equal(vmsnd_registry_open(NULL, &full), VMSND_OK);
	assert_non_null(vmsnd_registry_find_device(full, "virtio-snd"));
	assert_non_null(vmsnd_registry_find_backend(full, "null"));
	vmsnd_registry_close(full);
	vmsnd_registry_close(NULL);
}

static void test_without_a_registry_the_library_answers(void **state)
{
	assert_string_equal(vmsnd_registry_find_device(NULL, "virtio-snd")->name, "virtio-snd");
	assert_string_equal(vmsnd_registry_backend(NULL, 0)->name, "null");
	assert_null(vmsnd_registry_backend(NULL, 1000));
	assert_null(vmsnd_registry_find_transport(NULL, "toy"));
}

static void test_a_slip_finds_the_name_that_was_meant(void **state)
{
	struct vmsnd_driver_class cls = driver();

	assert_string_equal(vmsnd_registry_near(NULL, "device", "virtio-sdn"), "virtio-snd");
	assert_string_equal(vmsnd_registry_near(NULL, "transport", "vhost_user"), "vhost-user");
	assert_null(vmsnd_registry_near(NULL, "backend", "gramophone"));
	assert_null(vmsnd_registry_near(NULL, "sort", "null"));
	assert_null(vmsnd_registry_near(registry, "backend", "nul"));
	assert_int_equal(vmsnd_registry_add_driver(registry, &cls), VMSND_RECORD_FINE);
	assert_string_equal(vmsnd_registry_near(registry, "driver", "tyo"), "toy");
}

static void test_every_fault_has_a_text_of_its_own(void **state)
{
	for (int a = 0; a < VMSND_RECORD_COUNT; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
			    vmsnd_record_fault_text((enum vmsnd_record_fault)a),
			    vmsnd_record_fault_text((enum vmsnd_record_fault)b));
	assert_non_null(vmsnd_record_fault_text((enum vmsnd_record_fault)1000));
	assert_non_null(vmsnd_record_fault_text((enum vmsnd_record_fault) - 1));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_whole_records_are_taken),
	    TEST(test_DM01_records_keep_their_order_and_place),
	    TEST(test_DM02_another_version_is_refused),
	    TEST(test_DM03_another_end_is_refused_for_every_sort),
	    TEST(test_DM04_names),
	    TEST(test_DM05_a_device_has_a_kind),
	    TEST(test_DM06_some_instances_are_allowed),
	    TEST(test_DM08_devices_lack_no_function),
	    TEST(test_DM08_virtio_devices_lack_no_function),
	    TEST(test_DM08_pci_devices_lack_no_function),
	    TEST(test_DM08_backends_lack_no_function),
	    TEST(test_DM08_drivers_lack_no_function),
	    TEST(test_DM08_transports_lack_no_function),
	    TEST(test_DM08_a_transport_is_for_one_bus_at_least),
	    TEST(test_DM08_everyone_says_what_it_is),
	    TEST(test_save_and_load_go_together),
	    TEST(test_DM12_a_name_is_taken_once_for_each_sort),
	    TEST(test_DM12_many_classes),
	    TEST(test_DM13_unknown_flags_are_refused),
	    TEST(test_options_that_make_no_sense_are_refused),
	    TEST(test_a_table_of_options_ends),
	    TEST(test_options_of_a_device_and_a_transport_differ),
	    TEST(test_DM14_DM20_own_classes_come_after_the_built_in_ones),
	    TEST(test_DM21_a_registry_can_be_without_the_built_in_ones),
	    TEST(test_without_a_registry_the_library_answers),
	    TEST(test_a_slip_finds_the_name_that_was_meant),
	    TEST(test_every_fault_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
