/** The steps of a program: each does the same to the store and to the model, and compares. */
import assert from 'node:assert/strict';
import { inspect, isDeepStrictEqual } from 'node:util';
import { isStoreError } from '../../src/base/errors.ts';
import { compareKeys } from '../suite/model-map.ts';
import type { Key, Range } from '../suite/model-map.ts';
import { Random } from '../suite/random.ts';
import { difference } from '../suite/same.ts';
import { randomKey, randomValue } from '../suite/values.ts';
import { clone, isContainer } from './clone.ts';
import { containerStep, descent, growth } from './container-steps.ts';
import { outcomeOf, plain, same, sameOutcome, show } from './world.ts';
import type { HeldHandle, Outcome, World } from './world.ts';

type Kinds = Record<string, readonly [weight: number, perform: Perform]>;

/** One step as data: which, and the seed of every choice in it. So a program can be cut and still be run. */
export interface Step {
  readonly kind: string;
  readonly seed: number;
}

type Perform = (world: World, random: Random) => void | Promise<void>;

/** A key that is there, mostly. */
function someKey(world: World, random: Random): Key {
  const keys = world.model.keys();
  return keys.length > 0 && !random.once(5) ? random.pick(keys) : randomKey(random);
}

/** A key whose value is a container; undefined when there is none. */
function containerKey(world: World, random: Random): Key | undefined {
  const found = world.model.entries().filter(([, value]) => isContainer(value));
  return found.length === 0 ? undefined : random.pick(found)[0];
}

function set(world: World, random: Random): void {
  const key = random.once(3) ? someKey(world, random) : randomKey(random);
  const value = randomValue(random, random.pick([4, 12, 40]));
  world.note(`set(${show(key)}, ${typeof value})`);
  world.map.set(key, value);
  world.put(key, value);
}

function remove(world: World, random: Random): void {
  const key = someKey(world, random);
  world.note(`delete(${show(key)})`);
  assert.equal(world.map.delete(key), world.model.delete(key));
  world.touch(key);
}

function read(world: World, random: Random): void {
  const key = someKey(world, random);
  world.note(`get(${show(key)})`);
  world.check(key);
  if (random.once(4)) assert.equal(world.map.size, world.model.size, 'size');
}

function aRange(random: Random): Range {
  const range: Range = {};
  if (random.once(2)) range[random.once(2) ? 'gt' : 'gte'] = randomKey(random);
  if (random.once(2)) range[random.once(2) ? 'lt' : 'lte'] = randomKey(random);
  if (random.once(6)) range.prefix = random.pick(['', 'k', 'key 1', 'x'.repeat(940), '👍', '\ud83d']);
  if (random.once(2)) range.reverse = random.once(2);
  if (random.once(3)) range.limit = random.below(12);
  return range;
}

function scan(world: World, random: Random): void {
  const range = aRange(random);
  world.note(`keys and entries of a range of ${Object.keys(range).join(', ')}`);
  same([...world.map.keys(range)], world.model.keys(range), 'keys of a range');
  if (random.once(3)) {
    same(Array.from(world.map.entries(range), ([key, value]) => [key, plain(value)]), world.model.entries(range), 'entries');
  }
}

/** Walks over the map while it is changed: what lies ahead counts as it is when the walk gets there. */
async function walk(world: World, random: Random): Promise<void> {
  const reverse = random.once(2);
  world.note(`walk${reverse ? ' backwards' : ''}, with changes`);
  let at: { key: Key } | undefined;
  const isAhead = (key: Key): boolean => at === undefined || compareKeys(key, at.key) * (reverse ? -1 : 1) > 0;
  const next = (): Key[] => world.model.keys({ reverse }).filter(isAhead).slice(0, 1);
  for (const key of world.map.keys({ reverse })) {
    same([key], next(), 'the next key of a walk');
    at = { key };
    if (random.once(3)) remove(world, random);
    if (random.once(3)) set(world, random);
    if (random.once(60)) clear(world);
    if (random.once(40)) transaction(world, random);
    if (random.once(20)) await new Promise((resolve) => setImmediate(resolve));
  }
  same([], next(), 'the end of a walk');
}

function clear(world: World): void {
  world.note('clear()');
  world.map.clear();
  world.model.clear();
  world.touchAll();
}

