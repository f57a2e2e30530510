/**
 * Puts a JSON text, part by part, into a map, in memory that does not grow with it.
 *
 * The members of a root object become entries. The elements of a root list become entries under a field of theirs or under
 * their position, or together one list. A container too large to be held (it opens as a part of its own) is made empty and
 * then filled in place, run by run; each run is one transaction.
 */
import { StoreError } from '../../src/index.ts';
import type { Key, LazyList, LodeMap } from '../../src/index.ts';
import type { JsonPart } from '../../src/stream/json/json-scan.ts';

/**
 * Where the elements of a list go: under a field of theirs (a path), under their position, or into one list; with `root`, into
 * one list where the root is a list, and members of an object become entries.
 */
export type Placing = { readonly by: 'position' } | { readonly by: 'field'; readonly path: readonly string[]; readonly name: string } | { readonly by: 'list' | 'root'; readonly name: Key };

/** What was put. For one list, `entries` is 1 and `elements` its length. */
export interface Loaded {
  entries: number;
  elements: number;
}

export interface LoadOptions {
  readonly placing: Placing;
  /** Elements are added to the list that is there. */
  readonly append?: boolean;
  readonly signal?: AbortSignal;
  /** Called after each run with what has been put so far. */
  readonly onRun?: (loaded: Loaded) => void;
}

type Opened = Extract<JsonPart, { part: 'open' }>;

/** Loads everything `parts` holds and makes it durable. What was there under the same keys is replaced. */
export async function load(map: LodeMap, parts: AsyncIterable<JsonPart>, options: LoadOptions): Promise<Loaded> {
  return await new Loader(map, parts[Symbol.asyncIterator](), options).run();
}

class Loader {
  readonly #map: LodeMap;
  readonly #parts: AsyncIterator<JsonPart>;
  readonly #options: LoadOptions;
  readonly #loaded: Loaded = { entries: 0, elements: 0 };

  constructor(map: LodeMap, parts: AsyncIterator<JsonPart>, options: LoadOptions) {
    this.#map = map;
    this.#parts = parts;
    this.#options = options;
  }

  async run(): Promise<Loaded> {
    try {
      const root = await this.#next();
      if (root?.part !== 'open') throw new StoreError('FORMAT', 'expected an object or an array at the root: a lone value has no key');
      const { placing } = this.#options;
      if (placing.by === 'list' || (placing.by === 'root' && root.container === 'list')) await this.#list(placing.name, root);
      else await this.#entries(placing);
      // What follows the root is read too: it may be an error.
      while ((await this.#next()) !== undefined);
      await this.#map.flush();
      return this.#loaded;
    } finally {
      await this.#parts.return?.();
    }
  }

  async #next(): Promise<JsonPart | undefined> {
    const next = await this.#parts.next();
    this.#options.signal?.throwIfAborted();
    return next.done === true ? undefined : next.value;
  }

  async #list(name: Key, root: Opened): Promise<void> {
    if (root.container !== 'list') throw new StoreError('FORMAT', 'expected an array or lines: an object is imported as entries, without --as list');
    if (this.#options.append !== true) this.#map.set(name, []);
    this.#loaded.entries = 1;
    await this.#fill(() => this.#map.get(name));
  }

  async #entries(placing: Placing): Promise<void> {
    const loaded = this.#loaded;
    for (let part = await this.#next(); part !== undefined && part.part !== 'close'; part = await this.#next()) {
      if (part.part === 'open') {
        if (part.key === undefined && placing.by === 'field') {
          throw new StoreError('UNSUPPORTED', `element ${loaded.entries} is too large to look for its key in it: import without --key`);
        }
        const key = part.key ?? loaded.entries;
        this.#map.set(key, part.container === 'list' ? [] : {});
        loaded.entries++;
        await this.#fill(() => this.#map.get(key));
      } else if (part.part === 'members') await this.#put(part.entries);
      else if (part.part === 'elements') {
        await this.#put(part.values.map((value, index) => [placing.by === 'field' ? keyOf(value, placing, loaded.entries + index) : loaded.entries + index, value]));
      }
      this.#ran();
    }
  }

  async #put(entries: [Key, unknown][]): Promise<void> {
    const { signal } = this.#options;
    await this.#map.setMany(entries, signal === undefined ? {} : { signal });
    this.#loaded.entries += entries.length;
  }

  /**
   * Fills a container, empty so far, with what comes before its close. `read` gives a handle on it: a fresh one for each run,
   * because a handle keeps the chunks that were written through it.
   */
  async #fill(read: () => unknown): Promise<void> {
    for (let part = await this.#next(); part !== undefined && part.part !== 'close'; part = await this.#next()) {
      if (part.part === 'elements') {
        (read() as LazyList).extend(part.values);
        this.#loaded.elements += part.values.length;
      } else if (part.part === 'members') this.#assign(read() as Record<string, unknown>, part.entries);
      else if (part.part === 'open') await this.#fill(this.#nest(read, part));
      this.#ran();
    }
  }

  #assign(target: Record<string, unknown>, entries: [string, unknown][]): void {
    this.#map.transaction(() => {
      for (const [key, value] of entries) put(target, key, value);
    });
    this.#loaded.elements += entries.length;
  }

  /** An empty container inside another, and how to read it. */
  #nest(read: () => unknown, { container, key }: Opened): () => unknown {
    const empty = container === 'list' ? [] : {};
    if (key === undefined) {
      const index = (read() as LazyList).push(empty) - 1;
      return () => (read() as LazyList)[index];
    }
    put(read() as Record<string, unknown>, key, empty);
    return () => (read() as Record<string, unknown>)[key];
  }

  #ran(): void {
    this.#options.onRun?.(this.#loaded);
  }
}

/** Sets a member, whatever it is called. */
function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** The key an element carries. Throws FORMAT, naming the element, where there is none. */
function keyOf(value: unknown, { path, name }: Extract<Placing, { by: 'field' }>, position: number): Key {
  const isObject = (one: unknown): one is Record<string, unknown> => typeof one === 'object' && one !== null;
  let found: unknown = value;
  if (isObject(value) && Object.hasOwn(value, name)) found = value[name];
  else for (const step of path) found = isObject(found) && Object.hasOwn(found, step) ? found[step] : undefined;
  const isKey = found !== undefined && found !== null && (typeof found !== 'object' || Array.isArray(found) || found instanceof Date);
  if (!isKey) {
    throw new StoreError('FORMAT', `element ${position} has no key at ${name}: ${found === undefined || found === null ? 'nothing there' : 'an object cannot be a key'}`);
  }
  return found as Key;
}
