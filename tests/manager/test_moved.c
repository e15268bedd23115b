/* SPDX-License-Identifier: BSD-3-Clause */
/* A card that its VMM moves to another host while it plays: it goes on there with the next frame,
 * and what its owner has set there stays. */
#include <stdlib.h>
#include <string.h>

#include "../sim/sim.h"
#include "manager/card.h"
#include "manager/machine.h"

#define PERIOD 441u
#define FRAMES 48000u

/* What went over the wire, and what guest memory was then. */
struct moved {
	uint8_t *bytes, *memory;
	size_t n_bytes;
};

static struct vmsnd_card *card_of(const struct sim *sim)
{
	return sim->machine->cards[0];
}

/* As the card's descriptor has it called. */
static void as_ready(struct vmsnd_card *card, vmsnd_ns now)
{
	vmsnd_card_advance(card, now);
	card->time = now;
}

static void stand(const struct sim *sim, bool still)
{
	struct vmsnd_card *card = card_of(sim);

	vmsnd_lane_lock(card->lane);
	as_ready(card, sim->now);
	vmsnd_card_user_stand(card, still);
	vmsnd_lane_unlock(card->lane, true);
}

static enum vmsnd_rc load(const struct sim *sim, const uint8_t *bytes, size_t n_bytes)
{
	struct vmsnd_card *card = card_of(sim);
	enum vmsnd_rc rc;

	vmsnd_lane_lock(card->lane);
	as_ready(card, sim->now);
	rc = vmsnd_card_user_load(card, bytes, n_bytes);
	vmsnd_lane_unlock(card->lane, true);
	return rc;
}

/* As a transport does it: how long it is, then all of it. */
static struct moved save(const struct sim *sim)
{
	const struct vmsnd_guest_conf *guest = &sim->cards[0]->guest.conf;
	struct vmsnd_card *card = card_of(sim);
	struct vmsnd_state_writer to = {0};
	struct moved moved;

	vmsnd_lane_lock(card->lane);
	assert_int_equal(vmsnd_card_user_save(card, &to), VMSND_OK);
	moved = (struct moved){.bytes = malloc(to.used), .n_bytes = to.used};
	to = (struct vmsnd_state_writer){.to = moved.bytes, .room = moved.n_bytes};
	assert_int_equal(vmsnd_card_user_save(card, &to), VMSND_OK);
	assert_false(to.full);
	assert_int_equal(to.used, moved.n_bytes);
	vmsnd_lane_unlock(card->lane, false);
	moved.memory = malloc(guest->memory_bytes);
	memcpy(moved.memory, guest->memory, guest->memory_bytes);
	return moved;
}

static void forget(struct moved *moved)
{
	free(moved->bytes);
	free(moved->memory);
}

static void put_driver(const struct sim *sim, const char *driver)
{
	const struct vmsnd_driver_place place = {.card = 0};

	assert_int_equal(vmsnd_machine_driver_attach(sim->machine, &place, driver, sim->now),
			 VMSND_OK);
}

static void quiet(void *ctx, enum vmsnd_log_level level, const char *line)
{
	if (level <= VMSND_LOG_WARNING)
		fail_msg("%s", line);
}

static void note(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct sim *sim = ctx;

	if (level <= VMSND_LOG_WARNING)
		snprintf(sim->log, sizeof(sim->log), "%s", line);
}

