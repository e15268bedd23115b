/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about the machine as a whole: suspend, resume, save, quit. */
#include <stdlib.h>

#include "control/parts.h"
#include "control/save.h"

/* ---- suspend and resume ---- */

static const char *phase_words(enum vmsnd_machine_phase phase)
{
	static const char *const words[] = {
	    [VMSND_MACHINE_OFF] = "is off",
	    [VMSND_MACHINE_ON] = "runs",
	    [VMSND_MACHINE_SUSPENDED] = "is suspended",
	    [VMSND_MACHINE_CHANGING] = "is between two states",
	};

	return words[phase];
}

static void fail_phase(struct vmsnd_control_call *call)
{
	vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "%s: the machine %s", call->command->name,
			   phase_words(vmsnd_machine_phase(call->machine)));
}

/* Whoever drives the lanes goes on with it, too, so it may be over before it is asked again. */
static void go_on(struct vmsnd_control_call *call, enum vmsnd_life what,
		  enum vmsnd_machine_phase wanted)
{
	bool under_way = vmsnd_machine_phase(call->machine) == VMSND_MACHINE_CHANGING;

	if (under_way && vmsnd_machine_life(call->machine, what, call->now) == VMSND_E_AGAIN)
		call->again = true;
	else if (vmsnd_machine_phase(call->machine) != wanted)
		fail_phase(call);
}

static void live(struct vmsnd_control_call *call, enum vmsnd_life what,
		 enum vmsnd_machine_phase wanted)
{
	enum vmsnd_rc rc;

	if (call->step > 0) {
		go_on(call, what, wanted);
		return;
	}
	rc = vmsnd_machine_life(call->machine, what, call->now);
	call->step = 1;
	call->again = rc == VMSND_E_AGAIN;
	if (rc == VMSND_E_INVALID)
		fail_phase(call);
	else if (!call->again)
		vmsnd_control_went(call, rc, NULL);
}

void vmsnd_control_suspend(struct vmsnd_control_call *call)
{
	live(call, VMSND_LIFE_SUSPEND, VMSND_MACHINE_SUSPENDED);
}

void vmsnd_control_resume(struct vmsnd_control_call *call)
{
	live(call, VMSND_LIFE_RESUME, VMSND_MACHINE_ON);
}

static void leave(struct vmsnd_control_call *call, enum vmsnd_life what)
{
	*call->life = (struct vmsnd_control_life){
	    .left = true, .what = what, .ask = call->now + VMSND_CONTROL_AGAIN_NS};
}

void vmsnd_control_suspend_left(struct vmsnd_control_call *call)
{
	leave(call, VMSND_LIFE_SUSPEND);
}

void vmsnd_control_resume_left(struct vmsnd_control_call *call)
{
	leave(call, VMSND_LIFE_RESUME);
}

void vmsnd_control_life_go_on(struct vmsnd_control_life *life, struct vmsnd_machine *machine,
			      vmsnd_ns now)
{
	if (!life->left || now < life->ask)
		return;
	life->ask = now + VMSND_CONTROL_AGAIN_NS;
	/* Nothing is begun anew: another one may have brought it to its end. */
	life->left = vmsnd_machine_phase(machine) == VMSND_MACHINE_CHANGING &&
		     vmsnd_machine_life(machine, life->what, now) == VMSND_E_AGAIN;
}

/* ---- save ---- */

enum { SAVE_FILE };

/* Those that nobody waits for any more make room when they are done. */
static bool is_busy(struct vmsnd_control_saver *saver)
{
	if (!saver->job)
		return false;
	if (!saver->orphan || !vmsnd_save_is_done(saver->job))
		return true;
	vmsnd_save_end(saver->job);
	saver->job = NULL;
	return false;
}

static void begin_save(struct vmsnd_control_call *call)
{
	struct vmsnd_control_saver *saver = call->saver;
	uint8_t *bytes = NULL;
	size_t n_bytes = 0;

	if (!vmsnd_control_went(call,
				vmsnd_machine_save(call->machine, call->now, &bytes, &n_bytes),
				"save: this cannot be saved now"))
		return;
	if (!vmsnd_control_went(call,
				vmsnd_save_begin(&saver->job, call->args[SAVE_FILE].text, bytes,
						 n_bytes, saver->wake),
				NULL))
		return;
	saver->orphan = false;
	call->step = 1;
	call->again = true;
}

static void end_save(struct vmsnd_control_call *call)
{
	struct vmsnd_save *job = call->saver->job;
	const char *line = vmsnd_save_line(job);

	if (line)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "%s", line);
	else
		call->result =
		    json_pack("{s:o,s:o}", "file", vmsnd_control_text(call->args[SAVE_FILE].text),
			      "bytes", vmsnd_control_count(vmsnd_save_bytes(job)));
	vmsnd_save_end(job);
	call->saver->job = NULL;
}

void vmsnd_control_save(struct vmsnd_control_call *call)
{
	if (call->step == 0 && is_busy(call->saver))
		call->again = true;
	else if (call->step == 0)
		begin_save(call);
	else if (vmsnd_save_is_done(call->saver->job))
		end_save(call);
	else
		call->again = true;
}

void vmsnd_control_save_left(struct vmsnd_control_call *call)
{
	if (call->step > 0)
		call->saver->orphan = true;
}

void vmsnd_control_quit(struct vmsnd_control_call *call)
{
	call->quit = true;
}
