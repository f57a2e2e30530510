import { takeWords } from '../terminal/command.ts';
import { jsonText } from '../../src/stream/json/json-text.ts';
import { follow, keyTypeOption, readKey, withStore } from '../terminal/store.ts';
import type { Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Print a value, or the part of it that a path leads to. Reads only what it prints.',
  usage: '<store> <key> [path...]',
  options: keyTypeOption,
  examples: [
    ['lodemap get data.store css properties color', 'entry css, then its member properties, then its member color'],
    ['lodemap get data.store users 0 name', 'the name of the first element of the list users'],
  ],
  async run(call) {
    const { named: [store, word], rest } = takeWords(call, ['store', 'key'], true);
    const key = readKey(call, word!);
    await withStore(store!, { readOnly: true }, async (map) => {
      const value = follow(map, key, rest);
      if (typeof value === 'string' && !call.terminal.json) return await call.terminal.line(value);
      const looseness = { loose: 0 };
      for (const piece of jsonText(value, call.terminal.json ? 0 : 2, looseness)) {
        call.signal.throwIfAborted();
        await call.terminal.write(piece);
      }
      await call.terminal.write('\n');
      if (looseness.loose > 0) call.terminal.note(`${looseness.loose} values that JSON cannot express were written as the nearest thing`);
    });
  },
};
