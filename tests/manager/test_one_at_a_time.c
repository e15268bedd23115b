/* SPDX-License-Identifier: BSD-3-Clause */
/* Whoever calls a machine, a device has one caller at a time: the lane's lock is its lock. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "vmsnd/machine.h"

#define CARDS 2u
#define KICKS 2000u
#define TURNS 100u

static atomic_uint clashes, kicks_seen;

/* ---- a device that minds company ---- */

struct vmsnd_dev {
	atomic_int inside;
	unsigned calls; /* plain: a checker of threads sees who is not alone */
};

static void be_alone(const struct vmsnd_dev *seen)
{
	struct vmsnd_dev *dev = (struct vmsnd_dev *)(uintptr_t)seen;

	if (atomic_fetch_add(&dev->inside, 1) != 0)
		atomic_fetch_add(&clashes, 1);
	dev->calls++;
	sched_yield(); /* the best moment for somebody else */
	atomic_fetch_sub(&dev->inside, 1);
}

static size_t footprint(const struct vmsnd_dev_conf *conf)
{
	return sizeof(struct vmsnd_dev);
}

static enum vmsnd_rc init(struct vmsnd_dev *dev, const struct vmsnd_dev_conf *conf,
			  const struct vmsnd_dev_env *env, vmsnd_ns now)
{
	be_alone(dev);
	return VMSND_OK;
}

static void reset(struct vmsnd_dev *dev, enum vmsnd_reset why, vmsnd_ns now)
{
	be_alone(dev);
}

static vmsnd_ns advance(struct vmsnd_dev *dev, vmsnd_ns now)
{
	be_alone(dev);
	return now + 100000;
}

static size_t counters(const struct vmsnd_dev *dev, struct vmsnd_counter *out, size_t max)
{
	be_alone(dev);
	return 0;
}

static enum vmsnd_rc life(struct vmsnd_dev *dev, enum vmsnd_life what, vmsnd_ns now)
{
	be_alone(dev);
	return VMSND_OK;
}

static uint64_t features(const struct vmsnd_dev *dev)
{
	be_alone(dev);
	return 0;
}

static void set_features(struct vmsnd_dev *dev, uint64_t accepted)
{
	be_alone(dev);
}

static void config_read(const struct vmsnd_dev *dev, uint32_t offset, void *to, uint32_t bytes)
{
	be_alone(dev);
}

static enum vmsnd_rc queue_start(struct vmsnd_dev *dev, unsigned queue,
				 const struct vmsnd_queue_setup *setup, vmsnd_ns now)
{
	be_alone(dev);
	return VMSND_OK;
}

static uint32_t queue_stop(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	be_alone(dev);
	return 0;
}

static void queue_enable(struct vmsnd_dev *dev, unsigned queue, bool on, vmsnd_ns now)
{
	be_alone(dev);
}

static void kick(struct vmsnd_dev *dev, unsigned queue, vmsnd_ns now)
{
	be_alone(dev);
	atomic_fetch_add(&kicks_seen, 1);
}

static const struct vmsnd_virtio_ops ops = {.device_id = 25,
					    .n_queues = 1,
					    .features = features,
					    .set_features = set_features,
					    .config_read = config_read,
					    .queue_start = queue_start,
					    .queue_stop = queue_stop,
					    .queue_enable = queue_enable,
					    .kick = kick};

static const struct vmsnd_dev_class hermit = {.abi = VMSND_DEV_ABI,
					      .kind = VMSND_KIND_AUDIO,
					      .max_instances = 8,
					      .name = "hermit",
					      .summary = "for tests",
					      .virtio = &ops,
					      .footprint = footprint,
					      .init = init,
					      .reset = reset,
					      .advance = advance,
					      .counters = counters,
					      .life = life,
					      .abi_end = VMSND_DEV_ABI};

/* ---- everybody at once ---- */

struct crowd {
	struct vmsnd_machine *machine;
	unsigned card;
};