/* The other host: the same device, whatever its name, and an output of its own. */
static void open_other(struct sim *sim, const char *device, bool noted)
{
	struct vmsnd_machine_conf conf = {.log = {.ctx = sim, .write = noted ? note : quiet}};
	struct vmsnd_card_conf card = {.device = device,
				       .backend = sim_file(sim, "second.wav", ""),
				       .transport = "in-process",
				       .listen_fd = -1};

	assert_int_equal(vmsnd_machine_open(&conf, &sim->machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(sim->machine, &card, sim->now), VMSND_OK);
}

/* What the first host does after it stood is of another world. */
static void close_first(struct sim *sim, const struct moved *moved)
{
	const struct vmsnd_guest_conf *guest = &sim->cards[0]->guest.conf;

	vmsnd_machine_close(sim->machine, sim->now);
	memcpy(guest->memory, moved->memory, guest->memory_bytes);
}

static void move_guest(struct sim *sim)
{
	struct vmsnd_guest *guest = &sim->cards[0]->guest;
	struct vmsnd_guest_bus bus;

	assert_int_equal(vmsnd_machine_guest_bus(sim->machine, 0, &bus), VMSND_OK);
	assert_int_equal(vmsnd_guest_move(guest, &bus), VMSND_OK);
	assert_int_equal(vmsnd_guest_pause(guest, sim->now), VMSND_OK);
	assert_int_equal(vmsnd_guest_resume(guest, sim->now), VMSND_OK);
}

struct scene {
	struct sim sim;
	struct sim_signal signal;
	struct vmsnd_guest_player player;
	struct moved moved;
};

/* A guest plays for so long; then its card stands still, and is written down. */
static void play_and_save(struct scene *scene, unsigned after_ms, const char *driver)
{
	struct vmsnd_guest_conf wish = {.event_idx = after_ms & 1, .memory_bytes = 1 << 20};

	memset(scene, 0, sizeof(*scene));
	sim_open(&scene->sim);
	scene->signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	sim_add_with(&scene->sim, "capture=0", sim_file(&scene->sim, "first.wav", ""), &wish);
	if (driver)
		put_driver(&scene->sim, driver);
	scene->signal.end = FRAMES;
	scene->player = sim_player(&scene->sim, 0, &scene->signal, PERIOD, 4);
	sim_run_until(&scene->sim, &scene->player, 1, scene->sim.now + after_ms * MS);
	stand(&scene->sim, true);
	scene->moved = save(&scene->sim);
}

static void end(struct scene *scene)
{
	forget(&scene->moved);
	sim_close(&scene->sim);
}

static uint64_t loud(const struct sim_sound *sound, uint64_t at)
{
	uint64_t n = 0;

	while (at + n < sound->frames && !sim_sound_silent(sound, at + n))
		n++;
	return n;
}

/* Silence, the signal from `first` on in one piece, silence. Returns how many frames of it. */
static uint64_t piece(struct scene *scene, const char *name, uint64_t first)
{
	struct sim_sound sound = sim_sound_load(sim_path(&scene->sim, name));
	uint64_t lead = sim_sound_silence(&sound, 0), n = loud(&sound, lead);

	sim_assert_signal(&sound, lead, &scene->signal, first, n);
	assert_int_equal(lead + n + sim_sound_silence(&sound, lead + n), sound.frames);
	sim_sound_free(&sound);
	return n;
}

static void over_a_move(unsigned after_ms, const char *driver, uint64_t delay)
{
	struct scene scene;
	struct sim *sim = &scene.sim;
	uint64_t n;

	play_and_save(&scene, after_ms, driver);
	close_first(sim, &scene.moved);
	sim->now += 7 * SECOND;
	open_other(sim, "virtio-snd,capture=0,name=elsewhere", false);
	if (driver)
		put_driver(sim, driver);
	stand(sim, true);
	assert_int_equal(load(sim, scene.moved.bytes, scene.moved.n_bytes), VMSND_OK);
	move_guest(sim);
	stand(sim, false);
	sim_run(sim, &scene.player, 1, 3 * SECOND);
	assert_int_equal(scene.player.frames_completed, FRAMES);
	assert_int_equal(scene.player.messages_failed, 0);
	vmsnd_machine_close(sim->machine, sim->now);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim->machine),
			 VMSND_OK);
	n = piece(&scene, "first.wav", 0);
	n += piece(&scene, "second.wav", n);
	/* What is in a delay when the guest stops is not heard. */
	assert_in_range(n, FRAMES - delay, FRAMES);
	end(&scene);
}

static void test_goes_on_elsewhere_with_the_next_frame(void **state)
{
	for (unsigned ms = 40; ms < 900; ms += 89)
		over_a_move(ms, NULL, 0);
}

static void test_sound_in_drivers_goes_along(void **state)
{
	for (unsigned ms = 151; ms < 900; ms += 149)
		over_a_move(ms, "delay,ms=30", 30 * 48);
}

