/**
 * LazyMap and LazySet: a Map and a Set whose entries are read when they are touched.
 *
 * Keys and members that are containers are compared by content, for a stored value has no identity; they are handed out as
 * lazy values that cannot be written. Iterators are snapshots of the moment they were made; over a draft, an entry deleted
 * meanwhile is left out. `util.types.isMap` is false for a Proxy, so `assert.deepEqual` never takes one for a Map: compare with
 * `equals`, or `materialize` first.
 */
import { describe } from '../base/errors.ts';
import { everyKey } from './document.ts';
import type { Document } from './document.ts';
import { Handle, handleKey, handleOf, isDraft, openHandle } from './handle.ts';
import { KeyedChildren } from './kept-children.ts';
import { demandPrototype, refuseFreezing } from './lazy-object.ts';
import { absent, isNode } from '../tree/node.ts';
import type { MapNode, NodeValue, SetNode } from '../tree/node.ts';

type Table = Record<string | symbol, unknown>;

const mapMethods: Table = Object.create(null) as Table;
const setMethods: Table = Object.create(null) as Table;

/** What the Proxies of Maps and Sets have in common: no own properties, methods from a table. */
abstract class CollectionHandle<N extends MapNode | SetNode> extends Handle<N> {
  constructor(node: N, document: Document, parent: Handle | undefined, key: unknown) {
    super();
    this.begin(node, document, parent, key);
  }

  /** Members, or keys, that are containers, by their positions in `#membersOf`. */
  #members: KeyedChildren<Handle> | undefined = undefined;
  #membersOf: N | undefined = undefined;

  abstract readonly methods: Table;
  abstract readonly prototype: object;

  get(_target: object, key: string | symbol, receiver: unknown): unknown {
    if (key === 'size') return this.body().size;
    if (key === handleKey) return this;
    return this.methods[key] ?? Reflect.get(this.prototype, key, receiver);
  }

  has(_target: object, key: string | symbol): boolean {
    return key in this.prototype;
  }

  set(_target: object, key: string | symbol, value: unknown, receiver: unknown): boolean {
    if (receiver !== this.proxy) return Reflect.set(Object.create(null), key, value, receiver);
    if (key === '__proto__') return Reflect.set(Object.prototype, key, value, receiver);
    return this.#refuse(key);
  }

  deleteProperty(): boolean {
    return true;
  }

  ownKeys(): string[] {
    return [];
  }

  getOwnPropertyDescriptor(): undefined {
    return undefined;
  }

  defineProperty(_target: object, key: string | symbol): boolean {
    return this.#refuse(key);
  }

  getPrototypeOf(): object {
    return this.prototype;
  }

  setPrototypeOf(_target: object, prototype: object | null): boolean {
    return demandPrototype(prototype, this.prototype);
  }

  preventExtensions(): never {
    return refuseFreezing();
  }

  /** What a user sees of the member of a Set, or of the key of a Map, at a position of `body`: one object while that stands. */
  member(value: NodeValue, position: number, body: N): unknown {
    if (!isNode(value) || isDraft(body)) return this.wrapLoose(value);
    if (this.#membersOf !== body) {
      this.#members = new KeyedChildren(this.document.nursery);
      this.#membersOf = body;
    }
    const kept = this.#members!.find(position);
    if (kept !== undefined) return kept.proxy;
    const member = openHandle(value, this.document.detached, undefined, position);
    this.#members!.put(member);
    return member.proxy;
  }

  #refuse(key: string | symbol): never {
    const verb = this.node.kind === 'map' ? 'set' : 'add';
    throw new TypeError(`a stored ${this.node.kind} has no properties of its own, got ${describe(key)}: use ${verb}()`);
  }
}

export class MapHandle extends CollectionHandle<MapNode> {
  get methods(): Table {
    return mapMethods;
  }

  get prototype(): object {
    return Map.prototype;
  }

  /** What a user sees under `key`. */
  shown(value: NodeValue, key: unknown): unknown {
    return (typeof value === 'object' && value !== null) || value === absent ? this.wrap(value, key) : value;
  }
}

export class SetHandle extends CollectionHandle<SetNode> {
  get methods(): Table {
    return setMethods;
  }

  get prototype(): object {
    return Set.prototype;
  }
}

/** A key as the node wants it, which nobody can change any more: -0 is 0, containers are nodes. */
function keyOf(handle: Handle, key: unknown): unknown {
  if (typeof key !== 'object' || key === null) return key === 0 ? 0 : key;
  const known = handle.incoming(key);
  return isNode(known) || isDraft(handle.node) ? known : handle.document.store.snapshot(known);
}

function* mapEntries(map: MapHandle): Generator<[unknown, unknown], undefined> {
  const body = map.body();
  const { document, version } = map;
  let position = 0;
  for (const [key, value] of body.entries()) {
    if (!isDraft(body)) yield [map.member(key, position++, body), map.wrapAsOf(value, key, document, version)];
    else if (map.body().has(key)) yield [map.wrapLoose(key), map.shown(map.body().get(key), key)];
  }
}

function* mapKeys(map: MapHandle): Generator<unknown, undefined> {
  const body = map.body();
  let position = 0;
  for (const key of body.keys()) if (!isDraft(body) || map.body().has(key)) yield map.member(key, position++, body);
}

function* mapValues(map: MapHandle): Generator<unknown, undefined> {
  for (const [, value] of mapEntries(map)) yield value;
}

