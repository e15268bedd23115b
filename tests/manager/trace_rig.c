/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *trace_program;

static void write_line(void *ctx, enum vmsnd_log_level level, const char *line)
{
	struct world *world = ctx;

	snprintf(world->said, sizeof(world->said), "%s", line);
}

static bool submit(void *ctx, struct vmsnd_job *job)
{
	struct world *world = ctx;

	if (world->refuse)
		return false;
	if (world->hold) {
		world->jobs[world->n_jobs++] = job;
		return true;
	}
	job->run(job);
	atomic_store(&job->done, true);
	return true;
}

void trace_work(struct world *world)
{
	for (unsigned i = 0; i < world->n_jobs; i++) {
		world->jobs[i]->run(world->jobs[i]);
		atomic_store(&world->jobs[i]->done, true);
	}
	world->n_jobs = 0;
}

static void on_notify(void *ctx, unsigned vector)
{
	((struct world *)ctx)->notified++;
}

static void on_line(void *ctx, bool high)
{
	struct world *world = ctx;

	world->lines++;
	world->high = high;
}

static void on_message(void *ctx, const struct vmsnd_msi *message)
{
	struct world *world = ctx;

	world->messages++;
	world->message = *message;
}

static struct vmsnd_port *on_port(void *ctx, enum vmsnd_dir dir, unsigned index)
{
	return ((struct world *)ctx)->rig.port;
}

static void on_fault(void *ctx, enum vmsnd_fault what, uint64_t detail)
{
	((struct world *)ctx)->faults++;
}

/* The port of the rig is made anew, with somebody who watches. */
static void watch_port(struct world *world)
{
	struct vmsnd_port_conf conf = {.dir = VMSND_PLAYBACK, .enabled = true};

	rig_begin(&world->rig, VMSND_PLAYBACK, true);
	conf.env = &world->rig.env;
	conf.ring_storage = world->rig.storage;
	conf.watch = vmsnd_trace_port(world->trace, VMSND_PLAYBACK, 0);
	memset(world->rig.port, 0, vmsnd_port_footprint());
	vmsnd_port_init(world->rig.port, &conf);
}

enum vmsnd_rc trace_open(struct world *world, uint32_t room)
{
	const struct vmsnd_trace_conf conf = {.path = world->path,
					      .card = "vm1",
					      .cls = "asker",
					      .env = &world->env,
					      .log = &world->log,
					      .room = room};

	return vmsnd_trace_open(&conf, START, &world->trace);
}

void trace_begin(struct world *world, const struct vmsnd_dev_class *cls, uint32_t room)
{
	int fd;

	memset(world, 0, sizeof(*world));
	snprintf(world->path, sizeof(world->path), "/tmp/vmsnd-trace-XXXXXX");
	fd = mkstemp(world->path);
	assert_true(fd >= 0);
	close(fd);
	world->env = (struct vmsnd_connector_env){.ctx = world, .submit = submit};
	world->log = (struct vmsnd_log){world, write_line};
	assert_int_equal(trace_open(world, room), VMSND_OK);
	watch_port(world);
	world->guard = (struct vmsnd_gmem_guard){.first = 0, .last = UINT64_MAX};
	vmsnd_trace_guard(world->trace, &world->guard);
	world->mem.guard = &world->guard;
	world->dev_env = (struct vmsnd_dev_env){.ctx = world,
						.mem = &world->mem,
						.notify = on_notify,
						.line = on_line,
						.message = on_message,
						.port = on_port,
						.guest_fault = on_fault};
	vmsnd_trace_env(world->trace, &world->dev_env);
	world->dev.env = &world->dev_env;
	world->card = vmsnd_trace_card(world->trace, (struct vmsnd_card_ref){cls, &world->dev});
}

void trace_end(struct world *world)
{
	vmsnd_trace_stop(world->trace);
	for (unsigned i = 0; !vmsnd_trace_gone(world->trace); i++) {
		assert_true(i < 10);
		trace_work(world);
	}
	rig_close(&world->rig);
}

/* What the trace_program prints, standard error last; its exit code. */
int trace_print(struct world *world, const char *options, char *text, size_t bytes)
{
	char command[512];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command), "'%s' trace %s %s 2>&1", trace_program, options,
		 world->path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(text, 1, bytes - 1, pipe);
	text[n] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

void trace_expect(struct world *world, const char *options, const char *want)
{
	static char text[65536];

	assert_int_equal(trace_print(world, options, text, sizeof(text)), 0);
	assert_string_equal(text, want);
}
