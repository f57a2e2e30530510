/** Strategy: files of lines of all sorts, sorted as lines and as values, must come out the same. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isStoreError } from '../../src/base/errors.ts';
import type { ExternalStats } from '../../src/external/tally.ts';
import type { FormatError } from '../../src/stream/format-error.ts';
import { Stream } from '../../src/stream/stream.ts';
import { Random, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';

test('lines come in the order of their field, as they were', async (t) => {
  const random = new Random(seedOf(t));
  const folder = scratch();
  const lines = Array.from({ length: 8000 }, (_, i) => {
    const score = random.pick([String(random.below(500)), '-1.5', '0', '-0', '1e400', 'null', '"x"', '"é\\n"', 'true', '[1,2]', undefined]);
    return `{"i":${i}${score === undefined ? '' : `, "score": ${score}`},"text":"${'t'.repeat(random.below(50))}"}`;
  });
  lines[0] = '5';
  lines[1] = '[{"score":3}]';
  const text = `\uFEFF${lines.join('\r\n')}\n\n  \n`;
  for (const [name, content] of [['lines.jsonl', text], ['lines.jsonl.gz', gzipSync(text)]] as const) {
    const file = join(folder, name);
    writeFileSync(file, content);
    for (const descending of [false, true]) {
      const options = { by: 'score', descending, budgetBytes: 100_000, tmpdir: folder };
      const slow = Stream.fromJSONL(file).map((value: unknown) => value);
      const expected = await slow.sort(options as never).collect();
      assert.deepEqual(await Stream.fromJSONL(file).sort(options).collect(), expected);
      const out = join(folder, 'out.jsonl');
      let stats: ExternalStats | undefined;
      assert.equal(await Stream.fromJSONL(file).sort({ ...options, onStats: (found) => void (stats = found) }).toJSONL(out), 8000);
      assert.ok(stats!.runs > 1 && stats!.items === 8000);
      const written = readFileSync(out, 'utf8').split('\n').slice(0, -1);
      assert.deepEqual(written.map((line) => JSON.parse(line) as unknown), expected);
      assert.deepEqual(written.toSorted(), lines.toSorted());
    }
  }
});

test('malformed lines say where they are', async () => {
  const file = join(scratch(), 'bad.jsonl');
  const good = Array.from({ length: 5000 }, (_, i) => `{"i":${i}}`);
  for (const [bad, column] of [['{"i":}', 6], ['{"i":1', 7], ['{"i":"\xe9', 7]] as const) {
    writeFileSync(file, Buffer.from([...good, bad, ...good, ''].join('\n'), 'latin1'));
    await assert.rejects(Stream.fromJSONL(file).sort({ by: 'i' }).first(), (error) => {
      const { line, column: found } = error as FormatError;
      assert.ok(isStoreError(error, 'FORMAT'));
      assert.deepEqual([line, found], [5001, column]);
      return true;
    });
  }
  writeFileSync(file, '{"i":{}}\n');
  await assert.rejects(Stream.fromJSONL(file).sort({ by: 'i' }).first(), TypeError);
});

test('an abort is noticed', async () => {
  const folder = scratch();
  const file = join(folder, 'big.jsonl');
  await Stream.range(50_000).map((i) => ({ i })).toJSONL(file);
  await assert.rejects(Stream.fromJSONL(file).sort({ by: 'i' }).toJSONL(join(folder, 'out.jsonl'), { signal: AbortSignal.timeout(5) }), (error) => isStoreError(error, 'ABORTED'));
});

test('lines of megabytes, one without an end, and marks that are text', async () => {
  const folder = scratch();
  const file = join(folder, 'long.jsonl');
  const values = [{ n: 2, text: 'x'.repeat(3 << 20) }, { n: 1, text: 'y' }, { n: 0, text: 'z'.repeat(2 << 20) }];
  writeFileSync(file, `\uFEFF${values.map((value) => JSON.stringify(value)).join('\n')}`);
  const sorted = await Stream.fromJSONL<{ n: number }>(file).sort({ by: 'n', budgetBytes: 1 << 20, tmpdir: folder }).collect();
  assert.deepEqual(sorted, values.toReversed());
  writeFileSync(file, `\uFEFF${JSON.stringify(values[0])}`);
  assert.deepEqual(await Stream.fromJSONL(file).sort({ by: 'n' }).collect(), [values[0]]);
  const text = Array.from({ length: 40_000 }, (_, i) => `\uFEFF${i}`).join('\n');
  writeFileSync(file, text);
  assert.equal((await Stream.fromFile(file).collect()).join('\n'), text.slice(1));
});
