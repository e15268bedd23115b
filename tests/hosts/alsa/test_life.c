/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to cards: they run dry, sleep, are pulled and come back, and belong to others. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends/alsa/alsa.h"
#include "bench.h"

#define LIMIT_MS 20000

static const struct vmsnd_format usual = {
    .sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2};

static void wait_above(const _Atomic uint64_t *figure, uint64_t value)
{
	uint64_t end = bench_ms() + LIMIT_MS;

	while (*figure <= value && bench_ms() < end)
		bench_nap();
	assert_true(*figure > value);
}

/* Returns how long it took. */
static uint64_t wait_count(const _Atomic unsigned *figure, unsigned value)
{
	uint64_t from = bench_ms();

	while (*figure < value && bench_ms() < from + LIMIT_MS)
		bench_nap();
	assert_true(*figure >= value);
	return bench_ms() - from;
}

static void begin(struct bench *bench, struct user *user, enum vmsnd_dir dir, const char *options)
{
	assert_int_equal(bench_open(bench, options), VMSND_OK);
	assert_int_equal(user_open(bench, user, dir, usual, 480), VMSND_OK);
	user_start(user);
	wait_above(&user->frames, 12000);
}

static struct vmsnd_stream_place place_of(const struct user *user)
{
	struct vmsnd_stream_place place;

	vmsnd_alsa_class.stream_place(user->stream, &place);
	return place;
}

/* ---- faults that pass ---- */

static void one_fault(struct bench *bench, enum vmsnd_dir dir, const char *options,
		      enum testloop_fault fault)
{
	struct user user = {.stream = NULL};
	struct heard heard;

	bench->card->played = bench->card->recorded = 0;
	begin(bench, &user, dir, options);
	for (unsigned i = 0; i < 3; i++) {
		bench->card->fault[dir] = fault;
		wait_above(&user.gaps, i);
		wait_above(&user.frames, user.frames + 12000);
		assert_int_equal(bench->card->fault[dir], TESTLOOP_FINE);
	}
	assert_int_equal(user.gaps, 3);
	assert_int_equal(place_of(&user).xruns, 3);
	assert_int_equal(user.ended, 0);
	user_stop(&user);
	if (dir == VMSND_PLAYBACK) {
		heard = bench_heard(bench, &user);
		assert_int_equal(heard.bad + heard.repeated, 0);
		assert_true(heard.good > 12000); /* what was queued has gone */
	}
	user_close(&user);
	assert_int_equal(bench->n_lines, 0);
}

static void test_HB_03_xrun(void **state)
{
	one_fault(*state, VMSND_PLAYBACK, "", TESTLOOP_XRUN);
	one_fault(*state, VMSND_PLAYBACK, "out-device=rw", TESTLOOP_XRUN);
	one_fault(*state, VMSND_CAPTURE, "", TESTLOOP_XRUN);
}

static void test_HB_03_suspend(void **state)
{
	struct bench *bench = *state;

	one_fault(bench, VMSND_PLAYBACK, "", TESTLOOP_SUSPEND);
	assert_int_equal(bench->card->resumes[0], 0);
	one_fault(bench, VMSND_CAPTURE, "", TESTLOOP_SUSPEND);
}

static void test_HB_03_suspend_and_resume(void **state)
{
	struct bench *bench = *state;

	one_fault(bench, VMSND_PLAYBACK, "out-device=resume", TESTLOOP_SUSPEND);
	assert_int_equal(bench->card->resumes[0], 3);
	assert_int_equal(bench->card->prepares[0], 2); /* with its parameters, and at the start */
}

/* ---- pulled ---- */

static void pull(struct bench *bench, struct user *user, enum vmsnd_dir dir)
{
	bench->card->fault[dir] = TESTLOOP_GONE;
	wait_count(&user->ended, 1);
	assert_int_equal(user->why, VMSND_E_GONE);
	user_stop(user);
	user_close(user);
}

static void one_pull(struct bench *bench, enum vmsnd_dir dir)
{
	struct user user = {.stream = NULL};
	unsigned came;
	uint64_t ms;

	begin(bench, &user, dir, "");
	pull(bench, &user, dir);
	assert_int_equal(user.ended, 1);
	assert_int_equal(user_open(bench, &user, dir, usual, 480), VMSND_E_GONE);
	assert_true(bench_said(bench, "device=default", "the card is not there"));
	came = bench->came;
	bench->card->fault[dir] = TESTLOOP_FINE;
	ms = wait_count(&bench->came, came + 1);
	print_message("# seen again after %llu ms\n", (unsigned long long)ms);
	assert_true(ms < 2000);
	user = (struct user){.stream = NULL};
	assert_int_equal(user_open(bench, &user, dir, usual, 480), VMSND_OK);
	user_start(&user);
	wait_above(&user.frames, 12000);
	user_close(&user);
}