/** Goes down into a lazy value and a copy of the plain one, and does something to what it finds on both sides. */
function changeInside(world: World, random: Random, sides: { lazy: unknown; copy: object; where: string }): boolean {
  let { lazy, copy, where } = sides;
  while (!random.once(3)) {
    const way = descent(random, copy, isContainer);
    if (way === undefined) break;
    where += way.name;
    lazy = way.down(lazy);
    copy = way.down(copy) as object;
  }
  if (Array.isArray(copy) && copy.length < 3000 && random.once(25)) {
    const items = growth(random);
    world.note(`${where} push of ${items.length}`);
    copy.push(...items);
    (lazy as unknown[]).push(...items);
    return true;
  }
  const step = containerStep(random, copy);
  world.note(`${where} ${step.name}`);
  const expected = outcomeOf(() => clone(step.on(copy)));
  const actual = outcomeOf(() => step.on(lazy));
  sameOutcome(actual, expected, `${where} ${step.name}`);
  return step.writes;
}

/** A write through a value that was just read. */
function writeThrough(world: World, random: Random): void {
  const key = containerKey(world, random);
  if (key === undefined) return;
  const copy = clone(world.model.get(key)) as object;
  const lazy = world.map.get(key);
  if (changeInside(world, random, { lazy, copy, where: `get(${show(key)})` })) world.put(key, copy);
  world.check(key);
  same(lazy, world.model.get(key), 'the handle itself');
}

function update(world: World, random: Random): void {
  const key = someKey(world, random);
  const before = world.model.get(key);
  const variant = random.below(5);
  world.note(`update(${show(key)}), variant ${variant}`);
  const boom = new Error('boom');
  if (variant === 0 || !isContainer(before)) {
    const value = randomValue(random);
    const result = world.map.update(key, (current) => {
      same(current, before, 'what update shows');
      return value;
    });
    if (value !== undefined) world.put(key, value);
    same(result, world.model.get(key), 'what update returns');
  } else if (variant === 1) {
    assert.throws(() => world.map.update(key, (current) => {
      changeInside(world, random, { lazy: current, copy: clone(before), where: 'in a failing update' });
      throw boom;
    }), boom);
  } else {
    const copy = clone(before);
    world.map.update(key, (current) => {
      for (let i = 1 + random.below(4); i > 0; i--) changeInside(world, random, { lazy: current, copy, where: 'in update' });
      return variant === 2 ? current : undefined;
    });
    world.put(key, copy);
  }
  world.check(key);
}

/** A few steps inside a transaction; they may all be taken back. */
function transaction(world: World, random: Random, depth = 0): void {
  const model = world.model.copy();
  const touched: Key[] = [];
  const boom = new Error('boom');
  const fails = random.once(4);
  const body = (): void => {
    for (let i = 1 + random.below(6); i > 0; i--) touched.push(...stepInside(world, random, depth));
    if (fails) throw boom;
  };
  world.note(`${'  '.repeat(depth)}transaction${fails ? ' that fails' : ''}`);
  if (fails) {
    assert.throws(() => world.map.transaction(body), (error) => {
      if (error !== boom) throw error;
      return true;
    });
    world.model = model;
  } else {
    world.map.transaction(body);
  }
  for (const key of touched) world.check(key);
}

function stepInside(world: World, random: Random, depth: number): Key[] {
  const key = someKey(world, random);
  const value = world.model.get(key);
  switch (random.below(8)) {
    case 0: {
      const next = randomValue(random);
      world.note(`  set(${show(key)})`);
      world.map.set(key, next);
      world.put(key, next);
      break;
    }
    case 1:
      world.note(`  delete(${show(key)})`);
      assert.equal(world.map.delete(key), world.model.delete(key));
      world.touch(key);
      break;
    case 2:
      if (random.once(8)) clear(world);
      else assert.equal(world.map.size, world.model.size, 'size in a transaction');
      break;
    case 3:
      if (depth < 3) transaction(world, random, depth + 1);
      break;
    case 4:
      scan(world, random);
      break;
    default:
      if (isContainer(value)) {
        const copy = clone(value);
        const lazy = world.map.get(key);
        assert.equal(world.map.get(key), lazy, 'a draft is one object');
        if (changeInside(world, random, { lazy, copy, where: `  draft of ${show(key)}` })) world.put(key, copy);
      }
      world.check(key);
  }
  return [key];
}

function compareAndSet(world: World, random: Random): void {
  const key = someKey(world, random);
  const before = world.model.get(key);
  const value = randomValue(random);
  const right = random.once(2);
  const expected = right ? (random.once(2) ? world.map.get(key) : clone(before)) : randomValue(random);
  // Content does not depend on the order of properties, entries and members; `difference` would.
  const matches = isDeepStrictEqual(plain(expected), before);
  world.note(`compareAndSet(${show(key)}), ${matches ? 'right' : 'wrong'}`);
  assert.equal(world.map.compareAndSet(key, expected, value), matches, 'compareAndSet');
  if (matches) world.put(key, value);
  world.check(key);
}

