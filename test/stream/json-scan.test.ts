/**
 * Strategy: any JSON text, cut into chunks anywhere and with any limit on elements, put together again from its parts.
 * Invariants: the value is what JSON.parse gives; a text JSON.parse refuses is refused with a place inside the text.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asDoubles } from './doubles.ts';
import { FormatError } from '../../src/stream/format-error.ts';
import { scanJson } from '../../src/stream/json/json-scan.ts';

function chunksOf(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

/** Builds the value from its parts; `opened` counts the containers that came in parts. */
async function rebuild(text: string, size: number, elementBytesMax: number): Promise<{ value: unknown; opened: number }> {
  let opened = 0;
  let root: unknown;
  const stack: unknown[] = [];
  const add = (target: unknown, key: string | undefined, value: unknown): void => {
    if (Array.isArray(target)) target.push(value);
    else Object.defineProperty(target, key!, { value, enumerable: true, configurable: true, writable: true });
  };
  for await (const part of scanJson(chunksOf(text, size), { elementBytesMax })) {
    if (part.part === 'scalar') root = part.value;
    else if (part.part === 'close') stack.pop();
    else if (part.part === 'elements') for (const value of part.values) add(stack.at(-1), undefined, value);
    else if (part.part === 'members') for (const [key, value] of part.entries) add(stack.at(-1), key, value);
    else {
      opened++;
      const container = part.container === 'list' ? [] : {};
      if (stack.length === 0) root = container;
      else add(stack.at(-1), part.key, container);
      stack.push(container);
    }
  }
  assert.equal(stack.length, 0);
  return { value: asDoubles(root), opened };
}

async function failure(text: string, size = 7, elementBytesMax = 8): Promise<FormatError> {
  const error: unknown = await rebuild(text, size, elementBytesMax).then(() => assert.fail(`accepted ${text}`), (thrown: unknown) => thrown);
  assert.ok(error instanceof FormatError, `a FormatError for ${text}, got ${String(error)}`);
  assert.equal(error.code, 'FORMAT');
  return error;
}

test('any JSON text comes back whole, however it is cut', async () => {
  const json = fc.json({ maxDepth: 6, stringUnit: 'binary' });
  await fc.assert(fc.asyncProperty(json, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 60 }), fc.constantFrom(undefined, 1, '\t'), async (text, size, limit, space) => {
    const spaced = JSON.stringify(JSON.parse(text), null, space);
    const { value } = await rebuild(spaced, size, limit);
    assert.deepEqual(value, JSON.parse(spaced));
  }), { numRuns: 1500 });
});

test('a text that is not JSON is refused, with a place inside it', async () => {
  const mutated = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', ']', '}', '[', '{', '"', ':', 'x', '\\', '0', ' ', '\n'), fc.nat(2));
  await fc.assert(fc.asyncProperty(mutated, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 30 }), async ([text, at, put, cut], size, limit) => {
    const place = text.length === 0 ? 0 : at % text.length;
    const broken = text.slice(0, place) + put + text.slice(place + cut);
    let expected: unknown;
    try {
      expected = JSON.parse(broken);
    } catch {
      const { line, column } = await failure(broken, size, limit);
      const lines = broken.split('\n');
      assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
      assert.ok(column >= 1 && column <= lines[line - 1]!.length + 1, `column ${column}`);
      return;
    }
    assert.deepEqual((await rebuild(broken, size, limit)).value, expected);
  }), { numRuns: 3000 });
});

test('elements larger than the limit are entered, smaller ones are not', async () => {
  const text = JSON.stringify({ small: [1, 2], data: Array.from({ length: 200 }, (_, i) => ({ i })), tail: 'x' });
  assert.equal((await rebuild(text, 16, 64)).opened, 2);
  assert.equal((await rebuild(text, 16, 1 << 20)).opened, 1);
  assert.deepEqual((await rebuild(text, 16, 64)).value, JSON.parse(text));
});

test('a byte order mark is passed over; scalars are roots too', async () => {
  assert.deepEqual((await rebuild('\uFEFF [1]', 1, 8)).value, [1]);
  for (const text of ['1', ' "a\\"b" ', 'null ', '-0.5e3', 'true']) assert.deepEqual((await rebuild(text, 1, 8)).value, JSON.parse(text));
});

test('errors know file, line and column', async () => {
  const places: [string, number, number][] = [
    ['[1,\n 2,\n x]', 3, 2],
    ['{"a": 1,\n "é😀": tru}', 2, 9],
    ['[1, 2', 1, 6],
    ['[1] 2', 1, 5],
    ['[1}', 1, 3],
    ['[1,]', 1, 4],
    ['{"a":"\t"}', 1, 7],
    ['', 1, 1],
    ['{"data": [[1, 2, 3], [4, 5, 6], [7 8]]}', 1, 36],
    [`{"data": [${'1, '.repeat(30)}\n oops]}`, 2, 2],
    [`{"data" [${'1, '.repeat(30)}]}`, 1, 9],
  ];
  for (const [text, line, column] of places) {
    for (const size of [1, 3, 1000]) {
      const error = await failure(text, size);
      assert.deepEqual([error.line, error.column, error.file], [line, column, '(input)'], `${text} by ${size}: ${error.message}`);
    }
  }
  const bad = Buffer.concat([Buffer.from('["é",\n"'), Buffer.from([0xff]), Buffer.from('"]')]);
  await assert.rejects(async () => {
    for await (const part of scanJson([bad], { file: 'x.json' })) void part;
  }, { code: 'FORMAT', file: 'x.json', line: 2, column: 2 });
});
