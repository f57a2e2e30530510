#!/usr/bin/env bash
# lmdb 3.5.6 (npm), Linux.
#
# Expected: as everything in Node is opened close-on-exec, a child process inherits nothing of an open lmdb database.
# What happens: LMDB opens its lock file and the descriptor for its meta pages with O_CLOEXEC, but on purpose not the data file itself
# (a C program may want it after a fork). Every child that the process spawns, of whatever program, holds the data file open: the
# disk gets its room back only when the last of them has ended, long after the database was closed and removed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit lmdb@3.5.6 >/dev/null
cat >look.mjs <<'JS'
import { spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { open } from 'lmdb';
openSync('own', 'w+');
const db = open({ path: 'db' });
await db.put('key', 'value');
const list = 'for fd in /proc/self/fd/*; do echo "$(readlink $fd) $(grep flags /proc/self/fdinfo/${fd##*/} 2>/dev/null)"; done';
const { stdout } = spawnSync('bash', ['-c', list], { encoding: 'utf8' });
const inherited = stdout.split('\n').filter((line) => line.includes(process.cwd()));
console.log('a child of a process with an open lmdb database, and a file opened by node:fs, inherits:');
console.log(inherited.join('\n') || '(nothing)');
const isWritable = inherited.some((line) => /data\.mdb|\/db\b/.test(line) && /flags:\s+\d*2$/.test(line));
await db.close();
if (inherited.length !== 1 || !isWritable) process.exit(1);
console.log('as stated: only the data file of LMDB, open for reading and writing');
JS
node look.mjs
