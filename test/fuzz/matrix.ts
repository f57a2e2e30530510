/**
 * The matrix of damage.
 *
 * Strategy: a store is closed, or its process dies while idle or in the middle of a commit; with plain segments or after vacuums. Then one, two or
 * three of its files are missing, empty, zeroed, kept at the beginning and changed behind it, or older copies, in every combination. A child opens it
 * in one of four ways, reads everything, and does so again: made anew by a rebuild where it was refused, else once more as it is.
 *
 * Invariants: every entry that was durable is there, or there is a coded error; what an opening does makes nothing worse. Where all that could tell
 * is damaged too (`isExcused`), the store is that of an earlier time. What can be made again (index, marker, locks; FORMAT by a rebuild) always is.
 */
import { bootId } from '../../src/storage/boot.ts';
import { FileStorage } from '../../src/storage/file-storage.ts';
import { writeMarker } from '../../src/heap/rows/clean-marker.ts';
import type { Reach } from '../../src/heap/rows/clean-marker.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import type { Files } from './damage.ts';
import { digest } from './digest.ts';
import { readFiles, writeFiles } from './store-files.ts';

export const states = ['closed', 'idle', 'torn'] as const;
/** How the last process left the store: it closed it, died between commits, or in the middle of one. */
export type State = (typeof states)[number];
export const modes = ['open', 'readOnly', 'rebuild', 'repair'] as const;
export type Mode = (typeof modes)[number];

const kinds = ['missing', 'empty', 'zeroed', 'changed', 'older', 'older, in use'] as const;
type Kind = (typeof kinds)[number];

export interface Harm {
  readonly name: string;
  readonly kind: Kind;
}

/** A store to be damaged: its files at the end, and as they were earlier, closed and in use. */
export interface Original {
  readonly state: State;
  readonly files: Files;
  readonly older: Files;
  readonly used: Files;
  /** Key -> digest of its value; `before`: of all values it ever had. */
  readonly expected: ReadonlyMap<string, string>;
  readonly before: ReadonlyMap<string, readonly string[]>;
  /** The files that are damaged, and the last segment among them. */
  readonly names: readonly string[];
  readonly last: string;
}

const marker = 'index/marker';
const data = 'index/data.mdb';
const format = 'FORMAT';
const state = 'locks/state';
const manifest = 'segments/manifest';
const headBytes = 100;

/** Makes a store of a few small segments in `path`. The caller has forced their size. */
export async function makeOriginal(path: string, left: State, vacuumed: boolean): Promise<Original> {
  const before = new Map<string, string[]>();
  const set = (map: LodeMap, key: string, value: unknown): void => {
    map.set(key, value);
    before.set(key, [...(before.get(key) ?? []), digest(value)]);
  };
  let map = (await open(path)) as LodeMap;
  for (let i = 0; i < 40; i++) set(map, `early ${i}`, { i, text: `early text ${i} `.repeat(i % 30) });
  await map.flush();
  const used = readFiles(path);
  await map.close();
  const older = readFiles(path);
  map = (await open(path)) as LodeMap;
  if (vacuumed) await passThrough(map, (key, value) => set(map, key, value));
  for (let i = 0; i < 60; i++) {
    set(map, `late ${i}`, { i, text: `late text ${i} `.repeat(i % 40) });
    if (i % 6 === 0) await map.flush();
  }
  await map.flush();
  if (left === 'closed') await map.close();
  let files = readFiles(path);
  const expected = digests(before);
  if (left === 'torn') {
    const last = lastSegment(files);
    map.set('never', 'of a commit that was not ended '.repeat(40));
    await map.flush();
    const log = readFiles(path).get(last)!;
    const known = files.get(last)!.length;
    const busy = Buffer.from(files.get(state)!);
    busy[0] = 1;
    files = new Map([...files, [last, log.subarray(0, known + Math.floor((log.length - known) / 2))], [state, busy]]);
  }
  if (left !== 'closed') await map.close();
  return { state: left, files, older, used, expected, before, names: damagedNames(files), last: lastSegment(files) };
}

/** Fills segments and vacuums them, so that one is compacted, one retired, one has a dead list. */
async function passThrough(map: LodeMap, keep: (key: string, value: unknown) => void): Promise<void> {
  for (const sparseBelow of [1, 0.9, 0]) {
    for (let i = 0; i < 30; i++) {
      map.set(`goes ${i}`, `${sparseBelow} ${i} goes `.repeat(60));
      if (i % 5 === 0) keep(`kept ${sparseBelow} ${i}`, `kept ${i} `.repeat(50));
    }
    await map.flush();
    for (let i = 0; i < 30; i++) map.delete(`goes ${i}`);
    await map.vacuum({ sparseBelow });
  }
}

