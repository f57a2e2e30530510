/**
 * Random operations on a container, as functions that do the same to a plain container and to a lazy one. What they return
 * is compared, and so is what they throw.
 */
import { LazyList } from '../../src/index.ts';
import type { Random } from '../suite/random.ts';
import { define, randomName, randomScalar, randomScalarKey, randomValue } from '../suite/values.ts';
import { clone, isContainer } from './clone.ts';

/** One operation. `on` may be called twice, for the plain container and the lazy one; `writes` says whether it may change them. */
export interface ContainerStep {
  readonly name: string;
  readonly writes: boolean;
  on(container: unknown): unknown;
}

type List = unknown[];
type Make = (random: Random, size: number) => ContainerStep;

function step<C>(name: string, writes: boolean, on: (container: C) => unknown): ContainerStep {
  return { name, writes, on: on as (container: unknown) => unknown };
}

/** An index: mostly inside, at the ends, or a little beyond. */
function anIndex(random: Random, size: number): number {
  return random.once(5) ? random.pick([0, -1, size, size - 1, size + random.below(4), -size, -size - 1]) : random.below(size + 1);
}

function scalars(random: Random, most: number): unknown[] {
  return Array.from({ length: random.below(most + 1) }, () => randomScalar(random));
}

function someValues(random: Random, most: number): unknown[] {
  return Array.from({ length: random.below(most + 1) }, () => randomValue(random, 8));
}

/** Values are given to each side as copies of its own: a side that kept one could change the other's. */
function withCopies<C>(name: string, values: unknown[], on: (container: C, values: unknown[]) => unknown): ContainerStep {
  return step<C>(name, true, (container) => on(container, values.map(clone)));
}

const listWrites: readonly Make[] = [
  (random) => withCopies<List>('push', someValues(random, 4), (list, values) => list.push(...values)),
  (random) => withCopies<List>('unshift', someValues(random, 3), (list, values) => list.unshift(...values)),
  () => step<List>('pop', true, (list) => list.pop()),
  () => step<List>('shift', true, (list) => list.shift()),
  (random, size) => {
    const [start, count] = [anIndex(random, size), random.once(9) ? size : random.below(5)];
    const name = `splice(${start}, ${count})`;
    return withCopies<List>(name, someValues(random, 3), (list, values) => list.splice(start, count, ...values));
  },
  (random, size) => {
    const at = random.once(8) ? size + random.below(5) : random.below(size + 1);
    return withCopies<List>(`[${at}] =`, [randomValue(random, 8)], (list, [value]) => (list[at] = value));
  },
  (random, size) => {
    const at = random.below(size + 1);
    return step<List>(`delete [${at}]`, true, (list) => delete list[at]);
  },
  (random, size) => {
    const length = random.once(3) ? size + random.below(4) : size - random.below(Math.min(size + 1, 4));
    return step<List>(`length = ${length}`, true, (list) => (list.length = length));
  },
  () => step<List>('reverse', true, (list) => list.reverse()),
  () => step<List>('sort by type and text', true, (list) => list.sort(byTypeAndText)),
  (random, size) => {
    const [value, from, to] = [randomScalar(random), anIndex(random, size), anIndex(random, size)];
    return step<List>(`fill(${from}, ${to})`, true, (list) => list.fill(value, from, to));
  },
  (random, size) => {
    const [target, from, to] = [anIndex(random, size), anIndex(random, size), anIndex(random, size)];
    // In a transaction a container would be in two places from here on, which the model, whose values are copies, does not know.
    return step<List>(`copyWithin(${target}, ${from}, ${to})`, true, (list) => (list.some(isContainer) ? list.length : list.copyWithin(target, from, to)));
  },
  (random) => step<List>('length = wrong', true, (list) => (list.length = random.pick([-1, 1.5, 2 ** 32]))),
];

/** An order of all values that reads containers no deeper than their kind. */
function byTypeAndText(a: unknown, b: unknown): number {
  const left = `${typeof a} ${typeof a === 'object' ? '' : String(a)}`;
  const right = `${typeof b} ${typeof b === 'object' ? '' : String(b)}`;
  return left < right ? -1 : left > right ? 1 : 0;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? `list ${value.length}` : typeof value;
}

