/** A random load on a heap and what every state of it holds, by sequence number. */
import { ChunkKind } from '../../src/heap/chunk.ts';
import type { Link } from '../../src/heap/chunk.ts';
import type { Heap, PlannedOperation } from '../../src/heap/heap.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { decodeRowValue, rowHead } from '../../src/heap/rows/rows.ts';
import type { Random } from '../suite/random.ts';

const tablesUsed = ['entries', 'cells'] as const;

/** Row name -> what its value reads as. */
export type State = ReadonlyMap<string, string>;

/** All states a store may be found in: state 0 and what each later commit, also one under way, makes of it. */
export class States {
  readonly #bySequence = new Map<number, State>();
  /** The last commit that returned, and the last that was promised to outlast a loss of power. */
  acknowledged: number;
  durable: number;
  attempted: number;

  constructor(sequence: number, state: State) {
    this.#bySequence.set(sequence, state);
    this.acknowledged = sequence;
    this.durable = sequence;
    this.attempted = sequence;
  }

  at(sequence: number): State | undefined {
    return this.#bySequence.get(sequence);
  }

  /** Commits that change nothing may follow: as many as a vacuum makes. */
  attemptIdle(): void {
    for (let i = 1; i <= idleCommitsMax; i++) this.#bySequence.set(this.acknowledged + i, this.#bySequence.get(this.acknowledged)!);
    this.attempted = this.acknowledged + idleCommitsMax;
  }

  attempt(state: State): void {
    this.attempted = this.acknowledged + 1;
    this.#bySequence.set(this.attempted, state);
  }
}

/** A value that was stored, or is to be. */
export interface Value {
  readonly link: Link;
  readonly text: string;
}

const idleCommitsMax = 3;

const words = ['name', 'city', 'a street', 'score', 'some longer text', '\x00\x01', 'tag', 'Überlingen'];

/** Payloads that many values share, that are alike, that are like nothing: for deduplication and packing, and against them. */
function payloadOf(random: Random): Buffer {
  if (random.once(3)) {
    const count = random.below(random.once(20) ? 3000 : 40);
    return Buffer.from(Array.from({ length: count }, () => `${random.pick(words)}${random.below(30)}`).join('|'));
  }
  if (random.once(3)) return Buffer.alloc(100 + random.below(6) * 300, `shared ${random.below(5)} `);
  const bytes = random.once(40) ? random.below(60_000) : random.below(random.once(4) ? 3000 : 200);
  return random.bytes(bytes);
}

/** A value of one chunk, or of a small tree; it may share what lies in one of `held`. */
function valueOf(random: Random, depth: number, held: readonly Value[]): Value {
  if (held.length > 0 && random.once(6)) return random.pick(held);
  const children: Value[] = [];
  if (depth > 0 && random.once(2)) {
    for (let i = random.below(4); i > 0; i--) children.push(valueOf(random, depth - 1, held));
  }
  const payload = payloadOf(random);
  const link = makeChunk(ChunkKind.value, payload, children.map((child) => child.link));
  return { link, text: textOf(payload, children.map((child) => child.text)) };
}

function textOf(payload: Buffer, children: readonly string[]): string {
  return `${payload.length}:${payload.toString('base64')}(${children.join(',')})`;
}

/**
 * One random commit through the heap, recorded in `states`. Values in `held`, of which there are more afterwards, may be stored again:
 * with CONFLICT when a vacuum has removed them.
 */
export function commitOnce(heap: Heap, states: States, random: Random, held: Value[] = []): void {
  heap.lock(1000);
  try {
    const next = new Map(states.at(states.acknowledged));
    const operations: PlannedOperation[] = [];
    const made: Value[] = [];
    for (let i = random.once(10) ? random.below(200) : 1 + random.below(4); i > 0; i--) {
      const table = random.pick(tablesUsed);
      const name = `key ${random.below(40)}`;
      const key = Buffer.from(name);
      if (random.once(4)) {
        next.delete(`${table} ${name}`);
        operations.push({ table, key, value: undefined });
        continue;
      }
      const value = valueOf(random, 2, held);
      made.push(value);
      next.set(`${table} ${name}`, value.text);
      operations.push({ table, key, value: { bytes: Uint8Array.of(0x76, 0, 0), links: [value.link] } });
    }
    const sync = random.once(6);
    states.attempt(next);
    heap.commit(operations, { sync, syncSoon: !sync && random.once(4), nextCell: heap.meta.tail.nextCell + 1 });
    states.acknowledged = states.attempted;
    held.push(...made);
    if (sync) states.durable = states.acknowledged;
  } finally {
    heap.unlock();
  }
}

/** Everything a heap holds, every chunk of it read. */
export function readState(heap: Heap): Map<string, string> {
  heap.refresh();
  const state = new Map<string, string>();
  for (const table of tablesUsed) {
    for (const [key, row] of heap.index.range(table, {})) {
      const { links } = decodeRowValue(row, rowHead(row).at);
      state.set(`${table} ${Buffer.from(key).toString()}`, readText(heap, links[0]!));
    }
  }
  return state;
}

function readText(heap: Heap, link: Link): string {
  const view = heap.load(link);
  const payload = Buffer.from(view.bytes.subarray(view.start, view.end));
  const links = Array.from({ length: view.linkCount }, (_, i) => view.link(i));
  return textOf(payload, links.map((child) => readText(heap, child)));
}

/** What differs between two states, for a message. */
export function stateDifference(actual: State, expected: State): string | undefined {
  for (const name of new Set([...actual.keys(), ...expected.keys()])) {
    if (actual.get(name) !== expected.get(name)) {
      return `${name} is ${actual.get(name)?.slice(0, 60)}, expected ${expected.get(name)?.slice(0, 60)}`;
    }
  }
  return undefined;
}
