/**
 * The shelf: the entries of a cache as one thread has them. All Cache objects of a folder in a thread share one, as their
 * maps share a store.
 *
 * Here entries are found, shown, put and removed, without any policy: what their times and tags mean is for `isFresh`
 * and `isUseless` to say, when something goes is for the sweeper, the evictor and the user.
 */
import { isStoreError } from '../base/errors.ts';
import { decodeKey } from '../codec/key/keys.ts';
import type { Key } from '../codec/key/keys.ts';
import type { Slot } from '../codec/slot/slot.ts';
import { isCellRef } from '../lazy/handle.ts';
import { isNode } from '../tree/node.ts';
import { walkRange } from '../map/rows/entry-scan.ts';
import { scanOf } from '../map/rows/range.ts';
import type { Range } from '../map/rows/range.ts';
import type { Store } from '../map/store.ts';
import { CacheClock } from './cache-clock.ts';
import type { Clocks } from './cache-clock.ts';
import { isDamage, proveReadable, unlessDamaged } from './damage.ts';
import { bytesOf, endOf, envelopeOf, seal, termsOf, valueIn } from './envelope.ts';
import type { EntryTerms } from './envelope.ts';
import { EntryDocuments } from './entry-documents.ts';
import { ExpiryIndex } from './expiry-index.ts';
import { Form, HotEntries, weightOf } from './hot-entries.ts';
import type { HotEntry } from './hot-entries.ts';
import { Recency } from './recency.ts';
import { RowKind, Rows, nameOf, rowKeyOf, userKeyOf } from './rows.ts';
import { Tags } from './tags.ts';

/** Whether an entry may be set: not at all; committed by itself, before anything else is; or with what is set beside it. */
export type Admission = 'refuse' | 'alone' | 'together';

export interface ShelfOptions {
  /** Budget of the decoded entries in memory. */
  readonly hotBytes: number;
  /** Slots of the file of recency. */
  readonly slots: number;
  readonly clocks?: Clocks | undefined;
  /** Hears of entries that were found damaged, and are gone by then. */
  readonly onDamage?: ((key: Key, error: unknown) => void) | undefined;
}

/** In the place of a value that could not be read any more. */
export const gone: unique symbol = Symbol('gone');

export class Shelf {
  readonly store: Store;
  readonly rows: Rows;
  readonly clock: CacheClock;
  readonly tags: Tags;
  readonly expiry: ExpiryIndex;
  readonly recency: Recency;
  readonly hot: HotEntries;
  readonly #documents: EntryDocuments;
  readonly #onDamage: (key: Key, error: unknown) => void;
  /** Is the number of entries wanted after each change? Else it is counted when somebody asks. */
  isCounting = false;
  /** Has this thread set anything since the time was last written down? */
  isDirty = false;
  /** How many entries there are as of an epoch; undefined: to be counted. */
  #count: { entries: number; readonly epoch: number } | undefined;

  constructor(store: Store, options: ShelfOptions) {
    this.store = store;
    this.rows = new Rows(store);
    this.clock = new CacheClock(options.clocks);
    this.tags = new Tags(store, this.rows);
    this.expiry = new ExpiryIndex(store, this.rows);
    this.recency = new Recency(store.heap.storage, options.slots, () => this.clock.now());
    this.hot = new HotEntries(options.hotBytes, (entry) => this.recency.leave(entry));
    this.#documents = new EntryDocuments(store, (key) => this.hot.delete(nameOf(key)));
    this.#onDamage = options.onDamage ?? (() => undefined);
  }

  /** The entry of a key whatever its age, or undefined; also where it is damaged. About 100 ns when it is hot. */
  find(key: Key): HotEntry | undefined {
    const { store } = this;
    store.enter();
    const name = nameOf(key);
    const hot = this.hot.find(name);
    if (hot !== undefined && hot.epoch === store.epoch) return hot;
    return this.sound(key, () => this.#load(key, name, hot));
  }

  /** Is an entry to be shown? */
  isFresh({ expires, tags }: EntryTerms): boolean {
    if (expires !== 0 && this.clock.now() >= expires) return false;
    return tags.length === 0 || this.tags.hold(tags);
  }

  /** Is it past being shown even as a stale one? */
  isUseless(terms: EntryTerms): boolean {
    const end = endOf(terms);
    if (end !== 0 && this.clock.now() >= end) return true;
    return terms.tags.length > 0 && !this.tags.hold(terms.tags);
  }

  /** Notes a use. */
  touch(entry: HotEntry): void {
    entry.used = ++this.recency.tick;
  }

  /** The value of an entry that was just found: a scalar, a lazy container, or an object of its own for each caller; or `gone`. */
  valueOf(entry: HotEntry): unknown {
    if (entry.form === Form.scalar) return entry.value;
    if (entry.form === Form.node) return this.#documents.show(rowKeyOf(entry.key), entry.base, entry.value);
    const read = this.sound(entry.key, () => this.#read(entry.key));
    return read === undefined ? gone : read.value;
  }

  /** Sets an entry as its terms say, if it is admitted; says whether it was. Throws UNSUPPORTED. */
  put(key: Key, value: unknown, { terms, admit }: { terms: EntryTerms; admit?: (bytes: number) => Admission }): boolean {
    const { slot, bytes } = seal(this.store, value, terms);
    const admission = admit === undefined ? 'together' : admit(bytes);
    if (admission === 'refuse') return false;
    if (admission === 'together') {
      this.#place(key, value, { terms, slot });
      return true;
    }
    // Under the lock nobody else adds anything: asked again there, the answer holds.
    return this.store.transact(
      () => {
        const isAdmitted = admit!(bytes) !== 'refuse';
        if (isAdmitted) this.#place(key, value, { terms, slot });
        return isAdmitted;
      },
      () => undefined,
    );
  }

  /** What a reader of an entry gives; undefined where the entry is damaged, and removed for that. */
  sound<T>(key: Key, read: () => T | undefined): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#discard(key, error);
      return undefined;
    }
  }

