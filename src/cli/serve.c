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
#include "control/control.h"
#include "os/clock.h"
#include "os/guard.h"
#include "os/loop.h"
#include "os/wake.h"

#define CARDS_MAX 256u

/* What the main thread waits for; the cards have threads of their own. */
enum token { TOKEN_STOP, TOKEN_CONTROL, TOKEN_WAKE };
#define TOKENS_MAX 4u

struct request {
	struct vmsnd_card_conf cards[CARDS_MAX];
	size_t n_cards;
	bool once;
	unsigned workers;
	const char *control; /* the control socket's path; NULL: none */
	struct vmsnd_cli_log_state log;
	struct vmsnd_overheard heard;
};

static const char help[] =
    "Usage: vmsnd serve --device DEVICE[,key=value...] [--backend BACKEND[,key=value...]]...\n"
    "                   [--device ...] [--control PATH] [--workers N] [--once]\n"
    "                   [--quiet | --verbose]\n\n"
    "Gives virtual machines sound cards and stays until stopped (SIGTERM, Ctrl-C).\n\n"
    "  -d, --device   a card, and the socket its VMM connects to ('vmsnd devices' lists\n"
    "                 cards and options). Give it several times for several cards.\n"
    "  -b, --backend  where the card before it plays to and records from ('vmsnd backends';\n"
    "                 default: null). Give it several times to play to all of them; the first\n"
    "                 sets the pace.\n"
    "  -c, --control  a socket through which it is asked and told things while it runs; see\n"
    "                 'vmsnd ctl --help'\n"
    "      --workers  threads, 1 to 3, for what backends are slow at (default: 3)\n"
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
    "The VMM's side. Guest memory must be shared with vmsnd, hence share=on.\n\n"
    "QEMU (10.0 or later):\n"
    "  qemu-system-x86_64 -m 2G -object memory-backend-memfd,id=mem,size=2G,share=on \\\n"
    "      -machine q35,memory-backend=mem -chardev socket,id=snd,path=/tmp/vm1-snd.sock \\\n"
    "      -device vhost-user-snd-pci,chardev=snd -drive file=guest.qcow2,if=virtio\n\n"
    "Cloud Hypervisor (52 or later):\n"
    "  cloud-hypervisor --kernel vmlinux --disk path=guest.raw \\\n"
    "      --memory size=2G,shared=on --generic-vhost-user \\\n"
    "      socket=/tmp/vm1-snd.sock,device_type=sound,queue_sizes=[64,64,64,64]\n\n"
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

static int take_device(struct request *request, const char *text)
{
	if (request->n_cards == CARDS_MAX) {
		fprintf(stderr, "vmsnd serve: more than %u cards\n", CARDS_MAX);
		return VMSND_EXIT_USAGE;
	}
	request->cards[request->n_cards++] =
	    (struct vmsnd_card_conf){.device = text, .listen_fd = -1};
	return VMSND_EXIT_DONE;
}

static int take_backend(const struct vmsnd_command *self, struct request *request, const char *text)
{
	struct vmsnd_card_conf *card;
	unsigned n = 0;

	if (request->n_cards == 0)
		return vmsnd_cli_usage(self, "a --backend belongs to the --device before it");
	card = &request->cards[request->n_cards - 1];
	if (!card->backend) {
		card->backend = text;
		return VMSND_EXIT_DONE;
	}
	while (n < VMSND_OUTPUTS_MAX - 1 && card->more[n])
		n++;
	if (n == VMSND_OUTPUTS_MAX - 1)
		return vmsnd_cli_usage(self, "a card takes at most 8 --backend");
	card->more[n] = text;
	return VMSND_EXIT_DONE;
}

static int take_workers(const struct vmsnd_command *self, struct request *request, const char *text)
{
	if (text[0] < '1' || text[0] > '3' || text[1])
		return vmsnd_cli_usage(self, "--workers: it must be 1, 2 or 3");
	request->workers = (unsigned)(text[0] - '0');
	return VMSND_EXIT_DONE;
}

