/* Lets one call of a process fail, or all from some moment on, as a disk does that is full or broken.

   Preloaded into a process, and armed from inside of it. Only calls on files below one folder count;
   children of the process go on undisturbed. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { OPEN, CREATE, WRITE, SYNC, RENAME };

static struct {
  pid_t process;
  char folder[PATH_MAX];
  enum kind kind;
  int first, lasts, error, count;
} armed;

void disk_arm(const char *folder, int kind, int first, int lasts, int error) {
  snprintf(armed.folder, sizeof armed.folder, "%s", folder);
  armed.kind = kind, armed.first = first, armed.lasts = lasts, armed.error = error, armed.count = 0;
  armed.process = getpid();
}

/* How many calls there were since it was armed. */
int disk_disarm(void) {
  armed.process = 0;
  return armed.count;
}

static int below(const char *path) {
  return strncmp(path, armed.folder, strlen(armed.folder)) == 0;
}

static int is_open_below(int handle) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return below(path);
}

static int is_below(int folder, const char *path) {
  char here[PATH_MAX];
  if (path[0] == '/') return below(path);
  if (folder == AT_FDCWD) return getcwd(here, sizeof here) && below(here);
  return is_open_below(folder);
}

static int fails(int counts) {
  if (!counts || ++armed.count < armed.first || (armed.count > armed.first && !armed.lasts)) return 0;
  errno = armed.error;
  return 1;
}

static int watches(enum kind kind) { return armed.process && armed.kind == kind && armed.process == getpid(); }

static int fails_to_open(int folder, const char *path, int flags) {
  if (watches(CREATE)) return fails((flags & (O_WRONLY | O_RDWR | O_CREAT)) && is_below(folder, path));
  return watches(OPEN) && fails(is_below(folder, path));
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENS(name, FIRST, GIVEN, FOLDER)                                                    \
  int name(FIRST const char *path, int flags, ...) {                                         \
    va_list rest;                                                                            \
    va_start(rest, flags);                                                                   \
    mode_t mode = va_arg(rest, mode_t);                                                      \
    va_end(rest);                                                                            \
    if (fails_to_open(FOLDER, path, flags)) return -1;                                       \
    return REAL(name)(GIVEN path, flags, mode);                                              \
  }

#define COMMA ,
OPENS(open, , , AT_FDCWD)
OPENS(open64, , , AT_FDCWD)
OPENS(openat, int folder COMMA, folder COMMA, folder)
OPENS(openat64, int folder COMMA, folder COMMA, folder)

ssize_t write(int handle, const void *data, size_t size) {
  if (watches(WRITE) && fails(is_open_below(handle))) return -1;
  return REAL(write)(handle, data, size);
}

int fsync(int handle) {
  if (watches(SYNC) && fails(is_open_below(handle))) return -1;
  return REAL(fsync)(handle);
}

int rename(const char *before, const char *after) {
  if (watches(RENAME) && fails(is_below(AT_FDCWD, after))) return -1;
  return REAL(rename)(before, after);
}

int renameat(int from, const char *before, int to, const char *after) {
  if (watches(RENAME) && fails(is_below(to, after))) return -1;
  return REAL(renameat)(from, before, to, after);
}
