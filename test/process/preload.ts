/**
 * Libraries of a few lines of C that stand between one process and the system: loaded ahead of the C library with LD_PRELOAD,
 * compiled when they are wanted. They see LMDB's calls too.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Headers, and whether a descriptor belongs to a file whose path holds `part`. */
const prelude = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int is_of(int fd, const char *part) {
  char link[64], path[1024];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0 || !part) return 0;
  path[length] = 0;
  return strstr(path, part) != 0;
}
#define NEXT(name) ((__typeof__(&name))next_of((void **)&next_##name, #name))
#define HOOK(name) static void *next_##name;
static void *next_of(void **kept, const char *name) {
  if (!*kept) *kept = dlsym(RTLD_NEXT, name);
  return *kept;
}
`;

/** Reads of files named .mdb take LODEMAP_SLOW_MS longer. */
const slowReads = `
HOOK(pread)
HOOK(pread64)
static void delay(int fd) {
  if (!is_of(fd, ".mdb")) return;
  const char *ms = getenv("LODEMAP_SLOW_MS");
  long wait = ms ? atol(ms) : 0;
  struct timespec time = { wait / 1000, (wait % 1000) * 1000000L };
  nanosleep(&time, 0);
}
ssize_t pread(int fd, void *to, size_t count, off_t at) { delay(fd); return NEXT(pread)(fd, to, count, at); }
ssize_t pread64(int fd, void *to, size_t count, off64_t at) { delay(fd); return NEXT(pread64)(fd, to, count, at); }
`;

/**
 * Calls that change the files below LODEMAP_FAIL_PATH are counted. The one numbered LODEMAP_FAIL_AT, with LODEMAP_FAIL_LASTING
 * also all after it, meets LODEMAP_FAIL_HOW: EIO, ENOSPC, short (half is written), or kill. At exit the count is written
 * to LODEMAP_FAIL_COUNT.
 */
const failingCalls = `
static long calls;
static int lasting = -1;
static long at = -1;
static const char *how, *root;
static int fate(void) {
  if (at < 0) {
    const char *text = getenv("LODEMAP_FAIL_AT");
    at = text ? atol(text) : 0;
    lasting = getenv("LODEMAP_FAIL_LASTING") != 0;
    how = getenv("LODEMAP_FAIL_HOW");
  }
  long number = __sync_add_and_fetch(&calls, 1);
  if (at == 0 || !(number == at || (lasting && number > at))) return 0;
  if (!strcmp(how, "kill")) kill(getpid(), SIGKILL);
  if (!strcmp(how, "short")) return -1;
  return strcmp(how, "ENOSPC") ? EIO : ENOSPC;
}
static int ours(int fd) {
  if (!root) root = getenv("LODEMAP_FAIL_PATH");
  return is_of(fd, root);
}
/* LMDB does not survive a failure of the write that makes its file: that one is let through. */
static int is_birth(int fd) {
  struct stat file;
  return is_of(fd, "/data.mdb") && fstat(fd, &file) == 0 && file.st_size == 0;
}
static int named(const char *path) {
  if (!root) root = getenv("LODEMAP_FAIL_PATH");
  return root && strstr(path, root) != 0;
}
#define FAIL(condition) if (condition) { int code = fate(); if (code > 0) { errno = code; return -1; } }
#define WRITE(name, offset) \\
  HOOK(name) \\
  ssize_t name(int fd, const void *from, size_t count, offset at) { \\
    if (ours(fd) && !is_birth(fd)) { \\
      int code = fate(); \\
      if (code > 0) { errno = code; return -1; } \\
      if (code < 0 && count > 1) count /= 2; \\
    } \\
    return NEXT(name)(fd, from, count, at); \\
  }
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)
HOOK(write)
ssize_t write(int fd, const void *from, size_t count) { FAIL(fd > 2 && ours(fd)) return NEXT(write)(fd, from, count); }
HOOK(pwritev)
ssize_t pwritev(int fd, const struct iovec *from, int count, off_t at) { FAIL(ours(fd)) return NEXT(pwritev)(fd, from, count, at); }
HOOK(fdatasync)
int fdatasync(int fd) { FAIL(ours(fd)) return NEXT(fdatasync)(fd); }
HOOK(fsync)
int fsync(int fd) { FAIL(ours(fd)) return NEXT(fsync)(fd); }
HOOK(ftruncate64)
int ftruncate64(int fd, off64_t size) { FAIL(ours(fd)) return NEXT(ftruncate64)(fd, size); }
HOOK(ftruncate)
int ftruncate(int fd, off_t size) { FAIL(ours(fd)) return NEXT(ftruncate)(fd, size); }
HOOK(rename)
int rename(const char *from, const char *to) { FAIL(named(from)) return NEXT(rename)(from, to); }
HOOK(mkdir)
int mkdir(const char *path, mode_t mode) { FAIL(named(path)) return NEXT(mkdir)(path, mode); }
HOOK(rmdir)
int rmdir(const char *path) { FAIL(named(path)) return NEXT(rmdir)(path); }
/* Files are made by open; LMDB's own are let through. */
#define OPEN(name) \\
  HOOK(name) \\
  int name(const char *path, int flags, ...) { \\
    va_list rest; \\
    va_start(rest, flags); \\
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \\
    va_end(rest); \\
    FAIL((flags & O_CREAT) && named(path) && !strstr(path, ".mdb")) \\
    return NEXT(name)(path, flags, mode); \\
  }
OPEN(open)
OPEN(open64)
HOOK(unlink)
int unlink(const char *path) { FAIL(named(path)) return NEXT(unlink)(path); }
static void __attribute__((destructor)) tell(void) {
  const char *file = getenv("LODEMAP_FAIL_COUNT");
  FILE *out = file ? fopen(file, "w") : 0;
  if (!out) return;
  fprintf(out, "%ld", calls);
  fclose(out);
}
`;

/** Compiles a library; its path, or a word on why there can be none here. */
function build(folder: string, name: string, source: string): { library: string } | string {
  if (process.platform !== 'linux') return 'LD_PRELOAD is for Linux';
  const library = join(folder, `${name}.so`);
  const file = join(folder, `${name}.c`);
  writeFileSync(file, prelude + source);
  const { status, error, stderr } = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, file, '-ldl']);
  if (error !== undefined) return 'there is no gcc to compile the library with';
  return status === 0 ? { library } : `gcc can not compile the library: ${String(stderr)}`;
}

/** The environment of a process whose reads of the index take `ms` longer, or why there can be none here. */
export function buildSlowReads(folder: string, ms: number): NodeJS.ProcessEnv | string {
  const built = build(folder, 'slow-reads', slowReads);
  return typeof built === 'string' ? built : { LD_PRELOAD: built.library, LODEMAP_SLOW_MS: String(ms) };
}

/** How a call fails. */
export type Fate = 'EIO' | 'ENOSPC' | 'short' | 'kill';

/** Makes environments of processes whose calls on files below `path` fail; or why there can be none here. */
export function buildFailingCalls(
  folder: string,
): ((path: string, failure: { at: number; how: Fate; lasting: boolean; countFile: string }) => NodeJS.ProcessEnv) | string {
  const built = build(folder, 'failing-calls', failingCalls);
  if (typeof built === 'string') return built;
  return (path, { at, how, lasting, countFile }) => ({
    LD_PRELOAD: built.library,
    LODEMAP_FAIL_PATH: path,
    LODEMAP_FAIL_AT: String(at),
    LODEMAP_FAIL_HOW: how,
    LODEMAP_FAIL_COUNT: countFile,
    ...(lasting ? { LODEMAP_FAIL_LASTING: '1' } : {}),
  });
}
