import { addAbortSignal } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { StoreError } from '../../src/index.ts';
import { takeWords, UsageError } from '../terminal/command.ts';
import { parseJson } from '../../src/stream/json/json-numbers.ts';
import { follow, keyTypeOption, readKey, showKey, withStore } from '../terminal/store.ts';
import type { Call, Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Set an entry, or the part of it that a path leads to. The value is JSON; - reads it from standard input.',
  usage: '<store> <key> [path...] <value>',
  options: { ...keyTypeOption, string: { text: 'take the value as a string, not as JSON' } },
  examples: [
    [`lodemap set data.store config '{"theme":"dark"}'`, 'creates the store if it is not there'],
    ['lodemap set data.store config theme light --string', 'changes one property of the entry'],
  ],
  async run(call) {
    const { named: [store, word, third], rest } = takeWords(call, ['store', 'key', 'value'], true);
    const key = readKey(call, word!);
    const path = [third!, ...rest];
    const value = await readValue(call, path.pop()!);
    await withStore(store!, { create: path.length === 0 }, async (map) => {
      if (path.length === 0) map.set(key, value);
      else {
        map.transaction(() => {
          const holder = follow(map, key, path.slice(0, -1));
          assign(holder, path.at(-1)!, value, [showKey(key), ...path].join(' '));
        });
      }
      await map.flush();
    });
    await call.terminal.report(call.terminal.json ? { set: 1 } : { set: [showKey(key), ...path].join(' ') });
  },
};

async function readValue(call: Call, word: string): Promise<unknown> {
  const text = word === '-' ? (await buffer(addAbortSignal(call.signal, process.stdin))).toString('utf8') : word;
  if (call.options['string'] === true) return text;
  try {
    return parseJson(text);
  } catch {
    throw new UsageError(`the value is not JSON: ${text.slice(0, 60)}; a string needs quotes of its own ('"text"') or --string`);
  }
}

function assign(holder: unknown, step: string, value: unknown, where: string): void {
  if (typeof holder !== 'object' || holder === null) throw new StoreError('NOT_FOUND', `${where}: there is nothing that could hold it`);
  if (Array.isArray(holder) && !/^\d+$/.test(step)) throw new StoreError('NOT_FOUND', `${where}: ${step} is not an index of a list`);
  if ('set' in holder && typeof holder.set === 'function' && 'delete' in holder && !Array.isArray(holder) && !Object.hasOwn(holder, 'set')) holder.set(step, value);
  else if (step === '__proto__') Object.defineProperty(holder, step, { value, enumerable: true, configurable: true, writable: true });
  else (holder as Record<string, unknown>)[step] = value;
}
