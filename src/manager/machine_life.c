/* SPDX-License-Identifier: BSD-3-Clause */
/* Power-on, reset, suspend, resume, power-off: all cards, in the order of creation, each on its
 * lane. Whoever asks for it takes the steps; nobody waits. */
#include "manager/card.h"
#include "manager/machine.h"

/* From which phases, and where it leads. CHANGING: to where it was. */
static const struct {
	unsigned from; /* bits by enum vmsnd_machine_phase */
	enum vmsnd_machine_phase to;
} lives[VMSND_LIFE_COUNT] = {
    [VMSND_LIFE_POWER_ON] = {1u << VMSND_MACHINE_OFF, VMSND_MACHINE_ON},
    [VMSND_LIFE_RESET] = {1u << VMSND_MACHINE_ON | 1u << VMSND_MACHINE_SUSPENDED,
			  VMSND_MACHINE_CHANGING},
    [VMSND_LIFE_SUSPEND] = {1u << VMSND_MACHINE_ON, VMSND_MACHINE_SUSPENDED},
    [VMSND_LIFE_RESUME] = {1u << VMSND_MACHINE_SUSPENDED, VMSND_MACHINE_ON},
    [VMSND_LIFE_POWER_OFF] = {1u << VMSND_MACHINE_OFF | 1u << VMSND_MACHINE_ON |
				  1u << VMSND_MACHINE_SUSPENDED,
			      VMSND_MACHINE_OFF},
};

static void begin(struct vmsnd_machine *machine, enum vmsnd_life what)
{
	machine->changing = true;
	machine->life = what;
	atomic_store_explicit(&machine->step_life, true, memory_order_relaxed);
	for (struct vmsnd_card *card = machine->first; card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		vmsnd_card_life_begin(card, what);
		vmsnd_lane_unlock(card->lane, false);
	}
}

static void end(struct vmsnd_machine *machine)
{
	enum vmsnd_machine_phase to = lives[machine->life].to;

	machine->changing = false;
	atomic_store_explicit(&machine->step_life, false, memory_order_relaxed);
	if (to != VMSND_MACHINE_CHANGING)
		machine->phase = to;
	vmsnd_logf(&machine->log, VMSND_LOG_DEBUG, "the machine: %s is done",
		   vmsnd_life_name(machine->life));
	vmsnd_machine_tell_changed(machine);
}

enum vmsnd_rc vmsnd_machine_life_step(struct vmsnd_machine *machine, vmsnd_ns now)
{
	bool done = true;

	for (struct vmsnd_card *card = machine->first; card; card = card->after) {
		vmsnd_lane_lock(card->lane);
		done &= vmsnd_card_life_step(card, vmsnd_lane_time(card->lane, now)) == VMSND_OK;
		vmsnd_lane_unlock(card->lane, true);
	}
	if (!done)
		return VMSND_E_AGAIN;
	end(machine);
	return VMSND_OK;
}

static enum vmsnd_rc ask(struct vmsnd_machine *machine, enum vmsnd_life what, vmsnd_ns now)
{
	bool overrides = what == VMSND_LIFE_POWER_OFF;

	if (machine->changing && machine->life != what && !overrides)
		return VMSND_E_INVALID;
	if (!machine->changing && !(lives[what].from & 1u << machine->phase))
		return VMSND_E_INVALID;
	if (!machine->changing || machine->life != what)
		begin(machine, what);
	return vmsnd_machine_life_step(machine, now);
}

enum vmsnd_rc vmsnd_machine_life(struct vmsnd_machine *machine, enum vmsnd_life what, vmsnd_ns now)
{
	enum vmsnd_rc rc;

	if ((unsigned)what >= VMSND_LIFE_COUNT)
		return VMSND_E_INVALID;
	vmsnd_machine_plan_lock(machine);
	rc = ask(machine, what, now);
	vmsnd_machine_plan_unlock(machine);
	return rc;
}

enum vmsnd_machine_phase vmsnd_machine_phase(const struct vmsnd_machine *machine)
{
	enum vmsnd_machine_phase phase;

	vmsnd_machine_plan_lock(machine);
	phase = machine->changing ? VMSND_MACHINE_CHANGING : machine->phase;
	vmsnd_machine_plan_unlock(machine);
	return phase;
}