  /** Says whether there was an entry. */
  remove(key: Key): boolean {
    const name = nameOf(key);
    this.store.enter();
    if (!this.#isThere(key, name)) return false;
    this.store.put(rowKeyOf(key), undefined);
    this.hot.delete(name);
    this.recency.forget(key);
    const count = this.#known();
    if (count !== undefined) count.entries--;
    return true;
  }

  /** Removes everything, also what other processes are computing. */
  clear(prepare: () => void): void {
    this.rows.change(() => {
      this.store.clear();
      prepare();
    });
    this.hot.clear();
    this.tags.forget();
    this.expiry.forget();
    this.#count = undefined;
  }

  /** Entries there are, those that have ended and were not swept yet included. */
  count(): number {
    this.store.enter();
    const known = this.#known();
    if (known !== undefined) return known.entries;
    const entries = Math.max(0, this.store.size() - this.rows.count());
    this.#count = { entries, epoch: this.store.epoch };
    return entries;
  }

  /** The entry as the store has it now, past all memory; for whoever holds the commit lock. Undefined where it is damaged. */
  stored(key: Key): { readonly terms: EntryTerms; readonly bytes: number } | undefined {
    return this.sound(key, () => {
      const envelope = envelopeOf(this.store.find(rowKeyOf(key))?.value);
      return envelope && { terms: termsOf(envelope), bytes: bytesOf(envelope) };
    });
  }

  /** Keys of entries in key order, tuples last, whatever their age. */
  keys(range?: Range<Key>): IterableIterator<Key> {
    return this.#walk((rowKey) => userKeyOf(decodeKey(rowKey)), range);
  }

  /** As `keys`: the bytes of the keys of their rows. */
  rowKeys(range?: Range<Key>): IterableIterator<Uint8Array> {
    return this.#walk((rowKey) => rowKey, range);
  }

  *#walk<T>(show: (rowKey: Uint8Array) => T, range: Range<Key> = {}): IterableIterator<T> {
    const source = {
      heap: this.store.heap,
      enter: () => this.store.enter(),
      layers: () => this.store.layersForWalk(),
      edits: this.store.edits,
    };
    const { limit = Infinity, ...bounds } = range;
    let left = limit;
    for (const part of partsOf(bounds)) {
      if (left <= 0) return;
      for (const one of walkRange(source, scanOf({ ...part, limit: left, onError: leaveOut }), ({ keyBytes }) => show(keyBytes))) {
        left--;
        yield one;
      }
    }
  }

  /** Removes an entry that can not be read, unless somebody has set it anew meanwhile. */
  #discard(key: Key, error: unknown): void {
    this.hot.delete(nameOf(key));
    try {
      this.rows.change(() => {
        if (this.#isDamaged(key)) this.remove(key);
      });
    } catch (obstacle) {
      // Without the lock, or the room, it stays and is found damaged again.
      if (!isStoreError(obstacle)) throw obstacle;
    }
    this.#onDamage(key, error);
  }

  #isDamaged(key: Key): boolean {
    return unlessDamaged(() => this.#read(key, Infinity) ?? sound) === undefined;
  }

  /** Reads the value of an entry, and all of one of up to `provenBytes`. */
  #read(key: Key, provenBytes?: number): { value: unknown } | undefined {
    const found = this.store.find(rowKeyOf(key));
    const envelope = envelopeOf(found?.value);
    if (envelope === undefined) return undefined;
    termsOf(envelope);
    proveReadable(this.store, envelope, provenBytes);
    const value = valueIn(envelope);
    return { value: isLazy(value) ? this.#documents.show(rowKeyOf(key), found!.base, value) : value };
  }

