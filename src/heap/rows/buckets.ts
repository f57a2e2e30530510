/**
 * Buckets of long keys: finding the one that holds a key, and changing it.
 *
 * Keys with the same first 900 bytes are a *group*. Its keys lie, in order, in one bucket or several, each a row of a few KiB, so that a
 * change writes that much and not the group. The first bucket's index key is the group's; others have an *ordinal* behind it (long-keys.ts),
 * a number in the order of what they hold and nothing more. So a bucket is found by bisecting ordinals: look at the bucket there and at
 * the next, and compare with the first key of each. A bucket that has grown too large is cut, and the pieces get ordinals between their
 * neighbours'; where there is no room for any, the whole group gets new ones.
 */
import type { Link } from '../chunk.ts';
import type { Heap, PlannedOperation } from '../heap.ts';
import type { EntryChange } from './entry-batch.ts';
import { readRowsAt } from './history.ts';
import { bucketKeyOf, decodeBucket, encodeBucket, firstRest, groupEndOf, ordinalMax, ordinalOf, restOf } from './long-keys.ts';
import { readRows } from './row-scan.ts';
import type { RowScan } from './row-scan.ts';
import { encodeRowValue, rowHead } from './rows.ts';
import type { Encoded } from './rows.ts';

/** A bucket that is larger is cut into pieces; one key alone may be. */
const bucketBytesMax = 4096;
/** How far apart ordinals are where there is room. */
const ordinalStep = 2 ** 32;
/** Between two buckets a new one takes a place near the one it grew out of: the next ones will grow there too. */
const ordinalShare = 16;

export interface Bucket {
  readonly key: Uint8Array;
  readonly row: Uint8Array;
}

/** Where buckets are read: the stretch at hand, or with `snapshot` a commit. */
export interface BucketSource {
  readonly heap: Heap;
  readonly snapshot?: number | undefined;
}

/** The bucket that holds what follows the first 900 bytes of `key`, or would hold it; undefined when all of its group lies behind it. */
export function findBucket(source: BucketSource, key: Uint8Array): Bucket | undefined {
  const group = bucketKeyOf(key);
  const rest = restOf(key);
  const isIn = ({ row }: Bucket): boolean => Buffer.compare(firstRest(row), rest) <= 0;
  const last = neighbour(source, group, { reverse: true });
  if (last === undefined || isIn(last)) return last;
  let low = -1;
  let high = ordinalOf(last.key);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const before = neighbour(source, group, { reverse: true, at: middle });
    if (before !== undefined && !isIn(before)) {
      high = ordinalOf(before.key);
      continue;
    }
    const next = neighbour(source, group, { after: middle });
    if (next === undefined || !isIn(next)) return before;
    low = ordinalOf(next.key);
    if (high - low <= 1) return next;
  }
  return low < 0 ? undefined : neighbour(source, group, { reverse: true, at: low });
}

/** The last bucket of a group with an ordinal up to `at`, or the first with one after `after`. */
function neighbour(source: BucketSource, group: Uint8Array, where: { reverse?: true; at?: number; after?: number }): Bucket | undefined {
  const { at, after, reverse = false } = where;
  const scan: RowScan = {
    start: after === undefined ? group : bucketKeyOf(group, after),
    startExclusive: after !== undefined,
    end: at === undefined ? groupEndOf(group) : bucketKeyOf(group, at),
    endInclusive: at !== undefined,
    reverse,
    limit: 1,
  };
  const [found] = rowsOf(source, scan);
  return found && { key: found[0], row: found[1] };
}

function rowsOf({ heap, snapshot }: BucketSource, scan: RowScan): Array<[Uint8Array, Uint8Array]> {
  return snapshot === undefined ? readRows(heap.index, 'entries', scan) : readRowsAt(heap.index, 'entries', scan, snapshot);
}

/** One key of a bucket that is about to be written: as it was in a row, or changed. */
interface Member {
  readonly rest: Uint8Array;
  readonly value: Uint8Array | Encoded;
}

