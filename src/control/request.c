/* SPDX-License-Identifier: BSD-3-Clause */
/* One request: from its text to the answer. */
#include <stdio.h>
#include <string.h>

#include "control/parts.h"

json_t *vmsnd_control_error(const char *cls, const char *line)
{
	return json_pack("{s:{s:s,s:o}}", "error", "class", cls, "desc", vmsnd_control_text(line));
}

static void tell_owner(const struct vmsnd_control_request *request)
{
	const struct vmsnd_control_call *call = &request->call;

	if (call->command->told && !call->failed)
		vmsnd_logf(request->log, VMSND_LOG_INFO, "control: %s, asked for by process %d",
			   call->command->name, request->who.pid);
}

/* qmp_capabilities opens the session; nothing else comes before it, and it comes once. */
static void negotiate(struct vmsnd_control_request *request)
{
	struct vmsnd_control_call *call = &request->call;

	if (request->negotiated)
		vmsnd_control_fail(call, VMSND_CONTROL_NO_SUCH,
				   "qmp_capabilities was said already");
	else if (call->args[0].n > 0)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "there is no capability to enable");
	else
		request->negotiated = true;
}

static void execute(struct vmsnd_control_request *request)
{
	struct vmsnd_control_call *call = &request->call;

	call->again = false;
	vmsnd_overhear_begin(call->heard);
	call->command->run(call);
	vmsnd_overhear_end(call->heard);
	if (!call->again)
		tell_owner(request);
}

static void run(struct vmsnd_control_request *request, const char *name, const json_t *arguments)
{
	struct vmsnd_control_call *call = &request->call;

	call->command = vmsnd_control_command_find(name);
	if (!request->negotiated && (!call->command || call->command->run)) {
		vmsnd_control_fail(call, VMSND_CONTROL_NO_SUCH,
				   "qmp_capabilities has to be said first");
		return;
	}
	if (!call->command) {
		vmsnd_control_fail(call, VMSND_CONTROL_NO_SUCH,
				   "there is no command '%.60s'; query-commands lists them", name);
		return;
	}
	if (!vmsnd_control_arguments(call, arguments))
		return;
	if (!call->command->run) {
		negotiate(request);
		return;
	}
	execute(request);
}

/* NULL when the request is in order; else what is wrong with it. */
static const char *why_not(json_t *request)
{
	static const char *const allowed[] = {"execute", "arguments", "id"};
	const json_t *arguments = json_object_get(request, "arguments");

	if (!json_is_object(request))
		return "a request is an object";
	for (void *at = json_object_iter(request); at; at = json_object_iter_next(request, at)) {
		const char *key = json_object_iter_key(at);
		bool known = false;

		for (unsigned i = 0; i < 3; i++)
			known = known || strcmp(key, allowed[i]) == 0;
		if (!known)
			return "a request has the members execute, arguments and id, and no other";
	}
	if (!json_is_string(json_object_get(request, "execute")))
		return "'execute' has to be there, a string that names a command";
	if (arguments && !json_is_object(arguments))
		return "'arguments' has to be an object";
	return NULL;
}

static json_t *answer_of(struct vmsnd_control_request *request)
{
	struct vmsnd_control_call *call = &request->call;
	json_t *id = json_object_get(request->parsed, "id"), *answer;

	if (call->again)
		return NULL;
	if (call->failed)
		answer = vmsnd_control_error(call->failed, call->line);
	else if (call->result)
		answer = json_pack("{s:O}", "return", call->result);
	else
		answer = json_pack("{s:{}}", "return");
	if (answer && id)
		json_object_set(answer, "id", id);
	return answer;
}

json_t *vmsnd_control_answer(struct vmsnd_control_request *request, const char *text, size_t bytes)
{
	struct vmsnd_control_call *call = &request->call;
	json_error_t error;
	const char *wrong;

	request->parsed = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
	if (!request->parsed) {
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "this is not JSON: %.160s",
				   error.text);
		return answer_of(request);
	}
	wrong = why_not(request->parsed);
	if (wrong)
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC, "%s", wrong);
	else
		run(request, json_string_value(json_object_get(request->parsed, "execute")),
		    json_object_get(request->parsed, "arguments"));
	return answer_of(request);
}

json_t *vmsnd_control_answer_again(struct vmsnd_control_request *request)
{
	struct vmsnd_control_call *call = &request->call;

	execute(request);
	if (call->again && call->now >= request->limit) {
		if (call->command->left)
			call->command->left(call);
		call->again = false;
		vmsnd_control_fail(call, VMSND_CONTROL_GENERIC,
				   "%s takes longer than 60 s; it goes on", call->command->name);
	}
	return answer_of(request);
}
_Static_assert(VMSND_CONTROL_LONGEST_NS == 60 * VMSND_NS_PER_SECOND, "the line above names it");

void vmsnd_control_request_end(struct vmsnd_control_request *request)
{
	if (request->call.again && request->call.command->left)
		request->call.command->left(&request->call);
	json_decref(request->call.result);
	json_decref(request->parsed);
	request->call.result = request->parsed = NULL;
}