/* Nothing is lost for a guest whose move was given up. */
static void test_a_card_that_stood_goes_on(void **state)
{
	struct scene scene;
	struct sim *sim = &scene.sim;

	play_and_save(&scene, 300, NULL);
	sim->now += 3 * SECOND;
	stand(sim, false);
	sim_run(sim, &scene.player, 1, 3 * SECOND);
	assert_int_equal(scene.player.messages_failed, 0);
	vmsnd_machine_close(sim->machine, sim->now);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim->machine),
			 VMSND_OK);
	assert_int_equal(piece(&scene, "first.wav", 0), FRAMES);
	end(&scene);
}

/* A VMM cannot turn on a microphone, nor make anything louder, by the state that it brings. */
static void test_what_the_owner_has_set_stays(void **state)
{
	static const struct vmsnd_volume soft = {.gain_mdb = -6000}, softer = {.gain_mdb = -9000};
	struct vmsnd_lun_status unit;
	struct scene scene;
	struct sim *sim = &scene.sim;
	struct vmsnd_card *card;

	play_and_save(&scene, 300, NULL);
	forget(&scene.moved);
	vmsnd_machine_volume(sim->machine, 0, 0, VMSND_PLAYBACK, &soft);
	scene.moved = save(sim);
	close_first(sim, &scene.moved);
	open_other(sim, "virtio-snd,capture=0,output=off", false);
	vmsnd_machine_volume(sim->machine, 0, 0, VMSND_PLAYBACK, &softer);
	vmsnd_machine_pause(sim->machine, 0, true, sim->now);
	stand(sim, true);
	assert_int_equal(load(sim, scene.moved.bytes, scene.moved.n_bytes), VMSND_OK);
	card = card_of(sim);
	vmsnd_lun_status(vmsnd_port_lun(card->ports[0].port, 0), &unit);
	assert_int_equal(unit.volume.gain_mdb, -9000);
	assert_false(card->enabled[VMSND_PLAYBACK]);
	assert_true(card->paused);
	assert_string_equal(strrchr(card->outputs[0]->now.text, '/'), "/second.wav");
	end(&scene);
}

/* ---- what is of no use ---- */

static void refuse(struct scene *scene, size_t n_bytes, enum vmsnd_rc expected, const char *line)
{
	struct vmsnd_stream_params params;
	struct vmsnd_card *card = card_of(&scene->sim);
	enum vmsnd_rc rc = load(&scene->sim, scene->moved.bytes, n_bytes);

	assert_int_equal(rc, expected);
	assert_non_null(strstr(scene->sim.log, line));
	assert_false(vmsnd_port_params(card->ports[0].port, &params));
}

static void test_half_of_a_state_is_none(void **state)
{
	struct scene scene;
	size_t n;

	play_and_save(&scene, 300, "delay,ms=30");
	n = scene.moved.n_bytes;
	close_first(&scene.sim, &scene.moved);
	open_other(&scene.sim, "virtio-snd,capture=0", true);
	put_driver(&scene.sim, "delay,ms=30");
	stand(&scene.sim, true);
	refuse(&scene, 0, VMSND_E_DAMAGED, "of no use");
	for (size_t cut = 1; cut < n; cut += 1 + n / 199)
		refuse(&scene, n - cut, VMSND_E_DAMAGED, "of no use");
	for (size_t at = 0; at < n; at += 1 + n / 499) {
		enum vmsnd_rc rc;

		scene.moved.bytes[at] ^= 0x10;
		rc = load(&scene.sim, scene.moved.bytes, n);
		assert_true(rc == VMSND_E_DAMAGED || rc == VMSND_E_VERSION);
		scene.moved.bytes[at] ^= 0x10;
	}
	/* And the card is none the worse for it. */
	assert_int_equal(load(&scene.sim, scene.moved.bytes, n), VMSND_OK);
	move_guest(&scene.sim);
	stand(&scene.sim, false);
	sim_run(&scene.sim, &scene.player, 1, 3 * SECOND);
	assert_int_equal(scene.player.frames_completed, FRAMES);
	end(&scene);
}