static void test_HB_03_pulled_and_back(void **state)
{
	struct bench *bench = *state;

	one_pull(bench, VMSND_PLAYBACK);
	assert_int_equal(bench->n_lines, 1);
	one_pull(bench, VMSND_CAPTURE);
	assert_int_equal(bench->n_lines, 2);
}

static void test_pulled_while_paused(void **state)
{
	struct bench *bench = *state;
	struct user user = {.stream = NULL};

	begin(bench, &user, VMSND_PLAYBACK, "");
	user_stop(&user);
	bench->card->fault[0] = TESTLOOP_GONE;
	user_start(&user);
	wait_count(&user.ended, 1);
	assert_int_equal(vmsnd_alsa_class.stream_start(user.stream, 0), VMSND_E_GONE);
	user_close(&user);
}

/* ---- not to be had ---- */

static void refused(struct bench *bench, const char *options, const char *a, const char *b)
{
	struct user user = {.stream = NULL};
	struct vmsnd_stream_want want = {.format = usual, .period_frames = 480, .again = true};

	atomic_store(&bench->n_lines, 0);
	assert_int_equal(bench_open(bench, options), VMSND_OK);
	assert_int_equal(user_open(bench, &user, VMSND_PLAYBACK, usual, 480), VMSND_E_GONE);
	assert_int_equal(bench->n_lines, 1);
	assert_true(bench_said(bench, a, b));
	/* Once is enough. */
	assert_int_equal(vmsnd_alsa_class.stream_open(bench->host, &want,
						      &(struct vmsnd_stream_user){.ended = NULL},
						      NULL, &user.stream, &user.got),
			 VMSND_E_GONE);
	assert_int_equal(bench->n_lines, 1);
	user_close(&user);
}

static void test_refusals(void **state)
{
	struct bench *bench = *state;

	refused(bench, "out-device=nosuch", "out-device=nosuch", "no such device");
	bench->card->fault[0] = TESTLOOP_BUSY;
	refused(bench, "", "another program", "close that program");
	bench->card->fault[0] = TESTLOOP_DENIED;
	refused(bench, "", "permission denied", "audio");
}

static void test_busy_until_it_is_free(void **state)
{
	struct bench *bench = *state;
	struct user user = {.stream = NULL};

	bench->card->fault[0] = TESTLOOP_BUSY;
	assert_int_equal(user_open(bench, &user, VMSND_PLAYBACK, usual, 480), VMSND_E_GONE);
	bench->card->fault[0] = TESTLOOP_FINE;
	assert_true(wait_count(&bench->came, 1) < 2000);
	assert_int_equal(user_open(bench, &user, VMSND_PLAYBACK, usual, 480), VMSND_OK);
	user_close(&user);
}

static void test_options(void **state)
{
	struct bench *bench = *state;

	char options[256];

	snprintf(options, sizeof(options), "in-device=%0200d", 0);
	assert_int_equal(bench_open(bench, options), VMSND_E_INVALID);
	assert_int_equal(bench->n_lines, 1);
	assert_true(bench_said(bench, "in-device=", "hw:0"));
}

/* ---- devices ---- */

static void test_default_changes(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(bench_open(bench, "in-device=rw"), VMSND_OK);
	bench_configure(bench, "pcm.!default { type null }\n");
	wait_count(&bench->changed[0], 1);
	assert_int_equal(bench->changed[1], 0);
}

static void test_devices(void **state)
{
	struct bench *bench = *state;
	struct vmsnd_host_device devices[16] = {{.name = ""}};
	size_t n = vmsnd_alsa_class.devices(bench->host, devices, 16);
	bool found = false;

	for (size_t i = 0; i < n && i < 16; i++) {
		if (strcmp(devices[i].id, "default") != 0)
			continue;
		found = true;
		assert_string_equal(devices[i].name, "Test card");
		assert_true(devices[i].default_playback && devices[i].default_capture);
		assert_int_equal(devices[i].playback_channels, 2);
	}
	assert_true(found);
	assert_int_equal(vmsnd_alsa_class.devices(bench->host, devices, 0), n);
}

