/* SPDX-License-Identifier: BSD-3-Clause */
/* Machines whose lanes are threads, in real time: guests play from threads of their own while
 * others do whatever an owner can. Meant for a build with -Db_sanitize=thread; runs in any.
 *
 * Nothing is said about when anything happens: a busy machine may put silence between two frames,
 * but none of what was played may be missing, be there twice or in another order.
 *
 * test-lanes [SEED]: what each owner does comes from it; how the threads meet does not. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manager/card.h"
#include "manager/machine.h"
#include "os/clock.h"
#include "stage.h"

#define CARDS   4u
#define VCPUS   2u
#define OWNERS  3u
#define FRAMES  9600u /* at least; until the owners are done */
#define LIMIT_S 100u

struct world {
	struct sim sim;
	struct vmsnd_registry *registry;
	struct sim_signal signals[CARDS];
	struct vmsnd_guest_player players[CARDS];
	pthread_t vcpus[VCPUS], owners[OWNERS];
	_Atomic unsigned next_vcpu, next_owner, files;
	int wanted;                               /* acts, or changes of chains that succeed */
	_Atomic int left;                         /* of these, until the owners are done */
	_Atomic unsigned changed_chains, running; /* changes that succeeded; threads */
	_Atomic unsigned files_of_first[CARDS];   /* of output 0, one after the other */
	_Atomic bool give_up, failed;
	_Atomic vmsnd_ns now; /* of a machine without threads */
	_Atomic unsigned long changes;
	_Atomic unsigned doomed; /* lines of a close that left something behind */
};

static uint32_t seed = 1;

struct owner {
	struct world *world;
	struct vmsnd_machine *machine;
	vmsnd_ns now;
	unsigned number;
	uint32_t seed;
	/* Its last one, whose end it has not seen. Number 0: none. */
	struct vmsnd_reattach under_way;
};

static uint32_t roll(struct owner *owner, uint32_t below)
{
	owner->seed ^= owner->seed << 13;
	owner->seed ^= owner->seed >> 17;
	owner->seed ^= owner->seed << 5;
	return owner->seed % below;
}

static unsigned card_of(struct owner *owner)
{
	return roll(owner, CARDS);
}

/* Never output 0: that one is to have every frame. */
static unsigned output_of(struct owner *owner)
{
	return 1 + roll(owner, VMSND_OUTPUTS_MAX - 1);
}

static void changed_chain(struct owner *owner, enum vmsnd_rc rc)
{
	if (rc == VMSND_OK)
		atomic_fetch_add(&owner->world->changed_chains, 1);
}

/* That one was asked for is not yet a change. */
static void look_at_reattach(struct owner *owner)
{
	enum vmsnd_rc rc;

	if (owner->under_way.number == 0)
		return;
	rc = vmsnd_machine_reattached(owner->machine, &owner->under_way);
	if (rc == VMSND_E_AGAIN)
		return;
	changed_chain(owner, rc);
	owner->under_way.number = 0;
}

static const char *backend_of(struct owner *owner, char text[256])
{
	static const char *const texts[] = {"null",
					    "fake",
					    "fake-slow",
					    "fake-slow-streams",
					    "fake-notices,rate=44100",
					    "null,dir=capture",
					    "null,channels=1,volume=-6"};

	if (roll(owner, 4) == 0)
		snprintf(text, 256, "file,path=%s/x%u.wav", owner->world->sim.directory,
			 atomic_fetch_add(&owner->world->files, 1));
	else
		snprintf(text, 256, "%s", texts[roll(owner, sizeof(texts) / sizeof(texts[0]))]);
	return text;
}

static const char *driver_of(struct owner *owner)
{
	static const char *const texts[] = {"delay,ms=5", "map,channels=1/0", "delay,ms=40"};

	return texts[roll(owner, 3)];
}

/* ---- what an owner does ---- */

static void act_attach(struct owner *owner)
{
	char text[256];
	struct vmsnd_chain_conf chain = {.backend = backend_of(owner, text),
					 .drivers = {roll(owner, 2) ? driver_of(owner) : NULL}};
	unsigned output;

	changed_chain(owner, vmsnd_machine_attach_chain(owner->machine, card_of(owner), &chain,
							owner->now, &output));
}