static void test_another_card_is_no_place_for_it(void **state)
{
	struct scene scene;

	play_and_save(&scene, 300, NULL);
	close_first(&scene.sim, &scene.moved);
	open_other(&scene.sim, "virtio-snd,capture=1", true);
	stand(&scene.sim, true);
	refuse(&scene, scene.moved.n_bytes, VMSND_E_INVALID, "it has other streams");
	/* A VMM that goes on trying writes no second line. */
	scene.sim.log[0] = '\0';
	refuse(&scene, scene.moved.n_bytes, VMSND_E_INVALID, "");
	assert_string_equal(scene.sim.log, "");
	vmsnd_card_peer(card_of(&scene.sim), VMSND_PEER_CONNECTED);
	refuse(&scene, scene.moved.n_bytes, VMSND_E_INVALID, "it has other streams");
	end(&scene);
}

/* ---- a device that keeps time itself ---- */

/* How it was called, and by what pace the port went then. */
struct clockwork {
	struct vmsnd_port *port;
	struct {
		vmsnd_ns at;
		double rate_hz;
	} seen[64];
	unsigned n;
};

static struct clockwork *clockwork; /* the test's only one */

static size_t clock_footprint(const struct vmsnd_dev_conf *conf)
{
	return sizeof(struct clockwork);
}

static enum vmsnd_rc clock_init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
				const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	static const struct vmsnd_stream_params params = {
	    .format = {.sample = VMSND_SAMPLE_S16, .rate_hz = 48000, .channels = 2},
	    .buffer_frames = 4800,
	    .period_frames = 480};

	clockwork = (struct clockwork *)(void *)dev;
	clockwork->port = env->port(env->ctx, VMSND_PLAYBACK, 0);
	return vmsnd_port_prepare(clockwork->port, &params, now);
}

static void clock_reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
}

static vmsnd_ns clock_advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	unsigned n = clockwork->n % 64;

	clockwork->seen[n].at = now;
	clockwork->seen[n].rate_hz = vmsnd_port_rate_hz(clockwork->port);
	clockwork->n++;
	return VMSND_NEVER;
}

static size_t clock_counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	return 0;
}

static void no_bar(const struct vmsnd_dev *dev, unsigned index, struct vmsnd_pci_bar *out)
{
	*out = (struct vmsnd_pci_bar){0};
}

static void no_read(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, void *to)
{
	memset(to, 0xff, access->bytes);
}

static void no_write(struct vmsnd_dev *dev, const struct vmsnd_pci_access *access, const void *from)
{
}

static const struct vmsnd_pci_ops clock_pci = {.bar = no_bar, .read = no_read, .write = no_write};
static const struct vmsnd_dev_class clock_class = {.abi = VMSND_DEV_ABI,
						   .kind = VMSND_KIND_AUDIO,
						   .max_instances = 1,
						   .name = "clockwork",
						   .summary = "a device that keeps time itself",
						   .pci = &clock_pci,
						   .footprint = clock_footprint,
						   .init = clock_init,
						   .reset = clock_reset,
						   .advance = clock_advance,
						   .counters = clock_counters,
						   .abi_end = VMSND_DEV_ABI};

/* Nobody is at its other end. */
static enum vmsnd_rc nowhere_open(const struct vmsnd_transport_conf *conf,
				  const struct vmsnd_transport_user *user,
				  struct vmsnd_transport **out)
{
	static int bus;

	*out = (struct vmsnd_transport *)(void *)&bus;
	return VMSND_OK;
}

static void nowhere_ready(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now)
{
}

static void nowhere_line(struct vmsnd_transport *bus, bool high)
{
}

static void nowhere_message(struct vmsnd_transport *bus, const struct vmsnd_msi *message)
{
}

static void nowhere_close(struct vmsnd_transport *bus, vmsnd_ns now)
{
}

static const struct vmsnd_transport_class nowhere = {.abi = VMSND_TRANSPORT_ABI,
						     .name = "nowhere",
						     .summary = "leads nowhere",
						     .open = nowhere_open,
						     .ready = nowhere_ready,
						     .close = nowhere_close,
						     .line = nowhere_line,
						     .message = nowhere_message,
						     .abi_end = VMSND_TRANSPORT_ABI};

