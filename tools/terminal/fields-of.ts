/**
 * The key of an item that is sorted by several fields, as a module that other processes can load too: the fields are in the query of
 * its own URL.
 */
import type { By, Key } from '../../src/external/index.ts';
import type { Item } from './items.ts';

const fields = new URL(import.meta.url).searchParams.getAll('field');

/** What names the key function for `names`, to any process. */
export function byFields(names: readonly string[]): By<Item> {
  const module = new URL('./fields-of.js', import.meta.url);
  for (const name of names) module.searchParams.append('field', name);
  return { module, export: 'fieldsOf' };
}

/** The values of the fields, as one tuple. */
export function fieldsOf(item: Item): Key {
  return fields.map((field) => fieldOf(item, field));
}

function fieldOf(item: Item, path: string): Key {
  let value: unknown = item;
  for (const step of Object.hasOwn(item, path) ? [path] : path.split('.')) value = (value as Item | undefined)?.[step];
  return value as Key;
}