static void act_detach(struct owner *owner)
{
	changed_chain(owner, vmsnd_machine_detach(owner->machine, card_of(owner), output_of(owner),
						  owner->now));
}

static void act_reattach(struct owner *owner)
{
	char text[256];
	struct vmsnd_chain_conf chain = {.backend = backend_of(owner, text),
					 .drivers = {roll(owner, 2) ? driver_of(owner) : NULL}};
	struct vmsnd_reattach which = {.card = card_of(owner), .output = output_of(owner)};

	if (vmsnd_machine_reattach(owner->machine, &which, &chain, owner->now) == VMSND_OK)
		owner->under_way = which;
}

static void first_file(struct world *world, unsigned card, unsigned number, char text[256])
{
	snprintf(text, 256, "%s/%u-%u.wav", world->sim.directory, card, number);
}

/* Output 0 of a card changes from file to file; one owner each, so that their order is known. */
static void act_reattach_first(struct owner *owner)
{
	unsigned card = owner->number + OWNERS * roll(owner, 2);
	struct vmsnd_reattach which = {.card = card};
	_Atomic unsigned *files;
	char text[256 + 16] = "file,path=";
	struct vmsnd_chain_conf chain = {.backend = text};
	enum vmsnd_rc rc;

	if (card >= CARDS)
		return;
	files = &owner->world->files_of_first[card];
	first_file(owner->world, card, atomic_load(files), text + strlen(text));
	rc = vmsnd_machine_reattach(owner->machine, &which, &chain, owner->now);
	if (rc == VMSND_OK) {
		atomic_fetch_add(files, 1);
		owner->under_way = which;
	} else if (rc != VMSND_E_AGAIN) {
		atomic_store(&owner->world->failed, true);
	}
}

static void act_driver(struct owner *owner)
{
	struct vmsnd_driver_place place = {card_of(owner), output_of(owner), roll(owner, 3)};
	struct vmsnd_machine *machine = owner->machine;

	if (roll(owner, 3) == 0)
		changed_chain(owner, vmsnd_machine_driver_detach(machine, &place, owner->now));
	else if (roll(owner, 2))
		changed_chain(owner, vmsnd_machine_driver_attach(machine, &place, driver_of(owner),
								 owner->now));
	else
		changed_chain(owner, vmsnd_machine_driver_reattach(machine, &place,
								   driver_of(owner), owner->now));
}

static void act_read(struct owner *owner)
{
	struct vmsnd_stream_status *list = calloc(16, sizeof(*list));
	struct vmsnd_named_counter *counters = calloc(200, sizeof(*counters));
	unsigned card = card_of(owner);
	bool on;

	vmsnd_machine_streams(owner->machine, card, list, 16);
	vmsnd_machine_counters(owner->machine, card, counters, 200);
	vmsnd_machine_paused(owner->machine, card, &on);
	vmsnd_machine_enabled(owner->machine, card, VMSND_CAPTURE, &on);
	vmsnd_machine_phase(owner->machine);
	vmsnd_machine_status(owner->machine);
	free(list);
	free(counters);
}

static void act_tree(struct owner *owner)
{
	struct vmsnd_node *tree = vmsnd_machine_tree(owner->machine, roll(owner, 2));

	if (!tree)
		atomic_store(&owner->world->failed, true);
	vmsnd_tree_free(tree);
	tree = vmsnd_machine_statistics(owner->machine);
	if (!tree)
		atomic_store(&owner->world->failed, true);
	vmsnd_tree_free(tree);
}

static void act_volume(struct owner *owner)
{
	struct vmsnd_volume volume = {.gain_mdb = -(int32_t)roll(owner, 60000)};

	vmsnd_machine_volume(owner->machine, card_of(owner), output_of(owner), VMSND_PLAYBACK,
			     &volume);
}

static void act_enable(struct owner *owner)
{
	vmsnd_machine_enable(owner->machine, card_of(owner), VMSND_CAPTURE, roll(owner, 2),
			     owner->now);
}

static void act_pause(struct owner *owner)
{
	unsigned card = card_of(owner);

	vmsnd_machine_pause(owner->machine, card, true, owner->now);
	vmsnd_machine_pause(owner->machine, card, false, owner->now);
}

