/** The command line as its users meet it: a child process, its output and its exit code. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const cli = fileURLToPath(new URL('../lib/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lodemap-cli-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let stores = 0;

function newStore(): string {
  return join(folder, `store-${stores++}`);
}

function run(args: readonly string[], input = ''): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { input, encoding: 'utf8', cwd: folder, timeout: 60_000, maxBuffer: 1 << 28 });
  return { status, out: stdout, err: stderr };
}

/** Runs what must succeed; gives its output. */
function done(args: readonly string[], input = ''): string {
  const { status, out, err } = run(args, input);
  assert.equal(status, 0, `lodemap ${args.join(' ')}: ${err}`);
  return out;
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('import and export', () => {
  test('--skip-bad leaves out what is damaged, and says so', () => {
    const store = newStore();
    const data = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, `${i} is a string that is long enough for a record of its own, ${'so it is. '.repeat(60)}`]));
    done(['import', store, '-'], JSON.stringify(data));
    const log = join(store, 'segments', '00000001.seg');
    const bytes = readFileSync(log);
    bytes[bytes.indexOf('17 is a string') + 30]! ^= 4;
    writeFileSync(log, bytes);
    assert.equal(run(['export', store]).status, 1);
    for (const format of ['json', 'jsonl']) {
      const { status, out, err } = run(['export', store, '--skip-bad', '--format', format]);
      assert.equal(status, 1);
      assert.match(err, /left out: "k17".*damaged[\s\S]*1 entries could not be read/);
      const left = format === 'json' ? Object.keys(JSON.parse(out) as object) : out.trim().split('\n').map((line) => (JSON.parse(line) as { key: string }).key);
      assert.deepEqual(left.toSorted(), Object.keys(data).filter((key) => key !== 'k17').toSorted());
    }
    assert.equal(run(['export', store, 'k1', '--skip-bad']).status, 2);
  });

  test('members of an object become entries, and come out as they went in', () => {
    const data = { b: { c: [1, 2, { d: 'x' }] }, a: 1.5, 'ключ': null, t: [true, false, 'é\n😀'] };
    const store = newStore();
    const report = JSON.parse(done(['import', store, file('object.json', JSON.stringify(data)), '--json'])) as Record<string, number>;
    assert.equal(report['entries'], 4);
    assert.deepEqual(JSON.parse(done(['export', store])), data);
    const again = newStore();
    done(['import', again, '-'], done(['export', store]));
    assert.deepEqual(JSON.parse(done(['export', again, '--format', 'json'])), data);
  });

  test('elements become entries under their position, and an array again', () => {
    const data = Array.from({ length: 300 }, (_, i) => ({ i, text: 'x'.repeat(i) }));
    const store = newStore();
    done(['import', store, file('array.json', JSON.stringify(data, null, 2))]);
    assert.deepEqual(JSON.parse(done(['export', store])), data);
    assert.deepEqual(JSON.parse(done(['get', store, '7', '--key-type', 'number'])), data[7]);
    assert.match(run(['get', store, '7']).err, /--key-type number/);
  });

  test('elements go under a field, also an inner one', () => {
    const store = newStore();
    done(['import', store, file('lines.jsonl', '{"id":"x","n":{"k":2}}\n{"id":"y","n":{"k":1}}\n'), '--key', 'id']);
    assert.deepEqual(JSON.parse(done(['get', store, 'y'])), { id: 'y', n: { k: 1 } });
    done(['import', store, '-', '--format', 'jsonl', '--key', 'n.k'], '{"n":{"k":7}}');
    assert.deepEqual(JSON.parse(done(['get', store, '7', '--key-type', 'number'])), { n: { k: 7 } });
    const failed = run(['import', store, '-', '--key', 'id'], '[{"id":1},{"no":2}]');
    assert.equal(failed.status, 1);
    assert.match(failed.err, /element 1 has no key at id/);
  });

  test('one list, from lines, rows or an array, plain or gzipped', () => {
    const store = newStore();
    done(['import', store, file('rows.csv.gz', gzipSync('id,note\n1,"a ""b"",\nc"\n02,\n')), '--as', 'list', '--name', 'rows']);
    assert.deepEqual(JSON.parse(done(['get', store, 'rows'])), [{ id: '1', note: 'a "b",\nc' }, { id: '02', note: '' }]);
    done(['import', store, file('rows.tsv', 'id\tn\n1\t007\n'), '--as', 'list', '--name', 'tsv', '--numbers']);
    assert.deepEqual(JSON.parse(done(['get', store, 'tsv'])), [{ id: 1, n: '007' }]);
    done(['import', store, '-', '--as', 'list', '--name', 'numbers'], JSON.stringify(Array.from({ length: 50_000 }, (_, i) => i)));
    assert.equal(done(['get', store, 'numbers', '-1']), '49999\n');
    assert.equal(done(['export', store, 'numbers', '--format', 'jsonl']).split('\n').length, 50_001);
  });

  test('a member too large to be held is streamed into its place', () => {
    const rows = Array.from({ length: 60_000 }, (_, i) => ({ i, name: `name ${i}`, tags: ['a', 'b', 'c'], pad: 'x'.repeat(100) }));
    const data = { version: 3, data: { rows, after: 'y' }, last: [[1]] };
    const text = JSON.stringify(data);
    assert.ok(text.length > 9 * 2 ** 20, 'larger than what is held');
    const store = newStore();
    done(['import', store, file('large.json', text)]);
    assert.deepEqual(JSON.parse(done(['get', store, 'data', 'rows', '59999'])), rows[59_999]);
    assert.deepEqual(JSON.parse(done(['export', store])), data);
  });

  test('malformed input: where it is, and what came before is kept', () => {
    const store = newStore();
    const failed = run(['import', store, file('bad.jsonl', '{"a":1}\n\n{"b" 2}\n{"c":3}\n')]);
    assert.equal(failed.status, 1);
    assert.match(failed.err, /bad\.jsonl:3:6: .*\(FORMAT\)/);
    const skipped = JSON.parse(done(['import', store, join(folder, 'bad.jsonl'), '--skip-bad', '--json'])) as Record<string, number>;
    assert.deepEqual([skipped['entries'], skipped['skipped']], [2, 1]);
    assert.equal(run(['import', store, '-'], '7').status, 1);
    assert.equal(run(['import', store, '-', '--as', 'list', '--name', 'x'], '{"a":1}').status, 1);
    assert.equal(run(['import', store, join(folder, 'missing.json')]).status, 1);
  });
});