  #place(key: Key, value: unknown, { terms, slot }: { terms: EntryTerms; slot: Slot }): void {
    const name = nameOf(key);
    if (!this.isCounting) this.#count = undefined;
    const count = this.#known();
    if (count !== undefined && !this.#isThere(key, name)) count.entries++;
    this.store.put(rowKeyOf(key), slot);
    this.isDirty = true;
    const isScalar = isShareable(value);
    const held = isScalar ? value : undefined;
    this.hot.add({
      name,
      key,
      form: isScalar ? Form.scalar : Form.fresh,
      value: held,
      ...terms,
      base: unknownBase,
      // What is no scalar is decoded when somebody asks for it.
      epoch: isScalar ? this.store.epoch : -1,
      used: ++this.recency.tick,
      weight: weightOf(name, held),
    });
    const end = endOf(terms);
    if (end !== 0 && end !== Infinity) this.expiry.note(name, key, { ends: end, now: this.clock.now() });
  }

  #load(key: Key, name: Key, hot: HotEntry | undefined): HotEntry | undefined {
    const { store } = this;
    const found = store.find(rowKeyOf(key));
    if (hot !== undefined && found !== undefined && hot.base.sequence !== 0 && hot.base.sequence === found.sequence) {
      hot.epoch = store.epoch;
      return hot;
    }
    const envelope = envelopeOf(found?.value);
    if (envelope === undefined) {
      if (hot !== undefined) this.hot.delete(name);
      return undefined;
    }
    const value = valueIn(envelope);
    if (found!.sequence !== 0) proveReadable(store, envelope);
    const form = isShareable(value) ? Form.scalar : isNode(value) && found!.sequence !== 0 ? Form.node : Form.fresh;
    const held = form === Form.fresh ? undefined : value;
    const entry: HotEntry = {
      name,
      key,
      form,
      value: held,
      ...termsOf(envelope),
      base: found!.sequence === 0 ? unknownBase : { sequence: found!.sequence },
      // What is not committed yet may be rolled back with its commit; it is looked at again.
      epoch: found!.sequence === 0 ? -1 : store.epoch,
      used: hot?.used ?? 0,
      weight: weightOf(name, held),
    };
    this.hot.add(entry);
    return entry;
  }

  #known(): { entries: number } | undefined {
    return this.#count !== undefined && this.#count.epoch === this.store.epoch ? this.#count : undefined;
  }

  #isThere(key: Key, name: Key): boolean {
    this.store.enter();
    const hot = this.hot.peek(name);
    if (hot !== undefined && hot.epoch === this.store.epoch) return true;
    return this.store.has(rowKeyOf(key));
  }
}

/** The ranges of rows that hold the entries of a range of keys. */
function partsOf(range: Omit<Range<Key>, 'limit'>): Range<Key>[] {
  const wrapped: Range<Key> = {};
  const plain: Range<Key> = { ...range };
  const firstTuple: Key = [];
  if (range.prefix !== undefined) return [plain];
  const tuples = { ...wrapped, ...boundsIn(range), ...(range.reverse === true && { reverse: true }) };
  const scalars = isTuple(range.gt) || isTuple(range.gte) ? undefined : cutAt(plain, firstTuple);
  const parts = [scalars, tuples].filter((part) => part !== undefined);
  return range.reverse === true ? parts.reverse() : parts;
}

/** The bounds of a range among the rows of tuples. */
function boundsIn({ gt, gte, lt, lte }: Omit<Range<Key>, 'limit'>): Range<Key> {
  const lower: Range<Key> = isTuple(gt) ? { gt: rowKeyOf(gt!) } : isTuple(gte) ? { gte: rowKeyOf(gte!) } : { gte: [RowKind.entry] };
  if (isTuple(lt)) return { ...lower, lt: rowKeyOf(lt!) };
  if (isTuple(lte)) return { ...lower, lte: rowKeyOf(lte!) };
  // An upper bound that is no tuple lies before all tuples.
  return { ...lower, lt: lt !== undefined || lte !== undefined ? [RowKind.entry] : [RowKind.expiry] };
}

function cutAt(range: Range<Key>, end: Key): Range<Key> {
  const { lt, lte, ...lower } = range;
  if (lt !== undefined && !isTuple(lt)) return { ...lower, lt };
  return lte !== undefined && !isTuple(lte) ? { ...lower, lte } : { ...lower, lt: end };
}

function isTuple(key: Key | undefined): boolean {
  return Array.isArray(key);
}

/** What can not be read is no entry. */
function leaveOut(): void {}

const unknownBase = { sequence: 0 };
const sound = {};

/** Is it shown as a lazy value (or a cell)? */
function isLazy(value: unknown): boolean {
  return isNode(value) || isCellRef(value);
}

/** May one value in memory be handed to everybody? */
function isShareable(value: unknown): boolean {
  return (typeof value !== 'object' && typeof value !== 'function') || value === null;
}
