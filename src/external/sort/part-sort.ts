/**
 * What other processes do of a sort: each sorts parts of the source and writes every one as a single run to a file, which it
 * hands over by name. These functions are tasks (engine/task-pool.ts); they may be repeated.
 */
import { configure } from '../../memory/config.ts';
import type { MemoryConfig } from '../../memory/config.ts';
import type { Fold } from '../group/aggregates.ts';
import { aggregateOf } from '../group/aggregates.ts';
import type { SharedAggregate } from '../group/aggregates.ts';
import { resolveBy } from '../by.ts';
import type { LooseBy } from '../by.ts';
import type { SplitPart } from '../flow.ts';
import { itemLayout, Job } from '../job.ts';
import { Order } from './order.ts';
import { RunWriter } from '../spill/run.ts';
import type { Run } from '../spill/run.ts';
import type { Sorter } from './sorter.ts';
import { openPart } from '../source-part.ts';
import { SpillFile } from '../spill/spill-file.ts';
import type { ExternalStats } from '../tally.ts';
import { Folds, Totals } from '../group/totals.ts';
import { valueOf } from '../group/value-of.ts';

/** What a process is told. */
export interface PartTask {
  readonly part: SplitPart;
  /** The name of the file to hand over, in `tmpdir`. */
  readonly file: string;
  readonly tmpdir: string | undefined;
  readonly budgetBytes: number | undefined;
  readonly config: MemoryConfig;
  /** How many runs the reader merges: its blocks may be as large as that allows. */
  readonly parts: number;
  readonly by: LooseBy<unknown> | undefined;
}

export interface SortTask extends PartTask {
  readonly descending: boolean;
  /** Drop items whose key has come before. */
  readonly distinct: boolean;
}

export interface TotalsTask extends PartTask {
  readonly aggregates: readonly SharedAggregate[];
  readonly totalsBytes: number;
}

/** What it gives: its run (undefined when there was nothing), and what is needed to read it. */
export interface SortedPart {
  readonly run: Omit<Run, 'file'> | undefined;
  /** The shapes of the items. */
  readonly book: readonly (readonly string[])[];
  readonly stats: ExternalStats;
}

type Report = (done: number) => void;

/** What the reader holds besides a block of each run. */
const blocksAside = 4;
const blockItemsMax = 1024;
const blockBytesMax = 256 * 1024;

export async function sortPart(task: SortTask, report: Report): Promise<SortedPart> {
  return inJob(task, report, async (job) => {
    const { by, descending, distinct } = task;
    const sorter = job.sorter(itemLayout(new Order(descending), by === undefined), distinct ? { combine: () => {} } : {});
    const keyOf = by === undefined ? undefined : await resolveBy(by);
    await job.drain(await openPart(task.part), (item) => sorter.push(keyOf === undefined ? item : keyOf(item), item));
    return sorter;
  });
}

export async function totalPart(task: TotalsTask, report: Report): Promise<SortedPart> {
  return inJob(task, report, async (job) => {
    const aggregates = task.aggregates.map(aggregateOf);
    const folds = new Folds(aggregates.map(({ fold }) => fold as Fold<unknown, unknown>));
    const bytesMax = task.budgetBytes ?? task.totalsBytes;
    const sorter = job.sorter(folds.layout(), { budgetBytes: bytesMax, combine: (target, from, index) => folds.combine(target, from, index) });
    const totals = new Totals(folds, sorter, { bytesMax, tally: job.tally });
    const keyOf = await resolveBy(task.by!);
    const values = await Promise.all(aggregates.map((aggregate) => valueOf(aggregate)));
    const row: unknown[] = [];
    await job.drain(await openPart(task.part), (item) => {
      for (let i = 0; i < values.length; i++) row[i] = values[i]!(item);
      totals.add(keyOf(item), row);
    });
    totals.finish();
    return sorter;
  });
}

async function inJob(task: PartTask, report: Report, work: (job: Job) => Promise<Sorter>): Promise<SortedPart> {
  configure(task.config);
  const job = new Job({
    onProgress: ({ phase, done }) => (phase === 'read' ? report(done) : undefined),
    ...(task.tmpdir !== undefined && { tmpdir: task.tmpdir }),
    ...(task.budgetBytes !== undefined && { budgetBytes: task.budgetBytes }),
  });
  try {
    const run = await handOver(job, await work(job), task);
    return { run, book: job.codec.book, stats: job.tally.stats() };
  } finally {
    job.end();
  }
}

/** Writes all that a sorter has as one run. */
async function handOver(job: Job, sorter: Sorter, { file: name, tmpdir, config, parts }: PartTask): Promise<Omit<Run, 'file'> | undefined> {
  const merge = await sorter.finish();
  const file = new SpillFile(tmpdir ?? config.tmpdir, { name, taken: false });
  try {
    const { layout, allowance, combine } = sorter.options;
    const writer = new RunWriter(layout, {
      file,
      blockItems: Math.min(blockItemsMax, Math.floor(allowance.items(job.tally.items * parts) / (parts + blocksAside))),
      blockBytes: Math.min(blockBytesMax, Math.floor(allowance.bytes / (parts + blocksAside))),
      deflate: config.compression === 'deflate',
      waitingBytes: 64 * 1024,
      tally: job.tally,
      combine,
    });
    let done = 0;
    for (let reader = merge.next(); reader !== undefined; reader = merge.next()) {
      writer.add(reader.block, reader.at);
      if ((++done & 1023) === 0) await job.breathe('merge', done);
    }
    const run = writer.finish();
    if (run === undefined) return undefined;
    run.file.release();
    const { file: _, ...rest } = run;
    return rest;
  } finally {
    file.release();
  }
}
