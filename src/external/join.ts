/**
 * Joins by sorting both sides (a merge join).
 *
 * Steps: 1. Each side is sorted by its key. 2. Both are read in step; where keys are equal, the right group is gathered in a
 * list that spills when it is large, and read once for each item of the left group. So both groups may exceed memory.
 *
 * Keys that are missing (undefined or null, or a tuple with such a part) match nothing, as in SQL; such items come as those without a partner do.
 */
import { describe } from '../base/errors.ts';
import { compareKeys } from '../codec/key/key-order.ts';
import type { Key } from '../codec/key/keys.ts';
import { config } from '../memory/config.ts';
import { Allowance } from './allowance.ts';
import type { By } from './by.ts';
import { Flow } from './flow.ts';
import { Job } from './job.ts';
import type { Merge } from './sort/merge.ts';
import { checkOptions } from './options.ts';
import type { ExternalOptions } from './options.ts';
import { Order } from './sort/order.ts';
import type { RunReader } from './spill/run.ts';
import { checkSource } from './source.ts';
import type { Source } from './source.ts';
import { sortItems } from './sort/sorted-items.ts';
import { SpillList } from './spill/spill-list.ts';

/**
 * Which items a join gives. `inner`: only pairs. `left`, `right` and `outer`: also items of that side (or of both) that have no partner. `semi`:
 * items of the left side that have a partner, once each. `anti`: items of the left side that have none.
 */
export type JoinType = 'inner' | 'left' | 'right' | 'outer' | 'semi' | 'anti';

/** Options of `externalJoin`. */
export interface JoinOptions<L, R> extends ExternalOptions {
  /** The key of an item of the left source. */
  readonly leftBy: By<L>;
  /** The key of an item of the right source. */
  readonly rightBy: By<R>;
  /** Which items come. Default `inner`. */
  readonly type?: JoinType;
}

const types: readonly string[] = ['inner', 'left', 'right', 'outer', 'semi', 'anti'];

/** One side: its records in order, and the one that comes next. */
interface Side {
  readonly merge: Merge;
  readonly batchItems: number;
  reader: RunReader | undefined;
}

/**
 * Pairs of items that have the same key: `externalJoin(orders, customers, { leftBy: 'customer', rightBy: 'id', type: 'left' })`. They come in key
 * order, then in the order of the left source, then of the right one. Undefined stands for a missing partner. A missing key matches nothing.
 *
 * Throws a TypeError for misuse, UNSUPPORTED for an item that cannot be stored, ABORTED, IO, and what the sources throw.
 */
export function externalJoin<L, R>(left: Source<L>, right: Source<R>, options: JoinOptions<L, R> & { readonly type?: 'inner' }): Flow<[L, R]>;
export function externalJoin<L, R>(left: Source<L>, right: Source<R>, options: JoinOptions<L, R> & { readonly type: 'left' }): Flow<[L, R | undefined]>;
export function externalJoin<L, R>(left: Source<L>, right: Source<R>, options: JoinOptions<L, R> & { readonly type: 'right' }): Flow<[L | undefined, R]>;
export function externalJoin<L, R>(left: Source<L>, right: Source<R>, options: JoinOptions<L, R> & { readonly type: 'semi' | 'anti' }): Flow<[L, undefined]>;
export function externalJoin<L, R>(left: Source<L>, right: Source<R>, options: JoinOptions<L, R>): Flow<[L | undefined, R | undefined]>;
export function externalJoin<L, R>(left: Source<L>, right: Source<R>, options: JoinOptions<L, R>): Flow<[L | undefined, R | undefined]> {
  checkOptions('externalJoin', options, ['leftBy', 'rightBy', 'type'], ['leftBy', 'rightBy']);
  checkSource(left, 'externalJoin, left side');
  checkSource(right, 'externalJoin, right side');
  const { type = 'inner' } = options;
  if (!types.includes(type)) throw new TypeError(`externalJoin: type must be one of ${types.join(', ')}, got ${describe(type)}`);
  return new Flow(async function* () {
    const job = new Job(options);
    try {
      yield* new Join<L, R>(job, type, await sorted(job, left, options.leftBy), await sorted(job, right, options.rightBy)).batches();
    } finally {
      job.end();
    }
  });
}

async function sorted<T>(job: Job, source: Source<T>, by: By<T>): Promise<Side> {
  const { merge, batchItems } = await sortItems(job, source, { by, order: new Order(), share: 0.5 });
  return { merge, batchItems, reader: merge.next() };
}

