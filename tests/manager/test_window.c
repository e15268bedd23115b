/* SPDX-License-Identifier: BSD-3-Clause */
/* DM-53: the window of a card that is not trusted, as its owner writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manager/window.h"

static void test_DM53_windows_as_text(void **state)
{
	static const struct {
		const char *text;
		bool fine;
		vmsnd_gpa first, last;
	} rows[] = {{"0x80000000-0x8fffffff", true, 0x80000000, 0x8fffffff},
		    {"0-0", true, 0, 0},
		    {"4096-0x1FFF", true, 4096, 0x1fff},
		    {"0-0xffffffffffffffff", true, 0, UINT64_MAX},
		    {"0-0x10000000000000000", false, 0, 0},
		    {"2-1", false, 0, 0},
		    {"", false, 0, 0},
		    {"-", false, 0, 0},
		    {"1-", false, 0, 0},
		    {"0x-1", false, 0, 0},
		    {"1--2", false, 0, 0},
		    {" 1-2", false, 0, 0},
		    {"1-2 ", false, 0, 0}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vmsnd_gpa first = 0, last = 0;

		assert_int_equal(vmsnd_window_read(rows[i].text, &first, &last), rows[i].fine);
		assert_int_equal(first, rows[i].first);
		assert_int_equal(last, rows[i].last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_DM53_windows_as_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
