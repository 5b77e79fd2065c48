// Decides how another program is run: fed without a deadlock, heard when it fails, ended with us.
#include "io/child.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MAX_CHILDREN = 64 };
static atomic_int children[MAX_CHILDREN]; // process ids; 0: free, -1: taken

void kr_child_cancel(void) {
  for (int i = 0; i < MAX_CHILDREN; i++) {
    int pid = atomic_load(&children[i]);
    if (pid <= 0) continue;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0); // it makes no file after this
  }
}

static int take_slot(void) {
  for (int i = 0; i < MAX_CHILDREN; i++) {
    int expected = 0;
    if (atomic_compare_exchange_strong(&children[i], &expected, -1)) return i;
  }
  return -1;
}

bool kr_child_exists(const char *name) {
  const char *at = getenv("PATH");
  while (at != NULL && *at != '\0') {
    char path[4096];
    size_t n = strcspn(at, ":");
    int length = snprintf(path, sizeof path, "%.*s/%s", (int)n, at, name);
    if (length > 0 && (size_t)length < sizeof path && access(path, X_OK) == 0) return true;
    at += n + (at[n] == ':');
  }
  return false;
}

// Neither end is inherited but by the one that is given it.
static bool make_pipe(int ends[2]) {
  if (pipe(ends) != 0) return false;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return true;
}

static void close_end(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static int spawn(const char *const *args, int input, int output, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t defaults;
  union {
    const char *const *from;
    char *const *to;
  } list = {.from = args};
  posix_spawn_file_actions_init(&actions);
  if (input >= 0)
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  else
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawnattr_init(&attributes);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  int code = posix_spawnp(pid, args[0], &actions, &attributes, list.to, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return code;
}

static KrStatus fail(const char *name, int code, char *error) {
  snprintf(error, KR_IO_MESSAGE, "cannot run %s: %s", name, strerror(code));
  return code == ENOENT ? KR_ERROR_NOT_FOUND : KR_ERROR_IO;
}

KrStatus kr_child_start(KrChild *child, const char *const *args, bool is_fed, char *error) {
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  *child = (KrChild){.input = -1, .output = -1, .slot = take_slot()};
  if (child->slot < 0) return fail(args[0], EAGAIN, error);
  pid_t pid = 0;
  int code = (is_fed && !make_pipe(in)) || !make_pipe(out) ? errno : 0;
  if (code == 0) code = spawn(args, in[0], out[1], &pid);
  close_end(&in[0]);
  close_end(&out[1]);
  if (code != 0) {
    close_end(&in[1]);
    close_end(&out[0]);
    atomic_store(&children[child->slot], 0);
    return fail(args[0], code, error);
  }
  atomic_store(&children[child->slot], pid);
  child->pid = pid;
  child->input = in[1];
  child->output = out[0];
  if (child->input >= 0) fcntl(child->input, F_SETFL, O_NONBLOCK);
  fcntl(child->output, F_SETFL, O_NONBLOCK);
  return KR_OK;
}

// Keeps the beginning of what the child says. False when there will be no more.
static bool listen_to(KrChild *child) {
  char text[512];
  ssize_t n = read(child->output, text, sizeof text);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  size_t room = sizeof child->said - 1 - child->n_said, own = (size_t)n < room ? (size_t)n : room;
  memcpy(child->said + child->n_said, text, own);
  child->n_said += own;
  return n > 0;
}

// A child that waits for its words to be heard must not be waited for.
KrStatus kr_child_put(KrChild *child, const void *at, size_t n_bytes) {
  const uint8_t *bytes = at;
  while (n_bytes > 0) {
    struct pollfd ends[2] = {{.fd = child->input, .events = POLLOUT},
                             {.fd = child->output, .events = POLLIN}};
    if (child->input < 0) return KR_ERROR_IO;
    if (poll(ends, child->output < 0 ? 1 : 2, -1) < 0 && errno != EINTR) return KR_ERROR_IO;
    if (child->output >= 0 && ends[1].revents != 0 && !listen_to(child)) close_end(&child->output);
    if (ends[0].revents == 0) continue;
    ssize_t n = write(child->input, bytes, n_bytes);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return KR_ERROR_IO;
    if (n <= 0) continue;
    bytes += n;
    n_bytes -= (size_t)n;
  }
  return KR_OK;
}

static void forget(KrChild *child) {
  close_end(&child->input);
  close_end(&child->output);
  if (child->pid > 0) atomic_store(&children[child->slot], 0);
  child->pid = 0;
}

// What was said, as one line.
static const char *said_line(KrChild *child) {
  while (child->n_said > 0 && (unsigned char)child->said[child->n_said - 1] <= ' ') child->n_said--;
  child->said[child->n_said] = '\0';
  for (char *c = child->said; *c != '\0'; c++)
    if ((unsigned char)*c < ' ') *c = *c == '\n' ? ';' : ' ';
  return child->said;
}

KrStatus kr_child_wait(KrChild *child, const char *name, char *error) {
  int status = 0;
  close_end(&child->input);
  while (child->output >= 0) {
    struct pollfd end = {.fd = child->output, .events = POLLIN};
    if (poll(&end, 1, -1) < 0 && errno != EINTR) break;
    if (end.revents != 0 && !listen_to(child)) close_end(&child->output);
  }
  while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) continue;
  forget(child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return KR_OK;
  const char *line = said_line(child);
  if (WIFSIGNALED(status))
    snprintf(error, KR_IO_MESSAGE, "%s was ended by signal %d%s%.400s", name, WTERMSIG(status),
             *line != '\0' ? ": " : "", line);
  else
    snprintf(error, KR_IO_MESSAGE, "%s failed: %.400s", name,
             *line != '\0' ? line : "it did not say why");
  return KR_ERROR_IO;
}

void kr_child_kill(KrChild *child) {
  if (child->pid <= 0) return;
  kill(child->pid, SIGKILL);
  while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR) continue;
  forget(child);
}
