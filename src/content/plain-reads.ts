/**
 * Plain reads: values and fields of them straight from nodes. No handle and no Proxy is made; what they show is what
 * `materialize` would give for the lazy value.
 */
import { describe } from '../base/errors.ts';
import { isCellRef } from '../lazy/handle.ts';
import type { DocumentStore, Place } from '../lazy/document.ts';
import { show } from '../lazy/proxy.ts';
import { CellReference } from '../tree/cell-reference.ts';
import { Materializer } from '../tree/materialize.ts';
import { isIndexKey } from '../tree/keyed/index-key.ts';
import { absent, isNode } from '../tree/node.ts';
import type { Node, NodeValue } from '../tree/node.ts';
import type { NodeContext } from '../tree/node-context.ts';
import { checkField, isPath, ownField, readField, readPath } from './fields.ts';
import type { Field, FieldReader, Path } from './fields.ts';

/** Fields to be read of each of many values. */
export interface Picking {
  readonly fields: readonly (Field | Path)[];
  /** Was one asked for, and not an array of them? */
  readonly single: boolean;
}

/** What `field` asks for. Throws a TypeError for what is neither a field nor an array of fields and paths. */
export function pickingOf(field: unknown, name: string): Picking {
  if (!Array.isArray(field)) {
    checkField(field, name);
    return { fields: [field], single: true };
  }
  const fields = field.map((one: unknown) => {
    if (isPath(one)) return [...one];
    checkField(one, name);
    return one;
  });
  return { fields, single: false };
}

/** Throws a TypeError unless `keys` can be iterated; a string is one key. */
export function checkKeys(keys: unknown): void {
  if (typeof keys === 'object' && keys !== null && Symbol.iterator in keys) return;
  throw new TypeError(`pickMany: expected an iterable of keys, got ${describe(keys)}`);
}

/** What a picking finds in `value`, in whose kind `reader` reads; each as `plain` makes it. */
function picked(value: unknown, { fields, single }: Picking, reader: FieldReader | undefined, plain: (found: unknown) => unknown): unknown {
  const read = (field: Field | Path): unknown => {
    if (typeof field === 'string') return plain(readField(value, field, reader));
    return plain(readPath(value, typeof field === 'number' ? [field] : field, reader));
  };
  return single ? read(fields[0]!) : fields.map(read);
}

/** What a picking finds in a lazy value or a plain one; `plain` copies what is lazy. */
export function pickFrom(value: unknown, picking: Picking, plain: (found: unknown) => unknown): unknown {
  return picked(value, picking, undefined, plain);
}

export class PlainReads {
  readonly #store: DocumentStore;
  readonly #context: NodeContext;
  readonly #place: Place;
  readonly #fields: FieldReader;
  readonly #plainFound = (value: NodeValue): unknown => this.plain(value);

  /** `place` is of no entry: where cells that are found come from. */
  constructor(store: DocumentStore, context: NodeContext, place: Place) {
    this.#store = store;
    this.#context = context;
    this.#place = place;
    this.#fields = {
      has: (value, name) => this.#has(this.#held(value), name),
      get: (value, name) => this.#get(this.#held(value), name),
    };
  }

  /** The plain copy of a value; explicit cells stay Cells. */
  plain(value: NodeValue): unknown {
    if (typeof value !== 'object' || value === null || !(isNode(value) || isCellRef(value))) return value === absent ? undefined : value;
    return new Materializer(this.#context, { lazily: this.#lazily, readCell: this.#readCell }).run(value);
  }

  /** The fields of a value: one, or an array of them; each as a plain copy. */
  pick(value: NodeValue, picking: Picking): unknown {
    return picked(value, picking, this.#fields, this.#plainFound);
  }

  readonly #lazily = (value: NodeValue): unknown => show(this.#store, this.#place, undefined, value);
  readonly #readCell = (id: number): NodeValue => this.#store.readCell(id).value;

  /** What stands in a place: what an alias means, an explicit cell as a user is given it. */
  #held(value: NodeValue): NodeValue {
    if (!(value instanceof CellReference)) return value;
    return value.alias ? value.shownOf(this.#held(this.#readCell(value.id))) : this.#lazily(value);
  }

  #has(value: NodeValue, name: string): boolean {
    if (!isNode(value)) return typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    return value.kind === 'object' && value.has(name);
  }

  #get(value: NodeValue, name: string | number): NodeValue {
    if (!isNode(value)) return ownField(value, name);
    const found = fieldOf(value, name);
    return found === absent ? undefined : found;
  }
}

/** An own property of what a node stands for. */
function fieldOf(node: Node, name: string | number): NodeValue {
  if (node.kind === 'object') return node.get(String(name));
  if (node.kind !== 'list') return absent;
  if (name === 'length') return node.length;
  if (typeof name === 'string' && !isIndexKey(name)) return absent;
  const index = Number(name);
  return index >= 0 && index < node.length ? node.get(index) : absent;
}
