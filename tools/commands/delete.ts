import { LazyMap, StoreError } from '../../src/index.ts';
import { takeWords } from '../terminal/command.ts';
import { follow, keyTypeOption, readKey, showKey, withStore } from '../terminal/store.ts';
import type { Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Delete an entry, or the part of it that a path leads to. Fails if there is none.',
  usage: '<store> <key> [path...]',
  options: keyTypeOption,
  examples: [
    ['lodemap delete data.store config', 'deletes the entry'],
    ['lodemap delete data.store users 0', 'removes the first element of the list users'],
  ],
  async run(call) {
    const { named: [store, word], rest } = takeWords(call, ['store', 'key'], true);
    const key = readKey(call, word!);
    const where = [showKey(key), ...rest].join(' ');
    await withStore(store!, {}, async (map) => {
      map.transaction(() => {
        follow(map, key, rest);
        if (rest.length === 0) map.delete(key);
        else remove(follow(map, key, rest.slice(0, -1)), rest.at(-1)!, where);
      });
      await map.flush();
    });
    await call.terminal.report(call.terminal.json ? { deleted: 1 } : { deleted: where });
  },
};

/** `step` has just been found in `holder`. */
function remove(holder: unknown, step: string, where: string): void {
  if (Array.isArray(holder)) {
    if (!/^-?\d+$/.test(step)) throw new StoreError('NOT_FOUND', `${where}: ${step} is not an index of a list`);
    holder.splice(Number(step), 1);
  } else if (holder instanceof LazyMap) {
    if (!holder.delete(step)) holder.delete(Number(step));
  } else delete (holder as Record<string, unknown>)[step];
}