/** Sets a lazy value under another key, or inside another value. */
function assign(world: World, random: Random): void {
  const from = containerKey(world, random);
  if (from === undefined) return;
  const to = randomKey(random);
  const lazy = world.map.get(from);
  const value = world.model.get(from);
  if (random.once(2)) {
    world.note(`set(${show(to)}, get(${show(from)}))`);
    world.map.set(to, lazy);
    world.put(to, value);
  } else {
    world.note(`set(${show(to)}, [get(${show(from)}), ...])`);
    world.map.set(to, [lazy, { inner: lazy }]);
    world.put(to, [value, { inner: value }]);
  }
  world.check(to);
}

function hold(world: World, random: Random): void {
  const key = containerKey(world, random);
  if (key === undefined) return;
  world.note(`hold get(${show(key)})`);
  if (world.handles.length > 5) world.handles.splice(random.below(6), 1);
  world.handles.push({
    key,
    lazy: world.map.get(key) as object,
    plain: world.model.get(key),
    version: world.versionOf(key),
    vacuums: world.vacuums,
  });
}

/** May a vacuum have removed what a handle shows? */
function mayBeGone(world: World, held: HeldHandle): boolean {
  return held.vacuums < world.vacuums && held.version !== world.versionOf(held.key);
}

function isGone(outcome: Outcome): boolean {
  return 'error' in outcome && isStoreError(outcome.error, 'NOT_FOUND', 'CONFLICT');
}

/** Sets a value read a while ago under another key: it is stored as it was, or it is gone, and then nothing has happened. */
function assignHeld(world: World, random: Random): void {
  if (world.handles.length === 0) return;
  const held = random.pick(world.handles);
  const to = randomKey(random);
  world.note(`set(${show(to)}, the handle of ${show(held.key)})`);
  const outcome = outcomeOf(() => world.map.set(to, held.lazy));
  if (mayBeGone(world, held) && isGone(outcome)) {
    world.handles.splice(world.handles.indexOf(held), 1);
  } else {
    if ('error' in outcome) throw outcome.error;
    world.put(to, held.plain);
  }
  world.check(to);
}

/** Reads and writes through a value read a while ago. */
function useHeld(world: World, random: Random): void {
  if (world.handles.length === 0) return;
  const held = random.pick(world.handles);
  const { key, lazy } = held;
  const isCurrent = held.version === world.versionOf(key);
  world.note(`use the handle of ${show(key)}, ${isCurrent ? 'current' : 'stale'}`);
  if (mayBeGone(world, held) && isGone(outcomeOf(() => plain(lazy)))) {
    world.handles.splice(world.handles.indexOf(held), 1);
    return;
  }
  same(lazy, held.plain, 'what a held handle shows');
  // What was set again to the same content may count as unchanged.
  if (!isCurrent && difference(held.plain, world.model.get(key)) === undefined) return;
  if (!isCurrent) {
    const write = outcomeOf(() => writeSomething(lazy));
    assert.ok('error' in write && isStoreError(write.error, 'CONFLICT'), `a stale write is a CONFLICT: ${inspect(write)}`);
    same(lazy, held.plain, 'what a stale handle shows');
    world.check(key);
    return;
  }
  const copy = clone(held.plain) as object;
  if (changeInside(world, random, { lazy, copy, where: `held ${show(key)}` })) world.put(key, copy);
  held.plain = world.model.get(key);
  held.version = world.versionOf(key);
  world.check(key);
}

function writeSomething(lazy: object): void {
  if (Array.isArray(lazy)) lazy.push('a stale write');
  else if (lazy instanceof Map) lazy.set('a stale write', 1);
  else if (lazy instanceof Set) lazy.add('a stale write');
  else (lazy as Record<string, unknown>)['a stale write'] = 1;
}

function takeSnapshot(world: World, random: Random): void {
  world.note('snapshot()');
  if (world.snapshots.length > 3) world.snapshots.splice(random.below(4), 1)[0]!.snapshot.close();
  world.snapshots.push({ snapshot: world.map.snapshot(), model: world.model.copy() });
}

function readSnapshot(world: World, random: Random): void {
  if (world.snapshots.length === 0) return;
  const { snapshot, model } = random.pick(world.snapshots);
  world.note('read a snapshot');
  assert.equal(snapshot.size, model.size, "a snapshot's size");
  const range = aRange(random);
  same([...snapshot.keys(range)], model.keys(range), "a snapshot's keys");
  for (const key of [randomKey(random), ...(model.size > 0 ? [random.pick(model.keys())] : [])]) {
    assert.equal(snapshot.has(key), model.has(key), "a snapshot's has");
    same(snapshot.get(key), model.get(key), `get(${show(key)}) of a snapshot`);
  }
}