static void act_tap(struct owner *owner)
{
	char path[192];
	struct vmsnd_tap_conf tap = {.dir = VMSND_PLAYBACK,
				     .point = (enum vmsnd_tap)roll(owner, 2)};

	snprintf(path, sizeof(path), "%s/tap%u.wav", owner->world->sim.directory,
		 atomic_fetch_add(&owner->world->files, 1));
	if (roll(owner, 2))
		tap.path = path;
	vmsnd_machine_tap(owner->machine, card_of(owner), &tap, owner->now);
}

/* Only one of them does: two would end each other's in between. */
static void act_life(struct owner *owner)
{
	static const enum vmsnd_life lives[] = {VMSND_LIFE_SUSPEND, VMSND_LIFE_RESUME};

	for (unsigned i = 0; owner->number == 0 && i < 2; i++)
		while (vmsnd_machine_life(owner->machine, lives[i], owner->now) == VMSND_E_AGAIN)
			sched_yield();
}

/* A guest's beginning: as much as is played at once, and what comes back meanwhile. */
static enum vmsnd_rc play_a_little(struct owner *owner, const struct vmsnd_guest_conf *conf)
{
	struct vmsnd_guest *guest = calloc(1, sizeof(*guest));
	struct sim_signal signal = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
	const struct vmsnd_guest_player_conf play = {
	    .params = {signal.format, PERIOD, 4},
	    .frames = UINT64_MAX,
	    .ctx = &signal,
	    .read = sim_signal_read,
	};
	struct vmsnd_guest_player player;
	enum vmsnd_rc rc = guest ? vmsnd_guest_open(guest, conf, owner->now) : VMSND_E_NOMEM;

	signal.end = UINT64_MAX;
	if (!rc)
		vmsnd_guest_player_init(&player, guest, &play);
	for (unsigned turns = 1 + roll(owner, 20); !rc && turns > 0; turns--) {
		vmsnd_guest_player_step(&player, atomic_load(&owner->world->now));
		sched_yield();
	}
	free(guest);
	return rc;
}

/* A card of its own, which plays a little and is taken from its guest. */
static void act_card(struct owner *owner)
{
	struct vmsnd_guest_conf conf = {
	    .memory_bytes = 1u << 20, .gpa = 0x100000, .by_interrupt = true};
	struct vmsnd_node *root = vmsnd_tree_new();
	struct vmsnd_node *node;
	enum vmsnd_rc rc;
	char name[32];
	unsigned card;

	snprintf(name, sizeof(name), "own%u", owner->number);
	node = vmsnd_node_make(root, name);
	vmsnd_leaf_set_text(node, "device", "virtio-snd");
	vmsnd_leaf_set_text(node, "transport", "in-process");
	conf.memory = aligned_alloc(4096, conf.memory_bytes);
	rc = vmsnd_machine_add_node(owner->machine, node, -1, owner->now, &card);
	if (!rc) {
		rc = vmsnd_machine_guest_bus(owner->machine, card, &conf.bus);
		if (!rc)
			rc = play_a_little(owner, &conf);
		if (vmsnd_machine_remove(owner->machine, card, owner->now))
			rc = VMSND_E_NO_CARD;
	}
	if (rc)
		atomic_store(&owner->world->failed, true);
	vmsnd_tree_free(root);
	free(conf.memory);
}

static void act_fault(struct owner *owner)
{
	fake.away = roll(owner, 2);
	fake.streams_away = roll(owner, 2);
	fake.kill = roll(owner, 2);
	fake.error = roll(owner, 4) == 0;
}

typedef void act(struct owner *owner);

static act *const everything[] = {act_attach,   act_attach, act_detach, act_detach,
				  act_reattach, act_driver, act_read,   act_tree,
				  act_volume,   act_enable, act_pause,  act_tap,
				  act_life,     act_card,   act_fault,  act_reattach_first};
static act *const chains[] = {act_attach, act_attach, act_detach,         act_detach, act_reattach,
			      act_driver, act_driver, act_reattach_first, act_card};

/* ---- threads ---- */

/* Whether there is more to do; each act is one less. */
static bool one_more_act(struct owner *owner)
{
	return atomic_fetch_sub(&owner->world->left, 1) > 0;
}

