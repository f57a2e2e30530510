/**
 * SIGKILL.
 *
 * Strategy: a supervisor starts several writers on one store and kills each at a random moment: while it starts, opens,
 * writes, flushes, vacuums, closes. Writers print what they were promised. When all are dead the store is opened and compared
 * with everything ever printed; then the next round goes on with the same store.
 *
 * Invariants: whatever was flushed is there and right; a deletion that was flushed holds; nothing is there that nobody wrote;
 * transactions are whole (the accounts keep their sum); `verify` is clean; nobody but the supervisor ends a writer.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import type { Random } from '../suite/random.ts';
import { difference } from '../suite/same.ts';
import { accountStart, accounts, valueOf } from './killed-writer.ts';

const script = fileURLToPath(new URL('./killed-writer.js', import.meta.url));

export interface KillCounts {
  rounds: number;
  killed: number;
  acknowledged: number;
  /** Writers killed before they had opened the store. */
  early: number;
}

/** Writer name -> number of a key -> true when its set, false when its deletion was promised last. */
type Promised = Map<string, Map<number, boolean>>;

interface Writer {
  readonly said: Array<{ verb: string; number: number }>;
  readonly end: Promise<{ code: number | null; signal: string | null; errors: string }>;
}

function startWriter(path: string, name: string, random: Random): Writer {
  const child = spawn(process.execPath, ['--enable-source-maps', script, path, name, String(random.next())], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LODEMAP_SEGMENT_BYTES: random.pick(['16384', '262144', '67108864']) },
  });
  const said: Writer['said'] = [];
  let errors = '';
  const isEarly = random.once(4);
  const after = random.below(isEarly ? 300 : 250);
  const kill = (): void => void child.kill('SIGKILL');
  createInterface(child.stdout).on('line', (line) => {
    const [verb, number] = line.split(' ');
    if (said.length === 0 && !isEarly) setTimeout(kill, after);
    said.push({ verb: verb!, number: Number(number) });
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const timer = setTimeout(kill, isEarly ? after : 20_000);
  const end = new Promise<{ code: number | null; signal: string | null; errors: string }>((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, errors });
    });
  });
  return { said, end };
}

function checkStore(map: LodeMap, promised: Promised): void {
  let sum = 0;
  for (const [, value] of map.entries({ prefix: 'account ' })) sum += value as number;
  assert.equal(sum, accounts * accountStart, 'the sum of the accounts');
  for (const [name, numbers] of promised) {
    for (const [number, present] of numbers) {
      const found = map.get([name, number]);
      if (!present) {
        assert.equal(found, undefined, `${name} ${number} was deleted`);
        continue;
      }
      assert.notEqual(found, undefined, `${name} ${number} was flushed and is gone`);
    }
  }
  for (const [key, value] of map.entries({ gte: [], lt: [[]] })) {
    const [name, number] = key as [string, number];
    const plain = typeof value === 'object' ? materialize(value) : value;
    const found = difference(plain, valueOf(name, number));
    assert.equal(found, undefined, `${name} ${number}: ${found}`);
  }
}

/** Runs rounds of killing on the store at `path`. */
export async function killRounds(path: string, random: Random, rounds: number): Promise<KillCounts> {
  const counts: KillCounts = { rounds: 0, killed: 0, acknowledged: 0, early: 0 };
  const promised: Promised = new Map();
  const first = (await open(path)) as LodeMap;
  for (let i = 0; i < accounts; i++) first.set(`account ${i}`, accountStart);
  await first.close();
  for (; counts.rounds < rounds; counts.rounds++) {
    const names = Array.from({ length: 2 + random.below(3) }, (_, i) => `writer ${i}`);
    const writers = names.map((name) => startWriter(path, name, random));
    for (const [i, { said, end }] of writers.entries()) {
      const { code, signal, errors } = await end;
      assert.equal(signal, 'SIGKILL', `round ${counts.rounds}: a writer ended by itself (${signal ?? code}): ${errors}`);
      counts.killed++;
      if (said.length === 0) counts.early++;
      const numbers = promised.get(names[i]!) ?? new Map<number, boolean>();
      promised.set(names[i]!, numbers);
      for (const { verb, number } of said) {
        if (verb === 'open') continue;
        // Killed between a deletion and saying so, a writer has deleted what it once was promised.
        if (verb === 'deleting') numbers.delete(number);
        else numbers.set(number, verb === 'set');
        if (verb !== 'deleting') counts.acknowledged++;
      }
    }
    const map = (await open(path)) as LodeMap;
    checkStore(map, promised);
    if (counts.rounds % 5 === 4 || counts.rounds === rounds - 1) {
      const { ok, problems } = await map.verify();
      assert.ok(ok, JSON.stringify(problems));
    }
    if (random.once(6)) await map.vacuum({ sparseBelow: 1 });
    await map.close();
    if (random.once(4)) {
      const rebuilt = (await open(path, { rebuild: true })) as LodeMap;
      checkStore(rebuilt, promised);
      await rebuilt.close();
    }
  }
  return counts;
}
