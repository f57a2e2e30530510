/**
 * A process in a container, as far as a store can tell: `<path>`. It opens the store and says how that went; then, for each line it is
 * given, it counts up in a transaction and says how far. At the end of its input it closes the store.
 */
import { createInterface } from 'node:readline';
import { open } from '../../src/index.ts';

const say = (value: object): void => void process.stdout.write(`${JSON.stringify({ pid: process.pid, ...value })}\n`);

try {
  const map = await open<string, number>(process.argv[2]!);
  say({ open: true });
  for await (const _ of createInterface(process.stdin)) {
    say({ count: map.update('count', (count) => (count ?? 0) + 1) });
  }
  await map.close();
} catch (error) {
  const { code, message } = error as { code: string; message: string };
  say({ code, message });
}
