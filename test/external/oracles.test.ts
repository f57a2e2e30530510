/**
 * Strategy: the same data through programs that have nothing to do with this one (`sort`, `uniq`, `join` of the system), in many
 * shapes: random, few values, all equal, sorted, reversed. Skipped where the programs are missing.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { groupByCount } from '../../src/external/group/aggregate.ts';
import { externalDistinct } from '../../src/external/sort/distinct.ts';
import { externalGroupBy } from '../../src/external/group/group-by.ts';
import { externalJoin } from '../../src/external/join.ts';
import { externalSort } from '../../src/external/sort/sort.ts';
import { Random, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { toArray } from './scene.ts';

const missing = spawnSync('sort', ['--version']).status === 0 ? false : 'no GNU coreutils here';
const folder = scratch();
const rows = 20_000;

function system(command: string, args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C' } });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').slice(0, -1);
}

function shapes(random: Random): Record<string, (index: number) => number> {
  return {
    random: () => random.below(1_000_000_000),
    few: () => random.below(12),
    equal: () => 7,
    sorted: (i) => i,
    reversed: (i) => rows - i,
    'one giant group': (i) => (i % 20 === 0 ? random.below(1000) : 500),
  };
}

test('sort -s, by number and by text', { skip: missing }, async (t) => {
  const random = new Random(seedOf(t));
  for (const [name, make] of Object.entries(shapes(random))) {
    const lines = Array.from({ length: rows }, (_, i) => `${make(i)} line${i}`);
    writeFileSync(join(folder, 'lines'), `${lines.join('\n')}\n`);
    const byNumber = await toArray(externalSort(lines, { by: (line) => Number(line.split(' ')[0]) }));
    assert.deepEqual(byNumber, system('sort', ['-s', '-n', '-k1,1', 'lines']), name);
    const descending = await toArray(externalSort(lines, { by: (line) => Number(line.split(' ')[0]), descending: true }));
    assert.deepEqual(descending, system('sort', ['-s', '-n', '-r', '-k1,1', 'lines']), name);
    assert.deepEqual(await toArray(externalSort(lines)), system('sort', ['-s', 'lines']), name);
  }
});

test('uniq -c, and the groups themselves', { skip: missing }, async (t) => {
  const random = new Random(seedOf(t));
  for (const [name, make] of Object.entries(shapes(random))) {
    const words = Array.from({ length: rows }, (_, i) => `w${make(i)}`);
    writeFileSync(join(folder, 'words'), `${words.join('\n')}\n`);
    const counted = system('sh', ['-c', 'sort words | uniq -c']).map((line) => line.trim());
    assert.deepEqual((await toArray(groupByCount(words, { by: (word) => word }))).map(([word, n]) => `${n} ${String(word)}`), counted, name);
    const sizes: string[] = [];
    for await (const [word, items] of externalGroupBy(words, { by: (item) => item })) sizes.push(`${(await toArray(items)).length} ${String(word)}`);
    assert.deepEqual(sizes, counted, name);
    assert.deepEqual(await toArray(externalDistinct(words)), system('sort', ['-u', 'words']), name);
  }
});

test('join, inner and with what has no partner', { skip: missing }, async (t) => {
  const random = new Random(seedOf(t));
  const side = (n: number, name: string): string[] => {
    const lines = Array.from({ length: n }, (_, i) => `k${String(random.below(4000)).padStart(5, '0')} ${name}${i}`);
    writeFileSync(join(folder, name), `${lines.toSorted().join('\n')}\n`);
    return lines;
  };
  const [left, right] = [side(5000, 'left'), side(3000, 'right')];
  const by = (line: string): string => line.split(' ')[0]!;
  const joined = async (type: 'inner' | 'left' | 'outer'): Promise<string[]> => {
    const pairs = await toArray(externalJoin(left, right, { leftBy: by, rightBy: by, type }));
    return pairs.map(([a, b]) => [by(a ?? b!), ...(a === undefined ? [] : [a.split(' ')[1]]), ...(b === undefined ? [] : [b.split(' ')[1]])].join(' ')).toSorted();
  };
  assert.deepEqual(await joined('inner'), system('join', ['left', 'right']).toSorted());
  assert.deepEqual(await joined('left'), system('join', ['-a1', 'left', 'right']).toSorted());
  assert.deepEqual(await joined('outer'), system('join', ['-a1', '-a2', 'left', 'right']).toSorted());
});
