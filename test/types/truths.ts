/**
 * What the public types say, for `public-types.test.ts`, which has it compiled against the built package by several compilers. Nothing
 * here runs. A line that must not compile stands under `@ts-expect-error`.
 */
import { LazyList, LazyMap, isLazy, materialize, open } from 'lodemap';
import type { Key, LazyValue } from 'lodemap';
import { openCache } from 'lodemap/cache';
import { count, externalAggregate, externalDistinct, externalGroupBy, externalJoin, externalSort, externalTopK, groupBySum, sum } from 'lodemap/external';
import { SpillArray, SpillMap } from 'lodemap/memory';
import { Stream } from 'lodemap/stream';

/** Compiles where both types are one. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function is<A extends true, B extends true = true, C extends true = true>(): [A, B, C];

interface Row {
  id: number;
  name: string;
  home?: { city: string; at: { lat: number } };
  tags: string[];
}
declare const rows: Row[];

export async function maps(): Promise<void> {
  const map = await open<string, Row[]>('types.store');
  const list = map.get('rows');
  list?.extend(rows);
  list?.count((row) => row.id > 1);
  const plain: Row[] | undefined = list;
  const again: Row[] = materialize(list!);
  map.set('copy', list!);
  for (const [key, value] of map) map.set(key, value);
  map.update('rows', (current) => void current?.push(rows[0]!));
  is<Same<ReturnType<typeof materialize<Row>>, Row>>();
  is<Same<ReturnType<typeof materialize<LazyList<Row>>>, Row[]>>();
  is<Same<ReturnType<typeof materialize<LazyMap<string, Row>>>, Map<string, Row>>>();
  void [plain, again];

  // What is said of no type is anything.
  const anything = await open('types.store');
  anything.get('k').whatever.push(1);
  anything.set(['a', 1n, new Date()], { any: 'thing' });
  // @ts-expect-error -- an object is no key
  anything.get({});

  const numbers = await open<string, number>('types.store');
  const n: number | undefined = numbers.get('n');
  numbers.update('n', (current = 0) => current + 1);
  // @ts-expect-error -- a number has no such method
  numbers.get('n')?.extend([]);
  // @ts-expect-error -- the map holds numbers
  numbers.set('n', 'text');
  void n;

  is<Same<ReturnType<typeof numbers.get>, number | undefined>>();
  const made: number = numbers.transaction(() => 1);
  numbers.transaction(() => {});
  numbers.transaction((): never => {
    throw new Error('never');
  });
  const union: number | string = numbers.transaction(() => (made > 1 ? 'text' : 2));
  // @ts-expect-error -- the lock is held while it runs
  numbers.transaction(async () => 1);
  // @ts-expect-error -- so it may give no promise either
  numbers.transaction(() => Promise.resolve(1));
  void union;
}

export function generic<V>(map: Awaited<ReturnType<typeof open<string, V>>>): V | undefined {
  return map.get('k');
}

// oxlint-disable-next-line typescript/no-explicit-any -- what any stays is the question
export function guards(value: unknown, typed: Row[], either: Row | string, anything: any): void {
  if (isLazy(anything)) anything.whatever();
  else anything.whatever();
  if (isLazy(value)) is<Same<typeof value, LazyValue>>();
  if (isLazy(typed)) typed.push(rows[0]!);
  else typed.push(rows[0]!);
  if (!isLazy(either)) void (typeof either === 'string' ? either.length : either.id);
  if (value instanceof LazyList) value.extend([1]);
  if (value instanceof LazyMap) value.get('k');
  const deep: { a: { b: number } } = materialize({ a: { b: 1 } });
  void deep;
}

export async function joins(left: Row[], right: { id: number; total: number }[]): Promise<void> {
  const sides = { leftBy: 'id', rightBy: 'id' } as const;
  for await (const [row, order] of externalJoin(left, right, sides)) void (row.name.length + order.total);
  for await (const [row, order] of externalJoin(left, right, { ...sides, type: 'left' })) {
    // @ts-expect-error -- there may be none
    void (row.name.length + order.total);
  }
  for await (const [row, order] of externalJoin(left, right, { ...sides, type: 'right' })) {
    // @ts-expect-error -- there may be none
    void (order.total + row.name.length);
  }
  for await (const [row, none] of externalJoin(left, right, { ...sides, type: 'semi' })) is<Same<typeof row, Row>, Same<typeof none, undefined>>();
  takesPairs(externalJoin(left, right, { ...sides, type: 'outer' }));
  for await (const [row, order] of Stream.from(left).join(right, { by: 'id' })) void (row.name.length + order.total);
  for await (const [row, order] of Stream.from(left).join(right, { by: 'id', type: 'outer' })) {
    // @ts-expect-error -- there may be none
    void (row.name.length + order.total);
  }
  // @ts-expect-error -- the right side has no name
  Stream.from(left).join(right, { by: 'name' });
}

declare function takesPairs(pairs: AsyncIterable<[Row | undefined, { id: number; total: number } | undefined]>): void;

export function fields(streams: Stream<Row>): void {
  for (const by of ['id', 'name', 'home', 'home.city', 'home.at.lat', 'tags.0', 'tags.length'] as const) externalSort(rows, { by });
  externalSort(rows, { by: ['home', 'city'] });
  externalSort(rows, { by: (row) => row.name });
  externalSort(rows, { by: { module: 'file:///by.js', export: 'name' } });
  externalSort([{ a: 1 } as Record<string, number>], { by: 'whatever' });
  externalSort([] as unknown[], { by: 'whatever' });
  externalSort([[1, 'a']] as [number, string][], { by: '1' });
  externalSort(rows, { compare: (a, b) => a.id - b.id });
  // @ts-expect-error -- misspelled
  externalSort(rows, { by: 'nmae' });
  // @ts-expect-error -- misspelled
  externalSort(rows, { by: 'home.ciyt' });
  // @ts-expect-error -- misspelled
  externalGroupBy(rows, { by: 'nmae' });
  // @ts-expect-error -- misspelled
  externalTopK(rows, { k: 3, by: 'nmae' });
  // @ts-expect-error -- misspelled
  externalDistinct(rows, { by: 'nmae' });
  // @ts-expect-error -- misspelled
  groupBySum(rows, { by: 'name', value: 'di' });
  // @ts-expect-error -- misspelled
  externalJoin(rows, rows, { leftBy: 'id', rightBy: 'di' });
  // @ts-expect-error -- misspelled
  externalAggregate(rows, { by: 'nmae', aggregates: { n: count() } });
  // @ts-expect-error -- misspelled
  streams.groupBy('nmae');
  // @ts-expect-error -- misspelled
  streams.sort({ by: 'nmae' });
  // @ts-expect-error -- misspelled
  streams.distinct('nmae');
  streams.sort({ by: 'home.city' }).distinct('id').groupBy((row) => row.name);
  const wider: Stream<{ id: number }> = streams;
  const any: Stream<unknown> = wider;
  void any;
}

export async function streams(): Promise<void> {
  for await (const { key, total, n } of externalAggregate(rows, { by: 'name', aggregates: { total: sum('id'), n: count() } })) {
    is<Same<typeof key, Key>, Same<typeof total, number>, Same<typeof n, number>>();
  }
  for await (const row of Stream.fromCSV('a.csv')) is<Same<typeof row, Record<string, string>>>();
  for await (const row of Stream.fromCSV('a.csv', { ragged: 'pad' })) is<Same<typeof row, Record<string, string>>>();
  for await (const row of Stream.fromCSV('a.csv', { numbers: true })) is<Same<typeof row, Record<string, string | number | null>>>();
  for await (const row of Stream.fromCSV('a.csv', { types: { at: 'date' } })) {
    // @ts-expect-error -- text is but one of what it can be
    void row['at']?.length;
  }
  for await (const row of Stream.fromCSV<Row>('a.csv', { numbers: true })) void row.name;
  const stored = await Stream.from(rows).toList(await open('types.store'), 'rows');
  void stored[0]?.name;
}

export async function caches(): Promise<void> {
  const cache = await openCache<string, Row[]>('types.cache');
  cache.get('k')?.extend(rows);
  const square = cache.wrap(async (a: number, b: string) => `${a}${b}`, { name: 'square', ttl: 5 });
  is<Same<typeof square, (a: number, b: string) => Promise<string>>>();
  // @ts-expect-error -- a name tells functions apart
  cache.wrap(async () => 1, {});
  // @ts-expect-error -- a name tells functions apart
  cache.wrap(async () => 1);
  await cache.update('k', (current) => [...(current ?? []), rows[0]!]);
  // @ts-expect-error -- it may not be async
  await cache.update('k', async (current) => current);
  const anything = await openCache('types.cache');
  anything.get('k').whatever();
}

export function spills(): void {
  new SpillArray().push({ any: 1 }, 'thing');
  const numbers: number | undefined = new SpillArray<number>().at(0);
  new SpillMap().set('k', { any: 1 });
  void numbers;
}
