/* SPDX-License-Identifier: BSD-3-Clause */
/* What scripts do to a testloop card:
 *
 *   testloop-tool fault CARD playback|capture fine|xrun|suspend|gone|busy|denied
 *   testloop-tool heard CARD FRAME-BYTES       what was played, raw, to stdout */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "testloop.h"

static struct testloop *map_card(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	void *at = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(struct testloop)) == 0)
		at = mmap(NULL, sizeof(struct testloop), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return at == MAP_FAILED ? NULL : at;
}

static int set_fault(struct testloop *card, const char *way, const char *name)
{
	static const char *const names[] = {
	    [TESTLOOP_FINE] = "fine", [TESTLOOP_XRUN] = "xrun", [TESTLOOP_SUSPEND] = "suspend",
	    [TESTLOOP_GONE] = "gone", [TESTLOOP_BUSY] = "busy", [TESTLOOP_DENIED] = "denied"};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) {
			atomic_store(&card->fault[strcmp(way, "capture") == 0], i);
			return 0;
		}
	return 1;
}

static int put_heard(const struct testloop *card, size_t bytes)
{
	uint64_t played = atomic_load(&card->played);

	if (bytes == 0 || bytes > TESTLOOP_FRAME_BYTES || played > TESTLOOP_FRAMES)
		return 1; /* the beginning has gone */
	for (uint64_t i = 0; i < played; i++)
		if (fwrite(card->frames[i], bytes, 1, stdout) != 1)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	struct testloop *card = argc > 3 ? map_card(argv[2]) : NULL;

	if (card && argc == 5 && strcmp(argv[1], "fault") == 0)
		return set_fault(card, argv[3], argv[4]);
	if (card && argc == 4 && strcmp(argv[1], "heard") == 0)
		return put_heard(card, strtoul(argv[3], NULL, 10));
	fprintf(stderr, "usage: testloop-tool fault CARD WAY FAULT | heard CARD FRAME-BYTES\n");
	return 2;
}