/* The last call by the old pace and the first by the new one are of the same moment. */
static void expect_change(bool stands, vmsnd_ns at)
{
	unsigned n = clockwork->n;

	assert_true(n >= 2);
	while (n >= 2 && (clockwork->seen[n - 2].rate_hz == 0) == stands)
		n--;
	assert_true(n >= 2);
	assert_int_equal(clockwork->seen[n - 2].rate_hz != 0, stands);
	assert_int_equal(clockwork->seen[n - 1].rate_hz != 0, !stands);
	assert_int_equal(clockwork->seen[n - 2].at, at);
	assert_int_equal(clockwork->seen[n - 1].at, at);
}

static void open_clockwork(struct sim *sim, struct vmsnd_registry **registry)
{
	struct vmsnd_machine_conf conf = {.log = {.write = quiet}};
	struct vmsnd_card_conf card = {.device = "clockwork,capture=0,playback=1",
				       .backend = "null",
				       .transport = "nowhere",
				       .listen_fd = -1};

	vmsnd_machine_close(sim->machine, sim->now);
	assert_int_equal(vmsnd_registry_open(NULL, registry), VMSND_OK);
	assert_int_equal(vmsnd_registry_add_device(*registry, &clock_class), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_transport(*registry, &nowhere), VMSND_RECORD_FINE);
	conf.registry = *registry;
	assert_int_equal(vmsnd_machine_open(&conf, &sim->machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_add(sim->machine, &card, sim->now), VMSND_OK);
}

static void test_a_device_that_keeps_time_hears_at_which_moment_it_stands(void **state)
{
	struct vmsnd_registry *registry;
	struct sim sim;

	sim_open(&sim);
	open_clockwork(&sim, &registry);
	sim_run_until(&sim, NULL, 0, sim.now + 5 * MS);
	for (unsigned i = 0; i < 3; i++) {
		sim.now += 1234567;
		if (i == 0)
			stand(&sim, true);
		else if (i == 1)
			vmsnd_machine_pause(sim.machine, 0, true, sim.now);
		else
			vmsnd_machine_life(sim.machine, VMSND_LIFE_SUSPEND, sim.now);
		expect_change(true, sim.now);
		sim.now += 1234567;
		if (i == 0)
			stand(&sim, false);
		else if (i == 1)
			vmsnd_machine_pause(sim.machine, 0, false, sim.now);
		else
			vmsnd_machine_life(sim.machine, VMSND_LIFE_RESUME, sim.now);
		expect_change(false, sim.now);
	}
	vmsnd_machine_close(sim.machine, sim.now);
	vmsnd_registry_close(registry);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &sim.machine),
			 VMSND_OK);
	sim_close(&sim);
}

/* Whoever holds it: it goes on once nobody does. */
static void test_it_stands_while_anybody_wants_it_to(void **state)
{
	struct sim sim;

	sim_open(&sim);
	sim_add(&sim, "", "null");
	stand(&sim, true);
	vmsnd_machine_pause(sim.machine, 0, true, sim.now);
	stand(&sim, false);
	assert_true(card_of(&sim)->standing);
	stand(&sim, true);
	vmsnd_machine_pause(sim.machine, 0, false, sim.now);
	assert_true(card_of(&sim)->standing);
	stand(&sim, false);
	assert_false(card_of(&sim)->standing);
	sim_close(&sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_goes_on_elsewhere_with_the_next_frame),
	    cmocka_unit_test(test_sound_in_drivers_goes_along),
	    cmocka_unit_test(test_a_card_that_stood_goes_on),
	    cmocka_unit_test(test_what_the_owner_has_set_stays),
	    cmocka_unit_test(test_half_of_a_state_is_none),
	    cmocka_unit_test(test_another_card_is_no_place_for_it),
	    cmocka_unit_test(test_a_device_that_keeps_time_hears_at_which_moment_it_stands),
	    cmocka_unit_test(test_it_stands_while_anybody_wants_it_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