static void test_device_set(void **state)
{
	struct bench *bench = *state;
	struct user user = {.stream = NULL};

	assert_int_equal(vmsnd_alsa_class.device_set(bench->host, VMSND_PLAYBACK, "nosuch"),
			 VMSND_E_GONE);
	assert_int_equal(vmsnd_alsa_class.device_set(bench->host, VMSND_PLAYBACK, "rw"), VMSND_OK);
	assert_int_equal(user_open(bench, &user, VMSND_PLAYBACK, usual, 480), VMSND_OK);
	assert_string_equal(place_of(&user).device, "rw");
	user_close(&user);
	assert_int_equal(vmsnd_alsa_class.device_set(bench->host, VMSND_PLAYBACK, ""), VMSND_OK);
	assert_int_equal(user_open(bench, &user, VMSND_PLAYBACK, usual, 480), VMSND_OK);
	assert_string_equal(place_of(&user).device, "default");
	user_close(&user);
}

static const char *fact_of(const struct vmsnd_fact *facts, size_t n, enum vmsnd_fact_name name)
{
	for (size_t i = 0; i < n; i++)
		if (facts[i].name == name)
			return facts[i].text;
	return "";
}

static void test_facts(void **state)
{
	struct bench *bench = *state;
	struct vmsnd_fact facts[16];
	size_t n = vmsnd_alsa_class.facts(bench->host, facts, 16);

	assert_in_range(n, 4, 16);
	assert_non_null(strstr(fact_of(facts, n, VMSND_FACT_SERVER), "alsa-lib 1."));
	assert_non_null(strstr(fact_of(facts, n, VMSND_FACT_PLAYBACK), "default"));
	assert_non_null(strstr(fact_of(facts, n, VMSND_FACT_FORMAT), "8000 to 192000 Hz"));
	bench->card->fault[0] = TESTLOOP_DENIED;
	n = vmsnd_alsa_class.facts(bench->host, facts, 16);
	assert_in_range(n, 4, 16);
	assert_non_null(strstr(fact_of(facts, n, VMSND_FACT_TROUBLE), "permission denied"));
	assert_non_null(strstr(fact_of(facts, n, VMSND_FACT_ADVICE), "audio"));
	assert_int_equal(vmsnd_alsa_class.facts(bench->host, facts, 1), n);
}

/* ---- a thousand times ---- */

static unsigned entries(const char *folder)
{
	DIR *at = opendir(folder);
	unsigned n = 0;

	assert_non_null(at);
	while (readdir(at))
		n++;
	closedir(at);
	return n;
}

static long resident_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long all = 0, resident = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld %ld", &all, &resident), 2);
	fclose(file);
	return resident;
}

static void open_and_close(struct bench *bench, unsigned i)
{
	struct user user = {.stream = NULL};

	if (i % 4 == 0)
		assert_int_equal(bench_open(bench, i % 8 ? "out-device=rw" : ""), VMSND_OK);
	assert_int_equal(
	    user_open(bench, &user, i % 2 ? VMSND_CAPTURE : VMSND_PLAYBACK, usual, 480), VMSND_OK);
	if (i % 3)
		user_start(&user);
	user_close(&user);
}

static void test_a_thousand_times(void **state)
{
	struct bench *bench = *state;
	unsigned files = 0, threads = 0;
	long pages = 0;

	for (unsigned i = 0; i < 1000; i++) {
		open_and_close(bench, i);
		if (i != 199)
			continue;
		files = entries("/proc/self/fd");
		threads = entries("/proc/self/task");
		pages = resident_pages();
	}
	print_message("# pages: %ld after 200, %ld after 1000\n", pages, resident_pages());
	assert_int_equal(entries("/proc/self/fd"), files);
	assert_int_equal(entries("/proc/self/task"), threads);
	assert_true(resident_pages() < pages + 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_HB_03_xrun, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_HB_03_suspend, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_HB_03_suspend_and_resume, bench_setup,
					    bench_teardown),
	    cmocka_unit_test_setup_teardown(test_HB_03_pulled_and_back, bench_setup,
					    bench_teardown),
	    cmocka_unit_test_setup_teardown(test_pulled_while_paused, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_refusals, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_busy_until_it_is_free, bench_setup,
					    bench_teardown),
	    cmocka_unit_test_setup_teardown(test_options, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_default_changes, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_devices, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_device_set, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_facts, bench_setup, bench_teardown),
	    cmocka_unit_test_setup_teardown(test_a_thousand_times, bench_setup, bench_teardown),
	};

	return cmocka_run_group_tests_name("alsa-life", tests, NULL, NULL);
}
