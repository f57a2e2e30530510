import { test } from 'node:test';
import { endThreads } from './ended-threads.ts';

test('threads that are terminated while they write, and processes that end with such threads', async (t) => {
  await endThreads(t, 20, 1);
});
