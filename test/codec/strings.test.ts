/** Strings that are decoded in parts: the parts are cut between characters, wherever they would end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUtf8 } from '../../src/codec/slot/strings.ts';
import { Random, seedOf } from '../suite/random.ts';

test('long UTF-8 is decoded in parts', (t) => {
  const random = new Random(seedOf(t));
  const characters = ['a', 'é', 'Ѐ', '語', '😀', '\u0000', '\uffff', '\u{10ffff}'];
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: random.below(60) }, () => random.pick(characters)).join('');
    const bytes = Buffer.from(`xx${text}yyy`);
    for (const partBytes of [4, 5, 6, 7, 11, 64]) assert.equal(readUtf8(bytes, 2, bytes.length - 3, partBytes), text);
  }
});
