/**
 * Sorting in several processes.
 *
 * The source is cut into parts, two for each process so that a slow one is made up for; processes sort them (part-sort.ts) and hand
 * over one run each; these are merged here, in the order of the parts, which keeps the sort stable. What can not be told to
 * another process (a function as `by`, a source that only this process can read) is sorted here.
 */
import { tmpdir as systemTmpdir } from 'node:os';
import { ownFile } from '../../base/own-file.ts';
import { TaskPool } from '../../engine/task-pool.ts';
import { config } from '../../memory/config.ts';
import type { Layout } from '../spill/block.ts';
import { KeyKind } from '../spill/block.ts';
import { isShareable } from '../by.ts';
import type { LooseBy } from '../by.ts';
import type { SplitPart } from '../flow.ts';
import { ItemCodec } from '../spill/item-codec.ts';
import type { Job } from '../job.ts';
import { merge } from './merge.ts';
import type { Merge } from './merge.ts';
import type { PartTask, SortedPart } from './part-sort.ts';
import { SpilledRunReader } from '../spill/run.ts';
import type { RunReader } from '../spill/run.ts';
import type { Source } from '../source.ts';
import { partsOf } from '../source-part.ts';
import { dropSpill, SpillFile, spillName } from '../spill/spill-file.ts';

const partsPerProcess = 2;

export interface SharedWork {
  readonly by: LooseBy<never> | undefined;
  readonly layout: Omit<Layout, 'codec'>;
  /** The function of part-sort.ts, and what it is told besides what all are. */
  readonly task: 'sortPart' | 'totalPart';
  readonly argument: object;
}

/** Does the work in `processes`, and gives all records in order; undefined when it can not be divided. */
export async function shareWork(job: Job, source: Source<never>, work: SharedWork): Promise<Merge | undefined> {
  const { processes = 1, signal } = job.options;
  if (processes < 2 || !(work.by === undefined || isShareable(work.by))) return undefined;
  const parts = await partsOf(source, processes * partsPerProcess);
  if (parts === undefined) return undefined;
  const names = parts.map(() => spillName());
  const folder = job.options.tmpdir ?? config().tmpdir ?? systemTmpdir();
  const pool = new TaskPool(processes, signal);
  try {
    const done = parts.map(() => 0);
    const sorted = await Promise.all(
      parts.map(async (part, i) => {
        const report = (count: unknown): void => {
          done[i] = count as number;
          job.progress('read', done.reduce((a, b) => a + b, 0));
        };
        return (await pool.run(taskOf(job, { ...work, part, file: names[i]!, parts: parts.length }), report)) as SortedPart;
      }),
    );
    note(job, sorted, processes);
    return open(job, work.layout, { sorted, names, folder });
  } finally {
    await pool.close();
    for (const name of names) dropSpill(name, folder);
  }
}

function taskOf(job: Job, { part, file, parts, by, task, argument }: SharedWork & { part: SplitPart; file: string; parts: number }): { module: string; export: string; argument: PartTask } {
  const { budgetBytes, tmpdir, processes = 1 } = job.options;
  const share = budgetBytes === undefined ? undefined : Math.max(64 * 1024, Math.floor(budgetBytes / processes));
  const plain = typeof by === 'object' && 'module' in by ? { ...by, module: String(by.module) } : by;
  return {
    module: ownFile('external/sort/part-sort').href,
    export: task,
    argument: { part, file, tmpdir, budgetBytes: share, config: config(), parts, by: plain as LooseBy<unknown> | undefined, ...argument },
  };
}

/** Adds up what the processes have counted. At most `processes` of the parts were held at once. */
function note({ tally }: Job, sorted: readonly SortedPart[], processes: number): void {
  const most = (pick: (part: SortedPart) => number): number =>
    sorted.map(pick).toSorted((a, b) => b - a).slice(0, processes).reduce((a, b) => a + b, 0);
  for (const { stats } of sorted) {
    tally.items += stats.items;
    tally.runs += stats.runs;
    tally.spilledBytes += stats.spilledBytes;
  }
  tally.passes += 1 + Math.max(...sorted.map(({ stats }) => stats.passes));
  const [items, bytes] = [most(({ stats }) => stats.peakItems), most(({ stats }) => stats.peakBytes)];
  tally.hold(items, bytes);
  tally.hold(-items, -bytes);
}

interface Handed {
  readonly sorted: readonly SortedPart[];
  readonly names: readonly string[];
  readonly folder: string;
}

function open(job: Job, layout: Omit<Layout, 'codec'>, { sorted, names, folder }: Handed): Merge {
  const readers: RunReader[] = [];
  const kinds = new Set<KeyKind>();
  for (const [i, { run, book }] of sorted.entries()) {
    if (run === undefined) continue;
    const file = new SpillFile(folder, { name: names[i]!, taken: true });
    kinds.add(run.keyKind);
    readers.push(new SpilledRunReader({ ...run, file }, { ...layout, codec: new ItemCodec(book) }, job.tally));
  }
  const [kind = KeyKind.keys] = kinds;
  const merged = merge(readers, layout.order, kinds.size > 1 ? KeyKind.keys : kind);
  job.closeAtEnd(merged);
  return merged;
}
