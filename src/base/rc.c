/* SPDX-License-Identifier: BSD-3-Clause */
/* Words for result and fault numbers. */
#include "vmsnd/device.h"
#include "vmsnd/life.h"
#include "vmsnd/status.h"

const char *vmsnd_rc_text(enum vmsnd_rc rc)
{
	static const char *const text[] = {
	    [-VMSND_OK] = "done",
	    [-VMSND_E_INVALID] = "not allowed like this",
	    [-VMSND_E_NOMEM] = "out of memory or room",
	    [-VMSND_E_RANGE] = "address outside guest memory",
	    [-VMSND_E_DENIED] = "no right to that memory",
	    [-VMSND_E_PROTOCOL] = "the other side broke the protocol",
	    [-VMSND_E_GONE] = "not there",
	    [-VMSND_E_UNSUPPORTED] = "not supported",
	    [-VMSND_E_SYSTEM] = "refused by the system",
	    [-VMSND_E_AGAIN] = "not done yet",
	    [-VMSND_E_EXISTS] = "already there",
	    [-VMSND_E_VERSION] = "of another version",
	    [-VMSND_E_LIMIT] = "too many",
	    [-VMSND_E_DAMAGED] = "damaged",
	    [-VMSND_E_NO_CLASS] = "no such device, backend, driver or transport",
	    [-VMSND_E_NO_CARD] = "no such card",
	    [-VMSND_E_NO_OUTPUT] = "no such output",
	    [-VMSND_E_NO_DRIVER] = "no such driver",
	    [-VMSND_E_NO_VALUE] = "no such value",
	    [-VMSND_E_NO_NODE] = "no such node",
	};
	unsigned index = (unsigned)-(int)rc;

	return index < sizeof(text) / sizeof(text[0]) ? text[index] : "unknown result";
}

const char *vmsnd_fault_text(enum vmsnd_fault fault)
{
	static const char *const text[VMSND_FAULT_COUNT] = {
	    [VMSND_FAULT_RING] = "virtqueue outside memory or with an impossible index",
	    [VMSND_FAULT_CHAIN] = "malformed descriptor chain",
	    [VMSND_FAULT_DATA_ADDRESS] = "buffer outside guest memory",
	    [VMSND_FAULT_REQUEST] = "malformed control request",
	    [VMSND_FAULT_STATE] = "control request out of order",
	    [VMSND_FAULT_MESSAGE] = "malformed or misdirected data message",
	    [VMSND_FAULT_REGISTER] = "register that is not there, or not of this width",
	    [VMSND_FAULT_LIST] = "list of buffer descriptors outside guest memory",
	};

	return (unsigned)fault < VMSND_FAULT_COUNT ? text[fault] : "unknown fault";
}

const char *vmsnd_life_name(enum vmsnd_life what)
{
	static const char *const names[VMSND_LIFE_COUNT] = {
	    [VMSND_LIFE_POWER_ON] = "power-on",   [VMSND_LIFE_RESET] = "reset",
	    [VMSND_LIFE_SUSPEND] = "suspend",     [VMSND_LIFE_RESUME] = "resume",
	    [VMSND_LIFE_POWER_OFF] = "power-off",
	};

	return (unsigned)what < VMSND_LIFE_COUNT ? names[what] : "unknown";
}
