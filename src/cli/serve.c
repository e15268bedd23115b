/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd serve: cards on sockets, until told to stop. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/realtime.h"
#include "cli/saved.h"
#include "cli/settings.h"
#include "control/control.h"
#include "manager/schema.h"
#include "os/clock.h"
#include "os/guard.h"
#include "os/loop.h"
#include "os/priority.h"
#include "os/wake.h"

/* What the main thread waits for; the cards have threads of their own. */
enum token { TOKEN_STOP, TOKEN_CONTROL, TOKEN_WAKE };
#define TOKENS_MAX 4u
/* How often a part that needs time at the start is asked again. */
#define LIFE_LOOK_NS UINT64_C(2000000)
/* What power-off may take at the end. */
#define POWER_OFF_S 2u

struct request {
	struct vmsnd_settings settings;
	const char *restore; /* a saved state's file; NULL: none */
	bool once;
	bool level_given;
	struct vmsnd_cli_log_state log;
	struct vmsnd_overheard heard;
};

static const char help[] =
    "Usage: vmsnd serve --device DEVICE[,key=value...] [--backend BACKEND[,key=value...]]...\n"
    "                   [--driver ...] [--device ...] [--control PATH] [OPTION...]\n"
    "       vmsnd serve --config FILE [--set PATH=VALUE]... [OPTION...]\n"
    "       vmsnd serve --restore FILE [OPTION...]\n\n"
    "Gives virtual machines sound cards and stays until stopped (SIGTERM, Ctrl-C).\n\n"
    "  -d, --device   a card, and the socket its VMM connects to ('vmsnd devices' lists\n"
    "                 cards and options). Give it several times for several cards.\n"
    "  -b, --backend  where the card before it plays to and records from ('vmsnd backends';\n"
    "                 default: null). Give it several times to play to all of them; the first\n"
    "                 sets the pace.\n"
    "  -c, --control  a socket through which it is asked and told things while it runs; see\n"
    "                 'vmsnd ctl --help'\n"
    "      --driver   what changes the sound of the backend before it, such as delay,ms=120\n"
    "                 ('vmsnd drivers'); several: from top to bottom\n"
    "  -f, --config   a file with all of this and more (man vmsnd.yaml; 'vmsnd config check FILE'\n"
    "                 says whether it is right)\n"
    "  -s, --set      changes one value of the whole: cards.vm1.outputs.0.volume=-6\n"
    "      --restore  goes on from what 'vmsnd ctl save' wrote\n"
    "      --lanes    threads for cards (default: 1)\n"
    "      --workers  threads, 1 to 3, for what backends are slow at (default: 3)\n"
    "      --realtime the real-time priority of threads with sound, 1 to 99 (default: 5), where\n"
    "                 the system or rtkit gives it; off: none\n"
    "      --once     end when every VMM that came has left again\n"
    "  -q, --quiet    only warnings and errors\n"
    "  -v, --verbose  also all that a card counted, when its VMM leaves\n\n"
    "A card without socket= or socket-fd= takes a socket passed by systemd. A comma inside a\n"
    "value is written twice.\n\n"
    "Examples. What the guest plays is written to guest.wav:\n\n"
    "  vmsnd serve --device virtio-snd,socket=/tmp/vm1-snd.sock --backend file,path=guest.wav\n\n"
    "The guest may also record, and hears voice.wav once:\n\n"
    "  vmsnd demo --output voice.wav\n"
    "  vmsnd serve --device virtio-snd,socket=/tmp/vm1-snd.sock,input=on \\\n"
    "              --backend file,path=guest.wav,in=voice.wav,loop=off\n\n"
    "It plays into nothing, and beside that into a file at a rate and level of its own:\n\n"
    "  vmsnd serve --device virtio-snd,socket=/tmp/vm1-snd.sock --backend null \\\n"
    "              --backend file,path=guest.flac,rate=44100,volume=-6\n\n"
    "5.1, two streams, jacks, and a mixer in the guest (for QEMU's device controls=on, too):\n\n"
    "  vmsnd serve --device \\\n"
    "      virtio-snd,socket=/tmp/vm1-snd.sock,channels=6,playback=2,jacks=on,controls=on\n\n"
    "An AC'97 card, for guests that have no driver for virtio-snd, such as old ones:\n\n"
    "  vmsnd serve --device ac97,socket=/tmp/vm1-ac97.sock --backend file,path=guest.wav\n\n"
    "The VMM's side. Guest memory must be shared with vmsnd, hence share=on.\n\n"
    "QEMU (10.0 or later):\n"
    "  qemu-system-x86_64 -m 2G -object memory-backend-memfd,id=mem,size=2G,share=on \\\n"
    "      -machine q35,memory-backend=mem -chardev socket,id=snd,path=/tmp/vm1-snd.sock \\\n"
    "      -device vhost-user-snd-pci,chardev=snd -drive file=guest.qcow2,if=virtio\n\n"
    "  The AC'97 card (QEMU 10.1 or later): as before, without -chardev and with\n"
    "      -device '{\"driver\":\"vfio-user-pci\",\n"
    "        \"socket\":{\"type\":\"unix\",\"path\":\"/tmp/vm1-ac97.sock\"}}'\n\n"
    "Cloud Hypervisor (52 or later):\n"
    "  cloud-hypervisor --kernel vmlinux --disk path=guest.raw \\\n"
    "      --memory size=2G,shared=on --generic-vhost-user \\\n"
    "      socket=/tmp/vm1-snd.sock,device_type=sound,queue_sizes=[64,64,64,64]\n\n"
    "  The AC'97 card: --user-device socket=/tmp/vm1-ac97.sock in place of the last two.\n\n"
    "crosvm:\n"
    "  crosvm run --mem 2048 --block path=guest.raw \\\n"
    "      --vhost-user type=sound,socket=/tmp/vm1-snd.sock vmlinux\n\n"
    "libkrun, in the program that uses it:\n"
    "  krun_add_vhost_user_device(ctx, 25, \"/tmp/vm1-snd.sock\", \"snd\", 0, NULL);\n\n"
    "User Mode Linux:\n"
    "  TMPDIR=/dev/shm ./linux mem=512M root=/dev/root rootfstype=hostfs \\\n"
    "      virtio_uml.device=/tmp/vm1-snd.sock:25\n\n"
    "libvirt, inside <domain>, which needs "
    "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0':\n"
    "  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>\n"
    "  <qemu:commandline>\n"
    "    <qemu:arg value='-chardev'/><qemu:arg value='socket,id=snd,path=/tmp/vm1-snd.sock'/>\n"
    "    <qemu:arg value='-device'/><qemu:arg value='vhost-user-snd-pci,chardev=snd'/>\n"
    "  </qemu:commandline>\n";