/** A bucket with what a commit makes of it. */
interface Plan {
  /** Undefined: there was none. */
  readonly key: Uint8Array | undefined;
  /** The ordinal of the next bucket; ordinalMax: there is none. */
  readonly next: number;
  members: Member[];
  readonly changes: EntryChange[];
}

/**
 * The operations on the rows of one group that changes of its keys lead to; the last change of a key counts. `cleared`: all that was
 * there is deleted before. Needs the commit lock.
 */
export function groupOperations(heap: Heap, changes: readonly EntryChange[], cleared: boolean): PlannedOperation[] {
  const group = bucketKeyOf(changes[0]!.keyBytes);
  const last = new Map<string, EntryChange>();
  for (const change of changes) last.set(Buffer.from(change.keyBytes).toString('latin1'), change);
  const sorted = [...last.values()].toSorted((a, b) => Buffer.compare(a.keyBytes, b.keyBytes));
  const plans = cleared ? [{ key: undefined, next: ordinalMax, members: [], changes: sorted }] : planChanges(heap, group, sorted);
  const written: Array<{ ordinal: number; members: Member[] }> = [];
  const gone: Uint8Array[] = [];
  for (const plan of plans) {
    const pieces = cut(plan);
    const ordinals = placesFor(plan, pieces.length);
    if (ordinals === undefined) return renumbered(heap, group, plans);
    if (pieces.length === 0 && plan.key !== undefined) gone.push(plan.key);
    for (const [i, members] of pieces.entries()) written.push({ ordinal: ordinals[i]!, members });
  }
  return [
    ...gone.map((key): PlannedOperation => ({ table: 'entries', key, value: undefined })),
    ...written.map(({ ordinal, members }) => putBucket(bucketKeyOf(group, ordinal), members)),
  ];
}

/** Which change goes to which bucket, in order. */
function planChanges(heap: Heap, group: Uint8Array, sorted: readonly EntryChange[]): Plan[] {
  const plans: Plan[] = [];
  let plan: Plan | undefined;
  let until: Uint8Array | undefined;
  for (const change of sorted) {
    if (plan === undefined || (until !== undefined && Buffer.compare(restOf(change.keyBytes), until) >= 0)) {
      const bucket = findBucket({ heap }, change.keyBytes) ?? neighbour({ heap }, group, {});
      const next = bucket && neighbour({ heap }, group, { after: ordinalOf(bucket.key) });
      until = next && firstRest(next.row);
      plan = { key: bucket?.key, next: next === undefined ? ordinalMax : ordinalOf(next.key), members: bucket === undefined ? [] : membersOf(bucket.row), changes: [] };
      plans.push(plan);
    }
    plan.changes.push(change);
  }
  return plans;
}

function membersOf(row: Uint8Array): Member[] {
  return decodeBucket(row, rowHead(row).at);
}

/** Makes the changes of a bucket and cuts it where it has become too large. */
function cut(plan: Plan): Member[][] {
  const { members, changes } = plan;
  const merged: Member[] = [];
  let at = 0;
  for (const { keyBytes, slot } of changes) {
    const rest = restOf(keyBytes);
    while (at < members.length && Buffer.compare(members[at]!.rest, rest) < 0) merged.push(members[at++]!);
    if (at < members.length && Buffer.compare(members[at]!.rest, rest) === 0) at++;
    if (slot !== undefined) merged.push({ rest, value: slot });
  }
  merged.push(...members.slice(at));
  const grows = growthOf(plan);
  plan.members = merged;
  const total = merged.reduce((sum, member) => sum + bytesOf(member), 0);
  if (total <= bucketBytesMax) return merged.length === 0 ? [] : [merged];
  // What grows at an end leaves full buckets behind, what grows anywhere leaves room in each.
  const target = grows === 0 ? total / Math.ceil(total / (bucketBytesMax / 2)) : bucketBytesMax;
  const pieces = piecesOf(grows < 0 ? merged.toReversed() : merged, target);
  return grows < 0 ? pieces.toReversed().map((piece) => piece.toReversed()) : pieces;
}

