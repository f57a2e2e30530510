/** The house itself, inspected: every rule of tools/tidy.ts holds for the whole repository. */
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspectRooms } from '../tools/rooms.ts';
import { inspect, readTree } from '../tools/tidy.ts';

// Compiled to <root>/<build folder>/test/.
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

test('the house is tidy', (t) => {
  const { problems, files, lines, long, commentShare } = inspect(readTree(root));
  t.diagnostic(`${files} files, ${lines} lines, ${commentShare.toFixed(2)} lines of comment per line of code`);
  if (long.length > 0) t.diagnostic(`over 300 lines: ${long.join(', ')}`);
  assert.ok(files > 0, 'there is a house');
  assert.deepEqual(problems.map(({ file, line, rule, message }) => `${file}:${line} ${rule}: ${message}`), []);
});

test('its folders are small, and say what they are for', () => {
  assert.deepEqual(inspectRooms(readTree(root)).map(({ file, message }) => `${file}: ${message}`), []);
});
