/**
 * Aggregates over groups.
 *
 * Steps: 1. Each item is folded into the running total of its key (totals.ts). 2. When the totals fill their room they are
 * spilled as a run, sorted by key. 3. Merging the runs merges the totals of a key. Exact numbers of distinct values are
 * counted aside, by sorting pairs of key and value and dropping repeats. A fold that can not be merged needs the items of a
 * group together: they are sorted by key and folded in one go.
 */
import type { Key } from '../../codec/key/keys.ts';
import { count, max, mean, min, shared, sum } from './aggregates.ts';
import type { Aggregate, Fold } from './aggregates.ts';
import { resolveBy } from '../by.ts';
import type { By, KeyOf, LooseBy } from '../by.ts';
import { DistinctCounts } from './distinct-counts.ts';
import { Flow } from '../flow.ts';
import { Groups } from './group-by.ts';
import { itemLayout, Job } from '../job.ts';
import { checkOptions } from '../options.ts';
import type { ExternalOptions } from '../options.ts';
import type { Merge } from '../sort/merge.ts';
import { Order } from '../sort/order.ts';
import { shareWork } from '../sort/shared-sort.ts';
import { checkSource } from '../source.ts';
import type { Source } from '../source.ts';
import { describe } from '../../base/errors.ts';
import { Folds, Totals, TotalsReader } from './totals.ts';
import { valueOf } from './value-of.ts';

/** Aggregates, by the names of their results: `{ total: sum('amount'), n: count() }`. */
// The items' type must not be narrowed by the first aggregate, nor the results' by any.
// oxlint-disable-next-line typescript/no-explicit-any
export type Aggregates<T> = Readonly<Record<string, Aggregate<T, any>>>;

/** The key of a group, and one result per aggregate. */
export type AggregateRow<A> = { key: Key } & { [name in keyof A]: A[name] extends Aggregate<never, infer R> ? R : unknown };

/** Options of `externalAggregate`. */
export interface AggregateOptions<T, A extends Aggregates<T>> extends ExternalOptions {
  /** What to group by. */
  readonly by: By<T>;
  /** What to compute for each group. */
  readonly aggregates: A;
}

/** Options of `groupBySum` and the other functions that compute one value per group. */
export interface GroupValueOptions<T> extends ExternalOptions {
  /** What to group by. */
  readonly by: By<T>;
  /** The value of an item: a field, a path, a function or a module. */
  readonly value: By<T>;
}

/** What totals may take without a budget. */
const totalsBytes = 48 * 1024 * 1024;
const rowsPerBatch = 128;

/**
 * Groups items and computes aggregates over each group. Gives one row per key, in key order:
 * `externalAggregate(orders, { by: 'customer', aggregates: { total: sum('amount'), n: count() } })` gives `{ key, total, n }`.
 *
 * Throws a TypeError at once for misuse; while you iterate, a TypeError for values of the wrong kind, UNSUPPORTED, ABORTED, IO, and what the
 * source throws.
 */
export function externalAggregate<T, A extends Aggregates<T>>(source: Source<T>, options: AggregateOptions<T, A>): Flow<AggregateRow<A>> {
  checkOptions('externalAggregate', options, ['by', 'aggregates'], ['by', 'aggregates']);
  checkAggregates(options.aggregates);
  const names = Object.keys(options.aggregates);
  const plan = { caller: 'externalAggregate', by: options.by, aggregates: Object.values(options.aggregates) };
  return aggregation(source, options, plan, (key, results) => {
    const row: Record<string, unknown> = { key };
    for (let i = 0; i < names.length; i++) row[names[i]!] = results[i];
    return row as AggregateRow<A>;
  });
}

/** The sum of the numbers (or bigints) `value` of each group, as [key, sum] in key order. Throws what `externalAggregate` throws. */
export function groupBySum<T, R extends number | bigint = number>(source: Source<T>, options: GroupValueOptions<T>): Flow<[Key, R]> {
  return single('groupBySum', source, options, sum as (of: LooseBy<T>) => Aggregate<T, R>);
}

/** The number of items of each group, as [key, number] in key order; with `value` only items that have it. Throws what `externalAggregate` throws. */
export function groupByCount<T>(source: Source<T>, options: Omit<GroupValueOptions<T>, 'value'> & { readonly value?: By<T> }): Flow<[Key, number]> {
  return single('groupByCount', source, options, count);
}

/** The mean of the numbers `value` of each group, as [key, mean] in key order; undefined if there are none. Throws what `externalAggregate` throws. */
export function groupByMean<T>(source: Source<T>, options: GroupValueOptions<T>): Flow<[Key, number | undefined]> {
  return single('groupByMean', source, options, mean);
}

/** The least `value` of each group, as [key, value] in key order; undefined if there are none. Throws what `externalAggregate` throws. */
export function groupByMin<T>(source: Source<T>, options: GroupValueOptions<T>): Flow<[Key, Key]> {
  return single('groupByMin', source, options, min);
}

/** The greatest `value` of each group, as [key, value] in key order; undefined if there are none. Throws what `externalAggregate` throws. */
export function groupByMax<T>(source: Source<T>, options: GroupValueOptions<T>): Flow<[Key, Key]> {
  return single('groupByMax', source, options, max);
}

interface Plan<T> {
  readonly caller: string;
  readonly by: LooseBy<T>;
  readonly aggregates: readonly Aggregate<T, unknown>[];
}

type ValueOptions<T> = ExternalOptions & { readonly by: LooseBy<T>; readonly value?: LooseBy<T> };