/* The same, and each change that succeeded is one less. */
static bool one_more_change(struct owner *owner)
{
	struct world *world = owner->world;

	atomic_store(&world->left, world->wanted - (int)atomic_load(&world->changed_chains));
	return atomic_load(&world->left) > 0;
}

static void own(struct world *world, bool (*more)(struct owner *owner), act *const *acts,
		uint32_t n)
{
	struct owner owner = {.world = world,
			      .machine = world->sim.machine,
			      .number = atomic_fetch_add(&world->next_owner, 1)};

	owner.seed = (seed * OWNERS + owner.number + 1) * 2654435761u | 1;
	while (!atomic_load(&world->give_up) && more(&owner)) {
		owner.now = atomic_load(&world->now);
		acts[roll(&owner, n)](&owner);
		/* So that sound goes by in between, and that some come one upon the other. */
		if (roll(&owner, 2))
			vmsnd_clock_sleep_until(vmsnd_clock_now() + roll(&owner, 6) * MS);
		look_at_reattach(&owner);
	}
	atomic_fetch_sub(&world->running, 1);
}

static void *own_everything(void *arg)
{
	own(arg, one_more_act, everything, sizeof(everything) / sizeof(everything[0]));
	return NULL;
}

static void *own_chains(void *arg)
{
	own(arg, one_more_change, chains, sizeof(chains) / sizeof(chains[0]));
	return NULL;
}

/* Guests play until the owners are done, and no less than FRAMES. */
static bool step(struct world *world, unsigned card)
{
	struct vmsnd_guest_player *player = &world->players[card];

	if (player->conf.frames == UINT64_MAX && atomic_load(&world->left) <= 0)
		player->conf.frames = player->frames_in < FRAMES ? FRAMES : player->frames_in;
	return vmsnd_guest_player_step(player, atomic_load(&world->now));
}

/* Plays the cards that are its own until all are done. */
static void *play(void *arg)
{
	struct world *world = arg;
	unsigned first = atomic_fetch_add(&world->next_vcpu, 1);
	bool more = true;

	while (more && !atomic_load(&world->give_up)) {
		more = false;
		for (unsigned i = first; i < CARDS; i += VCPUS)
			more |= step(world, i);
		vmsnd_clock_sleep_until(vmsnd_clock_now() + MS);
	}
	atomic_fetch_sub(&world->running, 1);
	return NULL;
}

/* ---- the world ---- */

static void log_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct world *world = ctx;

	world->doomed += strstr(line, "does not answer") != NULL;
	if (level == VMSND_LOG_ERROR)
		snprintf(world->sim.log, sizeof(world->sim.log), "%s", line);
}

static void changed(void *ctx)
{
	struct world *world = ctx;

	atomic_fetch_add(&world->changes, 1);
}

static struct world *open_world(unsigned lanes, int wanted)
{
	struct world *world = calloc(1, sizeof(*world));
	struct vmsnd_machine_conf conf = {
	    .log = {world, log_line}, .lanes = lanes, .changed = changed, .changed_ctx = world};
	char name[16];

	assert_non_null(world);
	memset(&fake, 0, sizeof(fake));
	sim_open(&world->sim);
	vmsnd_machine_close(world->sim.machine, world->sim.now);
	conf.registry = world->registry = fake_registry();
	assert_int_equal(vmsnd_machine_open(&conf, &world->sim.machine), VMSND_OK);
	atomic_store(&world->now, world->sim.now);
	world->wanted = wanted;
	atomic_store(&world->left, wanted);
	for (unsigned i = 0; i < CARDS; i++) {
		snprintf(name, sizeof(name), "%u-0.wav", i);
		atomic_store(&world->files_of_first[i], 1);
		sim_add(&world->sim, "", sim_file(&world->sim, name, ""));
		world->signals[i] = sim_signal(VMSND_SAMPLE_S16, 48000, 2);
		world->signals[i].end = UINT64_MAX;
		world->signals[i].salt = i;
		world->players[i] = sim_player(&world->sim, i, &world->signals[i], PERIOD, 4);
	}
	return world;
}

