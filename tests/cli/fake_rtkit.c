/* SPDX-License-Identifier: BSD-3-Clause */
/* A service that speaks as rtkit does, on the bus that DBUS_SYSTEM_BUS_ADDRESS names, for
 * test_realtime.py. It writes a line for each request, does nothing else, and ends with the bus.
 *
 * fake_rtkit give|refuse|sleep */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

static int give(sd_bus_message *message, void *how, sd_bus_error *error)
{
	uint64_t thread;
	uint32_t priority;
	int rc = sd_bus_message_read(message, "tu", &thread, &priority);

	if (rc < 0)
		return rc;
	printf("asked %llu %u\n", (unsigned long long)thread, priority);
	fflush(stdout);
	if (strcmp(how, "refuse") == 0)
		return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "you look too eager");
	return sd_bus_reply_method_return(message, NULL);
}

static int most(sd_bus *bus, const char *path, const char *interface, const char *property,
		sd_bus_message *reply, void *how, sd_bus_error *error)
{
	if (strcmp(how, "sleep") == 0)
		sleep(30);
	return sd_bus_message_append(reply, "i", 3);
}

static int spin(sd_bus *bus, const char *path, const char *interface, const char *property,
		sd_bus_message *reply, void *how, sd_bus_error *error)
{
	return sd_bus_message_append(reply, "x", INT64_C(200000));
}

static const sd_bus_vtable table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("MakeThreadRealtime", "tu", "", give, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("MaxRealtimePriority", "i", most, 0, 0),
    SD_BUS_PROPERTY("RTTimeUSecMax", "x", spin, 0, 0), SD_BUS_VTABLE_END};

int main(int argc, char **argv)
{
	sd_bus *bus = NULL;
	int rc = argc == 2 ? sd_bus_open_system(&bus) : -1;

	if (rc >= 0)
		rc = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/RealtimeKit1",
					      "org.freedesktop.RealtimeKit1", table, argv[1]);
	if (rc >= 0)
		rc = sd_bus_request_name(bus, "org.freedesktop.RealtimeKit1", 0);
	if (rc < 0) {
		fprintf(stderr, "fake_rtkit: %s\n", strerror(-rc));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while ((rc = sd_bus_process(bus, NULL)) >= 0)
		if (rc == 0 && sd_bus_wait(bus, UINT64_MAX) < 0)
			break;
	return 0;
}