static int parse(const struct vmsnd_command *self, int argc, char **argv, struct request *request)
{
	static const struct option options[] = {{"device", required_argument, NULL, 'd'},
						{"backend", required_argument, NULL, 'b'},
						{"control", required_argument, NULL, 'c'},
						{"once", no_argument, NULL, '1'},
						{"workers", required_argument, NULL, 'w'},
						{"quiet", no_argument, NULL, 'q'},
						{"verbose", no_argument, NULL, 'v'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int letter, rc = VMSND_EXIT_DONE;

	opterr = 0;
	while (!rc && (letter = getopt_long(argc, argv, "d:b:c:qvh", options, NULL)) != -1) {
		if (letter == 'd')
			rc = take_device(request, optarg);
		else if (letter == 'b')
			rc = take_backend(self, request, optarg);
		else if (letter == 'c')
			request->control = optarg;
		else if (letter == 'w')
			rc = take_workers(self, request, optarg);
		else if (letter == '1')
			request->once = true;
		else if (letter == 'q')
			request->log.level = VMSND_LOG_WARNING;
		else if (letter == 'v')
			request->log.level = VMSND_LOG_DEBUG;
		else
			rc = vmsnd_cli_bad_option(self, argv[optind - 1]);
	}
	if (!rc && optind < argc)
		rc = vmsnd_cli_usage(self, "every argument is an option");
	if (!rc && request->n_cards == 0)
		rc = vmsnd_cli_usage(self, "it needs a --device");
	return rc;
}

/* Cards that name no socket take what systemd passed, in order. */
static void hand_out_passed(struct request *request, const struct vmsnd_log *log)
{
	int n = sd_listen_fds(1), used = 0;

	for (size_t i = 0; i < request->n_cards && used < n; i++)
		if (vmsnd_machine_wants_socket(&request->cards[i]))
			request->cards[i].listen_fd = SD_LISTEN_FDS_START + used++;
	if (used < n)
		vmsnd_logf(log, VMSND_LOG_WARNING, "systemd passed %d sockets, only %d are used", n,
			   used);
}

/* What runs. */
struct served {
	const struct vmsnd_log *log;
	struct vmsnd_loop *loop;
	struct vmsnd_wake wake; /* the machine's word that something has changed */
	struct vmsnd_machine *machine;
	struct vmsnd_control *control; /* NULL: none */
	int stop_fd;
};

static enum vmsnd_rc add_cards(struct served *served, const struct request *request)
{
	for (size_t i = 0; i < request->n_cards; i++) {
		enum vmsnd_rc rc = vmsnd_machine_add(served->machine, &request->cards[i], 0);

		if (rc)
			return rc;
	}
	return VMSND_OK;
}

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
	struct vmsnd_control_conf conf = {.path = request->control,
					  .machine = served->machine,
					  .log = served->log,
					  .heard = &request->heard,
					  .wall_us = vmsnd_clock_wall_us,
					  .wake = &served->wake};
	enum vmsnd_rc rc;

	/* Without a server the loop itself looks at the wake. */
	if (!request->control)
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

static enum vmsnd_rc open_machine(const struct request *request, struct served *served)
{
	struct vmsnd_machine_conf conf = {.lanes = 1,
					  .log = *served->log,
					  .workers = request->workers,
					  .changed = vmsnd_control_poke,
					  .changed_ctx = &served->wake};
	enum vmsnd_rc rc;

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

static int serve(struct request *request, const struct vmsnd_log *log)
{
	struct served served = {.log = log};
	enum vmsnd_rc rc;

	/* A log nobody reads any more, or a file at its limit, is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	raise_file_limit();
	/* Without it a VMM that shortens its memory would take the others' sound along. */
	vmsnd_guard_install();
	rc = open_machine(request, &served);
	if (rc)
		return VMSND_EXIT_FAILED;
	rc = open_control(request, &served);
	if (!rc)
		rc = add_cards(&served, request);
	if (!rc) {
		attend(request, &served);
		say_hiccups(&served);
	}
	vmsnd_control_close(served.control);
	vmsnd_machine_close(served.machine, 0);
	vmsnd_loop_close(served.loop);
	vmsnd_wake_close(&served.wake);
	close(served.stop_fd);
	if (rc)
		return rc == VMSND_E_INVALID || rc == VMSND_E_NO_CLASS ? VMSND_EXIT_USAGE
								       : VMSND_EXIT_FAILED;
	return VMSND_EXIT_DONE;
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
	if (!code) {
		hand_out_passed(request, &log);
		code = serve(request, &log);
	}
	free(request);
	return code;
}

const struct vmsnd_command vmsnd_command_serve = {
    .name = "serve",
    .summary = "gives virtual machines sound cards",
    .help = help,
    .run = run,
};
