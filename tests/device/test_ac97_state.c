/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved and brought back: where an engine is, it goes on; and states that nobody saved. */
#include <stdlib.h>
#include <string.h>

#include "ac97_rig.h"

static void suspend(struct ac97_rig *rig, bool on)
{
	AR_CLASS->life(rig->dev, on ? VMSND_LIFE_SUSPEND : VMSND_LIFE_RESUME, rig->now);
}

static void start(struct ac97_rig *rig, const char *options)
{
	ar_up(rig, options, 2, 4);
	ar_mixer_set(rig, 0x02, 0x0102);
	ar_mixer_set(rig, 0x1a, 0x0404);
	ar_entries(rig, PO, 32, 1920);
	ar_entries(rig, PI, 32, 1920);
	ar_numbers(rig, PO, 32 * 480);
	ar_start(rig, PO, 31, IOCE | RPBM);
	ar_run_ms(rig, 3);
	ar_start(rig, PI, 31, RPBM);
	ar_run_ms(rig, 10);
}

/* Into a card just made: the ports are as the connector has loaded them. */
static void move(struct ac97_rig *rig)
{
	size_t bytes;
	uint8_t *saved;

	suspend(rig, true);
	saved = ar_save(rig, &bytes);
	rig->now += 3600 * VMSND_NS_PER_SECOND; /* another host, another clock */
	for (unsigned i = 0; i < AR_PORTS; i++)
		rig->ports[i]->due = rig->now + 4 * AR_MS;
	{
		struct ac97_rig keep = *rig;
		struct vmsnd_port ports[AR_PORTS];

		for (unsigned i = 0; i < AR_PORTS; i++)
			ports[i] = *rig->ports[i];
		ar_make(rig);
		for (unsigned i = 0; i < AR_PORTS; i++)
			*rig->ports[i] = ports[i];
		rig->now = keep.now;
	}
	assert_int_equal(ar_load(rig, saved, bytes), VMSND_OK);
	free(saved);
	suspend(rig, false);
}

static void test_A9_32_engines_go_on_where_they_were(void **state)
{
	struct ac97_rig rig;

	start(&rig, "variant=ich4");
	move(&rig);
	assert_true(rig.line);
	assert_int_equal(ar_mixer(&rig, 0x02), 0x0102);
	assert_int_equal(ar_in32(&rig, PO + BDBAR), (uint32_t)ar_list(PO));
	assert_int_equal(ar_in32(&rig, PO + CIV), 1u | 31u << 8 | (uint32_t)BCIS << 16);
	assert_int_equal(ar_in16(&rig, PO + PICB), 960 - 3 * 96);
	assert_int_equal(ar_in16(&rig, PI + PICB), 960);
	assert_int_equal(ar_in8(&rig, PI + CIV), 1);
	/* In phase: the next completion is 7 ms away. */
	ar_out8(&rig, PO + SR, BCIS);
	assert_false(rig.line);
	ar_run_until(&rig, rig.now + 7 * AR_MS - 1);
	assert_false(rig.line);
	ar_run_until(&rig, rig.now + 1);
	assert_true(rig.line);
	ar_out8(&rig, PO + CR, RPBM);
	ar_run_ms(&rig, 100);
	assert_true(ar_in_order(ar_port(&rig, PO)) >= 4000);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), ar_port(&rig, PO)->heard_bytes / 4);
	ar_close(&rig);
}

static void test_A9_32_a_pause_and_a_hold_are_kept(void **state)
{
	struct ac97_rig rig;

	start(&rig, "variant=ich4");
	ar_out8(&rig, PI + CR, 0);
	ar_run_ms(&rig, 30);
	assert_int_equal(ar_in16(&rig, PO + PICB), 2); /* held: nobody acknowledged */
	move(&rig);
	assert_int_equal(ar_in16(&rig, PO + PICB), 2);
	assert_int_equal(ar_in16(&rig, PI + SR), DCH | BCIS);
	assert_int_equal(ar_in16(&rig, PI + PICB), 960);
	ar_run_ms(&rig, 30);
	assert_int_equal(ar_in16(&rig, PO + PICB), 2);
	ar_out8(&rig, PO + SR, BCIS);
	assert_int_equal(ar_in8(&rig, PO + CIV), 2);
	ar_out8(&rig, PI + CR, RPBM);
	ar_run_ms(&rig, 10);
	assert_int_equal(ar_in8(&rig, PI + CIV), 2);
	ar_close(&rig);
}