const listReads: readonly Make[] = [
  (random, size) => {
    const at = anIndex(random, size);
    return step<List>(`at(${at})`, false, (list) => [list.at(at), list[at], at in list, Object.hasOwn(list, at)]);
  },
  (random, size) => {
    const [from, to] = [anIndex(random, size), anIndex(random, size)];
    return step<List>(`slice(${from}, ${to})`, false, (list) => list.slice(from, to));
  },
  (random, size) => {
    const [from, to] = [anIndex(random, size), anIndex(random, size)];
    return step<List>(`runs(${from}, ${to})`, false, (list) => joinedRuns(list, from, to));
  },
  (random, size) => {
    const at = anIndex(random, size);
    return step<List>(`reader().get(${at})`, false, (list) => (list instanceof LazyList ? list.reader().get(at) : list[at]));
  },
  (random, size) => {
    const [value, from] = [randomScalar(random), anIndex(random, size)];
    return step<List>('indexOf', false, (list) => [
      list.indexOf(value, from),
      list.lastIndexOf(value),
      list.includes(value, from),
    ]);
  },
  () => step<List>('map', false, (list) => list.map(kindOf)),
  () => step<List>('filter', false, (list) => list.filter((value) => typeof value === 'number')),
  () => step<List>('reduce', false, (list) => list.reduce((sum: number, value) => sum + kindOf(value).length, 0)),
  () => step<List>('find', false, (list) => [list.find(Array.isArray), list.findLastIndex((value) => typeof value === 'string')]),
  () => step<List>('spread', false, (list) => [...list]),
  () => step<List>('keys', false, (list) => [Object.keys(list), [...list.keys()], list.length]),
  () => step<List>('destructure', false, ([first, , ...rest]) => [first, rest.length]),
  () => step<List>('concat', false, (list) => ([] as unknown[]).concat(list, [1], list)),
  () => step<List>('some and every', false, (list) => [list.some(Array.isArray), list.every((value) => value !== 5)]),
  () => step<List>('toReversed', false, (list) => list.toReversed()),
  (random) => step<List>('flat', false, (list) => list.flat(random.seed % 3)),
  (random, size) => {
    const at = anIndex(random, size);
    return step<List>(`with(${at})`, false, (list) => list.with(at, 'new'));
  },
  () => step<List>('JSON', false, (list) => JSON.stringify(list)),
  () => step<List>('forEach', false, (list) => {
    const seen: unknown[] = [];
    list.forEach((value, i) => seen.push([i, kindOf(value)]));
    return seen;
  }),
];

type Plain = Record<string, unknown>;

/** A name an object has, or any. */
/** What `slice` gives; of a lazy list, out of its runs. */
function joinedRuns(list: List, from: number, to: number): List {
  if (!(list instanceof LazyList)) return list.slice(from, to);
  const all: List = [];
  for (const run of list.runs(from, to)) {
    const start = all.length;
    all.length += run.length;
    for (let i = 0; i < run.length; i++) if (i in run) all[start + i] = run[i];
  }
  return all;
}

function nameIn(random: Random, names: readonly string[]): string {
  return names.length > 0 && !random.once(3) ? random.pick(names) : randomName(random);
}

function objectStep(random: Random, object: Plain): ContainerStep {
  const name = nameIn(random, Object.keys(object));
  const value = randomValue(random, 8);
  return random.pick<() => ContainerStep>([
    () => step<Plain>(`define ${name}`, true, (it) => define(it, name, clone(value))),
    () =>
      withCopies<Plain>(`.${name} =`, [value], (it, [copy]) => {
        // Assigning to __proto__ is about prototypes, and means something else for a plain object.
        if (name === '__proto__') return define(it, name, copy);
        return (it[name] = copy);
      }),
    () => step<Plain>(`delete ${name}`, true, (it) => delete it[name]),
    () => step<Plain>(`assign ${name}`, true, (it) => Object.assign(it, { [`${name} assigned`]: 1, p1: [2] })),
    () => step<Plain>(`.${name}`, false, (it) => (name === '__proto__' ? 0 : [Object.hasOwn(it, name) ? it[name] : 0, name in it])),
    () => step<Plain>('keys', false, (it) => [Object.keys(it), Object.values(it), Reflect.ownKeys(it)]),
    () => step<Plain>('entries', false, (it) => Object.entries(it)),
    () => step<Plain>('spread', false, (it) => ({ ...it })),
    () => step<Plain>('descriptor', false, (it) => Object.getOwnPropertyDescriptor(it, name) ?? 0),
    () => step<Plain>('for in', false, (it) => {
      const seen: string[] = [];
      for (const key in it) seen.push(key);
      return seen;
    }),
    () => step<Plain>('JSON', false, (it) => JSON.stringify(it)),
  ])();
}

