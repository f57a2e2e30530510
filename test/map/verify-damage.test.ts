/**
 * One flipped bit.
 *
 * Strategy: a closed store of small segments, some of them packed and, in another, compacted; a bit is flipped in a record of each kind: in its checksum,
 * its length, its content; and in headers. Invariants: verify names the damage, and the entries that can not be read, and no others, by their keys,
 * in few problems, whatever leads to it; all other entries read as they were; a walk with `onError` finds them.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { materialize, open, StoreError } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { ChunkKind } from '../../src/heap/chunk.ts';
import { RecordKind } from '../../src/heap/segment/record.ts';
import { segmentName } from '../../src/heap/segment/segment.ts';
import { walkRecords } from '../../src/heap/segment/segment-walk.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { digest } from '../fuzz/digest.ts';
import { Random, amount } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';

/** Where to flip, and what that is. */
interface Target {
  readonly what: string;
  readonly file: string;
  readonly at: number;
}

const kindNames = new Map<number, string>([...Object.entries(ChunkKind), ...Object.entries(RecordKind)].map(([name, kind]) => [kind, name]));

function valueOf(random: Random, i: number): unknown {
  if (i % 9 === 0) return Array.from({ length: 700 }, (_, j) => `item ${i} ${j}`);
  if (i % 11 === 0) return new Map(Array.from({ length: 500 }, (_, j) => [`k${j}`, { i, j }]));
  if (i % 13 === 0) return new Set(Array.from({ length: 500 }, (_, j) => i * 1000 + j));
  if (i % 17 === 0) return `${i} long `.repeat(20_000);
  if (i % 19 === 0) return Object.fromEntries(Array.from({ length: 400 }, (_, j) => [`p${i} ${j}`, j]));
  return { i, name: `name ${i}`, text: 'words that records share '.repeat(random.below(12)), tags: ['a', 'b'] };
}

async function makeStore(path: string, vacuumed: boolean): Promise<Map<string, string>> {
  const random = new Random(5);
  const map = (await open(path)) as LodeMap;
  for (let i = 0; i < 120; i++) {
    map.set(`key ${i}`, valueOf(random, i));
    if (vacuumed && i % 2 === 0) map.set(`goes ${i}`, valueOf(random, i + 1));
    if (i % 20 === 0) await map.flush();
  }
  if (vacuumed) {
    for (let i = 0; i < 120; i += 2) map.delete(`goes ${i}`);
    await map.vacuum({ sparseBelow: 1 });
  }
  const digests = new Map([...map].map(([key, value]) => [key as string, digest(plain(value))]));
  await map.close();
  return digests;
}

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? materialize(value) : value;
}

/** A record of each kind in each sort of segment: the second there is, for the first is often of the rarest use. */
async function targetsIn(path: string): Promise<Target[]> {
  await using map = (await open(path, { readOnly: true })) as LodeMap;
  const { segments, meta } = storeOf(map).heap;
  const found = new Map<string, Target[]>();
  for (const id of segments.list(meta.tail.segment)) {
    const segment = segments.get(id);
    const file = segmentName(id, segment.compacted ? segments.manifest.segments.get(id)!.compacted : 0);
    const sort = `${segment.compacted ? 'compacted' : 'plain'}${id === meta.tail.segment ? ', last' : ''}`;
    for (const step of walkRecords(segment)) {
      if (step === undefined) continue;
      const what = `${kindNames.get(step.frame.kind)}${step.frame.packed ? ' packed' : ''} ${sort}`;
      const length = step.nextPosition - step.position;
      const all = found.get(what) ?? [];
      found.set(what, all);
      if (all.length >= 6) continue;
      for (const [part, at] of [['checksum', 1], ['length', 4], ['content', 5 + Math.floor((length - 5) / 2)]] as const) all.push({ what: `${part} of ${what}`, file, at: step.position + at });
    }
    if (segment.compacted) found.set(`places ${id}`, [{ what: 'places', file, at: segment.header.placesAt! + 9 }]);
    found.set(`header ${id === meta.tail.segment}`, [{ what: 'header', file, at: 30 }]);
  }
  const each = amount('LODEMAP_FLIPS_EACH', 1);
  return [...found.values()].flatMap((all, i) => (each > 1 ? all.slice(-each) : [all.at(-1 - (i % Math.min(3, all.length)))!]));
}

async function check(path: string, digests: ReadonlyMap<string, string>): Promise<number> {
  await using map = (await open(path)) as LodeMap;
  const bad = new Set<string>();
  for (const [key, wanted] of digests) {
    try {
      assert.equal(digest(plain(map.get(key))), wanted, key);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      assert.equal(error.code, 'CORRUPT', `${key}: ${error.message}`);
      bad.add(key);
    }
  }
  const told = new Set<unknown>();
  const walked = [...map.keys({ onError: (_, key) => told.add(key) })];
  assert.equal(walked.length, digests.size);
  for (const [key] of map.entries({ onError: (_, bare) => told.add(bare) })) assert.ok(digests.has(key as string));
  for (const key of told) assert.ok(bad.has(key as string), `${String(key)} was left out, but can be read`);
  const { ok, problems } = await map.verify();
  assert.ok(!ok, 'verify is content');
  const said = problems.map(({ message }) => message).join('\n');
  assert.ok(problems.every(({ code }) => code === 'CORRUPT'), said);
  assert.ok(problems.length <= 70, `${problems.length} problems: ${said}`);
  const named = new Set(problems.flatMap(({ entry }) => (entry === undefined ? [] : [entry as string])));
  for (const key of named) assert.ok(bad.has(key), `${key} is named, but can be read: ${said}`);
  if (!/more problems come of/.test(said)) for (const key of bad) assert.ok(named.has(key), `${key} can not be read, and is not named: ${said}`);
  for (const { entry, segment, offset } of problems) {
    if (entry === undefined) continue;
    assert.throws(() => map.dump({ segment: segment!, offset: offset! }), (error) => error instanceof StoreError && error.code === 'CORRUPT', `dump ${segment}:${offset}: ${said}`);
  }
  return bad.size;
}

suite('one flipped bit', () => {
  before(() => setSegmentBytes(60_000));
  after(() => setSegmentBytes(undefined));

  for (const vacuumed of [false, true]) {
    test(vacuumed ? 'in a store that was vacuumed' : 'in a store as the log was written', async (t) => {
      const path = join(scratch(), 'store');
      const digests = await makeStore(path, vacuumed);
      const targets = await targetsIn(path);
      let unreadable = 0;
      for (const { what, file, at } of targets) {
        const name = join(path, file);
        const bytes = readFileSync(name);
        const flipped = Buffer.from(bytes);
        flipped[at]! ^= 0x08;
        writeFileSync(name, flipped);
        try {
          unreadable += await check(path, digests);
        } catch (error) {
          // Without its last segment's header no store opens: what is behind it may be torn or not.
          const isRefused = error instanceof StoreError && error.code === 'CORRUPT' && what.startsWith('header');
          if (!isRefused) throw new Error(`${what}, byte ${at} of ${file}: ${(error as Error).message}`, { cause: error });
        }
        writeFileSync(name, bytes);
      }
      t.diagnostic(`${targets.length} bits, ${unreadable} entries that could not be read`);
      assert.ok(unreadable > 0);
    });
  }
});