async function flush(world: World): Promise<void> {
  world.note('flush()');
  await world.map.flush();
}

async function turn(world: World): Promise<void> {
  world.note('a turn of the loop');
  await new Promise((resolve) => setImmediate(resolve));
}

async function reopen(world: World, random: Random): Promise<void> {
  const rebuild = random.once(4);
  world.note(`close, ${rebuild ? 'delete the index, ' : ''}open`);
  await world.reopen(rebuild);
  world.checkAll();
}

/** Another process changes the store and says what it sees. */
async function elsewhere(world: World, random: Random): Promise<void> {
  const key = someKey(world, random);
  world.note(`another process: ${show(key)}`);
  // A transaction commits what was set before it.
  world.map.transaction(() => {});
  const child = await world.child();
  const before = world.model.get(key);
  const found = difference(structuredClone(await child.call('get', key)), structuredClone(before));
  assert.equal(found, undefined, `another process reads ${show(key)}: ${found}`);
  assert.equal(await child.call('size'), world.model.size, 'the size another process sees');
  // Structured cloning makes Buffers plain: send only what arrives as it was.
  const value = structuredClone(randomValue(random));
  if (random.once(4)) {
    assert.equal(await child.call('deleteNow', key), world.model.delete(key));
    world.touch(key);
  } else {
    await child.call('setAll', [[key, value]]);
    world.put(key, value);
  }
  world.check(key);
}

/** Vacuums, here or in another process, sometimes with changes going on meanwhile. */
async function vacuum(world: World, random: Random): Promise<void> {
  const options = { sparseBelow: random.pick([0, 0.5, 0.8, 1]) };
  const elsewhere = random.once(3);
  world.note(`vacuum(${options.sparseBelow})${elsewhere ? ' in another process' : ''}`);
  world.map.transaction(() => {});
  world.vacuums++;
  const vacuuming = elsewhere ? (await world.child()).call('vacuum', options) : world.map.vacuum(options);
  const state = { ended: false };
  const ended = vacuuming.finally(() => (state.ended = true));
  // Reported below.
  ended.catch(() => {});
  while (!state.ended) {
    if (random.once(2)) set(world, random);
    if (random.once(3)) remove(world, random);
    if (random.once(4)) writeThrough(world, random);
    if (random.once(6)) useHeld(world, random);
    if (random.once(6)) assignHeld(world, random);
    if (random.once(6)) readSnapshot(world, random);
    await new Promise((resolve) => setTimeout(resolve, random.below(3)));
  }
  await ended;
  for (const { key } of world.handles) world.check(key);
}

function checkEverything(world: World): void {
  world.note('compare everything');
  world.checkAll();
}

async function verify(world: World): Promise<void> {
  world.note('verify()');
  const { ok, problems } = await world.map.verify();
  assert.ok(ok, JSON.stringify(problems));
}

/** Step kinds, and how often each comes. */
const kinds: Kinds = {
  set: [18, set],
  remove: [4, remove],
  read: [14, read],
  scan: [7, scan],
  walk: [0.15, walk],
  clear: [0.06, clear],
  writeThrough: [24, writeThrough],
  update: [8, update],
  transaction: [6, transaction],
  compareAndSet: [3, compareAndSet],
  assign: [3, assign],
  hold: [2, hold],
  useHeld: [4, useHeld],
  assignHeld: [1, assignHeld],
  takeSnapshot: [0.5, takeSnapshot],
  readSnapshot: [2, readSnapshot],
  flush: [0.5, flush],
  turn: [3, turn],
  reopen: [0.12, reopen],
  elsewhere: [0.25, elsewhere],
  vacuum: [0.15, vacuum],
  checkEverything: [0.3, checkEverything],
  verify: [0.02, verify],
};

const total = Object.values(kinds).reduce((sum, [weight]) => sum + weight, 0);

/** A random step. */
export function randomStep(random: Random): Step {
  let at = random.float() * total;
  for (const [kind, [weight]] of Object.entries(kinds)) {
    at -= weight;
    if (at < 0) return { kind, seed: random.next() };
  }
  return { kind: 'read', seed: random.next() };
}

export async function perform(world: World, step: Step): Promise<void> {
  const [, run] = kinds[step.kind]!;
  await run(world, new Random(step.seed));
}
