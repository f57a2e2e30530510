/**
 * The elements of one container inside a JSON text of any size.
 *
 * The scan (json-scan.ts) opens containers that are too large to be held and brings the others whole. So on the way to the
 * wanted one a step is either a container that opens, or a value at hand, in which the rest of the way is walked. Elements
 * of the wanted one that open are put together again: a reader asks for whole elements.
 */
import { StoreError } from '../../base/errors.ts';
import type { JsonPart } from './json-scan.ts';

type Opened = Extract<JsonPart, { part: 'open' }>;

/**
 * Elements of the list at `path`, or [name, value] of the members of the object there, in batches. Throws NOT_FOUND when there
 * is nothing at `path`, FORMAT when a value there is no container.
 */
export async function* jsonElements(parts: AsyncIterable<JsonPart>, path: readonly string[], file: string): AsyncGenerator<unknown[], void, undefined> {
  const walk = new Walk(parts[Symbol.asyncIterator](), path, file);
  try {
    yield* walk.elements();
  } finally {
    await walk.end();
  }
}

class Walk {
  readonly #parts: AsyncIterator<JsonPart>;
  readonly #path: readonly string[];
  readonly #file: string;

  constructor(parts: AsyncIterator<JsonPart>, path: readonly string[], file: string) {
    this.#parts = parts;
    this.#path = path;
    this.#file = file;
  }

  async end(): Promise<void> {
    await this.#parts.return?.();
  }

  async *elements(): AsyncGenerator<unknown[], void, undefined> {
    const root = await this.#next();
    if (root?.part === 'open') {
      yield* this.#inside(root, 0);
      // What follows the wanted elements is looked at too: a file that is not JSON to its end is told of.
      while ((await this.#next()) !== undefined);
    } else if (root?.part === 'scalar') yield this.#within(root.value, 0);
  }

  /** The elements wanted, when `opened` is on the way and `depth` steps of the way are done. */
  async *#inside(opened: Opened, depth: number): AsyncGenerator<unknown[], void, undefined> {
    if (depth === this.#path.length) {
      yield* this.#all();
      return;
    }
    const step = this.#path[depth]!;
    let index = 0;
    let isFound = false;
    for (let part = await this.#next(); part !== undefined && part.part !== 'close'; part = await this.#next()) {
      if (part.part === 'open') {
        const name = opened.container === 'list' ? String(index++) : part.key;
        if (name !== step) await this.#pass();
        else {
          isFound = true;
          yield* this.#inside(part, depth + 1);
        }
        continue;
      }
      const entries = part.part === 'elements' ? part.values.map((value): [string, unknown] => [String(index++), value]) : part.part === 'members' ? part.entries : [];
      for (const [name, value] of entries) {
        if (name !== step) continue;
        isFound = true;
        yield this.#within(value, depth + 1);
      }
    }
    if (!isFound) throw this.#missing(depth);
  }

  /** All elements of the container that has just opened. */
  async *#all(): AsyncGenerator<unknown[], void, undefined> {
    for (let part = await this.#next(); part !== undefined && part.part !== 'close'; part = await this.#next()) {
      if (part.part === 'elements') yield part.values;
      else if (part.part === 'members') yield part.entries;
      else if (part.part === 'open') {
        const whole = await this.#whole(part);
        yield [part.key === undefined ? whole : [part.key, whole]];
      }
    }
  }

  /** The value of the container that has just opened. */
  async #whole(opened: Opened): Promise<unknown> {
    const list: unknown[] = [];
    const entries: [string, unknown][] = [];
    for (let part = await this.#next(); part !== undefined && part.part !== 'close'; part = await this.#next()) {
      if (part.part === 'elements') for (const value of part.values) list.push(value);
      else if (part.part === 'members') for (const entry of part.entries) entries.push(entry);
      else if (part.part === 'open') {
        const value = await this.#whole(part);
        if (part.key === undefined) list.push(value);
        else entries.push([part.key, value]);
      }
    }
    return opened.container === 'list' ? list : Object.fromEntries(entries);
  }

  async #pass(): Promise<void> {
    for (let depth = 1; depth > 0; ) {
      const part = await this.#next();
      if (part === undefined) return;
      if (part.part === 'open') depth++;
      else if (part.part === 'close') depth--;
    }
  }

  /** The elements wanted, inside a value at hand. */
  #within(value: unknown, depth: number): unknown[] {
    let at = value;
    for (let i = depth; i < this.#path.length; i++) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, this.#path[i]!)) throw this.#missing(i);
      at = (at as Record<string, unknown>)[this.#path[i]!];
    }
    if (Array.isArray(at)) return at;
    if (typeof at === 'object' && at !== null) return Object.entries(at);
    const place = this.#path.length === 0 ? 'the text' : this.#path.join('.');
    throw new StoreError('FORMAT', `${this.#file}: ${place} is ${JSON.stringify(at)}, expected an array or an object`);
  }

  #missing(depth: number): StoreError {
    return new StoreError('NOT_FOUND', `${this.#file}: there is no ${this.#path.slice(0, depth + 1).join('.')}`);
  }

  async #next(): Promise<JsonPart | undefined> {
    const { done, value } = await this.#parts.next();
    return done === true ? undefined : value;
  }
}