describe('entries', () => {
  test('set, get, delete, with a path and with keys of other types', () => {
    const store = newStore();
    done(['set', store, 'user', '{"name":"Ann","tags":["a","b"],"home":{"city":"Oslo"}}']);
    assert.equal(done(['get', store, 'user', 'home', 'city']), 'Oslo\n');
    assert.equal(done(['get', store, 'user', 'home', 'city', '--json']), '"Oslo"\n');
    done(['set', store, 'user', 'home', 'city', 'Rome', '--string']);
    done(['set', store, 'user', 'tags', '1', '"c"']);
    done(['delete', store, 'user', 'tags', '0']);
    done(['delete', store, 'user', 'name']);
    assert.deepEqual(JSON.parse(done(['get', store, 'user'])), { tags: ['c'], home: { city: 'Rome' } });
    done(['set', store, '[1,"a"]', '-', '--key-type', 'json'], '{"tuple":true}');
    assert.deepEqual(JSON.parse(done(['get', store, '[1,"a"]', '--key-type', 'json'])), { tuple: true });
    done(['delete', store, 'user']);
    assert.equal(run(['get', store, 'user']).status, 1);
    assert.equal(run(['delete', store, 'user']).status, 1);
  });

  test('what is not there says what is', () => {
    const store = newStore();
    done(['set', store, 'user', '{"name":"Ann","n":[1]}']);
    assert.match(run(['get', store, 'user', 'nome']).err, /no "nome": there is name, n \(NOT_FOUND\)/);
    assert.match(run(['get', store, 'user', 'n', '1']).err, /a list of 1/);
    assert.match(run(['get', store, 'user', 'name', 'x']).err, /it is string/);
    assert.equal(run(['get', join(folder, 'nowhere'), 'x']).status, 1);
    assert.equal(existsSync(join(folder, 'nowhere')), false, 'reading makes no store');
  });

  test('ls: aligned for people, lines for machines, prefix and limit', () => {
    const store = newStore();
    done(['import', store, '-'], JSON.stringify({ 'user:1': { a: 1 }, 'user:2': 'text', zeta: [1, 2, 3] }));
    assert.equal(done(['ls', store]), 'user:1  object  1\nuser:2  string  4  "text"\nzeta    list    3\n');
    assert.equal(done(['ls', store, '--prefix', 'user:', '--json']), '{"key":"user:1","kind":"object","size":1}\n{"key":"user:2","kind":"string","size":4}\n');
    const limited = run(['ls', store, '--limit', '1']);
    assert.equal(limited.out.split('\n').length, 2);
    assert.match(limited.err, /1 shown of 3/);
  });
});

