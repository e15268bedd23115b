/* SPDX-License-Identifier: BSD-3-Clause */
/* A fast Fourier transform and a Kaiser window: small, exact, in no hurry. */
#include "spectrum.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

#define N          SPECTRUM_FRAMES
#define PI         3.14159265358979323846
#define SHAPE      28.0 /* side lobes below -250 dB, a main lobe of 18 bins */
#define AROUND_HZ  120.0
#define LOWEST_HZ  20.0
#define HIGHEST_HZ 20000.0

double spectrum_sine(uint32_t hz, uint32_t rate_hz, uint64_t n)
{
	return sin(2 * PI * (double)(n % rate_hz * hz % rate_hz) / rate_hz);
}

/* The modified Bessel function of order zero. */
static double bessel(double x)
{
	double sum = 1, term = 1;

	for (double k = 1; term > sum * 1e-17; k++) {
		term *= x / (2 * k) * (x / (2 * k));
		sum += term;
	}
	return sum;
}

/* In place, N a power of two. */
static void transform(double complex *x)
{
	for (size_t i = 1, j = 0; i < N; i++) {
		size_t bit = N >> 1;

		for (; j & bit; bit >>= 1)
			j ^= bit;
		j ^= bit;
		if (i < j) {
			double complex swap = x[i];

			x[i] = x[j];
			x[j] = swap;
		}
	}
	for (size_t size = 2; size <= N; size *= 2)
		for (size_t k = 0; k < size / 2; k++) {
			double complex turn = cexp(-2 * PI * I * (double)k / (double)size);

			for (size_t at = k; at < N; at += size) {
				double complex odd = turn * x[at + size / 2];

				x[at + size / 2] = x[at] - odd;
				x[at] += odd;
			}
		}
}

/* Power within AROUND_HZ of a tone and beside it. */
struct power {
	double tone, rest;
};

static struct power measure(const double *samples, uint32_t hz, uint32_t rate_hz)
{
	double complex *x = calloc(N, sizeof(*x));
	struct power power = {0, 0};
	double window_power = 0;

	if (!x)
		abort();
	for (size_t i = 0; i < N; i++) {
		double place = 2.0 * (double)i / (N - 1) - 1;
		double weight = bessel(SHAPE * sqrt(1 - place * place)) / bessel(SHAPE);

		x[i] = samples[i] * weight;
		window_power += weight * weight;
	}
	transform(x);
	for (size_t i = 0; i <= N / 2; i++) {
		double at_hz = (double)i * rate_hz / N;
		double one = 2 * creal(x[i] * conj(x[i])) / window_power / N;

		if (fabs(at_hz - hz) < AROUND_HZ)
			power.tone += one;
		else if (at_hz > LOWEST_HZ && at_hz < HIGHEST_HZ)
			power.rest += one;
	}
	free(x);
	return power;
}

double spectrum_thd_n_db(const double *samples, uint32_t hz, uint32_t rate_hz)
{
	struct power power = measure(samples, hz, rate_hz);

	return 10 * log10(power.rest / power.tone);
}

double spectrum_level_db(const double *samples, uint32_t hz, uint32_t rate_hz)
{
	return 10 * log10(measure(samples, hz, rate_hz).tone + 1e-40);
}
