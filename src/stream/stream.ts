/**
 * Pipelines over more items than memory holds.
 *
 * A Stream is a recipe: nothing is read before a terminal (or an iteration) asks for it, and each one that does runs the recipe
 * anew. Items are pulled in batches, as many as are wanted (demand.ts); sort, groupBy, distinct and join are those of
 * `lodemap/external`, so what they hold is bounded too.
 */
import { describe } from '../base/errors.ts';
import type { Key } from '../codec/key/keys.ts';
import { resolveBy } from '../external/by.ts';
import type { By, FirstBy, FirstStep } from '../external/by.ts';
import { externalDistinct } from '../external/sort/distinct.ts';
import { Flow } from '../external/flow.ts';
import type { Split } from '../external/flow.ts';
import { externalGroupBy } from '../external/group/group-by.ts';
import { externalJoin } from '../external/join.ts';
import type { JoinType } from '../external/join.ts';
import type { ExternalOptions } from '../external/options.ts';
import { externalSort } from '../external/sort/sort.ts';
import type { SortOptions } from '../external/sort/sort.ts';
import { checkSource } from '../external/source.ts';
import type { Source } from '../external/source.ts';
import type { LazyList } from '../lazy/lazy-list.ts';
import { listApart } from '../map/list-apart.ts';
import { documentsOf } from '../map/lode-map.ts';
import type { LodeMap } from '../map/lode-map.ts';
import { batchesOf } from './batches-of.ts';
import { csvPieces, Group, jsonPieces } from './file/export-text.ts';
import type { Piece } from './file/export-text.ts';
import type { CsvRow } from './csv/csv-rows.ts';
import type { CsvTextOptions } from './csv/csv-text.ts';
import { Demand, limited } from './demand.ts';
import { splitFile } from './file/file-parts.ts';
import type { FileToSplit } from './file/file-parts.ts';
import { pathOf, sourceOf } from './file/file-source.ts';
import type { FileSource } from './file/file-source.ts';
import { writeTextFile } from './file/file-sink.ts';
import { csvBatches, jsonBatches, jsonLineBatches, lineBatches } from './file/file-formats.ts';
import type { CsvFileOptions, JsonFileOptions, JsonLinesFileOptions, TextFileOptions } from './file/file-formats.ts';
import { toNodeStream, toWebStream } from './interop.ts';
import { sortedText, sortedValues } from './json/line-sort.ts';
import type { LineSort } from './json/line-sort.ts';
import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import * as operators from './operators.ts';
import type { Batches, Maybe } from './operators.ts';
import { StreamRun } from './stream-run.ts';
import type { RunOptions } from './stream-run.ts';

type Start<T> = (run: StreamRun, demand: Demand) => Batches<T>;
/** Malformed lines that were left out, of one source. */
interface Skips {
  count: number;
}
/** What is known of a stream's items besides that they come one after the other. */
interface Nature {
  readonly split?: Split;
  /** The file of JSON Lines whose values they are. */
  readonly jsonLines?: string;
  /** They can be had as lines of JSON, without being made values first. */
  readonly text?: (run: StreamRun) => AsyncGenerator<Piece, void, undefined>;
}
type RunChoices = Pick<ExternalOptions, 'signal' | 'onProgress'>;
type SpillOptions = Pick<ExternalOptions, 'budgetBytes' | 'tmpdir' | 'processes'>;

/** Options by which all fields are text. */
interface TextColumns {
  readonly numbers?: false;
  readonly types?: undefined;
}

/** Options by which fields that look like numbers are. */
interface NumberColumns {
  readonly numbers: true;
  readonly types?: undefined;
}

/**
 * A pipeline of sources, operators and a terminal:
 * `await Stream.fromCSV('in.csv').filter((row) => row.city === 'Oslo').sort({ by: 'name' }).toJSONL('out.jsonl')`.
 *
 * Nothing is read before a terminal or an iteration asks for it; each one runs the pipeline again. Functions may be async. A wrong argument is
 * a TypeError or RangeError at the call. A terminal rejects with what its sources and functions throw, ABORTED after its `signal`, FORMAT for a
 * malformed file, NOT_FOUND for a missing one, and IO. `sort`, `groupBy`, `distinct` and `join` spill to disk, and reject with UNSUPPORTED for an item
 * that cannot be stored.
 */
export class Stream<T> extends Flow<T> {
  readonly #start: Start<T>;
  readonly #skips: readonly Skips[];
  readonly #nature: Nature;

  private constructor(start: Start<T>, skips: readonly Skips[] = [], nature: Nature = {}) {
    super(() => start(new StreamRun(), new Demand()), nature.split);
    this.#start = start;
    this.#skips = skips;
    this.#nature = nature;
  }

