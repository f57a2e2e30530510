/** The types of the package hold for the oldest compiler that is served and for the newest; public-types.long.ts has those between. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { compile, makeProject } from './user-project.ts';

suite('types', { concurrency: 2 }, () => {
  const { folder, examples } = makeProject();

  for (const compiler of ['typescript-5.4', 'typescript']) {
    test(`hold for ${compiler}`, async () => {
      assert.ok(examples > 10);
      assert.deepEqual(await compile(folder, compiler), []);
    });
  }

  test('hold where declarations are taken as they are', async () => {
    assert.deepEqual(await compile(folder, 'typescript', true), []);
  });

  test('are looked at: a wrong example is found', async () => {
    const { folder: other } = makeProject();
    writeFileSync(join(other, 'wrong.ts'), "import { open } from 'lodemap';\nconst map = await open<string, number>('x');\nmap.set('k', 'text');\n");
    const problems = await compile(other, 'typescript');
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /wrong\.ts\(3,14\)/);
  });
});
