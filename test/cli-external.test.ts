/** sort, group and join on the command line: a child process, its output, its exit code, what it leaves behind. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratch } from './suite/scratch.ts';

const cli = fileURLToPath(new URL('../lib/cli.js', import.meta.url));
const folder = scratch();

function run(...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', cwd: folder, timeout: 60_000, maxBuffer: 1 << 28 });
  return { status, out: stdout, err: stderr };
}

function done(...args: string[]): string {
  const { status, out, err } = run(...args);
  assert.equal(status, 0, `lodemap ${args.join(' ')}: ${err}`);
  return out;
}

writeFileSync(join(folder, 'a.csv'), 'id,city,amount\n1,Rome,10\n2,Oslo,9\n3,Rome,200\n');
writeFileSync(join(folder, 'b.csv'), 'city,id\nRome,IT\nParis,FR\n');
writeFileSync(join(folder, 'rows.jsonl'), '{"n":2,"a":{"b":1}}\n{"n":1,"a":{"b":3}}\n');
mkdirSync(join(folder, 'tmp'));

test('files are sorted, to standard output and to a file', () => {
  assert.equal(done('sort', 'a.csv', '--by', 'amount'), 'id,city,amount\n1,Rome,10\n3,Rome,200\n2,Oslo,9\n');
  assert.equal(done('sort', 'a.csv', '--by', 'amount', '--numbers', '--desc'), 'id,city,amount\n3,Rome,200\n1,Rome,10\n2,Oslo,9\n');
  assert.equal(done('sort', 'a.csv', '--by', 'city,amount'), 'id,city,amount\n2,Oslo,9\n1,Rome,10\n3,Rome,200\n');
  assert.equal(done('sort', 'rows.jsonl', '--by', 'a.b', '--desc'), '{"n":1,"a":{"b":3}}\n{"n":2,"a":{"b":1}}\n');
  const report = JSON.parse(done('sort', 'a.csv', '--by', 'id', '--desc', '-o', 'sorted.jsonl', '--json')) as Record<string, number>;
  assert.equal(report['rows'], 3);
  assert.match(readFileSync(join(folder, 'sorted.jsonl'), 'utf8'), /^\{"id":"3"/);
});

test('lists of a store are sorted, grouped and joined', () => {
  done('import', 'store', 'a.csv', '--as', 'list', '--name', 'sales', '--numbers');
  done('import', 'store', 'b.csv', '--as', 'list', '--name', 'cities');
  assert.deepEqual(done('sort', 'store', 'sales', '--by', 'amount', '--processes', '2').trim().split('\n').map((line) => (JSON.parse(line) as { id: number }).id), [2, 1, 3]);
  assert.equal(done('sort', 'store', 'sales', '--by', 'city,amount', '--desc', '--processes', '2').split('\n').map((line) => line.slice(0, 7)).join(), '{"id":3,{"id":1,{"id":2,');
  assert.equal(done('group', 'store', 'sales', '--by', 'city', '--sum', 'amount', '--max', 'id'), '{"city":"Oslo","count":1,"sum_amount":9,"max_id":2}\n{"city":"Rome","count":2,"sum_amount":210,"max_id":3}\n');
  assert.equal(done('join', 'store', 'sales', 'cities', '--by', 'city', '--type', 'anti'), '{"id":2,"city":"Oslo","amount":9}\n');
});

test('groups and joins of files', () => {
  assert.equal(done('group', 'a.csv', '--by', 'city', '--numbers', '--mean', 'amount'), 'city,count,mean_amount\nOslo,1,9\nRome,2,105\n');
  assert.equal(done('join', 'a.csv', 'b.csv', '--by', 'city'), 'id,city,amount,right_id\n1,Rome,10,IT\n3,Rome,200,IT\n');
  assert.equal(done('join', 'a.csv', 'b.csv', '--by', 'city', '--type', 'right'), 'id,city,amount,right_id\n,Paris,,FR\n1,Rome,10,IT\n3,Rome,200,IT\n');
});

test('misuse and failures have their exit codes', () => {
  assert.equal(run('sort').status, 2);
  assert.equal(run('sort', 'a.csv', '--budget', '5').status, 2);
  assert.equal(run('sort', 'a.txt').status, 2);
  assert.equal(run('group', 'a.csv').status, 2);
  assert.equal(run('join', 'a.csv', '--by', 'id').status, 2);
  assert.equal(run('sort', 'none.csv').status, 1);
  assert.match(run('sort', '--help').out, /--processes/);
});

test('Ctrl-C leaves no spill file and no output', { timeout: 60_000 }, async () => {
  const big = Array.from({ length: 150_000 }, (_, i) => `{"i":${(i * 7919) % 150_000},"text":"some text for a row"}\n`).join('');
  writeFileSync(join(folder, 'big.jsonl'), big);
  for (const [waitMs, ...more] of [[300], [600], [500, '--processes', '2']] as [number, ...string[]][]) {
    const child = spawn(process.execPath, [cli, 'sort', 'big.jsonl', '--by', 'i', '-o', 'big-sorted.jsonl', '--tmpdir', 'tmp', ...more], { cwd: folder, stdio: 'ignore' });
    setTimeout(() => child.kill('SIGINT'), waitMs);
    const code = await new Promise((resolve) => child.on('exit', resolve));
    assert.ok(code === 0 || code === 1 || code === null, `exit code ${String(code)}`);
    assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
    if (code !== 0) assert.deepEqual(readdirSync(folder).filter((name) => name.includes('big-sorted')), []);
    else break;
  }
});
