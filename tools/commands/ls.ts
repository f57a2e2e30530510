import { countOption, takeWords, textOption } from '../terminal/command.ts';
import { shortJson } from '../../src/stream/json/json-text.ts';
import { kindOf, showKey, sizeOf, withStore } from '../terminal/store.ts';
import type { Command } from '../terminal/command.ts';

const rowsAtOnce = 1000;

export const command: Command = {
  summary: 'List entries in key order: key, kind, size (elements, properties, characters or bytes), and the value of scalars.',
  usage: '<store> [--prefix text] [--limit n]',
  options: {
    prefix: { value: 'text', text: 'only string keys that begin with this text' },
    limit: { value: 'n', text: 'at most n entries; default 50, with --json all' },
  },
  examples: [['lodemap ls data.store --prefix user: --limit 10', 'the first ten entries whose keys begin with user:']],
  async run(call) {
    const { named: [store] } = takeWords(call, ['store']);
    const { terminal, signal } = call;
    const prefix = textOption(call, 'prefix');
    const limit = countOption(call, 'limit') ?? (terminal.json ? Infinity : 50);
    await withStore(store!, { readOnly: true }, async (map) => {
      let rows: (string | number)[][] = [];
      let shown = 0;
      let more = false;
      for (const [key, value] of map.entries(prefix === undefined ? {} : { prefix })) {
        signal.throwIfAborted();
        if ((more = shown === limit)) break;
        shown++;
        const [kind, size] = [kindOf(value), sizeOf(value)];
        if (terminal.json) await terminal.line(shortJson({ key, kind, ...(size === '' ? {} : { size }) }));
        else rows.push([showKey(key), kind, size, preview(value)]);
        if (rows.length === rowsAtOnce) {
          await terminal.table(rows);
          rows = [];
        }
      }
      if (rows.length > 0) await terminal.table(rows);
      if (more && !terminal.json) terminal.note(`${shown} shown${prefix === undefined ? ` of ${map.size}` : ''}; --limit shows more`);
    });
  },
};

function preview(value: unknown): string {
  if (typeof value === 'object' && value !== null) return '';
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value);
  return text.length > 50 ? `${text.slice(0, 47)}...` : text;
}