static int take(const struct vmsnd_command *self, struct request *request, int letter,
		const char *word)
{
	if (vmsnd_settings_has(letter))
		return vmsnd_settings_take(&request->settings, self, letter, optarg);
	if (letter == 'r')
		request->restore = optarg;
	else if (letter == '1')
		request->once = true;
	else if (letter == 'q' || letter == 'v')
		request->log.level = letter == 'q' ? VMSND_LOG_WARNING : VMSND_LOG_DEBUG;
	else
		return vmsnd_cli_bad_getopt(self, letter, word);
	request->level_given |= letter == 'q' || letter == 'v';
	return VMSND_EXIT_DONE;
}

static int parse(const struct vmsnd_command *self, int argc, char **argv, struct request *request)
{
	static const struct option options[] = {VMSND_SETTINGS_OPTIONS,
						{"restore", required_argument, NULL, 'r'},
						{"once", no_argument, NULL, '1'},
						{"quiet", no_argument, NULL, 'q'},
						{"verbose", no_argument, NULL, 'v'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int letter, code = VMSND_EXIT_DONE;

	opterr = 0;
	while (!code && (letter = getopt_long(argc, argv, VMSND_SETTINGS_LETTERS "qvh", options,
					      NULL)) != -1)
		code = take(self, request, letter, argv[optind - 1]);
	if (!code && optind < argc)
		code = vmsnd_cli_usage(self, "every argument is an option");
	if (!code && request->settings.n_devices == 0 && !request->settings.config &&
	    !request->restore)
		code = vmsnd_cli_usage(self, "it needs a --device, a --config or a --restore");
	return code;
}

/* What runs. */
struct served {
	const struct vmsnd_log *log;
	struct vmsnd_node *root; /* the configuration */
	struct vmsnd_saved saved;
	struct vmsnd_registry *registry;
	struct vmsnd_loop *loop;
	struct vmsnd_wake wake; /* the machine's word that something has changed */
	struct vmsnd_machine *machine;
	struct vmsnd_control *control; /* NULL: none */
	int stop_fd;
};

/* ---- what is to run ---- */

static int fail(const struct served *served, const char *line)
{
	if (*line)
		vmsnd_logf(served->log, VMSND_LOG_ERROR, "%s", line);
	return VMSND_EXIT_FAILED;
}

/* A saved state brings its cards along, unless somebody names them himself. */
static enum vmsnd_rc take_saved(struct request *request, struct served *served,
				struct vmsnd_error *error)
{
	struct vmsnd_node *saved;
	enum vmsnd_rc rc = vmsnd_saved_read(&served->saved, request->restore, error);

	if (!rc)
		rc = vmsnd_state_tree(served->saved.bytes, served->saved.n_bytes, &saved, error);
	if (rc)
		return rc;
	if (!vmsnd_node_find(served->root, "cards"))
		rc = vmsnd_tree_merge(served->root, saved, false);
	vmsnd_tree_free(saved);
	return rc;
}

static int configure(struct request *request, struct served *served)
{
	struct vmsnd_error error = {"out of memory"};
	enum vmsnd_rc rc = vmsnd_settings_tree(&request->settings, &served->root, &error);
	const char *level;

	if (!rc && request->restore)
		rc = take_saved(request, served, &error);
	if (!rc)
		rc = vmsnd_settings_registry(served->root, served->log, &served->registry, &error);
	if (!rc)
		rc = vmsnd_machine_check(served->registry, served->root, &error);
	if (rc) {
		fail(served, error.line);
		return vmsnd_settings_exit_code(rc, &error);
	}
	vmsnd_leaf_text(served->root, "log", "info", &level);
	if (!request->level_given)
		request->log.level = vmsnd_cli_log_level(level);
	return VMSND_EXIT_DONE;
}

/* Cards that name no socket take what systemd passed, in order. */
static enum vmsnd_rc build(struct served *served)
{
	int n = sd_listen_fds(1), left = 0;
	int *fds = calloc(n > 0 ? (size_t)n : 1, sizeof(*fds));
	enum vmsnd_rc rc;

	if (!fds)
		return VMSND_E_NOMEM;
	for (int i = 0; i < n; i++)
		fds[i] = SD_LISTEN_FDS_START + i;
	rc = vmsnd_machine_build(served->machine, served->root, fds, n > 0 ? (size_t)n : 0, 0);
	for (int i = 0; i < n; i++)
		left += fds[i] >= 0;
	if (!rc && left > 0)
		vmsnd_logf(served->log, VMSND_LOG_WARNING,
			   "systemd passed %d sockets, only %d are used", n, n - left);
	free(fds);
	return rc;
}

/* From here the cards' time goes by. No part's limit is longer than the machine's. */
static enum vmsnd_rc begin_life(const struct served *served, bool restored)
{
	enum vmsnd_life life = restored ? VMSND_LIFE_RESUME : VMSND_LIFE_POWER_ON;
	enum vmsnd_rc rc;

	while ((rc = vmsnd_machine_life(served->machine, life, 0)) == VMSND_E_AGAIN)
		vmsnd_clock_sleep_until(vmsnd_clock_now() + LIFE_LOOK_NS);
	return rc;
}

static enum vmsnd_rc start(struct served *served)
{
	enum vmsnd_rc rc = build(served);

	/* Another machine's state is no mistake of the command line. */
	if (!rc && served->saved.bytes &&
	    vmsnd_machine_load(served->machine, served->saved.bytes, served->saved.n_bytes, 0))
		rc = VMSND_E_DAMAGED;
	return rc ? rc : begin_life(served, served->saved.bytes);
}

/* ---- while it runs ---- */

static bool all_left(const struct served *served)
{
	struct vmsnd_machine_status status = vmsnd_machine_status(served->machine);

	return status.sessions_ended > 0 && status.connected == 0;
}

/* A session takes up to 14 descriptors and each file one: many cards need more than the usual
 * 1024. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static enum vmsnd_rc open_control(struct request *request, struct served *served)
{
	struct vmsnd_control_conf conf = {.machine = served->machine,
					  .root = served->root,
					  .log = served->log,
					  .heard = &request->heard,
					  .wall_us = vmsnd_clock_wall_us,
					  .wake = &served->wake};
	enum vmsnd_rc rc;

	vmsnd_leaf_text(served->root, "control", NULL, &conf.path);
	/* Without a server the loop itself looks at the wake. */
	if (!conf.path)
		return vmsnd_loop_watch(served->loop, served->wake.fd, TOKEN_WAKE);
	rc = vmsnd_control_open(&conf, &served->control);
	return rc ? rc
		  : vmsnd_loop_watch(served->loop, vmsnd_control_fd(served->control),
				     TOKEN_CONTROL);
}

/* One wait, and what came of it; false: it is to end. */
static bool turn(struct served *served, vmsnd_ns *next)
{
	vmsnd_ns now = vmsnd_clock_now(), idle_ns = *next > now ? *next - now : 0;
	uint64_t tokens[TOKENS_MAX];
	bool asked = false;
	size_t n = vmsnd_loop_wait(served->loop, *next == VMSND_NEVER ? VMSND_NEVER : idle_ns,
				   tokens, TOKENS_MAX);

	for (size_t i = 0; i < n; i++) {
		if (tokens[i] == TOKEN_STOP)
			return false;
		if (tokens[i] == TOKEN_CONTROL)
			asked = true;
		else
			vmsnd_wake_drain(&served->wake);
	}
	if (!served->control)
		return true;
	*next = vmsnd_control_turn(served->control, asked, vmsnd_clock_now());
	return !vmsnd_control_quit_asked(served->control);
}

/* Until a signal, the control socket, or (with --once) the last VMM's leaving ends it. */
static void attend(const struct request *request, struct served *served)
{
	vmsnd_ns next = served->control ? 0 : VMSND_NEVER;

	sd_notify(0, "READY=1");
	while (turn(served, &next))
		if (request->once && all_left(served))
			break;
	sd_notify(0, "STOPPING=1");
}

static enum vmsnd_rc open_machine(struct served *served)
{
	struct vmsnd_machine_conf conf = {.log = *served->log,
					  .registry = served->registry,
					  .off = true,
					  .restores = served->saved.bytes != NULL,
					  .realtime = vmsnd_cli_realtime,
					  .changed = vmsnd_control_poke,
					  .changed_ctx = &served->wake};
	const char *priority;
	uint64_t number;
	enum vmsnd_rc rc;

	vmsnd_leaf_uint(served->root, "lanes", 1, &number);
	conf.lanes = (unsigned)number;
	vmsnd_leaf_uint(served->root, "workers", 0, &number);
	conf.workers = (unsigned)number;
	vmsnd_leaf_text(served->root, "realtime-priority", VMSND_SCHEMA_PRIORITY, &priority);
	vmsnd_schema_priority(priority, &conf.realtime_priority);
	/* Before the first socket file is made, or a signal at once would leave it behind; and
	 * before the first thread, so that the signal comes here. */
	served->stop_fd = vmsnd_loop_stop_signals();
	rc = served->stop_fd < 0 ? VMSND_E_SYSTEM : vmsnd_loop_open(&served->loop);
	if (!rc)
		rc = vmsnd_loop_watch(served->loop, served->stop_fd, TOKEN_STOP);
	if (!rc)
		rc = vmsnd_wake_open(&served->wake);
	if (!rc)
		rc = vmsnd_machine_open(&conf, &served->machine);
	if (rc)
		vmsnd_logf(served->log, VMSND_LOG_ERROR, "cannot begin: %s", strerror(errno));
	return rc;
}

static void say_hiccups(const struct served *served)
{
	uint64_t hiccups = vmsnd_machine_status(served->machine).hiccups;

	if (hiccups > 0)
		vmsnd_logf(served->log, VMSND_LOG_INFO,
			   "this process was held up %llu times for more than 20 ms; the cards' "
			   "time was held with it",
			   (unsigned long long)hiccups);
}

/* What was never powered on hears of nothing. */
static void end_life(const struct served *served)
{
	vmsnd_ns until = vmsnd_clock_now() + POWER_OFF_S * VMSND_NS_PER_SECOND, now;

	if (vmsnd_machine_phase(served->machine) == VMSND_MACHINE_OFF)
		return;
	while (vmsnd_machine_life(served->machine, VMSND_LIFE_POWER_OFF, 0) == VMSND_E_AGAIN) {
		now = vmsnd_clock_now();
		if (now >= until) {
			vmsnd_logf(served->log, VMSND_LOG_WARNING,
				   "power-off is not done after %u s; it ends without it",
				   POWER_OFF_S);
			return;
		}
		vmsnd_clock_sleep_until(now + LIFE_LOOK_NS);
	}
}

static void end(struct served *served)
{
	vmsnd_control_close(served->control);
	if (served->machine)
		end_life(served);
	if (served->machine)
		vmsnd_machine_close(served->machine, 0);
	if (served->loop)
		vmsnd_loop_close(served->loop);
	vmsnd_wake_close(&served->wake);
	if (served->stop_fd >= 0)
		close(served->stop_fd);
}

/* What shows only when a card is made has no place: it is an option's mistake where there are only
 * options. */
static int exit_code(const struct request *request, enum vmsnd_rc rc)
{
	bool options_only = !request->settings.config && !request->restore;

	if (!rc)
		return VMSND_EXIT_DONE;
	return options_only && (rc == VMSND_E_INVALID || rc == VMSND_E_NO_CLASS)
		   ? VMSND_EXIT_USAGE
		   : VMSND_EXIT_FAILED;
}

static int run_machine(struct request *request, struct served *served)
{
	enum vmsnd_rc rc;

	/* A log nobody reads any more, or a file at its limit, is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	raise_file_limit();
	/* Without it a VMM that shortens its memory would take the others' sound along. */
	vmsnd_guard_install();
	/* Nor does a card in real time that has too much to do stop the whole machine. */
	vmsnd_priority_guard_install();
	rc = open_machine(served);
	if (!rc)
		rc = open_control(request, served);
	if (!rc)
		rc = start(served);
	if (!rc) {
		attend(request, served);
		say_hiccups(served);
	}
	end(served);
	return exit_code(request, rc);
}

static int serve(struct request *request, const struct vmsnd_log *log)
{
	struct served served = {.log = log, .stop_fd = -1, .wake = {.fd = -1}};
	int code = configure(request, &served);

	if (!code)
		code = run_machine(request, &served);
	vmsnd_registry_close(served.registry);
	vmsnd_tree_free(served.root);
	vmsnd_saved_free(&served.saved);
	return code;
}

static int run(const struct vmsnd_command *self, int argc, char **argv)
{
	struct request *request = calloc(1, sizeof(*request));
	struct vmsnd_log log;
	int code;

	if (!request)
		return VMSND_EXIT_FAILED;
	request->log.level = VMSND_LOG_INFO;
	log = vmsnd_cli_log(&request->log);
	log = vmsnd_overhear(&request->heard, &log);
	code = parse(self, argc, argv, request);
	if (!code)
		code = serve(request, &log);
	vmsnd_settings_end(&request->settings);
	free(request);
	return code;
}

const struct vmsnd_command vmsnd_command_serve = {
    .name = "serve",
    .summary = "gives virtual machines sound cards",
    .help = help,
    .run = run,
};