function single<T, R>(caller: string, source: Source<T>, options: ValueOptions<T>, make: (of: LooseBy<T>) => Aggregate<T, R>): Flow<[Key, R]> {
  checkOptions(caller, options, ['by', 'value'], caller === 'groupByCount' ? ['by'] : ['by', 'value']);
  const aggregate = make(options.value as LooseBy<T>);
  return aggregation(source, options, { caller, by: options.by, aggregates: [aggregate] }, (key, results) => [key, results[0] as R]);
}

function checkAggregates(aggregates: unknown): void {
  if (typeof aggregates !== 'object' || aggregates === null || Array.isArray(aggregates)) {
    throw new TypeError(`externalAggregate: aggregates must be an object such as { total: sum('amount') }, got ${describe(aggregates)}`);
  }
  for (const [name, aggregate] of Object.entries(aggregates)) {
    if (name === 'key') throw new TypeError('externalAggregate: "key" names the key of the group; give the aggregate another name');
    const fold = (aggregate as Partial<Aggregate<unknown, unknown>> | null | undefined)?.fold;
    if (typeof fold !== 'object' || fold === null) {
      throw new TypeError(`externalAggregate: aggregates.${name} must be an aggregate such as sum('amount'), got ${describe(aggregate)}`);
    }
  }
}

function aggregation<T, R>(source: Source<T>, options: ExternalOptions, plan: Plan<T>, row: (key: Key, results: unknown[]) => R): Flow<R> {
  checkSource(source, plan.caller);
  return new Flow(async function* () {
    const job = new Job(options);
    try {
      const keyOf = await resolveBy(plan.by);
      const folds = plan.aggregates.map(({ fold }) => fold as Fold<unknown, unknown>);
      const values = await Promise.all(plan.aggregates.map((aggregate) => valueOf(aggregate)));
      const work = { job, source, plan, keyOf, folds, values };
      const rows = folds.some(({ inOneGo }) => inOneGo === true) ? foldGroups(work) : foldTotals(work);
      let batch: R[] = [];
      for await (const { key, results } of rows) {
        batch.push(row(key, results));
        if (batch.length < rowsPerBatch) continue;
        yield batch;
        batch = [];
      }
      yield batch;
    } finally {
      job.end();
    }
  });
}

interface Work<T> {
  readonly job: Job;
  readonly source: Source<T>;
  readonly plan: Plan<T>;
  readonly keyOf: KeyOf<T>;
  readonly folds: readonly Fold<unknown, unknown>[];
  readonly values: readonly ((item: T) => unknown)[];
}

interface Row {
  readonly key: Key;
  readonly results: unknown[];
}

async function* foldTotals<T>(work: Work<T>): AsyncGenerator<Row, void, undefined> {
  const { job } = work;
  const folds = new Folds(work.folds);
  const counts = new DistinctCounts(job, work.folds);
  const merge = (await shareTotals(work, folds)) ?? (await totalHere(work, folds, counts));
  await counts.finish();
  const reader = new TotalsReader(folds);
  const next = () => merge.next();
  let done = 0;
  for (let record = next(); record !== undefined; ) {
    const { key, results, reader: following } = reader.read(record, next);
    counts.fill(key, results);
    yield { key, results };
    record = following;
    if ((++done & 127) === 0) await job.breathe('merge', done);
  }
}

/** Totals made by other processes; undefined when these can not be told of everything. */
async function shareTotals<T>({ job, source, plan }: Work<T>, folds: Folds): Promise<Merge | undefined> {
  const aggregates = plan.aggregates.map((aggregate) => shared(aggregate as Aggregate<never, unknown>));
  if (aggregates.includes(undefined)) return undefined;
  const argument = { aggregates, totalsBytes };
  return shareWork(job, source as Source<never>, { by: plan.by as LooseBy<never>, layout: folds.layout(), task: 'totalPart', argument });
}

async function totalHere<T>({ job, source, keyOf, values }: Work<T>, folds: Folds, counts: DistinctCounts): Promise<Merge> {
  const bytesMax = job.options.budgetBytes ?? totalsBytes;
  const sorter = job.sorter(folds.layout(), { budgetBytes: bytesMax, combine: (target, from, index) => folds.combine(target, from, index) });
  const totals = new Totals(folds, sorter, { bytesMax, tally: job.tally });
  const [value] = values;
  if (values.length === 1 && counts.none) await job.drain(source, (item) => totals.addOne(keyOf(item), value!(item)));
  else {
    const row: unknown[] = [];
    await job.drain(source, (item) => {
      const key = keyOf(item);
      for (let i = 0; i < values.length; i++) row[i] = values[i]!(item);
      counts.take(key, row);
      totals.add(key, row);
    });
  }
  totals.finish();
  return sorter.finish();
}

/** For folds that need the items of a group together. */
async function* foldGroups<T>({ job, source, keyOf, folds, values }: Work<T>): AsyncGenerator<Row, void, undefined> {
  const plan = new Folds(folds);
  const sorter = job.sorter(itemLayout(new Order()));
  const counts = new DistinctCounts(job, folds);
  const row: unknown[] = [];
  const valuesOf = (item: T): unknown[] => {
    for (let i = 0; i < values.length; i++) row[i] = values[i]!(item);
    return row;
  };
  await job.drain(source, (item) => {
    const key = keyOf(item);
    if (!counts.none) counts.take(key, valuesOf(item));
    sorter.push(key, item);
  });
  const merge = await sorter.finish();
  await counts.finish();
  const groups = new Groups<T>(job, { merge, batchItems: rowsPerBatch });
  for (let group = await groups.next(); group !== undefined; group = await groups.next()) {
    const [key, items] = group;
    const states = plan.start();
    for await (const batch of items.batches()) for (const item of batch) plan.add(states, valuesOf(item));
    const results = plan.finish(states);
    counts.fill(key, results);
    yield { key, results };
  }
}
