/**
 * A store for express-session: `session({ store: sessionStore(session, cache), ... })`. The module is handed in, since a
 * store has to extend a class of the one that the application uses.
 */
import { setImmediate, wallMs } from '../../base/timers.ts';
import type { Key } from '../../codec/key/keys.ts';
import type { Cache } from '../cache.ts';

/** What is used of express-session. */
export interface SessionModule {
  // oxlint-disable-next-line typescript/no-explicit-any -- a class with whatever it inherits, abstract to the compiler
  readonly Store: abstract new () => any;
}

/** What a store inherits; it is an EventEmitter too. */
export interface SessionBase {
  emit(event: string, ...args: unknown[]): boolean;
  on(event: string, listener: (...args: never[]) => void): this;
}

/** A session as express-session hands it over. */
export interface SessionData {
  readonly cookie?: { readonly expires?: Date | string | null; readonly originalMaxAge?: number | null; readonly maxAge?: number | null };
}

type Callback<T = void> = (error?: unknown, result?: T) => void;

/** A store of express-session. Errors go to the callbacks, which are called after the call has returned. */
export interface SessionStore extends SessionBase {
  /** Gives the session, or null if there is none. */
  get(sid: string, callback: Callback<SessionData | null>): void;
  /** Stores a session. */
  set(sid: string, session: SessionData, callback?: Callback): void;
  /** Removes a session. */
  destroy(sid: string, callback?: Callback): void;
  /** Prolongs the life of a session. */
  touch(sid: string, session: SessionData, callback?: Callback): void;
  /** Gives all sessions. */
  all(callback: Callback<SessionData[]>): void;
  /** Gives the number of sessions. */
  length(callback: Callback<number>): void;
  /** Removes all sessions. */
  clear(callback?: Callback): void;
}

/** Options of `sessionStore`. */
export interface SessionStoreOptions {
  /** Prefix of the keys of sessions. Default `session:`. */
  readonly prefix?: string;
  /** Lifetime of sessions whose cookie has none, in ms. Default one day. */
  readonly ttl?: number;
}

const dayMs = 24 * 60 * 60 * 1000;

/** A store of express-session over a cache: `session({ store: sessionStore(session, cache), ... })`. Sessions live as long as their cookies. */
export function sessionStore<Module extends SessionModule>(
  session: Module,
  // eslint-disable-next-line typescript/no-explicit-any -- whatever the cache was opened for
  cache: Cache<any, any>,
  { prefix = 'session:', ttl = dayMs }: SessionStoreOptions = {},
): InstanceType<Module['Store']> & SessionStore {
  const sessions = new Sessions(cache as Cache, prefix, ttl);
  class LodemapStore extends session.Store {
    get(sid: string, callback: Callback<SessionData | null>): void {
      answer(callback, () => sessions.get(sid));
    }

    set(sid: string, data: SessionData, callback?: Callback): void {
      answer(callback, () => sessions.set(sid, data));
    }

    destroy(sid: string, callback?: Callback): void {
      answer(callback, () => sessions.delete(sid));
    }

    /** Puts off the end of a session; what it holds stays as it was stored. */
    touch(sid: string, data: SessionData, callback?: Callback): void {
      answer(callback, () => sessions.touch(sid, data));
    }

    all(callback: Callback<SessionData[]>): void {
      answer(callback, () => sessions.all());
    }

    length(callback: Callback<number>): void {
      answer(callback, () => sessions.count());
    }

    clear(callback?: Callback): void {
      answer(callback, () => sessions.clear());
    }
  }
  return new LodemapStore() as InstanceType<Module['Store']> & SessionStore;
}

class Sessions {
  readonly #cache: Cache;
  readonly #prefix: string;
  readonly #ttl: number;

  constructor(cache: Cache, prefix: string, ttl: number) {
    this.#cache = cache;
    this.#prefix = prefix;
    this.#ttl = ttl;
  }

  get(sid: string): SessionData | null {
    return (this.#cache.getPlain(this.#prefix + sid) as SessionData | undefined) ?? null;
  }

  async set(sid: string, data: SessionData): Promise<void> {
    const ttl = this.#lifetime(data);
    if (ttl > 0) await this.#cache.set(this.#prefix + sid, asJson(data), { ttl });
    else this.delete(sid);
  }

  delete(sid: string): void {
    this.#cache.delete(this.#prefix + sid);
  }

  async touch(sid: string, data: SessionData): Promise<void> {
    const ttl = this.#lifetime(data);
    if (!(ttl > 0)) {
      this.delete(sid);
      return;
    }
    const { cookie } = asJson(data);
    // In one step: another process may change or destroy it meanwhile.
    await this.#cache.update(
      this.#prefix + sid,
      () => {
        const stored = this.get(sid);
        return stored === null ? undefined : { ...stored, ...(cookie !== undefined && { cookie }) };
      },
      { ttl },
    );
  }

  all(): SessionData[] {
    return this.#keys().flatMap((key) => {
      const data = this.get((key as string).slice(this.#prefix.length));
      return data === null ? [] : [data];
    });
  }

  count(): number {
    return this.#keys().length;
  }

  clear(): void {
    for (const key of this.#keys()) this.#cache.delete(key);
  }

  #keys(): Key[] {
    return [...this.#cache.keys({ prefix: this.#prefix })];
  }

  #lifetime({ cookie }: SessionData): number {
    const expires = cookie?.expires;
    if (expires === undefined || expires === null) return this.#ttl;
    return new Date(expires).getTime() - wallMs();
  }
}

/** Sessions are JSON to everybody else: a cookie is a class, with a getter for what it stores. */
function asJson(data: SessionData): SessionData {
  return JSON.parse(JSON.stringify(data)) as SessionData;
}

function answer<T>(callback: Callback<T> | undefined, work: () => T | Promise<T>): void {
  const told = async (): Promise<T> => work();
  told().then(
    (result) => callback && setImmediate(callback, null, result),
    (error: unknown) => callback && setImmediate(callback, error),
  );
}