/* Only a driver starts what has halted, or what may not reach memory. */
static void test_A9_32_a_halt_and_no_bus_mastering_are_kept(void **state)
{
	struct ac97_rig rig;

	start(&rig, "variant=ich4");
	ar_out8(&rig, PO + CR, RPBM);
	ar_out8(&rig, PO + LVI, 2);
	ar_out8(&rig, PI + LVI, 2);
	ar_run_ms(&rig, 700);
	assert_false(ar_port(&rig, PI)->running);
	move(&rig);
	ar_run_ms(&rig, 30);
	assert_false(ar_port(&rig, PI)->running);
	ar_out8(&rig, PO + LVI, 20);
	ar_out8(&rig, PI + LVI, 20);
	assert_true(ar_port(&rig, PI)->running);
	assert_true(ar_port(&rig, PO)->running);
	ar_out(&rig, CONFIG, 4, 2, 3);
	assert_false(ar_port(&rig, PI)->running);
	move(&rig);
	assert_false(ar_port(&rig, PI)->running);
	ar_run_ms(&rig, 30);
	ar_out(&rig, CONFIG, 4, 2, 7);
	assert_true(ar_port(&rig, PI)->running);
	ar_close(&rig);
}

static void test_A9_32_two_moves_are_one(void **state)
{
	struct ac97_rig rig;

	start(&rig, "variant=ich4,codec2=ad1980,msi=on");
	ar_out8(&rig, PO + CR, RPBM);
	for (unsigned i = 0; i < 20; i++) {
		ar_run_ms(&rig, 7);
		move(&rig);
	}
	ar_run_ms(&rig, 60);
	/* 13 + 20 * 7 + 60 ms at 48 kHz, but for what waits in the ring. */
	assert_int_equal(ar_in8(&rig, PO + CIV), 21);
	assert_int_equal(ar_in_order(ar_port(&rig, PO)), ar_port(&rig, PO)->heard_bytes / 4);
	ar_close(&rig);
}

static void test_A9_32_states_of_other_cards_are_refused(void **state)
{
	struct ac97_rig rig;
	size_t bytes;
	uint8_t *saved;

	start(&rig, "variant=ich4");
	saved = ar_save(&rig, &bytes);
	ar_close(&rig);
	ar_up(&rig, "", 1, 2);
	assert_int_equal(ar_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	ar_close(&rig);
	ar_up(&rig, "variant=ich4,codec2=alc650", 2, 4);
	assert_int_equal(ar_load(&rig, saved, bytes), VMSND_E_DAMAGED);
	ar_close(&rig);
	free(saved);
}

/* Not even of a line that was high. */
static void test_A9_32_nobody_hears_of_a_state_that_is_refused(void **state)
{
	struct ac97_rig rig;
	size_t bytes;
	uint8_t *saved;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PO, 32, 1920);
	ar_start(&rig, PO, 31, IOCE | RPBM);
	ar_run_ms(&rig, 15);
	assert_true(rig.line);
	saved = ar_save(&rig, &bytes);
	for (size_t n = 0; n < bytes; n++) {
		ar_make(&rig);
		rig.rises = 0;
		assert_int_equal(ar_load(&rig, saved, n), VMSND_E_DAMAGED);
		assert_int_equal(rig.rises, 0);
	}
	assert_int_equal(ar_load(&rig, saved, bytes), VMSND_OK);
	assert_int_equal(rig.rises, 1);
	free(saved);
	ar_close(&rig);
}

