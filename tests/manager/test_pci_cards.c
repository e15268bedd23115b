/* SPDX-License-Identifier: BSD-3-Clause */
/* A card on a PCI bus in a machine: its streams, its interrupts, its transport's time. */
#include "actors.h"

#include <stdlib.h>
#include <string.h>

#include "idle.h"

/* ---- a card that does as its registers are told, and the slot that it is in ---- */

struct vmsnd_dev {
	struct vmsnd_dev_env env;
	unsigned streams[2];
};

static struct vmsnd_dev *board_dev; /* the newest */

static size_t board_footprint(const struct vmsnd_dev_conf *conf)
{
	return sizeof(struct vmsnd_dev);
}

static enum vmsnd_rc board_init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
				const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	board_dev = dev;
	dev->env = *env;
	dev->streams[VMSND_PLAYBACK] = conf->playback_streams;
	dev->streams[VMSND_CAPTURE] = conf->capture_streams;
	/* There is no transport yet. */
	env->line(env->ctx, true);
	env->message(env->ctx, &(struct vmsnd_msi){.data = 1});
	return VMSND_OK;
}

static const struct vmsnd_dev_class board = {
    .abi = VMSND_DEV_ABI,
    .kind = VMSND_KIND_AUDIO,
    .max_instances = 8,
    .name = "board",
    .summary = "for tests",
    .pci = &idle_pci,
    .usual_streams = {[VMSND_PLAYBACK] = 2, [VMSND_CAPTURE] = 4},
    .footprint = board_footprint,
    .init = board_init,
    .reset = idle_reset,
    .advance = idle_advance,
    .counters = idle_counters,
    .abi_end = VMSND_DEV_ABI};

struct vmsnd_transport {
	vmsnd_ns due; /* VMSND_NEVER: it has nothing to do */
	vmsnd_ns called[8];
	unsigned n_called, n_lines, n_messages;
	bool high;
	struct vmsnd_msi message;
};

static struct vmsnd_transport *slot_bus; /* the newest */
static vmsnd_ns slot_due;                /* of the next one */

static enum vmsnd_rc slot_open(const struct vmsnd_transport_conf *conf,
			       const struct vmsnd_transport_user *user,
			       struct vmsnd_transport **out)
{
	slot_bus = *out = calloc(1, sizeof(**out));
	assert_non_null(*out);
	slot_bus->due = slot_due;
	return VMSND_OK;
}

static void slot_ready(struct vmsnd_transport *bus, unsigned tag, vmsnd_ns now)
{
}

static void slot_line(struct vmsnd_transport *bus, bool high)
{
	bus->n_lines++;
	bus->high = high;
}

static void slot_message(struct vmsnd_transport *bus, const struct vmsnd_msi *message)
{
	bus->n_messages++;
	bus->message = *message;
}

static vmsnd_ns slot_advance(struct vmsnd_transport *bus, vmsnd_ns now)
{
	assert_true(bus->n_called < 8);
	bus->called[bus->n_called++] = now;
	if (now >= bus->due)
		bus->due = VMSND_NEVER;
	return bus->due;
}

static void slot_close(struct vmsnd_transport *bus, vmsnd_ns now)
{
	free(bus);
}

static const struct vmsnd_transport_class slot = {.abi = VMSND_TRANSPORT_ABI,
						  .name = "slot",
						  .summary = "for tests",
						  .open = slot_open,
						  .ready = slot_ready,
						  .close = slot_close,
						  .line = slot_line,
						  .message = slot_message,
						  .advance = slot_advance,
						  .abi_end = VMSND_TRANSPORT_ABI};

static void set_up(vmsnd_ns due)
{
	slot_due = due;
	actors_open(false);
	assert_int_equal(vmsnd_registry_add_device(actors.registry, &board), VMSND_RECORD_FINE);
	assert_int_equal(vmsnd_registry_add_transport(actors.registry, &slot), VMSND_RECORD_FINE);
}

/* ---- ---- */

static void test_streams_that_nobody_counted_are_the_class_own(void **state)
{
	set_up(VMSND_NEVER);
	actors_build("cards: {a: {device: board, transport: slot}}");
	assert_int_equal(board_dev->streams[VMSND_PLAYBACK], 2);
	assert_int_equal(board_dev->streams[VMSND_CAPTURE], 4);
	actors_build("cards: {b: {device: board, transport: slot, playback: 0, capture: 1}}");
	assert_int_equal(board_dev->streams[VMSND_PLAYBACK], 0);
	assert_int_equal(board_dev->streams[VMSND_CAPTURE], 1);
	actors_close();
}

