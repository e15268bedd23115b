/* SPDX-License-Identifier: BSD-3-Clause */
/* hosts-signal: the guest, with the drivers of src/guests, in real time. */
#include <stdlib.h>

#include "../guest/numbered.h"
#include "os/clock.h"
#include "signal.h"

#define MEMORY_BYTES (UINT64_C(8) << 20)
#define MEMORY_GPA   UINT64_C(0x40000000)

/* AC'97's streams, by enum vmsnd_dir. */
static const unsigned ac97_streams[2] = {VMSND_AC97_PCM_OUT, VMSND_AC97_PCM_IN};

static bool fail(const char *what, const char *why)
{
	fprintf(stderr, "hosts-signal: %s: %s\n", what, why);
	return false;
}

/* The line of a card in this process: whoever waits for it is woken. */
static void on_level(void *ctx, bool high)
{
	struct signal_guest *guest = ctx;

	__atomic_store_n(&guest->line, high, __ATOMIC_RELEASE);
	if (high)
		vmsnd_wake_poke(guest->wake);
}

static struct vmsnd_guest_params params_of(const struct signal_options *options)
{
	const struct vmsnd_guest_params params = {
	    .format = {.sample = signal_sample_of(options->format),
		       .rate_hz = options->rate_hz,
		       .channels = options->channels},
	    .period_frames = options->period_frames,
	    .periods = options->periods};

	return params;
}

/* ---- virtio-snd ---- */

static bool virtio_stream(struct signal_guest *guest, const struct signal_options *options,
			  enum vmsnd_dir dir)
{
	const int stream = vmsnd_guest_find_stream(&guest->virtio, dir, 0);
	const struct vmsnd_guest_player_conf conf = {
	    .stream = (unsigned)stream,
	    .params = params_of(options),
	    .frames = dir == VMSND_PLAYBACK || !options->plays ? options->frames : UINT64_MAX,
	    .ctx = guest->sound,
	    .read = signal_read,
	    .write = signal_write};

	if (stream < 0)
		return fail("the card", "has no stream of this direction");
	vmsnd_guest_player_init(&guest->player[dir], &guest->virtio, &conf);
	return true;
}

/* The lane answers on a thread of its own. */
static vmsnd_ns wait_answer(void *ctx, vmsnd_ns now)
{
	vmsnd_clock_sleep_until(now + UINT64_C(1000000));
	return vmsnd_clock_now();
}

static bool virtio_open(struct signal_guest *guest)
{
	const struct vmsnd_interrupt interrupt = {.ctx = guest, .level = on_level};
	struct vmsnd_guest_conf conf = {.memory = guest->memory,
					.memory_bytes = MEMORY_BYTES,
					.gpa = MEMORY_GPA,
					.event_idx = true,
					.indirect = true,
					.by_interrupt = true,
					.wait = wait_answer,
					.tries = 2000};
	enum vmsnd_rc rc;

	if (vmsnd_machine_guest_bus(guest->machine, 0, &conf.bus) ||
	    vmsnd_machine_interrupt(guest->machine, 0, &interrupt))
		return fail("the guest", "no way to the card");
	rc = vmsnd_guest_open(&guest->virtio, &conf, vmsnd_clock_now());
	return rc ? fail("the guest's driver", vmsnd_rc_text(rc)) : true;
}

/* ---- AC'97 ---- */

static vmsnd_ns host_now(void *ctx)
{
	return vmsnd_clock_now();
}

static void host_wait(void *ctx, vmsnd_ns ns)
{
	vmsnd_clock_sleep_until(vmsnd_clock_now() + ns);
}

static enum vmsnd_rc host_share(void *ctx, vmsnd_gpa gpa, void *at, uint64_t bytes)
{
	const struct signal_guest *guest = ctx;
	const struct vmsnd_region region = {
	    .gpa = gpa, .bytes = bytes, .at = at, .rights = VMSND_READ | VMSND_WRITE};

	return vmsnd_machine_memory_add(guest->machine, 0, &region, vmsnd_clock_now());
}

static bool host_interrupted(void *ctx)
{
	struct signal_guest *guest = ctx;

	return __atomic_load_n(&guest->line, __ATOMIC_ACQUIRE);
}