/* An engine is idle if and only if it is not told to run, or the link is down. */
static void test_A9_32_engines_are_as_their_registers_say(void **state)
{
	enum { GLOB_CNT_AT = 3, SR_AT = 13 + 8, PHASE_AT = SR_AT + 2 }; /* of PCM in */
	static const struct {
		unsigned at;
		uint8_t value;
	} rows[] = {
	    {GLOB_CNT_AT, 0x00}, /* the link in reset */
	    {PHASE_AT, 0},       /* idle */
	    {PHASE_AT, 3},       /* halted, and DCH clear */
	    {SR_AT, DCH},
	};
	struct ac97_rig rig;
	size_t bytes;
	uint8_t *saved, was;

	ar_up(&rig, "", 1, 2);
	ar_entries(&rig, PI, 32, 1920);
	ar_start(&rig, PI, 31, RPBM);
	ar_run_ms(&rig, 5);
	saved = ar_save(&rig, &bytes);
	assert_int_equal(saved[GLOB_CNT_AT], 2);
	assert_int_equal(saved[PHASE_AT], 2);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		was = saved[rows[i].at];
		saved[rows[i].at] = rows[i].value;
		ar_make(&rig);
		assert_int_equal(ar_load(&rig, saved, bytes), VMSND_E_DAMAGED);
		saved[rows[i].at] = was;
	}
	ar_make(&rig);
	assert_int_equal(ar_load(&rig, saved, bytes), VMSND_OK);
	free(saved);
	ar_close(&rig);
}

/* Whatever the bytes are: refused, and the card as init left it, or a card that can be lived with.
 */
static void try_state(struct ac97_rig *rig, const uint8_t *saved, size_t bytes)
{
	size_t fresh_bytes;
	uint8_t *fresh;

	for (unsigned i = 0; i < AR_PORTS; i++)
		vmsnd_port_release(rig->ports[i], rig->now);
	ar_make(rig);
	fresh = ar_save(rig, &fresh_bytes);
	if (ar_load(rig, saved, bytes)) {
		size_t left_bytes;
		uint8_t *left = ar_save(rig, &left_bytes);

		assert_int_equal(left_bytes, fresh_bytes);
		assert_memory_equal(left, fresh, left_bytes);
		free(left);
		free(fresh);
		assert_int_equal(ar_in32(rig, GLOB_CNT), 0);
		assert_int_equal(ar_in32(rig, PO + CIV), (uint32_t)DCH << 16);
		assert_int_equal(AR_CLASS->advance(rig->dev, rig->now), VMSND_NEVER);
		return;
	}
	free(fresh);
	for (unsigned i = 0; i < 40; i++) {
		rig->now += AR_MS;
		AR_CLASS->advance(rig->dev, rig->now);
	}
	for (unsigned at = 0; at < 0x90; at++)
		ar_in(rig, MEM_NABM, at, 1);
	for (unsigned box = PI; box <= SP; box += 0x10)
		if (box != 0x30)
			ar_out8(rig, box + CR, RR);
	assert_int_equal(ar_in32(rig, PO + CIV), (uint32_t)DCH << 16);
}

static void test_defect_15_mutated_states(void **state)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	struct ac97_rig rig;
	size_t bytes;
	uint8_t *saved, *bent;

	start(&rig, "variant=ich4,codec2=stac9700");
	for (unsigned i = 0; i < AR_PORTS; i++)
		rig.ports[i]->deaf = true;
	suspend(&rig, true);
	saved = ar_save(&rig, &bytes);
	bent = malloc(bytes);
	for (size_t at = 0; at < bytes; at += at < 1500 ? 1 : 97) {
		for (unsigned i = 0; i < sizeof(values); i++) {
			memcpy(bent, saved, bytes);
			bent[at] = values[i];
			try_state(&rig, bent, bytes);
		}
	}
	for (size_t n = 0; n < bytes; n += n < 1500 ? 1 : 509) {
		ar_make(&rig);
		assert_int_equal(ar_load(&rig, saved, n), VMSND_E_DAMAGED);
	}
	free(bent);
	free(saved);
	ar_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_A9_32_engines_go_on_where_they_were),
	    cmocka_unit_test(test_A9_32_a_pause_and_a_hold_are_kept),
	    cmocka_unit_test(test_A9_32_a_halt_and_no_bus_mastering_are_kept),
	    cmocka_unit_test(test_A9_32_two_moves_are_one),
	    cmocka_unit_test(test_A9_32_states_of_other_cards_are_refused),
	    cmocka_unit_test(test_A9_32_nobody_hears_of_a_state_that_is_refused),
	    cmocka_unit_test(test_A9_32_engines_are_as_their_registers_say),
	    cmocka_unit_test(test_defect_15_mutated_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