function* setValues(set: SetHandle): Generator<unknown, undefined> {
  const body = set.body();
  let position = 0;
  for (const value of body.values()) if (!isDraft(body) || set.body().has(value)) yield set.member(value, position++, body);
}

function* twice(values: Iterable<unknown>): Generator<[unknown, unknown], undefined> {
  for (const value of values) yield [value, value];
}

function demandFunction(value: unknown): (...args: unknown[]) => unknown {
  if (typeof value === 'function') return value as (...args: unknown[]) => unknown;
  throw new TypeError(`${describe(value)} is not a function`);
}

const mapTable: Record<string, (map: MapHandle, args: readonly unknown[]) => unknown> = {
  get: (map, [key]) => {
    const name = keyOf(map, key);
    return map.shown(map.body().get(name), name);
  },
  has: (map, [key]) => map.body().has(keyOf(map, key)),
  set: (map, [key, value]) => {
    map.publish(map.writable().set(keyOf(map, key), map.incoming(value)));
    return map.proxy;
  },
  delete: (map, [key]) => {
    const name = keyOf(map, key);
    const body = map.writable();
    if (!body.has(name)) return false;
    map.publishLosing(body.delete(name), name);
    return true;
  },
  clear: (map) => {
    const body = map.writable();
    const empty = map.document.store.snapshot(new Map()) as MapNode;
    if (body.size > 0) map.publishLosing(isDraft(body) ? body.become(empty) : empty, everyKey);
  },
  entries: (map) => mapEntries(map),
  keys: (map) => mapKeys(map),
  values: (map) => mapValues(map),
  forEach: (map, [callback, self]) => {
    const call = demandFunction(callback);
    for (const [key, value] of mapEntries(map)) Reflect.apply(call, self, [value, key, map.proxy]);
  },
};

const setTable: Record<string, (set: SetHandle, args: readonly unknown[]) => unknown> = {
  has: (set, [value]) => set.body().has(keyOf(set, value)),
  add: (set, [value]) => {
    const member = keyOf(set, value);
    const body = set.writable();
    if (!body.has(member)) set.publish(body.add(member));
    return set.proxy;
  },
  delete: (set, [value]) => {
    const member = keyOf(set, value);
    const body = set.writable();
    if (!body.has(member)) return false;
    set.publish(body.delete(member));
    return true;
  },
  clear: (set) => {
    const body = set.writable();
    const empty = set.document.store.snapshot(new Set()) as SetNode;
    if (body.size > 0) set.publish(isDraft(body) ? body.become(empty) : empty);
  },
  values: (set) => setValues(set),
  keys: (set) => setValues(set),
  entries: (set) => twice(setValues(set)),
  forEach: (set, [callback, self]) => {
    const call = demandFunction(callback);
    for (const value of setValues(set)) Reflect.apply(call, self, [value, value, set.proxy]);
  },
};

/** The methods a newer runtime gives its Sets (union ...) work on a plain copy of the members. */
for (const name of Object.getOwnPropertyNames(Set.prototype)) {
  const plain: unknown = name === 'size' || name === 'constructor' ? undefined : (Set.prototype as unknown as Table)[name];
  if (typeof plain !== 'function' || name in setTable) continue;
  setTable[name] = (set, args) => Reflect.apply(plain, new Set(setValues(set)), args) as unknown;
}

function install<H extends Handle>(methods: Table, table: Record<string, (handle: H, args: readonly unknown[]) => unknown>, own: abstract new (...args: never[]) => H): void {
  const prototype = (own as unknown) === MapHandle ? Map.prototype : Set.prototype;
  for (const [name, method] of Object.entries(table)) {
    const plain = (prototype as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!;
    const installed = function (this: unknown, ...args: unknown[]): unknown {
      const handle = handleOf(this);
      return handle instanceof own ? method(handle, args) : (Reflect.apply(plain, this, args) as unknown);
    };
    Object.defineProperties(installed, { name: { value: name }, length: { value: plain.length } });
    methods[name] = installed;
  }
}

install(mapMethods, mapTable, MapHandle);
install(setMethods, setTable, SetHandle);
mapMethods[Symbol.iterator] = mapMethods['entries'];
setMethods[Symbol.iterator] = setMethods['values'];

// oxlint-disable-next-line no-unsafe-declaration-merging -- the methods are there, installed by name
export interface LazyMap<K = unknown, V = unknown> extends Map<K, V> {}

/** For `instanceof` and types: a Map read from a store. Not to be constructed. */
// oxlint-disable-next-line no-unsafe-declaration-merging, no-unused-vars -- the methods are there, installed by name
export class LazyMap<K = unknown, V = unknown> {
  constructor() {
    throw new TypeError('a LazyMap is read from a map, never constructed: store a Map');
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return handleOf(value)?.node.kind === 'map';
  }
}

// oxlint-disable-next-line no-unsafe-declaration-merging -- the methods are there, installed by name
export interface LazySet<T = unknown> extends Set<T> {}

/** For `instanceof` and types: a Set read from a store. Not to be constructed. */
// oxlint-disable-next-line no-unsafe-declaration-merging, no-unused-vars -- the methods are there, installed by name
export class LazySet<T = unknown> {
  constructor() {
    throw new TypeError('a LazySet is read from a map, never constructed: store a Set');
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return handleOf(value)?.node.kind === 'set';
  }
}
