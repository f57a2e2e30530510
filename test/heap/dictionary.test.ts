import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../src/base/bytes.ts';
import { isStoreError } from '../../src/base/errors.ts';
import { Link } from '../../src/heap/chunk.ts';
import { Dictionary, packedBytesMax, packedSize } from '../../src/heap/segment/dictionary.ts';
import type { Content } from '../../src/heap/segment/dictionary.ts';
import { appendPacked, fillContent, FrameReader, frameLinkRef, recordSeed, unpackedRecordBytes } from '../../src/heap/segment/record.ts';
import { WordSampler } from '../../src/heap/segment/word-sampler.ts';

const words = ['alpha', 'beta', 'Gamma', '\x46delta1', ' omega', 'x'.repeat(31)];

/** Contents as records have them: words, numbers, noise; and links that repeat. */
const payloads = fc
  .array(
    fc.oneof(
      fc.constantFrom(...words).map((word) => Buffer.from(word, 'latin1')),
      fc.uint8Array({ maxLength: 12 }),
      fc.double().map((value) => Buffer.from(new Float64Array([value]).buffer)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat(parts));
const links = fc.array(fc.constantFrom(new Link(4096, 7), new Link(2 ** 40 + 16, 0xffffffff), new Link(123_456_789, 1)), { maxLength: 4 });

function contentOf(payload: Uint8Array, of: readonly Link[]): Content {
  const content = { bytes: Buffer.alloc(packedBytesMax + 1), size: 0, links: 0 };
  assert.ok(fillContent(content, payload, { start: 0, end: payload.length }, of));
  return content;
}

function trained(): Dictionary {
  const sampler = new WordSampler(20_000);
  const content = contentOf(Buffer.from(words.join(''), 'latin1'), [new Link(4096, 7), new Link(2 ** 40 + 16, 0xffffffff)]);
  while (!sampler.full) sampler.add(content);
  const dictionary = sampler.take();
  assert.ok(dictionary);
  return dictionary;
}

test('what is packed is unpacked the same, as a record', () => {
  const dictionary = trained();
  let packed = 0;
  fc.assert(
    fc.property(payloads, links, (payload, of) => {
      const out = new ByteWriter(64);
      const place = { seed: 5, base: 640 };
      const content = contentOf(payload, of);
      const offset = appendPacked(out, place, 3, { content, dictionary });
      if (offset < 0) {
        assert.equal(out.length, 0);
        return;
      }
      packed++;
      assert.ok(out.length < content.size + 8);
      const whole = new FrameReader();
      assert.equal(whole.read(out.bytes, 0, out.length, recordSeed(5, offset)), undefined);
      assert.ok(whole.packed && whole.end === out.length);
      const target = Buffer.alloc(unpackedRecordBytes(out.bytes, whole));
      whole.unpack(out.bytes, dictionary, packedSize(out.bytes, whole.start, whole.end), { out: target, at: 0 });
      assert.deepEqual([whole.kind, whole.linkCount, whole.end], [3, of.length, target.length]);
      assert.ok(payload.equals(target.subarray(whole.start, whole.end)));
      assert.deepEqual(of.map((link) => link.ref), of.map((_, index) => frameLinkRef(target, whole, index)));
    }),
    { numRuns: 2000 },
  );
  assert.ok(packed > 100);
});

test('words that repeat take two bytes', () => {
  const dictionary = trained();
  const content = contentOf(Buffer.from('\x46delta1'.repeat(10), 'latin1'), [new Link(4096, 7)]);
  const out = Buffer.alloc(300);
  // The size (1), the link and ten words.
  assert.equal(dictionary.pack(content, out, 0), 1 + 11 * 2);
});

test('a sample without words makes no dictionary, and is not asked for again until the next segment', () => {
  const sampler = new WordSampler(5000);
  for (let i = 0; !sampler.full; i++) sampler.add(contentOf(Buffer.from(Float64Array.of(Math.sin(i), Math.cos(i)).buffer), []));
  assert.equal(sampler.take(), undefined);
  assert.equal(sampler.hungry, false);
  sampler.reset();
  assert.equal(sampler.hungry, true);
});

test('codes that no dictionary has written are refused, never read beyond', () => {
  const dictionary = trained();
  const coded = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      if (!isStoreError(error, 'CORRUPT')) throw error;
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(100), (codes, size) => {
      const out = Buffer.alloc(size + 20, 0xee);
      coded(() => dictionary.unpack({ bytes: codes, at: 0, end: codes.length }, { bytes: out, at: 10, end: 10 + size }));
      assert.ok(out.subarray(0, 10).every((byte) => byte === 0xee) && out.subarray(10 + size).every((byte) => byte === 0xee));
      coded(() => void new Dictionary(codes));
    }),
    { numRuns: 2000 },
  );
});