static void start(struct world *world, void *(*owner)(void *))
{
	atomic_store(&world->running, VCPUS + OWNERS);
	for (unsigned i = 0; i < VCPUS; i++)
		assert_int_equal(pthread_create(&world->vcpus[i], NULL, play, world), 0);
	for (unsigned i = 0; i < OWNERS; i++)
		assert_int_equal(pthread_create(&world->owners[i], NULL, owner, world), 0);
}

static bool joins(pthread_t thread, vmsnd_ns end)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(end > vmsnd_clock_now() ? (end - vmsnd_clock_now()) / SECOND : 0);
	return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

static void join_all(struct world *world)
{
	vmsnd_ns end = vmsnd_clock_now() + LIMIT_S * SECOND;

	for (unsigned i = 0; i < OWNERS; i++)
		if (!joins(world->owners[i], end))
			fail_msg("an owner does not come to its end");
	for (unsigned i = 0; i < VCPUS; i++)
		if (!joins(world->vcpus[i], end))
			fail_msg("a guest does not get to its end: player %u is at %s", i,
				 vmsnd_guest_player_state_text(world->players[i].state));
}

/* The number behind the last frame of this file. One that nothing was played into is not there. */
static uint64_t follow(struct world *world, unsigned card, unsigned file, uint64_t next)
{
	const struct sim_signal *signal = &world->signals[card];
	struct sim_sound sound;
	char path[256];

	first_file(world, card, file, path);
	if (access(path, F_OK))
		return next;
	sound = sim_sound_load(path);
	for (uint64_t i = 0; i < sound.frames; i++) {
		const int32_t *frame = &sound.samples[2 * i];

		if (sim_sound_silent(&sound, i))
			continue;
		if (frame[0] != sim_signal_sample(signal, next, 0) ||
		    frame[1] != sim_signal_sample(signal, next, 1))
			fail_msg("card %u, file %u: frame %llu is not at %llu", card, file,
				 (unsigned long long)next, (unsigned long long)i);
		next++;
	}
	sim_sound_free(&sound);
	return next;
}

/* Frame after frame, from file to file, with silence anywhere in between. */
static void assert_all_frames(struct world *world, unsigned card)
{
	uint64_t next = 0;

	for (unsigned file = 0; file < world->files_of_first[card]; file++)
		next = follow(world, card, file, next);
	assert_int_equal(next, world->players[card].frames_completed);
}

static void end_world(struct world *world)
{
	assert_false(world->failed);
	assert_int_equal(vmsnd_machine_status(world->sim.machine).cards, CARDS);
	for (unsigned i = 0; i < CARDS; i++) {
		assert_int_equal(world->players[i].state, VMSND_GUEST_PLAYER_DONE);
		assert_in_range(world->players[i].frames_completed, FRAMES, UINT64_MAX);
		assert_int_equal(world->players[i].frames_completed, world->players[i].frames_in);
		assert_int_equal(world->players[i].messages_failed, 0);
	}
	assert_true(world->changes > 0);
	vmsnd_machine_close(world->sim.machine, world->sim.now);
	assert_int_equal(world->doomed, 0);
	assert_int_equal(fake.opens, fake.closes);
	assert_int_equal(fake.streams[VMSND_PLAYBACK] + fake.streams[VMSND_CAPTURE], 0);
	for (unsigned i = 0; i < CARDS; i++)
		assert_all_frames(world, i);
	assert_int_equal(vmsnd_machine_open(&(struct vmsnd_machine_conf){0}, &world->sim.machine),
			 VMSND_OK);
	sim_close(&world->sim);
	vmsnd_registry_close(world->registry);
	free(world);
}

/* ---- tests ---- */

