/** As public-types.test.ts, for the compilers between, and with and without checking declarations for each. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compile, makeProject } from './user-project.ts';

suite('types', { concurrency: 2 }, () => {
  const { folder } = makeProject();
  for (const compiler of ['typescript-5.4', 'typescript-5.9', 'typescript-6.0', 'typescript']) {
    for (const skipLibCheck of [false, true]) {
      test(`hold for ${compiler}, skipLibCheck ${skipLibCheck}`, async () => {
        assert.deepEqual(await compile(folder, compiler, skipLibCheck), []);
      });
    }
  }
});