static void test_DM08_a_device_is_on_one_bus(void **state)
{
	struct vmsnd_dev_class cls = board;

	set_up(VMSND_NEVER);
	cls.name = "both";
	cls.virtio = &idle_virtio;
	assert_int_equal(vmsnd_registry_add_device(actors.registry, &cls), VMSND_RECORD_BUS);
	cls.name = "neither";
	cls.virtio = NULL;
	cls.pci = NULL;
	assert_int_equal(vmsnd_registry_add_device(actors.registry, &cls), VMSND_RECORD_BUS);
	actors_close();
}

static void test_no_class_has_more_streams_than_a_card_may(void **state)
{
	struct vmsnd_dev_class many = board;

	set_up(VMSND_NEVER);
	many.name = "many";
	many.usual_streams[VMSND_CAPTURE] = 65;
	assert_int_equal(vmsnd_registry_add_device(actors.registry, &many), VMSND_RECORD_OPTIONS);
	many.usual_streams[VMSND_CAPTURE] = 64;
	assert_int_equal(vmsnd_registry_add_device(actors.registry, &many), VMSND_RECORD_FINE);
	actors_close();
}

/* Also of a card that is added by itself, and in the words of its log. */
static void test_a_card_on_the_wrong_bus_is_refused(void **state)
{
	set_up(VMSND_NEVER);
	assert_int_equal(actors_try("cards: {a: {device: board, transport: hall}}"),
			 VMSND_E_INVALID);
	assert_non_null(strstr(actors.log, "cards.a: board is a PCI card, and the transport hall "
					   "takes virtio cards: leave 'transport' out, or say "
					   "vfio-user"));
	actors.log[0] = '\0';
	assert_int_equal(actors_try("cards: {a: {device: actor, transport: slot}}"),
			 VMSND_E_INVALID);
	assert_non_null(strstr(actors.log, "takes PCI cards"));
	assert_null(strchr(strchr(actors.log, '\n') + 1, '\n'));
	actors_close();
}

static void test_interrupts_of_both_kinds_reach_the_transport(void **state)
{
	const struct vmsnd_msi message = {.vector = 0, .address = 0xfee00000, .data = 0x4041};

	set_up(VMSND_NEVER);
	actors_build("cards: {a: {device: board, transport: slot}}");
	assert_int_equal(slot_bus->n_lines, 0);
	board_dev->env.line(board_dev->env.ctx, true);
	assert_true(slot_bus->high);
	board_dev->env.line(board_dev->env.ctx, false);
	assert_false(slot_bus->high);
	assert_int_equal(slot_bus->n_lines, 2);
	board_dev->env.message(board_dev->env.ctx, &message);
	assert_int_equal(slot_bus->n_messages, 1);
	assert_int_equal(slot_bus->message.address, 0xfee00000);
	assert_int_equal(slot_bus->message.data, 0x4041);
	/* There is no queue to tell of. */
	board_dev->env.notify(board_dev->env.ctx, 0);
	assert_int_equal(slot_bus->n_lines + slot_bus->n_messages, 3);
	actors_close();
}

/* It is called at the very time that it asked for, however late the machine comes, and the machine
 * comes no later than that. */
static void test_a_transport_has_its_own_time(void **state)
{
	vmsnd_ns due, next;

	set_up(VMSND_NEVER);
	slot_due = due = actors.now + 5000000;
	actors_build("cards: {a: {device: board, transport: slot}}");
	next = vmsnd_machine_advance(actors.machine, actors.now);
	assert_int_equal(next, due);
	assert_int_equal(slot_bus->n_called, 1);
	vmsnd_machine_advance(actors.machine, due - 1);
	assert_int_equal(slot_bus->n_called, 1);
	next = vmsnd_machine_advance(actors.machine, due + 3000000);
	assert_int_equal(slot_bus->n_called, 2);
	assert_int_equal(slot_bus->called[1], due);
	assert_true(next > due + 3000000);
	actors_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_streams_that_nobody_counted_are_the_class_own),
	    cmocka_unit_test(test_DM08_a_device_is_on_one_bus),
	    cmocka_unit_test(test_no_class_has_more_streams_than_a_card_may),
	    cmocka_unit_test(test_a_card_on_the_wrong_bus_is_refused),
	    cmocka_unit_test(test_interrupts_of_both_kinds_reach_the_transport),
	    cmocka_unit_test(test_a_transport_has_its_own_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