static bool ac97_open(struct signal_guest *guest)
{
	const struct vmsnd_interrupt interrupt = {.ctx = guest, .level = on_level};
	struct vmsnd_ac97_guest_conf conf = {.pci.host = {.ctx = guest,
							  .now = host_now,
							  .wait = host_wait,
							  .share = host_share,
							  .interrupted = host_interrupted},
					     .memory = guest->memory,
					     .memory_bytes = MEMORY_BYTES,
					     .gpa = MEMORY_GPA};
	enum vmsnd_rc rc;

	if (vmsnd_machine_pci_bus(guest->machine, 0, &conf.pci.bus) ||
	    vmsnd_machine_interrupt(guest->machine, 0, &interrupt))
		return fail("the guest", "no way to the card");
	rc = vmsnd_ac97_guest_open(&guest->pci, &conf);
	return rc ? fail("the guest's driver", vmsnd_rc_text(rc)) : true;
}

static bool ac97_stream(struct signal_guest *guest, const struct signal_options *options,
			enum vmsnd_dir dir)
{
	const struct vmsnd_ac97_player_conf conf = {
	    .stream = ac97_streams[dir],
	    .params = params_of(options),
	    .frames = dir == VMSND_PLAYBACK || !options->plays ? options->frames : UINT64_MAX,
	    .ctx = guest->sound,
	    .read = signal_read,
	    .write = signal_write};

	vmsnd_ac97_player_init(&guest->ac97_player[dir], &guest->pci, &conf);
	return true;
}

/* ---- both ---- */

bool signal_guest_open(struct signal_guest *guest, const struct signal_options *options)
{
	const bool wanted[2] = {options->plays, options->record != NULL};
	bool fine;

	guest->ac97 = options->device && strncmp(options->device, "ac97", 4) == 0;
	guest->memory = aligned_alloc(4096, MEMORY_BYTES);
	if (!guest->memory)
		return fail("the guest", "out of memory");
	memset(guest->memory, 0, MEMORY_BYTES);
	fine = guest->ac97 ? ac97_open(guest) : virtio_open(guest);
	for (enum vmsnd_dir dir = VMSND_PLAYBACK; fine && dir <= VMSND_CAPTURE; dir++) {
		guest->has[dir] = wanted[dir];
		if (wanted[dir])
			fine = guest->ac97 ? ac97_stream(guest, options, dir)
					   : virtio_stream(guest, options, dir);
	}
	return fine;
}

bool signal_guest_step(struct signal_guest *guest, enum vmsnd_dir dir)
{
	if (!guest->has[dir])
		return false;
	if (!guest->ac97)
		return vmsnd_guest_player_step(&guest->player[dir], vmsnd_clock_now());
	vmsnd_ac97_guest_poll(&guest->pci);
	return vmsnd_ac97_player_step(&guest->ac97_player[dir]);
}

void signal_guest_abort(struct signal_guest *guest, enum vmsnd_dir dir)
{
	if (guest->ac97 && guest->has[dir])
		vmsnd_ac97_player_abort(&guest->ac97_player[dir]);
	else if (guest->has[dir])
		vmsnd_guest_player_abort(&guest->player[dir]);
}

const char *signal_guest_fault(const struct signal_guest *guest, enum vmsnd_dir dir)
{
	if (guest->ac97 && guest->ac97_player[dir].state == VMSND_AC97_PLAYER_FAILED)
		return vmsnd_rc_text(guest->ac97_player[dir].rc);
	if (!guest->ac97 && guest->player[dir].state == VMSND_GUEST_PLAYER_FAILED)
		return "the card refused a request";
	return NULL;
}

struct signal_done signal_guest_done(const struct signal_guest *guest, enum vmsnd_dir dir)
{
	const struct vmsnd_guest_player *virtio = &guest->player[dir];
	const struct vmsnd_ac97_player *ac97 = &guest->ac97_player[dir];
	const struct signal_done of[2] = {
	    {virtio->frames_completed, virtio->messages_failed, virtio->started_at,
	     virtio->ended_at},
	    {ac97->frames_completed, ac97->xruns, ac97->started_at, ac97->ended_at}};

	return of[guest->ac97];
}

void signal_guest_close(struct signal_guest *guest)
{
	free(guest->memory);
	guest->memory = NULL;
}