function digests(values: ReadonlyMap<string, readonly string[]>): Map<string, string> {
  return new Map([...values].map(([key, all]) => [key, all.at(-1)!]));
}

function lastSegment(files: Files): string {
  return [...files.keys()].filter((name) => /^segments\/\d{8}\.seg$/.test(name)).at(-1)!;
}

/** Of segments the first, a compacted one and the last, one dead list, and all else. */
function damagedNames(files: Files): string[] {
  const names = [...files.keys()];
  const segments = names.filter((name) => name.endsWith('.seg'));
  const compacted = segments.find((name) => name.includes('-')) ?? segments[segments.length >> 1]!;
  const chosen = new Set([segments[0]!, compacted, lastSegment(files)]);
  const dead = names.find((name) => name.endsWith('.dead'));
  return [format, marker, data, state, manifest, ...chosen, ...(dead === undefined ? [] : [dead])].filter((name) => files.has(name));
}

/** All harm that can be done to a file of a store. */
function harmsOf({ files, older, used }: Original, name: string): Harm[] {
  const bytes = files.get(name)!;
  return kinds.flatMap((kind) => {
    const other = kind === 'older' ? older.get(name) : kind === 'older, in use' && name === marker ? used.get(name) : undefined;
    if (kind.startsWith('older') && (other === undefined || other.equals(bytes))) return [];
    return [{ name, kind }];
  });
}

/** Every way to harm `count` different files. */
export function* combinations(original: Original, count: number, from: number = 0): Generator<Harm[]> {
  if (count === 0) return yield [];
  for (let i = from; i < original.names.length; i++) {
    for (const harm of harmsOf(original, original.names[i]!)) {
      for (const rest of combinations(original, count - 1, i + 1)) yield [harm, ...rest];
    }
  }
}

/** Writes a damaged copy to `path`. */
export function writeDamaged(path: string, original: Original, harms: readonly Harm[]): void {
  const files = new Map(original.files);
  for (const { name, kind } of harms) {
    const bytes = files.get(name)!;
    if (kind === 'missing') files.delete(name);
    else if (kind === 'empty') files.set(name, Buffer.alloc(0));
    else if (kind === 'zeroed') files.set(name, Buffer.alloc(bytes.length));
    else if (kind === 'changed') files.set(name, changed(bytes));
    else files.set(name, (kind === 'older' ? original.older : original.used).get(name)!);
  }
  writeFiles(path, files);
  // A marker of a store in use names the index file by its inode, which is another one in a copy.
  const how = harms.find(({ name }) => name === marker)?.kind;
  if (how === 'older, in use' || (how === undefined && original.state !== 'closed')) markInUse(path, reachOf(files.get(marker)!));
}

function changed(bytes: Buffer): Buffer {
  const kept = Math.min(headBytes, bytes.length >> 1);
  return Buffer.from(bytes.map((byte, at) => (at < kept ? byte : byte ^ 0x5a)));
}

function reachOf(bytes: Buffer): Reach {
  return (JSON.parse(bytes.subarray(4).toString()) as { reach: Reach }).reach;
}

function markInUse(path: string, reach: Reach): void {
  const storage = new FileStorage(path);
  const storeId = (JSON.parse(storage.readAll(marker).subarray(4).toString()) as { store: string }).store;
  const identity = (): string => (storage.exists(data) ? storage.identity(data) : 'gone');
  writeMarker(storage, { name: data, identity, storeId: () => storeId, boot: bootId }, { clean: false, reach });
}

/**
 * Is everything gone that could tell that there was more? The last segment is an older one or not there, or an empty file as one that is being
 * made; and the index is gone, and the marker, unless what it knows is no more than what is left.
 */
export function isExcused({ state: left, last }: Original, harms: readonly Harm[]): boolean {
  const how = new Map(harms.map(({ name, kind }) => [name, kind]));
  if (!how.has(data) || (left === 'closed' && !how.has(marker))) return false;
  const log = how.get(last);
  if (log === 'older' || log === 'missing') return true;
  const saysInUse = how.has(marker) ? how.get(marker) === 'older, in use' : left !== 'closed';
  return log === 'empty' && saysInUse && (how.has(state) || left === 'torn');
}

/** Must the store be as it was? `mended`: after a rebuild. */
export function mustBeRight(original: Original, harms: readonly Harm[], mended: boolean): boolean {
  const derived = new Set([marker, data, ...(mended ? [format] : []), ...(original.state === 'torn' ? [] : [state])]);
  // A torn end needs the marker, and what is beside the commit lock, to be taken for one.
  if (original.state === 'torn' && harms.some(({ name }) => name === marker)) return false;
  return harms.every(({ name }) => derived.has(name));
}

export function describeHarms(harms: readonly Harm[]): string {
  return harms.map(({ name, kind }) => `${name} ${kind}`).join('; ');
}