  /** A stream of any iterable, plain or async: arrays, generators, Node and web streams, lists of a map, other Streams. */
  static from<T>(source: Source<T>): Stream<T> {
    checkSource(source, 'Stream.from');
    if (source instanceof Stream) return source as Stream<T>;
    return new Stream((run, demand) => batchesOf(source, run, demand));
  }

  /**
   * The lines of a text file, without their line ends. In place of a path all file sources also take bytes that are read once (a Readable, a
   * web stream). Files are UTF-8, or as `encoding` says. A file whose name ends in `.gz` is unpacked.
   */
  static fromFile(path: string | URL | AsyncIterable<Uint8Array>, options: TextFileOptions = {}): Stream<string> {
    const source = sourceOf(path, 'Stream.fromFile');
    const make = lineBatches(source, options);
    return new Stream((run, demand) => limited(make(run), demand), [], splittable(source, (file) => ({ file, format: 'lines', options })));
  }

  /**
   * The rows of a CSV file, as objects with the names of the header. Fields are text unless `numbers` or `types` say otherwise; then blank
   * fields are null. A row that is not RFC 4180 throws FORMAT with file, line and column; the error names the option that reads it.
   */
  static fromCSV(path: string | URL | AsyncIterable<Uint8Array>, options?: CsvFileOptions & TextColumns): Stream<Record<string, string>>;
  static fromCSV(path: string | URL | AsyncIterable<Uint8Array>, options: CsvFileOptions & NumberColumns): Stream<Record<string, string | number | null>>;
  static fromCSV<T = CsvRow>(path: string | URL | AsyncIterable<Uint8Array>, options?: CsvFileOptions): Stream<T>;
  static fromCSV(path: string | URL | AsyncIterable<Uint8Array>, options: CsvFileOptions = {}): Stream<never> | Stream<CsvRow> {
    const source = sourceOf(path, 'Stream.fromCSV');
    const skips = { count: 0 };
    const make = csvBatches(source, options, () => void skips.count++);
    return new Stream((run, demand) => limited(make(run) as Batches<CsvRow>, demand), [skips], splittable(source, (file) => ({ file, format: 'csv', options })));
  }

  /** The values of a file with one JSON value per line. A malformed line throws FORMAT with file, line and column. */
  // What a file holds is its reader's to know.
  // oxlint-disable-next-line typescript/no-explicit-any
  static fromJSONL<T = any>(path: string | URL | AsyncIterable<Uint8Array>, options: JsonLinesFileOptions = {}): Stream<T> {
    const source = sourceOf(path, 'Stream.fromJSONL');
    const skips = { count: 0 };
    const make = jsonLineBatches(source, options, () => void skips.count++);
    const nature = splittable(source, (file) => ({ file, format: 'jsonl', options }));
    const isPlain = typeof source === 'string' && Object.keys(options).length === 0;
    return new Stream((run, demand) => limited(make(run) as Batches<T>, demand), [skips], { ...nature, ...(isPlain && { jsonLines: source }) });
  }

  /**
   * The elements of an array in a JSON file of any size; for an object its members as [name, value], in the order of the text. `jsonPath` says where
   * in the text it is: `'data.items'` or `['data', 'items']`; default: the whole text. Throws FORMAT with file, line and column, NOT_FOUND.
   */
  // oxlint-disable-next-line typescript/no-explicit-any
  static fromJSON<T = any>(path: string | URL | AsyncIterable<Uint8Array>, jsonPath: string | readonly (string | number)[] = [], options: JsonFileOptions = {}): Stream<T> {
    const make = jsonBatches(sourceOf(path, 'Stream.fromJSON'), jsonPath, options);
    return new Stream((run, demand) => limited(make(run) as Batches<T>, demand));
  }

  /** The integers from `start` (default 0) up to, but not including, `end` (default: no end). */
  static range(end: number = Infinity, start = 0): Stream<number> {
    if (typeof end !== 'number' || Number.isNaN(end)) throw new TypeError(`Stream.range: expected a number, got ${describe(end)}`);
    return Stream.from({
      *[Symbol.iterator]() {
        for (let i = start; i < end; i++) yield i;
      },
    });
  }

  /** How many malformed lines `onError: 'skip'` has left out so far, in all sources and runs. */
  get skipped(): number {
    return this.#skips.reduce((sum, { count }) => sum + count, 0);
  }

  /** What `fn` returns for each item. */
  map<U>(fn: (item: T, index: number) => Maybe<U>): Stream<U> {
    return this.#then(aFunction(fn, 'map'), operators.mapped<T, U>);
  }