class Join<L, R> {
  readonly #job: Job;
  readonly #type: JoinType;
  readonly #left: Side;
  readonly #right: Side;
  readonly #batchItems: number;
  #batch: [L | undefined, R | undefined][] = [];
  #done = 0;

  constructor(job: Job, type: JoinType, left: Side, right: Side) {
    this.#job = job;
    this.#type = type;
    this.#left = left;
    this.#right = right;
    this.#batchItems = Math.min(left.batchItems, right.batchItems);
  }

  async *batches(): AsyncGenerator<[L | undefined, R | undefined][], void, undefined> {
    const [left, right] = [this.#left, this.#right];
    const type = this.#type;
    const [wantsLeft, wantsRight] = [type === 'left' || type === 'outer' || type === 'anti', type === 'right' || type === 'outer'];
    while (left.reader !== undefined || right.reader !== undefined) {
      const order = compareHeads(left, right);
      if (order === 0) yield* this.#groups(keyAt(left));
      else if (order < 0) {
        if (wantsLeft) this.#batch.push([itemAt<L>(left), undefined]);
        advance(left);
      } else {
        if (wantsRight) this.#batch.push([undefined, itemAt<R>(right)]);
        advance(right);
      }
      // What is left of one side is of no use to most kinds of join.
      if (left.reader === undefined && !wantsRight) break;
      if ((++this.#done & 127) === 0) await this.#job.breathe('merge', this.#done);
      if (this.#batch.length >= this.#batchItems) yield this.#taken();
    }
    yield this.#taken();
  }

  /** Both sides are at the first item of the group of `key`. */
  async *#groups(key: Key): AsyncGenerator<[L | undefined, R | undefined][], void, undefined> {
    const [left, right] = [this.#left, this.#right];
    if (this.#type === 'semi' || this.#type === 'anti') {
      for (; isIn(left, key); advance(left)) {
        if (this.#type === 'semi') this.#batch.push([itemAt<L>(left), undefined]);
        if (this.#batch.length >= this.#batchItems) yield* this.#handOut();
      }
      for (; isIn(right, key); advance(right)) await this.#step();
      return;
    }
    const group = this.#list();
    try {
      for (; isIn(right, key); advance(right)) {
        group.append(right.reader!.block, right.reader!.at);
        await this.#step();
      }
      for (; isIn(left, key); advance(left)) {
        for (const item of group.items()) {
          this.#batch.push([itemAt<L>(left), item]);
          if (this.#batch.length >= this.#batchItems) yield* this.#handOut();
        }
      }
    } finally {
      group.clear();
    }
  }

  #list(): SpillList<R> {
    const { codec, tally, options } = this.#job;
    const allowance = new Allowance(options.budgetBytes, 0.125);
    return new SpillList<R>({
      codec,
      tally,
      tmpdir: options.tmpdir ?? config().tmpdir,
      deflate: config().compression === 'deflate',
      itemsMax: allowance.items(tally.items),
      bytesMax: allowance.bytes,
    });
  }

  async *#handOut(): AsyncGenerator<[L | undefined, R | undefined][], void, undefined> {
    yield this.#taken();
    await this.#job.breathe('merge', this.#done);
  }

  async #step(): Promise<void> {
    if ((++this.#done & 255) === 0) await this.#job.breathe('merge', this.#done);
  }

  #taken(): [L | undefined, R | undefined][] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }
}

/** 0 when both heads have the same key and it is not missing. */
function compareHeads(left: Side, right: Side): number {
  if (left.reader === undefined) return 1;
  if (right.reader === undefined) return -1;
  const key = keyAt(left);
  if (isMissing(key)) return -1;
  return compareKeys(key, keyAt(right));
}

/** Of a tuple one part that is missing is enough. */
function isMissing(key: Key): boolean {
  return key === undefined || key === null || (Array.isArray(key) && key.some(isMissing));
}

function keyAt({ reader }: Side): Key {
  return reader!.block.keyAt(reader!.at) as Key;
}

function itemAt<T>({ reader }: Side): T {
  return reader!.block.itemAt(reader!.at) as T;
}

function isIn({ reader }: Side, key: Key): boolean {
  return reader !== undefined && reader.block.isKeyAt(reader.at, key);
}

function advance(side: Side): void {
  side.reader = side.merge.next();
}
