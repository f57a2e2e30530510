/** A store under test beside its model: one run of a program. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap, Snapshot } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { ModelMap } from '../suite/model-map.ts';
import type { Key } from '../suite/model-map.ts';
import { difference } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';

/** A container read a while ago: what it shows, and which state of its entry it belongs to. */
export interface HeldHandle {
  readonly key: Key;
  readonly lazy: object;
  /** What it shows; replaced when a write through it succeeds. */
  plain: unknown;
  /** The entry's version in the model when it was read or last written through. */
  version: number;
  /** How many vacuums there had been. */
  readonly vacuums: number;
}

/** The sizes of a program's store. */
export interface Sizes {
  readonly cacheBytes: number;
  /** Of a segment; undefined: as users have it. */
  readonly segmentBytes: number | undefined;
}

export interface HeldSnapshot {
  readonly snapshot: Snapshot;
  readonly model: ModelMap;
}

/** The other process; worlds come and go, it stays. */
let child: StoreChild | undefined;

/** Ends the other process. */
export async function endChild(): Promise<void> {
  await child?.kill();
  child = undefined;
}

/** The model's values are never changed in place: whoever changes one puts a changed copy there. */
export class World {
  readonly path: string = join(scratch(), 'store');
  model: ModelMap = new ModelMap();
  /** How often an entry was changed, by anybody. */
  readonly versions: ModelMap<number> = new ModelMap();
  readonly snapshots: HeldSnapshot[] = [];
  readonly handles: HeldHandle[] = [];
  /** Vacuums so far: a handle of before one whose entry was changed since may have lost what it shows. */
  vacuums = 0;
  /** Operations done to both sides and compared. */
  operations = 0;
  /** What was done, one line each. */
  readonly trace: string[] = [];
  readonly #sizes: Sizes;
  #map: LodeMap | undefined;
  #childHasStore = false;
  #changes = 0;

  constructor(sizes: Sizes) {
    this.#sizes = sizes;
  }

  get map(): LodeMap {
    return this.#map!;
  }

  async open(): Promise<void> {
    setSegmentBytes(this.#sizes.segmentBytes);
    this.#map = (await open(this.path, { cacheBytes: this.#sizes.cacheBytes })) as LodeMap;
  }

  /** Another process with the store open. */
  async child(): Promise<StoreChild> {
    child ??= new StoreChild();
    if (!this.#childHasStore) {
      await child.call('segmentBytes', this.#sizes.segmentBytes);
      await child.call('open', this.path);
    }
    this.#childHasStore = true;
    return child;
  }

  async #closeChild(): Promise<void> {
    if (this.#childHasStore) await child?.call('close');
    this.#childHasStore = false;
  }

  /** Closes everything, and opens the store again; with `rebuild` its index is deleted in between. */
  async reopen(rebuild: boolean): Promise<void> {
    for (const { snapshot } of this.snapshots.splice(0)) snapshot.close();
    this.handles.length = 0;
    if (rebuild) await this.#closeChild();
    await this.map.close();
    if (rebuild) rmSync(join(this.path, 'index'), { recursive: true });
    await this.open();
  }

  async end(): Promise<void> {
    for (const { snapshot } of this.snapshots.splice(0)) snapshot.close();
    await this.#map?.close();
    await this.#closeChild();
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Notes an operation that is done to both sides. */
  note(line: string): void {
    this.operations++;
    this.trace.push(line);
  }

  /** Says that an entry of the model has changed. */
  touch(key: Key): void {
    this.versions.set(key, ++this.#changes);
  }

  touchAll(): void {
    for (const key of this.versions.keys()) this.touch(key);
  }

  versionOf(key: Key): number {
    return this.versions.get(key) ?? 0;
  }

  /** Puts a value into the model. */
  put(key: Key, value: unknown): void {
    this.model.set(key, value);
    this.touch(key);
  }

  /** Compares one entry. */
  check(key: Key): void {
    assert.equal(this.map.has(key), this.model.has(key), `has(${show(key)})`);
    same(this.map.get(key), this.model.get(key), `get(${show(key)})`);
  }

  /** Compares everything. */
  checkAll(): void {
    assert.equal(this.map.size, this.model.size, 'size');
    same(Array.from(this.map.entries(), ([key, value]) => [key, plain(value)]), this.model.entries(), 'entries()');
  }
}

export function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? materialize(value) : value;
}

/** Throws unless a value read from the store is the model's. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const found = difference(plain(actual), expected);
  if (found !== undefined) assert.fail(`${what}: ${found}`);
}

export function show(key: Key): string {
  if (typeof key === 'string') return JSON.stringify(key.length > 30 ? `${key.slice(0, 10)}...${key.length}` : key);
  if (Array.isArray(key)) return `[${key.map((part) => show(part as Key)).join(', ')}]`;
  return key instanceof Date ? `Date ${key.getTime()}` : String(key);
}

/** What a call gave: a value, or the kind of error it threw. */
export type Outcome = { value: unknown } | { error: unknown };

export function outcomeOf(call: () => unknown): Outcome {
  try {
    return { value: call() };
  } catch (error) {
    return { error };
  }
}

/** Throws unless both sides gave the same, or threw the same kind of error. */
export function sameOutcome(actual: Outcome, expected: Outcome, what: string): void {
  if ('error' in expected) {
    if (!('error' in actual)) assert.fail(`${what}: expected ${String(expected.error)}, got a value`);
    const kinds = [actual.error, expected.error].map((error) => (error as Error).constructor.name);
    assert.equal(kinds[0], kinds[1], `${what}: threw ${(actual.error as Error).stack}, expected ${String(expected.error)}`);
    return;
  }
  if ('error' in actual) assert.fail(`${what}: threw ${(actual.error as Error).stack}, expected a value`);
  same(deepPlain(actual.value), expected.value, what);
}

/** Results are often plain containers with lazy values in them. */
function deepPlain(value: unknown): unknown {
  const outer = plain(value);
  if (Array.isArray(outer)) {
    const list: unknown[] = [];
    list.length = outer.length;
    for (let i = 0; i < outer.length; i++) if (i in outer) list[i] = deepPlain(outer[i]);
    return list;
  }
  if (typeof outer !== 'object' || outer === null || Object.getPrototypeOf(outer) !== Object.prototype) return outer;
  const object: object = {};
  for (const [name, inner] of Object.entries(outer)) {
    Object.defineProperty(object, name, { value: deepPlain(inner), writable: true, enumerable: true, configurable: true });
  }
  return object;
}
