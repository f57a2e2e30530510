import { test } from 'node:test';
import { endThreads } from './ended-threads.ts';

test('500 threads that are terminated while they write, and 100 processes that end with such threads', async (t) => {
  await endThreads(t, 500, 50);
});
