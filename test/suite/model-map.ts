/**
 * What a LodeMap must do, in the plainest way: keys by their content, in the order of keys, values kept as they are.
 * Written apart from the key encoding on purpose, so that the two can disagree.
 */
export type Key = string | number | bigint | boolean | null | undefined | Date | Uint8Array | readonly Key[];

export interface Range {
  gt?: Key;
  gte?: Key;
  lt?: Key;
  lte?: Key;
  prefix?: string;
  reverse?: boolean;
  limit?: number;
}

/** The order of kinds: undefined, null, false, true, number, bigint, Date, string, bytes, tuple. */
function kindOf(key: Key): number {
  if (key === undefined) return 0;
  if (key === null) return 1;
  if (typeof key === 'boolean') return key ? 3 : 2;
  if (typeof key === 'number') return 4;
  if (typeof key === 'bigint') return 5;
  if (key instanceof Date) return 6;
  if (typeof key === 'string') return 7;
  return key instanceof Uint8Array ? 8 : 9;
}

/** Numbers with NaN last, and -0 the same as 0. */
function compareNumbers(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order of keys; 0 for one and the same key. */
export function compareKeys(a: Key, b: Key): number {
  const kind = kindOf(a);
  const apart = kind - kindOf(b);
  if (apart !== 0 || kind < 4) return apart;
  if (kind === 4) return compareNumbers(a as number, b as number);
  if (kind === 6) return compareNumbers((a as Date).getTime(), (b as Date).getTime());
  if (kind === 8) return Buffer.compare(a as Uint8Array, b as Uint8Array);
  if (kind === 9) return compareTuples(a as readonly Key[], b as readonly Key[]);
  const [left, right] = [a as string | bigint, b as string | bigint];
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareTuples(a: readonly Key[], b: readonly Key[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = compareKeys(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** A map in the order of keys. */
export class ModelMap<V = unknown> {
  #rows: Array<[Key, V]>;

  constructor(rows: Iterable<readonly [Key, V]> = []) {
    this.#rows = [];
    for (const [key, value] of rows) this.set(key, value);
  }

  get size(): number {
    return this.#rows.length;
  }

  /** A copy that shares the values. */
  copy(): ModelMap<V> {
    const copy = new ModelMap<V>();
    copy.#rows = this.#rows.map(([key, value]) => [key, value]);
    return copy;
  }

  get(key: Key): V | undefined {
    const row = this.#rows[this.#find(key)];
    return row !== undefined && compareKeys(row[0], key) === 0 ? row[1] : undefined;
  }

  has(key: Key): boolean {
    const row = this.#rows[this.#find(key)];
    return row !== undefined && compareKeys(row[0], key) === 0;
  }

  set(key: Key, value: V): this {
    const at = this.#find(key);
    const row = this.#rows[at];
    if (row !== undefined && compareKeys(row[0], key) === 0) row[1] = value;
    else this.#rows.splice(at, 0, [Object.is(key, -0) ? 0 : key, value]);
    return this;
  }

  delete(key: Key): boolean {
    const at = this.#find(key);
    const found = this.has(key);
    if (found) this.#rows.splice(at, 1);
    return found;
  }

  clear(): void {
    this.#rows = [];
  }

  entries(range: Range = {}): Array<[Key, V]> {
    const rows = this.#rows.filter(([key]) => inRange(key, range)).map(([key, value]): [Key, V] => [key, value]);
    if (range.reverse === true) rows.reverse();
    return rows.slice(0, range.limit);
  }

  keys(range?: Range): Key[] {
    return this.entries(range).map(([key]) => key);
  }

  values(range?: Range): V[] {
    return this.entries(range).map(([, value]) => value);
  }

  [Symbol.iterator](): IterableIterator<[Key, V]> {
    return this.entries()[Symbol.iterator]();
  }

  /** The place of the first row that is not below `key`. */
  #find(key: Key): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareKeys(this.#rows[middle]![0], key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A bound of undefined is none, as options are in JavaScript. */
function inRange(key: Key, range: Range): boolean {
  if (range.gt !== undefined && compareKeys(key, range.gt) <= 0) return false;
  if (range.gte !== undefined && compareKeys(key, range.gte) < 0) return false;
  if (range.lt !== undefined && compareKeys(key, range.lt) >= 0) return false;
  if (range.lte !== undefined && compareKeys(key, range.lte) > 0) return false;
  return range.prefix === undefined || (typeof key === 'string' && key.startsWith(range.prefix));
}
