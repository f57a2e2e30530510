/** The data of daily life on the command line: what a file is, what is asked of it, what comes out, and what is said when it cannot be. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { scratch } from './suite/scratch.ts';

const cli = fileURLToPath(new URL('../lib/cli.js', import.meta.url));
const folder = scratch();

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], input: string | Buffer = ''): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { input, encoding: 'utf8', cwd: folder, timeout: 60_000, maxBuffer: 1 << 28 });
  return { status, out: stdout, err: stderr };
}

function done(args: readonly string[], input: string | Buffer = ''): string {
  const { status, out, err } = run(args, input);
  assert.equal(status, 0, `lodemap ${args.join(' ')}: ${err}`);
  return out;
}

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return name;
}

let stores = 0;
const newStore = (): string => `store-${stores++}`;

test('standard input is recognised by its first bytes', () => {
  const sorted: [string, string | Buffer, string][] = [
    ['JSON Lines', '{"n":2}\n{"n":1}\n', '{"n":1}\n{"n":2}\n'],
    ['JSON', '[{"n":2},\n{"n":1}]', '{"n":1}\n{"n":2}\n'],
    ['several JSON texts over several lines', '{\n "n": 2\n}\n{\n "n": 1\n}\n', '{"n":1}\n{"n":2}\n'],
    ['several JSON texts one behind the other', '{"n":2}{"n":1}', '{"n":1}\n{"n":2}\n'],
    ['several JSON texts with record separators', '\u001E{"n":2}\n\u001E{"n":1}\n', '{"n":1}\n{"n":2}\n'],
    ['CSV', 'n,x\n2,a\n1,b\n', 'n,x\n1,b\n2,a\n'],
    ['semicolons', 'n;x\n2;a\n1;b\n', 'n;x\n1;b\n2;a\n'],
    ['tabs', 'n\tx\n2\ta\n1\tb\n', 'n\tx\n1\tb\n2\ta\n'],
    ['packed', gzipSync('n,x\n2,a\n1,b\n'), 'n,x\n1,b\n2,a\n'],
    ['UTF-16', Buffer.from('\uFEFFn,x\n2,é\n1,b\n', 'utf16le'), 'n,x\n1,b\n2,é\n'],
  ];
  for (const [what, input, output] of sorted) assert.equal(done(['sort', '-', '--by', 'n'], input), output, what);
  const store = newStore();
  done(['import', store, '-', '--key', 'id'], '{"id":"a","v":1}\n{"id":"b","v":2}\n');
  assert.equal(done(['get', store, 'b', 'v']), '2\n');
  done(['import', store, '-', '--key', 'id'], '{"id":"c","v":3}');
  assert.equal(done(['get', store, 'c', 'v']), '3\n');
  assert.equal(done(['sort', '-', '--by', '[1]', '--format', 'csv'], '[1]\n[3]\n[2]\n'), '[1]\n[2]\n[3]\n');
  assert.equal(done(['sort', file('unnamed', 'n\n2\n1\n'), '--by', 'n']), 'n\n1\n2\n');
});

test('blank cells are missing: in sums, means, least values, groups and joins', () => {
  file('sales.csv', 'month,amount\n2023-01,5\n2023-02,\n2023-01,\n2023-02,7\n,1\n');
  assert.equal(done(['group', 'sales.csv', '--by', 'month', '--sum', 'amount', '--mean', 'amount', '--min', 'amount']), 'month,count,sum_amount,mean_amount,min_amount\n,1,1,1,1\n2023-01,2,5,5,5\n2023-02,2,7,7,7\n');
  const bad = run(['group', file('bad.csv', 'm,amount\na,5\na,x\n'), '--by', 'm', '--sum', 'amount']);
  assert.deepEqual([bad.status, /bad\.csv:3:1: "x" in column "amount" is no number/.test(bad.err)], [1, true]);
  file('left.csv', 'k,a\n,1\nx,2\n');
  file('right.csv', 'k,b\n,3\nx,4\n');
  assert.equal(done(['join', 'left.csv', 'right.csv', '--by', 'k']), 'k,a,b\nx,2,4\n');
  assert.equal(done(['join', 'left.csv', 'right.csv', '--by', 'k', '--type', 'left']), 'k,a,b\n,1,\nx,2,4\n');
  assert.equal(done(['group', '-', '--by', 'k'], '{"k":null}\n{}\n{"k":1}\n'), '{"k":null,"count":2}\n{"k":1,"count":1}\n');
});

test('integers beyond 2^53 stay apart, whatever is done with them', () => {
  const [a, b] = ['9007199254740992', '9007199254740993'];
  file('ids.csv', `id,v\n${b},2\n${a},1\n`);
  file('ids.jsonl', `{"id":${b},"v":2}\n{"id":${a},"v":1}\n`);
  for (const processes of ['1', '2']) {
    assert.equal(done(['sort', 'ids.csv', '--by', 'id', '--numbers', '--processes', processes]), `id,v\n${a},1\n${b},2\n`);
    assert.equal(done(['sort', 'ids.jsonl', '--by', 'id', '--processes', processes]), `{"id":${a},"v":1}\n{"id":${b},"v":2}\n`);
    assert.equal(done(['group', 'ids.jsonl', '--by', 'id', '--processes', processes]).split('\n').length, 3);
    assert.equal(done(['join', 'ids.jsonl', 'ids.jsonl', '--by', 'id', '--processes', processes]).split('\n').length, 3);
  }
  done(['sort', 'ids.jsonl', '--by', 'id', '-o', 'sorted.csv']);
  assert.equal(readFileSync(join(folder, 'sorted.csv'), 'utf8'), `id,v\n${a},1\n${b},2\n`);
  const store = newStore();
  assert.equal((JSON.parse(done(['import', store, 'ids.jsonl', '--key', 'id', '--json'])) as { entries: number }).entries, 2);
  assert.match(done(['export', store, '--format', 'jsonl']), new RegExp(`"id":${b}`));
  done(['import', store, 'ids.csv', '--as', 'list', '--name', 'rows', '--numbers']);
  assert.deepEqual((JSON.parse(done(['get', store, 'rows'])) as { id: unknown }[]).map(({ id }) => id), [b, a]);
});

test('what was not asked for leaves as it came', () => {
  const text = 'v,n\n1.10,3\n2.0,1\n1e400,2\n-0,9\n007,10\n';
  file('odd.csv', text);
  assert.equal(done(['sort', 'odd.csv', '--by', 'n', '--numbers']), 'v,n\n2.0,1\n1e400,2\n1.10,3\n-0,9\n007,10\n');
  const store = newStore();
  done(['import', store, 'odd.csv', '--as', 'list', '--name', 'odd', '--numbers']);
  assert.deepEqual((JSON.parse(done(['get', store, 'odd'])) as { v: unknown }[]).map(({ v }) => v), ['1.10', '2.0', '1e400', '-0', '007']);
});

test('columns that are not there are named, with the nearest that is', () => {
  file('cities.csv', 'city,population\nOslo,1\n');
  for (const args of [['sort', 'cities.csv', '--by', 'ctiy'], ['group', 'cities.csv', '--by', 'city', '--sum', 'populaton'], ['join', 'cities.csv', 'cities.csv', '--by', 'town'], ['import', newStore(), 'cities.csv', '--key', 'id']]) {
    const { status, err } = run(args);
    assert.deepEqual([status, /There are "city", "population"/.test(err)], [2, true], err);
  }
  assert.match(run(['sort', 'cities.csv', '--by', 'ctiy']).err, /did you mean "city"\?/);
  const lines = run(['sort', '-', '--by', 'nmae'], '{"name":"x"}\n{"name":"y"}\n');
  assert.deepEqual([lines.status, lines.out, /did you mean "name"/.test(lines.err)], [2, '', true]);
});

test('names with commas, spaces and quotes; several fields', () => {
  file('names.csv', '"a,b","c ""d""",e f\n2,x,1\n1,y,1\n1,x,1\n');
  assert.equal(done(['sort', 'names.csv', '--by', 'a,b', '--by', 'c "d"']), '"a,b","c ""d""",e f\n1,x,1\n1,y,1\n2,x,1\n');
  assert.equal(done(['sort', 'names.csv', '--by', '["c \\"d\\"","a,b"]']), '"a,b","c ""d""",e f\n1,x,1\n2,x,1\n1,y,1\n');
  assert.equal(done(['group', 'names.csv', '--by', '["a,b","c \\"d\\""]', '--sum', 'e f']), '"a,b","c ""d""",count,sum_e f\n1,x,1,1\n1,y,1,1\n2,x,1,1\n');
  assert.equal(done(['group', '-', '--by', 'a,b'], 'a,b\n1,x\n1,x\n2,x\n'), 'a,b,count\n1,x,2\n2,x,1\n');
});

test('columns do not overwrite each other', () => {
  file('l.csv', 'k,x,right_x\n1,a,b\n');
  file('r.csv', 'k,x\n1,c\n');
  assert.equal(done(['join', 'l.csv', 'r.csv', '--by', 'k']), 'k,x,right_x,right_x_1\n1,a,b,c\n');
  file('l.jsonl', '{"k":1}\n{"k":2,"late":"l"}\n');
  file('r.jsonl', '{"k":1,"late":"r1"}\n{"k":2,"__proto__":5,"more":6}\n');
  assert.equal(done(['join', 'l.jsonl', 'r.jsonl', '--by', 'k']), '{"k":1,"right_late":"r1"}\n{"k":2,"late":"l","__proto__":5,"more":6}\n');
  done(['join', 'l.jsonl', 'r.jsonl', '--by', 'k', '-o', 'both.csv']);
  assert.equal(readFileSync(join(folder, 'both.csv'), 'utf8'), 'k,late,right_late,__proto__,more\n1,,r1,,\n2,l,,5,6\n');
  assert.equal(done(['group', '-', '--by', 'count'], 'count\n5\n5\n'), 'count,count_1\n5,2\n');
  assert.equal(done(['group', '-', '--by', 'a', '--sum', 'a', '--mean', 'a'], 'a\n5\n05\n5\n\n'), 'a,count,sum_a,mean_a\n,1,0,\n05,1,5,5\n5,2,10,5\n');
  done(['sort', 'l.jsonl', '--by', 'k', '-o', 'late.csv']);
  assert.equal(readFileSync(join(folder, 'late.csv'), 'utf8'), 'k,late\n1,\n2,l\n');
  done(['sort', file('header.csv', 'a,b\n'), '--by', 'a', '-o', 'empty.csv']);
  assert.equal(readFileSync(join(folder, 'empty.csv'), 'utf8'), 'a,b\n');
});

test('a lone object is a row; a long first line does not hide the others', () => {
  assert.equal(done(['group', '-', '--by', 'k'], '{"k":1,"v":2}\n'), '{"k":1,"count":1}\n');
  assert.equal(done(['sort', '-', '--by', 'k'], '{\n "k": 1\n}'), '{"k":1}\n');
  assert.equal(done(['join', file('one.csv', 'k,a\n1,x\n'), '-', '--by', 'k'], '{"k":1,"w":2}'), 'k,a,w\n1,x,2\n');
  const long = `{"k":2,"t":"${'x'.repeat(100_000)}"}`;
  assert.equal(done(['sort', '-', '--by', 'k'], `${long}\n{"k":1}\n`), `{"k":1}\n${long}\n`);
  assert.equal(done(['sort', '-', '--by', 'k'], `${long}{"k":\n1}`), `{"k":1}\n${long}\n`);
});

test('types of a join are those of the side that has the column', () => {
  file('tl.csv', 'k,a\n1,x\n');
  file('tr.csv', 'k,n\n1,05\n');
  assert.equal(done(['join', 'tl.csv', 'tr.csv', '--by', 'k', '--types', 'n=number,k=bigint']), 'k,a,n\n1,x,5\n');
  assert.equal(done(['join', 'tl.csv', '-', '--by', 'k', '--types', 'k=bigint', '--numbers'], '{"k":1,"w":2}\n{"k":2}\n'), 'k,a,w\n1,x,2\n');
  const wrong = run(['join', 'tl.csv', 'tr.csv', '--by', 'k', '--types', 'm=number']);
  assert.deepEqual([wrong.status, /no side has a column "m"; did you mean/.test(wrong.err)], [2, true], wrong.err);
});

test('keys and values beyond 2^53 are told exactly', () => {
  const store = newStore();
  done(['import', store, '-', '--key', 'id'], '{"id":9007199254740993}\n{"id":9007199254740992}\n');
  for (const type of ['number', 'json']) assert.equal(done(['get', store, '9007199254740993', 'id', '--key-type', type]), '9007199254740993\n');
  assert.match(run(['get', store, '9007199254740993']).err, /add --key-type number/);
  done(['set', store, 'x', '{"n":12345678901234567890}']);
  assert.equal(done(['get', store, 'x', 'n']), '12345678901234567890\n');
  assert.equal(done(['group', '-', '--by', 'g', '--sum', 'n', '--mean', 'n'], '{"g":1,"n":12345678901234567890}\n{"g":1,"n":0}\n'), '{"g":1,"count":2,"sum_n":12345678901234567890,"mean_n":6172839450617284000}\n');
  assert.match(run(['group', '-', '--by', 'g', '--sum', 'n'], 'g,n\n1,12345678901234567890\n').err, /:2:1: .* is no number \(an integer beyond 2\^53 is a bigint\)/);
});

test('CSV against JSON Lines: digits are digits', () => {
  file('c.csv', 'id,v\n1,x\n02,y\n');
  file('j.jsonl', '{"id":1,"w":7}\n{"id":"02","w":8}\n{"id":2,"w":9}\n');
  assert.equal(done(['join', 'c.csv', 'j.jsonl', '--by', 'id']), 'id,v,w\n02,y,8\n1,x,7\n');
  assert.equal(done(['join', 'c.csv', 'j.jsonl', '--by', 'id', '--numbers']), 'id,v,w\n1,x,7\n02,y,8\n');
});

test('options that read what the strict mode does not', () => {
  file('odd-quotes.csv', 'a,b\n1,5" pipe\n2,"x"\n');
  const strict = run(['sort', 'odd-quotes.csv', '--by', 'a']);
  assert.deepEqual([strict.status, strict.out, /odd-quotes\.csv:2:4: .*tolerant/.test(strict.err)], [1, '', true]);
  assert.equal(done(['sort', 'odd-quotes.csv', '--by', 'a', '--desc', '--tolerant']), 'a,b\n2,x\n1,"5"" pipe"\n');
  const skipped = run(['sort', 'odd-quotes.csv', '--by', 'a', '--skip-bad']);
  assert.deepEqual([skipped.status, skipped.out, skipped.err], [0, 'a,b\n2,x\n', '1 malformed lines were left out\n']);
  assert.equal(done(['sort', '-', '--by', 'column1', '--no-header', '--format', 'csv'], '1,b\n2,a\n'), 'column0,column1\n2,a\n1,b\n');
  assert.equal(done(['sort', '-', '--by', 'a', '--ragged', 'pad'], 'a,b\n2\n1,x\n'), 'a,b\n1,x\n2,\n');
  assert.equal(done(['sort', '-', '--by', 'a', '--encoding', 'latin1'], Buffer.from('a\n\u00e9\n', 'latin1')), 'a\né\n');
  const store = newStore();
  const inferred = run(['import', store, file('typed.csv', 'id,zip,when,n\n1,01234,2024-02-29,1.5\n2,99999,2024-03-01,2\n'), '--key', 'id', '--infer']);
  assert.match(inferred.err, /^--types id=number,zip=text,when=date,n=number\n/);
  assert.equal(done(['get', store, '1', '--key-type', 'number', '--json']), '{"id":1,"zip":"01234","when":"2024-02-29T00:00:00.000Z","n":1.5}\n');
  done(['import', store, 'typed.csv', '--types', 'id=bigint,when=date,zip=text', '--as', 'list', '--name', 'rows']);
  assert.equal(done(['get', store, 'rows', '0', 'id']), '1\n');
});

test('lists are not replaced unasked; entries that were there are counted apart', () => {
  const store = newStore();
  file('three.jsonl', '{"id":1}\n{"id":2}\n{"id":1}\n');
  assert.deepEqual((({ entries, replaced }) => [entries, replaced])(JSON.parse(done(['import', store, 'three.jsonl', '--key', 'id', '--json'])) as Record<string, number>), [2, 1]);
  done(['import', store, 'three.jsonl', '--as', 'list', '--name', 'rows']);
  const again = run(['import', store, 'three.jsonl', '--as', 'list', '--name', 'rows']);
  assert.deepEqual([again.status, /--append adds to it, --replace replaces it/.test(again.err)], [1, true]);
  done(['import', store, 'three.jsonl', '--as', 'list', '--name', 'rows', '--append']);
  assert.equal((JSON.parse(done(['get', store, 'rows'])) as unknown[]).length, 6);
  done(['import', store, 'three.jsonl', '--as', 'list', '--name', 'rows', '--replace']);
  assert.equal((JSON.parse(done(['get', store, 'rows'])) as unknown[]).length, 3);
});

test('a member called __proto__ goes in and out, also inside an object that is too large to be held', () => {
  const store = newStore();
  const text = `{"big":{"__proto__":{"a":1},"rest":[${Array.from({ length: 100_000 }, (_, i) => `{"i":${i},"pad":"${'x'.repeat(80)}"}`).join(',')}]}}`;
  assert.ok(text.length > 8 * 2 ** 20);
  done(['import', store, file('proto.json', text)]);
  assert.equal(done(['get', store, 'big', '__proto__', 'a']), '1\n');
  done(['set', store, 'small', '{"a":1}']);
  done(['set', store, 'small', '__proto__', '5']);
  assert.equal(done(['get', store, 'small', '--json']), '{"a":1,"__proto__":5}\n');
});

test('output that cannot be written is a failure that says so', { skip: existsSync('/dev/full') ? false : 'there is no /dev/full here' }, () => {
  const store = newStore();
  done(['import', store, '-'], JSON.stringify(Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`key ${i}`, 'x'.repeat(40)]))));
  file('rows.csv', 'a,b\n2,x\n1,y\n');
  const commands = [['export', store], ['get', store, 'key 1'], ['ls', store], ['stat', store], ['verify', store], ['vacuum', store], ['set', store, 'x', '1'], ['import', store, 'rows.csv'], ['rebuild', store], ['sort', 'rows.csv', '--by', 'a'], ['group', 'rows.csv', '--by', 'a'], ['join', 'rows.csv', 'rows.csv', '--by', 'a'], ['help'], ['sort', '--help']];
  const full = openSync('/dev/full', 'w');
  try {
    for (const args of commands) {
      const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', full, 'pipe'], encoding: 'utf8', timeout: 60_000 });
      assert.deepEqual([status, /could not write to standard output: no space is left/.test(stderr)], [1, true], `${args.join(' ')}: ${status} ${stderr}`);
    }
  } finally {
    closeSync(full);
  }
});

test('a pipe whose reader goes away is none', () => {
  const store = newStore();
  done(['import', store, '-'], JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key ${i}`, 'x'.repeat(40)]))));
  for (const args of [`ls ${store} --limit 20000`, `export ${store} --format jsonl`, `ls ${store} --json`]) {
    const { status, stderr } = spawnSync('sh', ['-c', `{ "$0" "$1" ${args}; echo "code $?" >&2; } | head -n 1`, process.execPath, cli], { cwd: folder, encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, 'code 0\n'], args);
  }
});

test('commands and options that are misspelled; help for one command', () => {
  assert.match(run(['imprt']).err, /did you mean import\?/);
  assert.match(run(['sort', 'rows.csv', '--dsec']).err, /did you mean --desc\?/);
  assert.match(done(['help', 'import']), /^lodemap import <store>/);
  assert.equal(run(['help', 'imprt']).status, 2);
  const missing = run(['import', newStore(), 'nofile.csv']);
  assert.deepEqual([missing.status, missing.err], [1, 'lodemap import: There is no file nofile.csv (NOT_FOUND)\n']);
});

test('a truncated file names itself; a pipe is read once', () => {
  const packed = gzipSync(`a\n${'x\n'.repeat(9999)}`);
  file('cut.csv.gz', packed.subarray(0, packed.length - 9));
  for (const args of [['sort', 'cut.csv.gz'], ['import', newStore(), 'cut.csv.gz']]) assert.match(run(args).err, /cut\.csv\.gz is not whole/);
  file('b.csv', 'k,b\n1,y\n');
  const { status, stdout } = spawnSync('sh', ['-c', 'mkfifo fifo.csv && { printf "k,a\\n1,x\\n" > fifo.csv & } && timeout 30 "$0" "$1" join fifo.csv b.csv --by k', process.execPath, cli], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([status, stdout], [0, 'k,a,b\n1,x,y\n']);
});

test('each of the signals that end a process ends a command in good order', { timeout: 120_000 }, async () => {
  const rows = Array.from({ length: 300_000 }, (_, i) => `{"i":${(i * 7919) % 300_000},"text":"some text for a row"}\n`).join('');
  file('long.jsonl', rows);
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    const child = spawn(process.execPath, [cli, 'sort', 'long.jsonl', '--by', 'i', '-o', 'signalled.jsonl'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (said += text));
    const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
    // Once the output has begun.
    for (let tries = 0; tries < 2000 && child.exitCode === null && !readdirSync(folder).some((name) => name.includes('signalled')); tries++) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill(signal);
    const code = await exited;
    assert.ok(code === 1 || code === 0, `exit code ${String(code)}: ${said}`);
    if (code === 1) assert.match(said, /interrupted/);
    assert.deepEqual(readdirSync(folder).filter((name) => name.includes('signalled') && name !== 'signalled.jsonl'), []);
  }
});

/** A command that gets SIGINT `after` so many milliseconds: where it was not up by then, and died of it, a later one. */
async function interrupted(args: readonly string[], { input, after }: { input?: string; after: number }): Promise<{ code: number | null; said: string }> {
  const out = openSync(join(folder, 'out.txt'), 'w');
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: [input === undefined ? 'ignore' : 'pipe', out, 'pipe'] });
  closeSync(out);
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => void (said += text));
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  child.stdin?.on('error', () => {}).write(input!);
  await new Promise((resolve) => setTimeout(resolve, after));
  child.kill('SIGINT');
  const code = await exited;
  return code === null && after < 8000 ? await interrupted(args, { ...(input !== undefined && { input }), after: after * 2 }) : { code, said };
}

