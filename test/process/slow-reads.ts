/**
 * A library that delays every read of the index, for one process: LMDB decides what an environment holds while it opens it, and
 * a slow disk stretches that moment. Loaded ahead of the C library with LD_PRELOAD; compiled when it is wanted.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void delay(int fd) {
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return;
  path[length] = 0;
  if (!strstr(path, ".mdb")) return;
  const char *ms = getenv("LODEMAP_SLOW_MS");
  long wait = ms ? atol(ms) : 0;
  struct timespec time = { wait / 1000, (wait % 1000) * 1000000L };
  nanosleep(&time, 0);
}
ssize_t pread(int fd, void *to, size_t count, off_t at) {
  static ssize_t (*next)(int, void *, size_t, off_t);
  if (!next) next = dlsym(RTLD_NEXT, "pread");
  delay(fd);
  return next(fd, to, count, at);
}
ssize_t pread64(int fd, void *to, size_t count, off64_t at) {
  static ssize_t (*next)(int, void *, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pread64");
  delay(fd);
  return next(fd, to, count, at);
}
`;

/** The environment of a process whose reads of the index take `ms` longer, or why there can be none here. */
export function buildSlowReads(folder: string, ms: number): NodeJS.ProcessEnv | string {
  if (process.platform !== 'linux') return 'LD_PRELOAD is for Linux';
  const library = join(folder, 'slow-reads.so');
  writeFileSync(join(folder, 'slow-reads.c'), source);
  const { status, error } = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, join(folder, 'slow-reads.c'), '-ldl']);
  if (error !== undefined || status !== 0) return 'there is no gcc to compile the library that slows reads';
  return { LD_PRELOAD: library, LODEMAP_SLOW_MS: String(ms) };
}
