/**
 * Values in which the same container occurs more than once, also inside itself, against plain objects.
 *
 * Strategy: random graphs of plain containers are stored; then they are changed through random paths, outside transactions, in
 * updates, and in transactions that may fail; the store is closed and opened. Invariant: the lazy value has the content
 * of the plain graph and its identities: what occurs twice there occurs twice here, whichever path it was changed through.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { Random, replayable } from '../suite/random.ts';
import { difference } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';
import { containerStep, descent } from './container-steps.ts';
import { isContainer } from './clone.ts';
import { outcomeOf } from './world.ts';

/** Some containers, each put into some of the others: the first one leads to all that can be reached. */
function graph(random: Random): object {
  const nodes: object[] = Array.from({ length: 2 + random.below(6) }, () => random.pick([() => ({ n: 1 }), () => [1, 'x'], () => new Map([['k', 1]])])() as object);
  const fillers = random.once(6) ? 700 : 0;
  const wide: Record<string, number> = {};
  for (let i = 0; i < fillers; i++) wide[`filler ${i}`] = i;
  if (fillers > 0) nodes.push(wide);
  for (let i = nodes.length * 2; i > 0; i--) {
    const [from, to] = [random.pick(nodes), random.pick(nodes)];
    if (Array.isArray(from)) from.push(to);
    else if (from instanceof Map) from.set(`to ${i}`, to);
    else (from as Record<string, unknown>)[`to ${i}`] = to;
  }
  const [first] = nodes as [object];
  return Array.isArray(first) || first instanceof Map ? { first, again: first, last: nodes.at(-1) } : first;
}

/** Walks a random path on both sides and changes what is there by a scalar or a new container. */
function change(random: Random, lazy: unknown, plain: object): string {
  let path = '$';
  let [left, right] = [lazy, plain];
  for (let steps = random.below(6); steps > 0; steps--) {
    const way = descent(random, right, isContainer);
    if (way === undefined) break;
    path += way.name;
    left = way.down(left);
    right = way.down(right) as object;
  }
  const value = random.once(4) ? { fresh: random.below(9) } : random.below(1000);
  const put = (container: unknown, item: unknown): void => {
    if (Array.isArray(container)) container.push(item);
    else if (container instanceof Map) container.set(`put ${random.seed % 5}`, item);
    else (container as Record<string, unknown>)[`put ${random.seed % 5}`] = item;
  };
  if (random.once(6)) {
    // A read on both sides, which must not upset anything.
    const step = containerStep(random, right);
    // JSON takes no cycles.
    if (!step.writes && step.name !== 'JSON') {
      assert.equal('error' in outcomeOf(() => step.on(left)), 'error' in outcomeOf(() => step.on(right)), `${path} ${step.name}`);
      return `${path} ${step.name}`;
    }
  }
  if (random.once(5) && Array.isArray(right) && right.length > 0) {
    assert.equal(typeof (left as unknown[]).pop(), typeof right.pop());
    return `${path} pop`;
  }
  put(left, typeof value === 'object' ? { ...value } : value);
  put(right, value);
  return `${path} put`;
}

function check(map: LodeMap, model: ReadonlyMap<number, object>): void {
  for (const [key, plain] of model) {
    const lazy = materialize(map.get(key));
    const found = difference(lazy, plain, { identity: true });
    assert.equal(found, undefined, `${key}: ${found}`);
  }
}

/** One store and its life. */
async function oneLife(random: Random, steps: number, trace: string[]): Promise<void> {
  const path = join(scratch(), 'store');
  let map = (await open(path)) as LodeMap;
  let model = new Map<number, object>();
  for (let i = 0; i < steps; i++) {
    const key = random.below(4);
    const plain = model.get(key);
    if (plain === undefined || random.once(25)) {
      const value = graph(random);
      map.set(key, value);
      model.set(key, structuredClone(value));
      trace.push(`set ${key}`);
    } else if (random.once(3)) {
      const before = structuredClone(model);
      const fails = random.once(3);
      trace.push(`transaction${fails ? ' that fails' : ''} on ${key}`);
      const boom = new Error('boom');
      try {
        map.transaction(() => {
          for (let j = random.below(5); j >= 0; j--) trace.push(`  ${change(random, map.get(key), plain)}`);
          if (fails) throw boom;
        });
      } catch (error) {
        if (error !== boom) throw error;
        model = before;
      }
    } else {
      trace.push(`${key}: ${change(random, map.get(key), plain)}`);
    }
    if (random.once(60)) {
      await map.close();
      map = (await open(path)) as LodeMap;
      trace.push('reopen');
    }
    check(map, model);
  }
  assert.ok((await map.verify()).ok);
  await map.close();
}

/** Runs stores of together `operations` steps. */
export async function runAliases(seed: number, operations: number): Promise<void> {
  const steps = 150;
  for (let done = 0; done < operations; done += steps, seed++) {
    const trace: string[] = [];
    try {
      await oneLife(new Random(seed), Math.min(steps, operations - done), trace);
    } catch (error) {
      throw replayable(seed, `after\n${trace.slice(-12).join('\n')}\n`, error);
    }
  }
}