function piecesOf(members: readonly Member[], target: number): Member[][] {
  const pieces: Member[][] = [];
  let room = 0;
  for (const member of members) {
    const bytes = bytesOf(member);
    if (bytes > room || pieces.length === 0) {
      pieces.push([]);
      room = target;
    }
    pieces.at(-1)!.push(member);
    room -= bytes;
  }
  return pieces;
}

/** 1: all changes lie behind what was there, -1: before it, 0: neither. */
function growthOf({ members, changes }: Plan): -1 | 0 | 1 {
  const [first, last] = [members[0], members.at(-1)];
  if (first === undefined || last === undefined || Buffer.compare(restOf(changes[0]!.keyBytes), last.rest) > 0) return 1;
  return Buffer.compare(restOf(changes.at(-1)!.keyBytes), first.rest) < 0 ? -1 : 0;
}

/** About what a key takes in its bucket: refs that are not known yet count as long ones. */
function bytesOf({ rest, value }: Member): number {
  return rest.length + 6 + (ArrayBuffer.isView(value) ? value.length : value.bytes.length + value.links.length * 12);
}

/** The ordinals of the pieces of a bucket: the first keeps its own. Undefined when there is no room for them. */
function placesFor({ key, next, changes, members }: Plan, count: number): number[] | undefined {
  const own = key === undefined ? 0 : ordinalOf(key);
  if (count <= 1) return [own];
  // The first to be cut in its group has room on both sides of the second piece.
  if (own === 0 && next === ordinalMax) {
    const far = stepIn(ordinalMax / 2, count);
    return Array.from({ length: count }, (_, i) => (i === 0 ? 0 : ordinalMax / 2 + i * far));
  }
  const step = stepIn(next - own, count);
  if (step < 1) return undefined;
  const isLow = Buffer.compare(restOf(changes.at(-1)!.keyBytes), members[members.length >> 1]!.rest) < 0;
  const from = isLow ? next - count * step : own;
  return Array.from({ length: count }, (_, i) => (i === 0 ? own : from + i * step));
}

function stepIn(room: number, count: number): number {
  return Math.min(ordinalStep, Math.floor(room / (ordinalShare + count)));
}

/** The whole group written anew, with ordinals far apart. */
function renumbered(heap: Heap, group: Uint8Array, plans: readonly Plan[]): PlannedOperation[] {
  const rows = rowsOf({ heap }, { start: group, end: groupEndOf(group), limit: Infinity });
  const changed = new Map(plans.map((plan) => [plan.key === undefined ? -1 : ordinalOf(plan.key), plan]));
  // `cut` merges the changes of those that it has not been asked for yet.
  const pieces = rows.flatMap(([key, row]) => {
    const plan = changed.get(ordinalOf(key));
    return plan === undefined ? [membersOf(row)] : cut({ ...plan, members: membersOf(row) });
  });
  const step = stepIn(ordinalMax, pieces.length);
  const kept = new Set(pieces.map((_, i) => i * step));
  const gone = rows.filter(([key]) => !kept.has(ordinalOf(key)));
  return [
    ...gone.map(([key]): PlannedOperation => ({ table: 'entries', key, value: undefined })),
    ...pieces.map((members, i) => putBucket(bucketKeyOf(group, i * step), members)),
  ];
}

function putBucket(key: Uint8Array, members: readonly Member[]): PlannedOperation {
  const roots: Link[] = members.flatMap(({ value }) => (ArrayBuffer.isView(value) ? [] : value.links));
  const make = (): Uint8Array =>
    encodeBucket(members.map(({ rest, value }) => ({ rest, value: ArrayBuffer.isView(value) ? value : encodeRowValue(value) })));
  return { table: 'entries', key, value: undefined, make, roots };
}
