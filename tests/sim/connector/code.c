/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that know their number, and dice. */
#include <math.h>

#include "world.h"

#define LOW_BITS 12u
#define LOW_MASK ((UINT32_C(1) << LOW_BITS) - 1)
#define TURN     6.283185307179586

struct dice dice_of(uint64_t seed, uint64_t who)
{
	struct dice dice = {seed * UINT64_C(0x9e3779b97f4a7c15) +
			    who * UINT64_C(0xd1342543de82ef95)};

	dice_roll(&dice);
	return dice;
}

uint64_t dice_roll(struct dice *dice)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t dice_between(struct dice *dice, uint64_t low, uint64_t high)
{
	return low + dice_roll(dice) % (high - low + 1);
}

bool dice_chance(struct dice *dice, unsigned percent)
{
	return dice_roll(dice) % 100 < percent;
}

/* Two turns of a wheel: the angle of each number, as 20 bit cosine and sine. */
static const int32_t (*wheel(void))[2]
{
	static int32_t table[CODE_ANGLES][2];
	static bool made;

	for (uint32_t i = 0; !made && i < CODE_ANGLES; i++) {
		double turn = TURN * i / CODE_ANGLES;

		table[i][0] = (int32_t)lrint(cos(turn) * CODE_LOUDNESS * 0x80000) * (1 << LOW_BITS);
		table[i][1] = (int32_t)lrint(sin(turn) * CODE_LOUDNESS * 0x80000) * (1 << LOW_BITS);
	}
	made = true;
	return (const int32_t(*)[2])table;
}

static void write_one(int32_t *to, const int32_t (*table)[2], uint32_t number)
{
	const int32_t *angle = table[number % CODE_ANGLES];

	to[0] = angle[0] | (int32_t)(number & LOW_MASK);
	to[1] = angle[1] | (int32_t)((number >> LOW_BITS) & LOW_MASK);
}

void code_write(int32_t *to, uint64_t number, uint32_t frames)
{
	const int32_t(*table)[2] = wheel();

	for (uint32_t i = 0; i < frames; i++)
		write_one(to + (size_t)2 * i, table, (uint32_t)(number + i));
}

uint32_t code_number(const int32_t *frame)
{
	uint32_t number =
	    ((uint32_t)frame[0] & LOW_MASK) | (((uint32_t)frame[1] & LOW_MASK) << LOW_BITS);
	int32_t same[2];

	write_one(same, wheel(), number);
	return same[0] == frame[0] && same[1] == frame[1] ? number : 0;
}

double code_angle(double left, double right)
{
	double turns;

	if (left * left + right * right < 1e-6)
		return -1;
	turns = atan2(right, left) / TURN;
	return (turns < 0 ? turns + 1 : turns) * CODE_ANGLES;
}
