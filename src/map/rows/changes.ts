/**
 * Changes: what was set and deleted and is not committed yet. One layer holds what was set outside transactions; each
 * transaction puts a layer on top, which is merged downwards when it returns and dropped when it throws.
 */
import type { Key } from '../../codec/key/keys.ts';
import type { Slot } from '../../codec/slot/slot.ts';
import { PendingChunk } from '../../heap/chunk.ts';
import type { Link } from '../../heap/chunk.ts';
import type { RowScan } from '../../heap/rows/row-scan.ts';
import { KeyTable } from './key-table.ts';
import { SortedByKey } from './sorted-by-key.ts';

/** About what a record takes beside its payload. */
const recordHeadBytes = 16;

/** One changed entry. */
export interface Change {
  readonly key: Key;
  readonly keyBytes: Uint8Array;
  /** Undefined: deleted. */
  readonly slot: Slot | undefined;
  /** The commit that wrote it, once it has. */
  sequence: number;
  /** Is there an entry of this key below the layer? Undefined until somebody asks for the size. */
  existed: boolean | undefined;
}

/** One changed cell. */
export interface CellChange {
  readonly slot: Slot;
  /** Is it, or was it in one of these changes, made for a buffer that views share? Releases before these must not read it. */
  readonly isBuffer: boolean;
  /** The commit that wrote it, once it has. */
  sequence: number;
}

export class Changes {
  readonly #entries = new KeyTable<Change>();
  readonly #cells = new Map<number, CellChange>();
  readonly #sorted = new SortedByKey<Change>();
  /** By how many entries the layer changes the size, and the keys that are not counted yet; undefined until somebody asks. */
  #sizes: { delta: number; uncounted: Key[] } | undefined;
  /** Whether everything below was deleted before these changes. */
  cleared = false;
  bytes = 0;
  /** How many of them are keys, or lie in rows beside them. */
  rowBytes = 0;

  get count(): number {
    return this.#entries.size + this.#cells.size;
  }

  entry(key: Key): Change | undefined {
    return this.#entries.get(key);
  }

  cell(id: number): CellChange | undefined {
    return this.#cells.get(id);
  }

  setEntry(key: Key, keyBytes: Uint8Array, slot: Slot | undefined): Change {
    const change = { key, keyBytes, slot, sequence: 0, existed: undefined };
    this.putEntry(change);
    return change;
  }

  putEntry(change: Change): void {
    if (this.#sizes !== undefined) this.#resize(this.#sizes, change);
    this.#entries.set(change.key, change);
    this.#sorted.add(change, this.#entries.size);
    this.bytes += change.keyBytes.length + slotBytes(change.slot);
    this.rowBytes += change.keyBytes.length + (change.slot?.bytes.length ?? 0);
  }

  setCell(id: number, slot: Slot, isBuffer = false): CellChange {
    return this.putCell(id, { slot, isBuffer: isBuffer || this.cell(id)?.isBuffer === true, sequence: 0 });
  }

  putCell(id: number, change: CellChange): CellChange {
    this.#cells.set(id, change);
    this.bytes += slotBytes(change.slot);
    return change;
  }

  entries(): IterableIterator<Change> {
    return this.#entries.values();
  }

  cells(): IterableIterator<[number, CellChange]> {
    return this.#cells.entries();
  }

  /** What the changed entries and cells link to. */
  *links(): Generator<Link> {
    for (const { slot } of this.#entries.values()) if (slot !== undefined) yield* slot.links;
    for (const { slot } of this.#cells.values()) yield* slot.links;
  }

  /** The changed entries in key order. */
  sorted(): readonly Change[] {
    return this.#sorted.all(this.#entries.size);
  }

  /** The first `limit` changed entries within the bounds of a scan, in its order. */
  take(scan: Omit<RowScan, 'limit'>, limit: number): readonly Change[] {
    return this.#entries.size === 0 ? [] : this.#sorted.take(scan, limit);
  }

  /**
   * By how many entries the layer changes the size; `existsBelow` is asked once for each key. The answer is good as long as nothing below
   * the layer changes: then `forgetSizes`.
   */
  sizeDelta(existsBelow: (change: Change) => boolean): number {
    if (this.#sizes === undefined) {
      this.#sizes = { delta: 0, uncounted: [] };
      for (const change of this.entries()) this.#count(this.#sizes, change, existsBelow);
    }
    const sizes = this.#sizes;
    for (const key of sizes.uncounted.splice(0)) this.#count(sizes, this.#entries.get(key)!, existsBelow);
    return sizes.delta;
  }

  forgetSizes(): void {
    if (this.#sizes === undefined) return;
    this.#sizes = undefined;
    for (const change of this.#entries.values()) change.existed = undefined;
  }

  #count(sizes: { delta: number }, change: Change, existsBelow: (change: Change) => boolean): void {
    change.existed = existsBelow(change);
    sizes.delta += Number(change.slot !== undefined) - Number(change.existed);
  }

  /** A change comes to the layer while its sizes are kept. */
  #resize(sizes: { delta: number; uncounted: Key[] }, change: Change): void {
    const former = this.#entries.get(change.key);
    // One that is taken over from the layer above was counted against that.
    change.existed = former?.existed;
    if (former === undefined) sizes.uncounted.push(change.key);
    else if (former.existed !== undefined) sizes.delta += Number(change.slot !== undefined) - Number(former.slot !== undefined);
  }

  /** Takes over another layer's changes. */
  merge(other: Changes): void {
    if (other.cleared) this.clearEntries();
    for (const change of other.entries()) this.putEntry(change);
    for (const [id, change] of other.cells()) this.putCell(id, this.cell(id)?.isBuffer === true ? { ...change, isBuffer: true } : change);
  }

  /** Deletes all entries: those of the layers and rows below too. */
  clearEntries(): void {
    this.#entries.clear();
    this.#sorted.clear();
    this.#sizes = undefined;
    this.cleared = true;
  }

  /** Notes that all of it was committed. */
  committed(sequence: number): void {
    for (const change of this.#entries.values()) change.sequence = sequence;
    for (const change of this.#cells.values()) change.sequence = sequence;
  }

  /** Empties the layer once it is committed. */
  reset(): void {
    this.#entries.clear();
    this.cleared = false;
    this.#cells.clear();
    this.#sorted.clear();
    this.#sizes = undefined;
    this.bytes = 0;
    this.rowBytes = 0;
  }
}

/** Roughly what a slot holds in memory and will take in the log: chunks it shares with others count again. */
export function slotBytes(slot: Slot | undefined): number {
  if (slot === undefined) return 0;
  return slot.bytes.length + linkedBytes(slot.links);
}

/** The same of what links lead to. */
export function linkedBytes(links: readonly Link[]): number {
  let bytes = 0;
  for (const link of links) if (link.ref === 0) bytes += pendingBytes(link);
  return bytes;
}

function pendingBytes(root: Link): number {
  if (!(root instanceof PendingChunk)) return 0;
  let bytes = 0;
  const stack: PendingChunk[] = [root];
  let seen: Set<Link> | undefined;
  for (let chunk = stack.pop(); chunk !== undefined; chunk = stack.pop()) {
    bytes += chunk.payload.length + recordHeadBytes;
    const { links } = chunk;
    for (let i = 0; i < links.length; i++) {
      const child = links[i]!;
      if (child.ref !== 0 || !(child instanceof PendingChunk)) continue;
      seen ??= new Set();
      if (seen.has(child)) continue;
      seen.add(child);
      stack.push(child);
    }
  }
  return bytes;
}