function mapStep(random: Random, map: Map<unknown, unknown>): ContainerStep {
  const key = map.size > 0 && !random.once(3) ? random.pick([...map.keys()]) : randomScalarKey(random);
  const shown = String(key);
  const clears = random.once(4);
  return random.pick<() => ContainerStep>([
    () => withCopies<Map<unknown, unknown>>(`set(${shown})`, [randomValue(random, 8)], (it, [copy]) => it.set(key, copy).size),
    () => step<Map<unknown, unknown>>(`delete(${shown})`, true, (it) => it.delete(key)),
    () => step<Map<unknown, unknown>>(clears ? 'clear' : 'size', clears, (it) => (clears ? it.clear() : it.size)),
    () => step<Map<unknown, unknown>>(`get(${shown})`, false, (it) => [it.get(key), it.has(key), it.size]),
    () => step<Map<unknown, unknown>>('spread', false, (it) => [...it]),
    () => step<Map<unknown, unknown>>('keys', false, (it) => [[...it.keys()], Array.from(it.values(), kindOf)]),
    () => step<Map<unknown, unknown>>('forEach', false, (it) => {
      const seen: unknown[] = [];
      it.forEach((value, name) => seen.push([name, kindOf(value)]));
      return seen;
    }),
  ])();
}

function setStep(random: Random, set: Set<unknown>): ContainerStep {
  const value = set.size > 0 && !random.once(3) ? random.pick([...set]) : randomScalarKey(random);
  return random.pick<() => ContainerStep>([
    () => step<Set<unknown>>(`add(${String(value)})`, true, (it) => it.add(value).size),
    () => step<Set<unknown>>(`delete(${String(value)})`, true, (it) => it.delete(value)),
    () => step<Set<unknown>>(`has(${String(value)})`, false, (it) => [it.has(value), it.size]),
    () => step<Set<unknown>>('spread', false, (it) => [...it]),
    () => step<Set<unknown>>('entries', false, (it) => [...it.entries()].length),
  ])();
}

/** A random operation for a container like `plain`. */
export function containerStep(random: Random, plain: object): ContainerStep {
  if (Array.isArray(plain)) return random.pick(random.once(2) ? listWrites : listReads)(random, plain.length);
  if (plain instanceof Map) return mapStep(random, plain);
  if (plain instanceof Set) return setStep(random, plain);
  return objectStep(random, plain as Plain);
}

/** A few scalars: what a list grows by when it is to grow much. */
export function growth(random: Random): unknown[] {
  return scalars(random, 400);
}

/** One step down from a container to one inside it, for both sides. */
export interface Descent {
  readonly name: string;
  down(container: unknown): unknown;
}

/** A random way to a container directly inside `plain`, if there is one. */
export function descent(random: Random, plain: object, isContainer: (value: unknown) => boolean): Descent | undefined {
  const ways: Descent[] = [];
  if (Array.isArray(plain)) {
    for (let tries = 0; tries < 4 && plain.length > 0; tries++) {
      const at = random.below(plain.length);
      if (isContainer(plain[at])) ways.push({ name: `[${at}]`, down: (list) => (list as List)[at] });
    }
  } else if (plain instanceof Map) {
    for (const [key, value] of [...plain].slice(0, 20)) {
      if (isContainer(value)) ways.push({ name: `.get(${String(key)})`, down: (map) => (map as Map<unknown, unknown>).get(key) });
    }
  } else if (!(plain instanceof Set)) {
    for (const [key, value] of Object.entries(plain).slice(0, 20)) {
      if (key !== '__proto__' && isContainer(value)) ways.push({ name: `.${key}`, down: (object) => (object as Plain)[key] });
    }
  }
  return ways.length === 0 ? undefined : random.pick(ways);
}
