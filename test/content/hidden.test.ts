/**
 * What shows nothing of what it holds has no content: `set` refuses it, `contentId` does, and for `equals` it is itself and nothing else.
 * Taken for empty objects, any two would be one.
 */
import assert from 'node:assert/strict';
import { createSecretKey, createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { contentId, equals } from '../../src/index.ts';
import { fresh } from '../suite/fresh.ts';

class Private { readonly #n: number; constructor(n: number) { this.#n = n; } get n(): number { return this.#n; } }
class Point { readonly x: number; constructor(x: number) { this.x = x; } }
class Names extends Map<string, number> {}
class Late extends Date {}

/** Two of each kind, not the same; `set` refuses them all. */
const hidden: readonly (() => unknown)[] = [
  () => new URL('https://example.org/'), () => new URLSearchParams('a=1'), () => new Request('https://example.org/'), () => new Response('x'), () => new Headers(),
  () => new Blob(['x']), () => new File(['x'], 'f'), () => new FormData(), () => new AbortController(), () => AbortSignal.timeout(1000), () => new TextEncoder(),
  () => createSecretKey(Buffer.from('k')), () => createHash('sha256'), () => new EventEmitter(), () => new Private(1), () => new Point(1), () => new Names(), () => new Late(0),
  () => Promise.resolve(1), () => new WeakMap(), () => new WeakSet(), () => new WeakRef({}), () => [].values(), () => new Map().entries(), () => (function* () {})(),
  () => new Proxy({}, {}), () => new Proxy([], {}), () => () => 1, () => Symbol('s'), () => Object(Symbol('s')), () => Object.create({ a: 1 }), () => new Intl.Collator(),
  () => new SharedArrayBuffer(1), () => new Uint8Array(new SharedArrayBuffer(1)), () => new ReadableStream(), () => new MessageChannel(),
  () => { const buffer = new ArrayBuffer(4); structuredClone(buffer, { transfer: [buffer] }); return new Uint16Array(buffer, 0); },
];

test('what cannot be stored is refused by contentId and equals itself alone', async (t) => {
  const map = await fresh(t);
  for (const make of hidden) {
    const one = tryTo(make);
    const other = tryTo(make);
    const shown = String(make);
    for (const [a, b] of [[one, other], [[one], [other]], [{ u: one }, { u: other }], [new Map([['k', one]]), new Map([['k', other]])]]) {
      assert.throws(() => map.set('x', a), { code: 'UNSUPPORTED' }, shown);
      assert.throws(() => contentId(a), (error) => error instanceof TypeError && (error as { code?: unknown }).code === 'UNSUPPORTED', shown);
      assert.ok(!equals(a, b), shown);
      assert.ok(equals(a, a), shown);
    }
    assert.ok(equals({ u: one }, { u: one }), shown);
    assert.ok(!equals({ u: one }, { u: {} }) && !equals([one], [[]]) && !equals(one, {}), shown);
    assert.ok(equals(new Set([one, {}, []]), new Set([[], one, {}])) && !equals(new Set([one, {}, []]), new Set([[], other, {}])), shown);
    assert.ok(equals(new Map([[[one], 1], [[other], 2]]), new Map([[[other], 2], [[one], 1]])), shown);
  }
  assert.throws(() => contentId({ user: { pages: [1, new URL('a:b')] } }), /\$\.user\.pages\[1\]: an instance of URL cannot be stored/);
});

/** A detached view cannot be made from a detached buffer: one that is there is detached instead. */
function tryTo(make: () => unknown): unknown {
  try {
    return make();
  } catch {
    const view = new Uint16Array(2);
    structuredClone(view, { transfer: [view.buffer] });
    return view;
  }
}

test('refusals say why, and what to do', async (t) => {
  const map = await fresh(t);
  const because: readonly [unknown, RegExp][] = [
    [new Int32Array(new SharedArrayBuffer(4)), /instance of Int32Array cannot be stored: it lies over shared memory/], [Buffer.from(new SharedArrayBuffer(4)), /shared memory/],
    [new SharedArrayBuffer(4), /store a copy/], [new Blob(['x']), /arrayBuffer\(\)/], [Promise.resolve(), /await it first/], [new Proxy({}, {}), /a Proxy cannot be stored: .* handler/],
    [new Point(1), /register its class with the option 'types'/],
  ];
  for (const [value, message] of because) assert.throws(() => map.set('x', { value }), message);
});

test('instances of registered classes have the content that is stored of them', async (t) => {
  const codec = { name: 'point', class: Point, encode: (point: Point) => point.x, decode: (x: unknown) => new Point(x as number) };
  const map = await fresh(t, { types: [codec] });
  assert.ok(equals(new Point(1), new Point(1)) && !equals(new Point(1), new Point(2)));
  map.set('p', [new Point(3)]);
  assert.ok(equals(map.get('p'), [new Point(3)]));
  assert.equal(contentId(map.get('p')), contentId([new Point(3)]));
});

test('errors of subclasses, and DOMExceptions, are stored as the errors they descend from, under their own names', async (t) => {
  class HttpError extends RangeError {
    override name = 'HttpError';
    readonly status: number;
    constructor(status: number, options?: ErrorOptions) {
      super(`status ${status}`, options);
      this.status = status;
    }
  }
  const map = await fresh(t);
  const error = new HttpError(404, { cause: new DOMException('too late', 'AbortError') });
  map.set('e', { error });
  const back = (map.get('e') as { error: HttpError }).error;
  assert.ok(back instanceof RangeError);
  assert.deepEqual([back.name, back.message, back.status, back.stack], ['HttpError', 'status 404', 404, error.stack]);
  const cause = back.cause as Error;
  assert.deepEqual([cause instanceof Error, cause.name, cause.message], [true, 'AbortError', 'too late']);
  assert.ok(equals(map.get('e'), { error }) && equals(back, error));
  assert.equal(contentId(map.get('e')), contentId({ error }));
  assert.ok(!equals({ error: new RangeError('status 404') }, map.get('e')));
});
