/* SPDX-License-Identifier: BSD-3-Clause */
/* vmsnd check: what the system lets us do: priority, memory, sound cards, other users' servers. */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/realtime.h"
#include "manager/schema.h"
#include "os/priority.h"

#define WHY_BYTES    200u
#define RUNTIME      "/run/user"
#define SND          "/dev/snd"
#define GROUPS_MAX   256
#define LONGEST_PATH 400u

/* "alice"; "?" for one without a name. */
static void user_name(uid_t uid, char *out, size_t bytes)
{
	const struct passwd *entry = getpwuid(uid);

	snprintf(out, bytes, "%s", entry ? entry->pw_name : "?");
}

static json_t *limit_of(rlim_t limit)
{
	return limit == RLIM_INFINITY ? json_null() : json_integer((json_int_t)limit);
}

/* ---- real-time priority ---- */

/* In a process of its own, so that nothing here changes. */
static bool system_gives(unsigned priority)
{
	char why[WHY_BYTES];
	int status = 1;
	pid_t child = fork();

	if (child == 0)
		_exit(vmsnd_priority_raise(0, priority, why, sizeof(why)) ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

json_t *vmsnd_check_realtime(void)
{
	struct rlimit limit = {0, 0};
	struct vmsnd_rtkit rtkit = {0, 0};
	char why[WHY_BYTES] = "";
	unsigned priority;
	bool by_system, by_rtkit;

	vmsnd_schema_priority(VMSND_SCHEMA_PRIORITY, &priority);
	by_system = system_gives(priority);
	by_rtkit = vmsnd_rtkit_look(&rtkit, why, sizeof(why));
	getrlimit(RLIMIT_RTPRIO, &limit);
	return json_pack("{s:o,s:o,s:o,s:b,s:i,s:s}", "given",
			 by_system  ? json_string("system")
			 : by_rtkit ? json_string("rtkit")
				    : json_null(),
			 "limit", limit_of(limit.rlim_cur), "limit-most", limit_of(limit.rlim_max),
			 "rtkit", by_rtkit, "rtkit-priority", (int)rtkit.priority_most, "rtkit-why",
			 why);
}

json_t *vmsnd_check_memory_lock(void)
{
	struct rlimit limit = {0, 0};

	getrlimit(RLIMIT_MEMLOCK, &limit);
	return json_pack("{s:o,s:o}", "limit", limit_of(limit.rlim_cur), "limit-most",
			 limit_of(limit.rlim_max));
}

/* ---- sound cards ---- */

static bool is_member(gid_t group)
{
	gid_t groups[GROUPS_MAX];
	int n = getgroups(GROUPS_MAX, groups);

	for (int i = 0; i < n; i++)
		if (groups[i] == group)
			return true;
	return getegid() == group;
}

struct cards {
	unsigned files, reachable;
	gid_t group;
};

static struct cards look_at_cards(DIR *folder)
{
	struct cards cards = {.files = 0};

	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		struct stat file;

		if (strncmp(entry->d_name, "pcmC", 4) != 0 ||
		    fstatat(dirfd(folder), entry->d_name, &file, 0))
			continue;
		cards.files++;
		cards.group = file.st_gid;
		cards.reachable +=
		    faccessat(dirfd(folder), entry->d_name, R_OK | W_OK, AT_EACCESS) == 0;
	}
	return cards;
}

json_t *vmsnd_check_cards(void)
{
	DIR *folder = opendir(SND);
	struct cards cards = look_at_cards(folder);
	const struct group *group = cards.files > 0 ? getgrgid(cards.group) : NULL;

	if (folder)
		closedir(folder);
	return json_pack("{s:b,s:i,s:i,s:o,s:b}", "there", folder != NULL, "files",
			 (int)cards.files, "reachable", (int)cards.reachable, "group",
			 group ? json_string(group->gr_name) : json_null(), "member",
			 cards.files > 0 && is_member(cards.group));
}

/* ---- users ---- */

json_t *vmsnd_check_user(void)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");
	char usual[64], name[64];
	struct stat is;
	bool there;

	snprintf(usual, sizeof(usual), RUNTIME "/%u", (unsigned)geteuid());
	there = stat(usual, &is) == 0 && S_ISDIR(is.st_mode);
	user_name(geteuid(), name, sizeof(name));
	return json_pack("{s:s,s:I,s:o,s:o}", "name", name, "uid", (json_int_t)geteuid(),
			 "runtime-folder", folder && *folder ? json_string(folder) : json_null(),
			 "runtime-usual", there ? json_string(usual) : json_null());
}

/* Where servers of a user listen, below his folder. */
static const struct {
	const char *backend, *below;
	const char *option; /* of the backend, that names it */
} usual[] = {{"pipewire", "pipewire-0", "remote="}, {"pulse", "pulse/native", "server=unix:"}};

/* Somebody listens and lets us in, as far as the file goes. */
static bool is_reachable(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool reached;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
	reached = fd >= 0 && strlen(path) < sizeof(address.sun_path) &&
		  connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	if (fd >= 0)
		close(fd);
	return reached;
}

static void add_server(json_t *list, uid_t uid, const char *folder, size_t row)
{
	char path[LONGEST_PATH], option[LONGEST_PATH + 64], name[64];
	struct stat is;

	snprintf(path, sizeof(path), RUNTIME "/%.64s/%s", folder, usual[row].below);
	if (stat(path, &is) || !S_ISSOCK(is.st_mode))
		return;
	user_name(uid, name, sizeof(name));
	snprintf(option, sizeof(option), "%s,%s%s", usual[row].backend, usual[row].option, path);
	json_array_append_new(list,
			      json_pack("{s:s,s:I,s:s,s:s,s:b,s:s}", "user", name, "uid",
					(json_int_t)uid, "backend", usual[row].backend, "socket",
					path, "reachable", is_reachable(path), "text", option));
}

/* A folder that nobody else may look into is one, too. */
static void add_closed(json_t *list, uid_t uid)
{
	char name[64];

	user_name(uid, name, sizeof(name));
	json_array_append_new(list, json_pack("{s:s,s:I,s:n,s:n,s:b,s:n}", "user", name, "uid",
					      (json_int_t)uid, "backend", "socket", "reachable", 0,
					      "text"));
}

json_t *vmsnd_check_others(void)
{
	json_t *list = json_array();
	DIR *folder = opendir(RUNTIME);

	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		struct stat is;

		if (entry->d_name[0] == '.' || fstatat(dirfd(folder), entry->d_name, &is, 0) ||
		    is.st_uid == geteuid())
			continue;
		if (faccessat(dirfd(folder), entry->d_name, X_OK, AT_EACCESS)) {
			add_closed(list, is.st_uid);
			continue;
		}
		for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
			add_server(list, is.st_uid, entry->d_name, i);
	}
	if (folder)
		closedir(folder);
	return list;
}
