/** Differential checks: the same operation on a plain value and on a stored one gives the same result or exception, and state. */
import assert from 'node:assert/strict';
import { handleOf } from '../../src/lazy/handle.ts';
import { nodeOf } from '../../src/lazy/lazy-values.ts';
import type { Nodes } from '../../src/tree/nodes.ts';
import type { Anything, TestStore } from './lazy-store.ts';

/** Replaces lazy values inside `value` by plain ones. Cycles are not expected. */
export function plainOf(value: unknown, nodes: Nodes): unknown {
  if (handleOf(value) !== undefined) return nodes.materialize(nodeOf(value)!);
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    copy.length = value.length;
    value.forEach((item, index) => (copy[index] = plainOf(item, nodes)));
    return copy;
  }
  return value;
}

interface Outcome {
  readonly result?: unknown;
  readonly error?: unknown;
}

export function outcomeOf(fn: () => unknown, nodes: Nodes): Outcome {
  try {
    return { result: plainOf(fn(), nodes) };
  } catch (error) {
    return { error: (error as Error).constructor };
  }
}

/** Runs `operation` on a copy of `plain` and on the stored value, outside and inside a transaction, and compares. */
export function sameOn(make: () => TestStore, plain: unknown, operation: (value: Anything) => unknown): void {
  for (const inTransaction of [false, true]) {
    const store = make();
    store.set('v', plain);
    const model: Anything = structuredClone(plain);
    const self = (result: unknown, on: unknown): unknown => (result === on ? 'itself' : result);
    const expected = outcomeOf(() => self(operation(model), model), store.nodes);
    const run = (): Outcome => {
      const lazy = store.get('v');
      return outcomeOf(() => self(operation(lazy), lazy), store.nodes);
    };
    const actual = inTransaction ? store.transaction(run) : run();
    assert.deepEqual(actual, expected, `${operation}, ${inTransaction ? 'draft' : 'handle'}`);
    assert.deepEqual(store.plain('v'), model, `state after ${operation}, ${inTransaction ? 'draft' : 'handle'}`);
  }
}