describe('care', () => {
  test('backup, and a look at records', () => {
    const store = newStore();
    done(['import', store, '-', '--key', 'id'], JSON.stringify([{ id: 'x', n: 1, text: 'long enough to lie in a chunk of its own' }]));
    const report = JSON.parse(done(['backup', store, `${store}.backup`, '--json'])) as Record<string, number>;
    assert.equal(report['segmentsCopied'], 1);
    assert.match(done(['backup', store, `${store}.backup`, '--trust-kept']), /segments kept +1/);
    assert.equal(done(['get', `${store}.backup`, 'x', 'n']), '1\n');
    const failed = run(['backup', store, folder]);
    assert.equal(failed.status, 1);
    assert.match(failed.err, /FORMAT/);
    const row = done(['dump', store, 'x', '--entry']);
    const place = /^0 +(\d+:\d+)/m.exec(row)![1]!;
    assert.match(row, /kind +value/);
    assert.match(done(['dump', store, place]), /long en/);
    assert.equal((JSON.parse(done(['dump', store, place, '--json'])) as { kind: string }).kind, 'value');
    assert.equal(run(['dump', store, '1:65']).status, 1);
    assert.match(run(['dump', store, '1:65']).err, /CORRUPT/);
    assert.match(run(['dump', store, 'x']).err, /a key needs --entry/);
  });

  test('verify --repair says what it does, does that, and no more', () => {
    const store = newStore();
    done(['import', store, '-', '--key', 'id'], JSON.stringify(Array.from({ length: 50 }, (_, id) => ({ id, text: 'word '.repeat(30) }))));
    mkdirSync(join(store, 'vacuum'));
    writeFileSync(join(store, 'mine'), 'x');
    assert.match(done(['verify', store]), /left over: UNFINISHED +vacuum/);
    const repaired = run(['verify', store, '--repair']);
    assert.equal(repaired.status, 0);
    assert.match(repaired.err, /repair: removes what is left over: vacuum/);
    assert.deepEqual([existsSync(join(store, 'vacuum')), existsSync(join(store, 'mine'))], [false, true]);
    assert.equal(run(['verify', store, '--repair']).err, '');
    const log = join(store, 'segments', '00000001.seg');
    const bytes = readFileSync(log);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(log, bytes);
    const damaged = run(['verify', store, '--repair']);
    assert.equal(damaged.status, 1);
    assert.match(damaged.err, /can not be repaired/);
    assert.match(damaged.out, /CORRUPT +segments\/00000001\.seg is damaged at offset \d+/);
    assert.ok(readFileSync(log).equals(bytes));
  });

  test('stat, verify and rebuild', () => {
    const store = newStore();
    done(['import', store, '-'], JSON.stringify({ a: 1, b: 'x'.repeat(10_000) }));
    const stats = JSON.parse(done(['stat', store, '--json'])) as Record<string, number>;
    assert.equal(stats['entries'], 2);
    assert.ok(stats['bytesOnDisk']! > 0);
    assert.match(done(['stat', store]), /^entries +2$/m);
    assert.equal((JSON.parse(done(['verify', store, '--json'])) as { ok: boolean }).ok, true);
    assert.equal((JSON.parse(done(['rebuild', store, '--json'])) as { entries: number }).entries, 2);
    assert.deepEqual(JSON.parse(done(['export', store])), { a: 1, b: 'x'.repeat(10_000) });
  });

  test('bench measures with a store of its own, and takes it away', () => {
    const store = newStore();
    const before = readdirSync(folder);
    const { records, figures, diskBytes } = JSON.parse(done(['bench', store, '--records', '300', '--json'])) as {
      records: number;
      diskBytes: number;
      figures: Record<string, { count: number; ms: number }>;
    };
    assert.equal(records, 300);
    assert.ok(diskBytes > 0);
    assert.equal(figures['store records']?.count, 300);
    assert.equal(figures['sort the list by a field']?.count, 300);
    assert.deepEqual(readdirSync(folder), before);
    assert.equal(run(['bench', '--records', '0']).status, 2);
    assert.equal(run(['bench', 'a', 'b']).status, 2);
  });

  test('misuse is 2, and help says how', () => {
    assert.equal(run([]).status, 2);
    assert.equal(run(['frobnicate']).status, 2);
    for (const args of [['get'], ['get', 'x'], ['ls', 'x', '--limit', 'many'], ['stat', 'x', 'y'], ['export', 'x', '--format', 'xml'],
      ['import', 'x', 'y.json', '--as', 'list'], ['import', 'x', 'y.json', '--name', 'k'], ['set', 'x', 'k', '{bad'], ['get', 'x', 'k', '--nope']]) {
      const { status, err } = run(args);
      assert.equal(status, 2, args.join(' '));
      assert.match(err, /--help/);
    }
    const overview = done(['--help']);
    for (const verb of ['import', 'export', 'get', 'set', 'delete', 'ls', 'stat', 'verify', 'backup', 'dump', 'rebuild']) {
      const help = done([verb, '--help']);
      assert.match(help, new RegExp(`^lodemap ${verb} <store>`));
      assert.match(help, new RegExp(`\\n  .*lodemap ${verb} `), 'has an example');
      assert.match(overview, new RegExp(`^  ${verb} `, 'm'));
    }
    assert.match(done(['--version']), /^\d+\.\d+\.\d+\n$/);
  });

  test('errors are JSON where results are', () => {
    const { status, err } = run(['get', join(folder, 'nowhere'), 'x', '--json']);
    assert.equal(status, 1);
    assert.equal((JSON.parse(err) as { code: string }).code, 'NOT_FOUND');
  });

  test('an interrupted import ends in good order and keeps what was put', async () => {
    const store = newStore();
    const child = spawn(process.execPath, [cli, 'import', store, '-', '--format', 'jsonl', '--key', 'id'], { cwd: folder });
    let err = '';
    child.stderr.on('data', (text) => void (err += String(text)));
    let id = 0;
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.stdin.on('error', () => {
      // The reader has gone, as it was told to.
    });
    for (let tries = 0; tries < 200 && !(existsSync(store) && id > 20_000); tries++) {
      for (let i = 0; i < 2000; i++) child.stdin.write(`{"id":${id++},"text":"${'x'.repeat(200)}"}\n`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill('SIGINT');
    assert.equal(await ended, 1, err);
    assert.match(err, /interrupted/);
    assert.equal((JSON.parse(done(['verify', store, '--json'])) as { ok: boolean }).ok, true);
    const { entries } = JSON.parse(done(['stat', store, '--json'])) as { entries: number };
    assert.ok(entries > 0 && entries <= id, `${entries} of ${id}`);
  });

  test('a reader that goes away is no failure', async () => {
    const store = newStore();
    done(['import', store, '-', '--as', 'list', '--name', 'n'], JSON.stringify(Array.from({ length: 200_000 }, (_, i) => i)));
    const child = spawn(process.execPath, [cli, 'export', store, 'n', '--format', 'jsonl'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.stdout.destroy());
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
  });
});
