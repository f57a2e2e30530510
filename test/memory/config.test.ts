import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config, configure } from '../../src/memory/config.ts';
import { estimateBytes } from '../../src/memory/estimate-bytes.ts';

test('settings change one by one, return to their defaults, and are checked', () => {
  const before = config();
  configure({ chunkStrategy: 'log', budgetBytes: 1 << 20 });
  assert.deepEqual(config(), { ...before, chunkStrategy: 'log', budgetBytes: 1 << 20 });
  assert.throws(() => configure({ chunkStrategy: 'cubic' as never, compression: 'deflate' }), /'sqrt', 'log' or 'fixed'/);
  assert.throws(() => configure({ budgetBytes: 5 }), RangeError);
  assert.throws(() => configure({ colour: 1 } as never), /unknown setting "colour"/);
  assert.equal(config().compression, 'none');
  configure({ chunkStrategy: undefined, budgetBytes: undefined });
  assert.deepEqual(config(), before);
});

test('estimates are in the right order of size', () => {
  assert.equal(estimateBytes(5), 0);
  assert.ok(estimateBytes('x'.repeat(1000)) >= 1000 && estimateBytes('x'.repeat(1000)) < 1100);
  const record = { id: 1, name: 'some name', tags: ['a', 'b'], score: 0.5 };
  assert.ok(estimateBytes(record) > 100 && estimateBytes(record) < 400, `${estimateBytes(record)}`);
  const many = Array.from({ length: 100_000 }, (_, i) => ({ i, text: `t${i}` }));
  const estimate = estimateBytes(many);
  assert.ok(estimate > 100_000 * 40 && estimate < 100_000 * 150, `${estimate}`);
  assert.ok(estimateBytes(new Float64Array(1000)) >= 8000);
  assert.ok(estimateBytes(new Map([[1, 'x'.repeat(500)]])) > 500);
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  assert.ok(estimateBytes(cycle) < 200);
});