static void test_cards_are_spread_over_the_lanes(void **state)
{
	struct vmsnd_machine_conf conf = {.lanes = 4};
	static const char text[] = "cards:\n"
				   "  a: {device: virtio-snd, transport: in-process, lane: 2}\n"
				   "  b: {device: virtio-snd, transport: in-process, lane: 2}\n"
				   "  c: {device: virtio-snd, transport: in-process}\n"
				   "  d: {device: virtio-snd, transport: in-process}\n"
				   "  e: {device: virtio-snd, transport: in-process}\n"
				   "  f: {device: virtio-snd, transport: in-process}\n";
	static const unsigned lanes[] = {2, 2, 0, 1, 3, 0};
	struct vmsnd_node *root, *node = vmsnd_tree_new();
	struct vmsnd_machine *machine;
	struct vmsnd_error error;
	unsigned card;

	assert_non_null(node);
	assert_int_equal(vmsnd_yaml_parse("test", text, strlen(text), &root, &error), VMSND_OK);
	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_OK);
	assert_int_equal(vmsnd_machine_build(machine, root, NULL, 0, 0), VMSND_OK);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(machine->cards[i]->lane->index, lanes[i]);
	assert_int_equal(vmsnd_machine_status(machine).lanes, 4);
	/* What a configuration says of lanes is not for those that were there before it. */
	vmsnd_leaf_set_text(node, "device", "virtio-snd");
	vmsnd_leaf_set_text(node, "transport", "in-process");
	vmsnd_leaf_set_uint(node, "lane", 3);
	assert_int_equal(vmsnd_machine_add_node(machine, node, -1, 0, &card), VMSND_OK);
	assert_int_equal(machine->cards[card]->lane->index, 3);
	vmsnd_leaf_set_uint(node, "lane", 4);
	assert_int_equal(vmsnd_machine_add_node(machine, node, -1, 0, &card), VMSND_E_INVALID);
	/* The embedder's own calls are not for such a machine. */
	assert_int_equal(vmsnd_machine_advance(machine, 1), VMSND_NEVER);
	vmsnd_tree_free(node);
	vmsnd_tree_free(root);
	vmsnd_machine_close(machine, 0);
}

static void test_more_lanes_than_there_may_be(void **state)
{
	struct vmsnd_machine_conf conf = {.lanes = VMSND_LANES_MAX + 1};
	struct vmsnd_machine *machine;

	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_E_INVALID);
}

static void everything_at_once(unsigned lanes)
{
	struct world *world = open_world(lanes, 600);

	start(world, own_everything);
	join_all(world);
	end_world(world);
}

static void test_everything_at_once_on_one_lane(void **state)
{
	everything_at_once(1);
}

static void test_everything_at_once_on_two_lanes(void **state)
{
	everything_at_once(2);
}

static void test_everything_at_once_on_four_lanes(void **state)
{
	everything_at_once(4);
}

static void change_chains(unsigned lanes, unsigned changes)
{
	struct world *world = open_world(lanes, (int)changes);

	start(world, own_chains);
	join_all(world);
	assert_in_range(world->changed_chains, changes, UINT32_MAX);
	for (unsigned i = 0; i < CARDS; i++)
		assert_true(world->files_of_first[i] > 1);
	end_world(world);
}

static void test_DM73_changes_of_chains_on_one_lane(void **state)
{
	change_chains(1, 500);
}

static void test_DM73_a_thousand_changes_of_chains_on_two_lanes(void **state)
{
	change_chains(2, 1000);
}

/* One thread steps the machine by a time of its own; the others call in meanwhile. Their time may
 * be a little behind. */
static void test_without_threads_others_may_call_in(void **state)
{
	struct world *world = open_world(0, 400);
	vmsnd_ns end = vmsnd_clock_now() + LIMIT_S * SECOND;

	start(world, own_everything);
	while (atomic_load(&world->running) > 0 && vmsnd_clock_now() < end) {
		vmsnd_machine_advance(world->sim.machine, atomic_load(&world->now));
		atomic_fetch_add(&world->now, MS / 4);
		sched_yield();
	}
	join_all(world);
	world->sim.now = atomic_load(&world->now);
	end_world(world);
}

static void tell_seed(void)
{
	fprintf(stderr, "# to have it again: test-lanes %u\n", seed);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cards_are_spread_over_the_lanes),
	    cmocka_unit_test(test_more_lanes_than_there_may_be),
	    cmocka_unit_test(test_everything_at_once_on_one_lane),
	    cmocka_unit_test(test_everything_at_once_on_two_lanes),
	    cmocka_unit_test(test_everything_at_once_on_four_lanes),
	    cmocka_unit_test(test_DM73_changes_of_chains_on_one_lane),
	    cmocka_unit_test(test_DM73_a_thousand_changes_of_chains_on_two_lanes),
	    cmocka_unit_test(test_without_threads_others_may_call_in),
	};

	if (argc > 1)
		seed = (uint32_t)strtoul(argv[1], NULL, 0);
	atexit(tell_seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