test('a command that waits for standard input stops too', async () => {
  for (const args of [['import', newStore(), '-', '--format', 'jsonl'], ['sort', '-', '--by', 'i', '--format', 'jsonl'], ['group', '-', '--by', 'i'], ['set', newStore(), 'k', '-']]) {
    const { code, said } = await interrupted(args, { input: '{"i":1}\n{"i":', after: 600 });
    assert.deepEqual([code, /interrupted/.test(said)], [1, true], `${args[0]}: ${said}`);
  }
});

test('a command that fails does not wait for the rest of its standard input', { timeout: 60_000 }, async () => {
  for (const [args, expected] of [[['sort', '-', '--by', 'zz'], 2], [['import', newStore(), '-', '--key', 'zz'], 2], [['group', '-', '--by', 'a', '--sum', 'b'], 1]] as const) {
    const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin.on('error', () => {});
    child.stdin.write(`a,b\n${'1,x\n'.repeat(50_000)}`);
    assert.equal(await new Promise((resolve) => child.on('exit', resolve)), expected, args.join(' '));
  }
});

test('commands that write for long, or read for long, stop within a second too', { timeout: 120_000 }, async () => {
  const store = newStore();
  file('many.jsonl', Array.from({ length: 200_000 }, (_, i) => `{"i":${i},"text":"some text for a row, number ${i}"}\n`).join(''));
  done(['import', store, 'many.jsonl']);
  for (const args of [['export', store], ['ls', store, '--limit', '999999'], ['rebuild', store], ['verify', store]]) {
    const { code, said } = await interrupted(args, { after: 450 });
    // A fast machine may be done by then.
    assert.ok(code === 0 || (code === 1 && /interrupted/.test(said)), `${args[0]}: ${String(code)} ${said}`);
  }
  assert.deepEqual(readdirSync(join(folder, store)).filter((name) => !['FORMAT', 'index', 'locks', 'segments'].includes(name)), []);
  assert.equal(JSON.parse(done(['stat', store, '--json'])).entries, 200_000);
});

test('stat says what there is to know', () => {
  const store = newStore();
  done(['import', store, '-'], JSON.stringify(Array.from({ length: 2000 }, (_, i) => ({ i, text: `text ${i} `.repeat(40) }))));
  for (let i = 0; i < 3; i++) done(['delete', store, String(i), '--key-type', 'number']);
  done(['backup', store, `${store}-backup`]);
  const before = JSON.parse(done(['stat', store, '--live', '--json'])) as Record<string, number | string>;
  assert.deepEqual([before['entries'], before['segments'], before['lastVacuum'], before['format']], [1997, 1, 'never', 'lodemap 1']);
  assert.equal(before['bytesOnDisk'], Number(before['logBytes']) + Number(before['indexBytes']));
  assert.match(String(before['lastBackup']), /^\d{4}-.* to .*-backup$/);
  assert.ok(Number(before['deadChunks']) > 0);
  assert.match(done(['stat', store]), /^entries +1,997\n/);
});
