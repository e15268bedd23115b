/* SPDX-License-Identifier: BSD-3-Clause */
/* How clean a tone is: its spectrum under a window steep enough for -200 dB. */
#ifndef VMSND_TESTS_SPECTRUM_H
#define VMSND_TESTS_SPECTRUM_H

#include <stddef.h>
#include <stdint.h>

#define SPECTRUM_FRAMES 65536u

/* sin(2 pi hz n / rate), exact over any number of frames for whole hz and rate. */
double spectrum_sine(uint32_t hz, uint32_t rate_hz, uint64_t n);
/* What is there between 20 Hz and 20 kHz but not within 120 Hz of the tone, against the tone. */
double spectrum_thd_n_db(const double *samples, uint32_t hz, uint32_t rate_hz);
/* RMS within 120 Hz of `hz`; a full-scale sine is -3 dB. */
double spectrum_level_db(const double *samples, uint32_t hz, uint32_t rate_hz);

#endif