  /** The items for which `fn` returns true. */
  filter(fn: (item: T, index: number) => Maybe<unknown>): Stream<T> {
    return this.#then(aFunction(fn, 'filter'), operators.filtered<T>);
  }

  /** All items of the iterables that `fn` returns. */
  flatMap<U>(fn: (item: T, index: number) => Maybe<Iterable<U> | AsyncIterable<U>>): Stream<U> {
    return this.#then(aFunction(fn, 'flatMap'), operators.flattened<T, U>);
  }

  /** The same items; calls `fn` with each one that passes. */
  tap(fn: (item: T, index: number) => Maybe<unknown>): Stream<T> {
    return this.#then(aFunction(fn, 'tap'), operators.tapped<T>);
  }

  /** The items before the first one for which `fn` returns false. */
  takeWhile(fn: (item: T, index: number) => Maybe<unknown>): Stream<T> {
    return this.#then(aFunction(fn, 'takeWhile'), operators.takenWhile<T>);
  }

  /** The items from the first one on for which `fn` returns false. */
  dropWhile(fn: (item: T, index: number) => Maybe<unknown>): Stream<T> {
    return this.#then(aFunction(fn, 'dropWhile'), operators.droppedWhile<T>);
  }

  /** The first `count` items. Reads no more than these need. */
  take(count: number): Stream<T> {
    aCount(count, 0, 'take');
    return new Stream((run, demand) => {
      const own = new Demand(demand);
      return operators.taken(this.#start(run, own), count, own);
    }, this.#skips);
  }

  /** All but the first `count` items. */
  skip(count: number): Stream<T> {
    return this.#then(aCount(count, 0, 'skip'), operators.skipped<T>);
  }

  /** Arrays of `size` items; the last may be shorter. */
  batch(size: number): Stream<T[]> {
    aCount(size, 1, 'batch');
    return new Stream((run) => operators.batched(this.#start(run, new Demand()), size), this.#skips);
  }

  /** Arrays of `size` neighbours, each beginning one item later. None if there are fewer items. */
  window(size: number): Stream<T[]> {
    return this.#then(aCount(size, 1, 'window'), operators.windowed<T>);
  }

  /** All items in order, as `externalSort` does: `.sort({ by: 'amount', descending: true })`. Default: the items themselves are the keys. */
  sort(how: StreamSortOptions<T> = {}): Stream<T> {
    const options = how as SortOptions<T>;
    externalSort<T>([], options);
    const lines = lineSortOf(this.#nature.jsonLines, options);
    if (lines !== undefined) {
      const start: Start<T> = (run, demand) => limited(sortedValues(lines, run) as Batches<T>, demand);
      return new Stream(start, this.#skips, { text: (run) => sortedText(lines, run) });
    }
    return this.#external((source, run) => externalSort(source, { ...options, ...run }));
  }

  /**
   * Pairs of a key and a Stream of the items that have it, in key order: `.groupBy('city').map(async ([city, users]) => [city, await users.count()])`.
   * Read a group once, and before you ask for the next pair. In a file a group is written as its items, the key first.
   */
  groupBy(of: FirstBy<T>, options: SpillOptions = {}): Stream<[Key, Stream<T>]> {
    const by = of as By<T>;
    externalGroupBy<T>([], { ...options, by });
    const name = typeof by === 'string' ? { name: by, isField: true } : { name: 'key', isField: false };
    return this.#external((source, run) => externalGroupBy(source, { ...options, ...run, by })).map(([key, items]): [Key, Stream<T>] => {
      const group = new Stream((_, demand) => limited(items.batches(), demand));
      Group.mark(group, name);
      return [key, group];
    });
  }

  /** The first item of each key, in key order. Default: the items themselves are the keys. */
  distinct(by?: FirstBy<T>, options: SpillOptions = {}): Stream<T> {
    const all = { ...options, ...(by !== undefined && { by: by as By<T> }) };
    externalDistinct<T>([], all);
    return this.#external((source, run) => externalDistinct(source, { ...all, ...run }));
  }

  /** Pairs with the items of `right` that have the same key, as `externalJoin` does: `.join(customers, { leftBy: 'customer', rightBy: 'id' })`. */
  join<R>(right: Source<R>, options: StreamJoinOptions<T, R> & { readonly type?: 'inner' }): Stream<[T, R]>;
  join<R>(right: Source<R>, options: StreamJoinOptions<T, R> & { readonly type: 'left' }): Stream<[T, R | undefined]>;
  join<R>(right: Source<R>, options: StreamJoinOptions<T, R> & { readonly type: 'right' }): Stream<[T | undefined, R]>;
  join<R>(right: Source<R>, options: StreamJoinOptions<T, R> & { readonly type: 'semi' | 'anti' }): Stream<[T, undefined]>;
  join<R>(right: Source<R>, options: StreamJoinOptions<T, R>): Stream<[T | undefined, R | undefined]>;
  join<R>(right: Source<R>, options: StreamJoinOptions<T, R>): Stream<never> | Stream<[T | undefined, R | undefined]> {
    checkSource(right, 'join');
    if (typeof options !== 'object' || options === null) throw new TypeError(`join: expected options with leftBy and rightBy, got ${describe(options)}`);
    const { by, ...rest } = options;
    const sides = { leftBy: rest.leftBy ?? by, rightBy: rest.rightBy ?? by } as { leftBy: By<T>; rightBy: By<R> };
    externalJoin<T, R>([], [], { ...rest, ...sides });
    const other = right instanceof Stream ? (right as Stream<R>) : Stream.from(right);
    return new Stream((run, demand) => {
      const [left, second] = [this.#flow(run), other.#flow(run)];
      return limited(externalJoin<T, R>(left, second, { ...rest, ...sides, ...run.options }).batches(), demand);
    }, [...this.#skips, ...other.#skips]);
  }

  /** All items in an array, which must fit in memory. Groups come as [key, array]. */
  async collect(options?: RunOptions): Promise<T[]> {
    const items: T[] = [];
    for await (const batch of this.#run(options)) for (const item of batch) items.push((Group.isPair(item) ? [item[0], await item[1].collect(options)] : item) as T);
    return items;
  }

  /** Folds all items with `fn(state, item)`, from `initial`: `.reduce((sum, { amount }) => sum + amount, 0)`. */
  async reduce<S>(fn: (state: S, item: T, index: number) => Maybe<S>, initial: S, options?: RunOptions): Promise<S> {
    aFunction(fn, 'reduce');
    let state = initial;
    let index = 0;
    for await (const batch of this.#run(options)) for (const item of batch) state = await fn(state, item, index++);
    return state;
  }

  /** The number of items. */
  async count(options?: RunOptions): Promise<number> {
    let count = 0;
    for await (const batch of this.#run(options)) count += batch.length;
    return count;
  }

  /** The first item; undefined if there is none. Reads no more than it needs. */
  async first(options?: RunOptions): Promise<T | undefined> {
    for await (const [item] of this.take(1).#run(options)) return item;
    return undefined;
  }

  /** Calls `fn` with each item, one after another. */
  async forEach(fn: (item: T, index: number) => Maybe<unknown>, options?: RunOptions): Promise<void> {
    aFunction(fn, 'forEach');
    for await (const batch of this.tap(fn).#run(options)) void batch;
  }

  /** Writes a CSV file, packed if its name ends in `.gz`. Resolves to the number of rows. The file appears when it is complete. */
  async toCSV(path: string | URL, { signal, onProgress, ...options }: RunOptions & CsvTextOptions = {}): Promise<number> {
    const pieces = csvPieces(options);
    return this.#write(pathOf(path, 'toCSV'), (run) => pieces(this.#start(run, new Demand())), { signal, onProgress });
  }

  /** Writes one JSON value per line, packed if the name ends in `.gz`. Resolves to their number. The file appears when it is complete. */
  async toJSONL(path: string | URL, options: RunOptions = {}): Promise<number> {
    const { text } = this.#nature;
    return this.#write(pathOf(path, 'toJSONL'), text ?? ((run) => jsonPieces()(this.#start(run, new Demand()))), options);
  }

  /**
   * Stores all items as one list under `key`, without holding them in memory, and resolves to the list. It replaces the old value at the end. Also
   * rejects with what `set` of the map throws.
   */
  // What else the map holds does not matter.
  // oxlint-disable-next-line typescript/no-explicit-any
  async toList<K extends Key>(map: LodeMap<K, any>, key: K, options?: RunOptions): Promise<LazyList<T>> {
    // When it comes to nothing, what was under the key is still there.
    map.set(key, await listApart(documentsOf(map), this.#items(options)));
    return map.get(key) as LazyList<T>;
  }

  /** Stores each item under its key: `.toMap(map, { key: 'id' })`. Resolves to the number of items. Also rejects with what `setMany` of the map throws. */
  // oxlint-disable-next-line typescript/no-explicit-any
  async toMap<K extends Key>(map: LodeMap<K, any>, { key, ...options }: RunOptions & { readonly key: FirstBy<T> }): Promise<number> {
    const keyOf = await resolveBy(key);
    return map.setMany(this.map((item): [K, T] => [keyOf(item) as K, item]).#items(options), options.signal === undefined ? {} : { signal: options.signal });
  }

  /** The items in arrays of a few, which are yours to keep: faster than one by one. */
  override batches(options?: RunOptions): AsyncGenerator<T[], void, undefined> {
    return options === undefined ? super.batches() : this.#run(options);
  }

  /** A Node Readable in object mode. */
  toNodeStream(): Readable {
    return toNodeStream(this);
  }

  /** A web ReadableStream. */
  toWebStream(): ReadableStream<T> {
    return toWebStream(this);
  }

  #then<A, U>(argument: A, operator: (batches: Batches<T>, argument: A) => Batches<U>): Stream<U> {
    return new Stream((run, demand) => operator(this.#start(run, demand), argument), this.#skips);
  }

  #flow(run: StreamRun): Flow<T> {
    return new Flow(() => this.#start(run, new Demand()), (count) => this.split(count));
  }

  /** An algorithm that takes all items before it gives the first. */
  #external<U>(algorithm: (source: Flow<T>, run: RunChoices) => Flow<U>): Stream<U> {
    return new Stream((run, demand) => limited(algorithm(this.#flow(run), run.options).batches(), demand), this.#skips);
  }

  /** The batches of one run, which reports and can be aborted. */
  async *#run(options: RunOptions = {}): AsyncGenerator<T[], void, undefined> {
    const run = new StreamRun(options);
    const batches = this.#start(run, new Demand());
    let isHanging = false;
    try {
      for (;;) {
        isHanging = true;
        const { done, value } = await run.pace.orAbort(batches.next());
        isHanging = false;
        if (done === true) break;
        yield value;
        await run.took(value.length);
      }
      run.report();
    } finally {
      // After an abort in the middle of a wait the source may never answer.
      const closed = batches.return();
      if (!isHanging) await closed;
      else closed.catch(() => {});
    }
  }

  #items(options?: RunOptions): Flow<T> {
    return new Flow(() => this.#run(options));
  }

  async #write(path: string, pieces: (run: StreamRun) => AsyncGenerator<Piece>, options: RunOptions): Promise<number> {
    const run = new StreamRun(options);
    let rows = 0;
    const text = async function* (): AsyncGenerator<string | Uint8Array, void, undefined> {
      for await (const piece of pieces(run)) {
        yield piece.text;
        rows += piece.rows;
        await run.took(piece.rows);
      }
    };
    await writeTextFile(path, text(), run);
    run.report();
    return rows;
  }
}

/** Options of `sort`. */
export type StreamSortOptions<T> = Omit<SortOptions<T>, 'by' | 'signal' | 'onProgress'> & { readonly by?: FirstBy<T> };

/** Options of `join`: `leftBy` and `rightBy`, or `by`. */
export type StreamJoinOptions<L, R> = Omit<ExternalOptions, 'signal' | 'onProgress'> & {
  /** The key of an item of this stream. */
  readonly leftBy?: FirstBy<L>;
  /** The key of an item of `right`. */
  readonly rightBy?: FirstBy<R>;
  /** The field or path that is the key on both sides. */
  readonly by?: (FirstStep<L> & FirstStep<R>) | readonly (string | number)[];
  readonly type?: JoinType;
};

/** What lets several processes read a file. */
function splittable(source: FileSource, file: (path: string) => FileToSplit): Nature {
  return typeof source === 'string' ? { split: (count) => splitFile(file(source), count) } : {};
}

/** The sort of a file's lines by one of their fields, where that is what is asked for. */
function lineSortOf<T>(file: string | undefined, { by, descending = false, compare, ...options }: SortOptions<T>): LineSort | undefined {
  if (file === undefined || compare !== undefined || (options.processes ?? 1) > 1) return undefined;
  const field: unknown = Array.isArray(by) && by.length === 1 ? by[0] : by;
  // What values inherit (`length`, `constructor`) is not in their text.
  if (typeof field !== 'string' || (field === by && field.includes('.')) || field === 'length' || field in Object.prototype) return undefined;
  return { file, field, descending, options };
}

function aFunction<F>(fn: F, name: string): F {
  if (typeof fn !== 'function') throw new TypeError(`${name}: expected a function, got ${describe(fn)}`);
  return fn;
}

function aCount(count: number, least: number, name: string): number {
  if (count === Infinity || (Number.isInteger(count) && count >= least)) return count;
  throw new RangeError(`${name}: expected a whole number of at least ${least}, got ${describe(count)}`);
}