static void *be_cpu(void *ctx)
{
	const struct crowd *crowd = ctx;
	struct vmsnd_guest_bus bus;

	if (vmsnd_machine_guest_bus(crowd->machine, crowd->card, &bus))
		return ctx;
	for (unsigned i = 0; i < KICKS; i++)
		bus.kick(bus.ctx, 0, 0);
	return NULL;
}

/* DM-55: outputs come and go under the same lock. */
static void *be_owner(void *ctx)
{
	const struct crowd *crowd = ctx;
	unsigned output;

	for (unsigned i = 0; i < TURNS; i++) {
		if (vmsnd_machine_attach(crowd->machine, crowd->card, "null", 0, &output))
			return ctx;
		vmsnd_machine_counters(crowd->machine, crowd->card, NULL, 0);
		if (vmsnd_machine_detach(crowd->machine, crowd->card, output, 0))
			return ctx;
	}
	return NULL;
}

static bool lead(struct vmsnd_machine *machine, enum vmsnd_life what)
{
	enum vmsnd_rc rc;

	while ((rc = vmsnd_machine_life(machine, what, 0)) == VMSND_E_AGAIN)
		sched_yield();
	return rc == VMSND_OK;
}

static void *be_vmm(void *ctx)
{
	const struct crowd *crowd = ctx;

	for (unsigned i = 0; i < TURNS; i++)
		if (!lead(crowd->machine, VMSND_LIFE_SUSPEND) ||
		    !lead(crowd->machine, VMSND_LIFE_RESUME) ||
		    !lead(crowd->machine, VMSND_LIFE_RESET))
			return ctx;
	return NULL;
}

static struct vmsnd_machine *open_machine(struct vmsnd_registry *registry)
{
	const struct vmsnd_machine_conf conf = {.registry = registry, .lanes = CARDS};
	const struct vmsnd_card_conf card = {
	    .device = "hermit", .transport = "in-process", .listen_fd = -1};
	const struct vmsnd_queue_setup setup = {.size = 64};
	struct vmsnd_machine *machine;
	struct vmsnd_guest_bus bus;

	assert_int_equal(vmsnd_machine_open(&conf, &machine), VMSND_OK);
	for (unsigned i = 0; i < CARDS; i++) {
		assert_int_equal(vmsnd_machine_add(machine, &card, 0), VMSND_OK);
		assert_int_equal(vmsnd_machine_guest_bus(machine, i, &bus), VMSND_OK);
		assert_int_equal(bus.queue_start(bus.ctx, 0, &setup, 0), VMSND_OK);
	}
	return machine;
}

static void test_DM50_DM55_a_device_has_one_caller_at_a_time(void **state)
{
	void *(*const roles[])(void *) = {be_cpu, be_cpu, be_owner, be_vmm};
	const unsigned n_roles = sizeof(roles) / sizeof(roles[0]);
	struct vmsnd_registry *registry;
	struct crowd crowds[CARDS];
	pthread_t threads[8];
	unsigned n = 0;
	void *failed;

	assert_int_equal(vmsnd_registry_open(&(struct vmsnd_registry_conf){0}, &registry),
			 VMSND_OK);
	assert_int_equal(vmsnd_registry_add_device(registry, &hermit), VMSND_RECORD_FINE);
	crowds[0].machine = open_machine(registry);
	for (unsigned i = 0; i < CARDS; i++) {
		crowds[i] = (struct crowd){crowds[0].machine, i};
		/* One leads the life of all. */
		for (unsigned role = 0; role < n_roles - (i > 0); role++)
			assert_int_equal(
			    pthread_create(&threads[n++], NULL, roles[role], &crowds[i]), 0);
	}
	while (n-- > 0) {
		assert_int_equal(pthread_join(threads[n], &failed), 0);
		assert_null(failed);
	}
	vmsnd_machine_close(crowds[0].machine, 0);
	vmsnd_registry_close(registry);
	assert_int_equal(atomic_load(&kicks_seen), CARDS * 2 * KICKS);
	assert_int_equal(atomic_load(&clashes), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_DM50_DM55_a_device_has_one_caller_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
