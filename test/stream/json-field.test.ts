/** Strategy: generated JSON, also damaged in one byte, against what `JSON.parse` says of it: is it JSON, and what has the field. */
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonField } from '../../src/stream/json/json-field.ts';
import { asDoubles } from './doubles.ts';
import { Random, seedOf } from '../suite/random.ts';

const nothing = Symbol('no JSON');

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return nothing;
  }
}

function check(field: JsonField, name: string, bytes: Buffer): void {
  // The text lies somewhere in a larger buffer, with other text right behind it.
  const around = Buffer.concat([Buffer.from('"x'), bytes, Buffer.from('1]}"')]);
  const value = parse(bytes.toString());
  const isJson = field.find(around, 2, 2 + bytes.length);
  if (bytes.toString().trim() === '' && /^[ \t\r\n]*$/.test(bytes.toString())) {
    assert.ok(isJson);
    return;
  }
  assert.equal(isJson, value !== nothing, bytes.toString());
  if (!isJson) return;
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value);
  const wanted = isPlain && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  assert.deepEqual(asDoubles(field.value), wanted, bytes.toString());
  assert.equal(around.toString('utf8', field.start, field.end), bytes.toString().trim());
}

const names = ['score', 'é"\\', '', '__proto__', '\u2028'];

function someJson(): fc.Arbitrary<string> {
  const key = fc.oneof(fc.constantFrom(...names), fc.string());
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.constantFrom(0, -0, 1e21, 1e-7, 123456789012345, 1234567890123456, 0.1, -12.25, 5e-324, true, false, null),
      fc.string({ unit: 'binary' }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
    ),
  }));
  return fc.tuple(value, fc.constantFrom(undefined, 1)).map(([json, indent]) => JSON.stringify(json, undefined, indent).replaceAll('\ud800', ''));
}

test('finds what JSON.parse finds, and nothing in what it refuses', (t) => {
  const seed = seedOf(t);
  const random = new Random(seed);
  const fields = names.map((name) => [name, new JsonField(name)] as const);
  fc.assert(
    fc.property(someJson(), (text) => {
      for (const [name, field] of fields) {
        const bytes = Buffer.from(text);
        if (!isUtf8(bytes) || bytes.toString() !== text) continue;
        check(field, name, bytes);
        for (let i = 0; i < 6 && bytes.length > 0; i++) {
          const damaged = Buffer.from(bytes);
          damaged[random.below(damaged.length)] = random.pick([...Buffer.from('"\\{}[]:,0-e.u \n'), random.below(128)]);
          if (isUtf8(damaged)) check(field, name, damaged);
          check(field, name, Buffer.from(text.slice(0, random.below(text.length))));
        }
      }
    }),
    { numRuns: 500, seed },
  );
});

test('odd texts', () => {
  const field = new JsonField('a');
  for (const text of ['', ' ', '{}', '[]', '1', '"a"', '{"a":1,"a":2}', '{"a":{"a":1}}', '{"b":{"a":1}}', '{"a":[]}', '{"a":{}}', '{"\\u0061":5}', '{"a" : -0 }', '[{"a":1}]', '{"a":1', '{"a"}', '{"a":}', '{,}', '[1,]', '01', '1.', '.5', '1e', '1e5', '-', '+1', 'tru', 'truex', '"\\x"', '"\\u12g4"', '"\t"', '{"a":"\\""}', '{"a":1}}', '{"a":1} x', '{"a":123456789012345678901}', '{"a":0.1234567890123}', '{"a":1.5e3}', 'nul', '[[[[]]]]', '{"a":[1,{"a":[]}]}']) {
    check(field, 'a', Buffer.from(text));
  }
  const deep = Buffer.from(`${'['.repeat(100_000)}1${']'.repeat(100_000)}`);
  assert.ok(field.find(deep, 0, deep.length));
});
