/** What express-session's README asks of a store: required, recommended and optional methods; and a server that uses it. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { sessionStore } from '../../src/cache/index.ts';
import type { SessionStore } from '../../src/cache/index.ts';
import { freshCache, sleep } from './fresh-cache.ts';

type Next = (error?: unknown) => void;
type SessionRequest = IncomingMessage & { sessionID: string; session: { views?: number; destroy(done: Next): void; regenerate(done: Next): void } };
type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void;
type Session = ((options: object) => Middleware) & { Store: new () => EventEmitter };

const session = createRequire(import.meta.url)('express-session') as Session;

function promised(store: SessionStore): Record<string, (...args: unknown[]) => Promise<unknown>> {
  const methods = ['get', 'set', 'destroy', 'touch', 'all', 'length', 'clear'] as const;
  return Object.fromEntries(methods.map((name) => [name, promisify((store[name] as never as (...args: unknown[]) => void).bind(store))]));
}

suite('sessionStore', () => {
  test('is an EventEmitter and a Store of the module it is for', async (t) => {
    const store = sessionStore(session, await freshCache(t));
    assert.ok(store instanceof EventEmitter);
    assert.ok(store instanceof session.Store);
  });

  test('get, set, destroy; all, length, clear', async (t) => {
    const cache = await freshCache(t);
    const store = promised(sessionStore(session, cache, { prefix: 's:' }));
    assert.equal(await store['get']!('none'), null);
    const one = { cookie: { originalMaxAge: null }, user: { id: 1 } };
    await store['set']!('one', one);
    await store['set']!('two', { ...one, user: { id: 2 } });
    assert.deepEqual(await store['get']!('one'), one);
    await store['set']!('one', { ...one, user: { id: 3 } });
    assert.equal(await store['length']!(), 2);
    assert.deepEqual(((await store['all']!()) as { user: { id: number } }[]).map(({ user }) => user.id).sort(), [2, 3]);
    cache.set('not a session', 1);
    await store['destroy']!('one');
    await store['destroy']!('one');
    assert.equal(await store['get']!('one'), null);
    await store['clear']!();
    assert.equal(await store['length']!(), 0);
    assert.equal(cache.get('not a session'), 1);
  });

  test('a session lives as long as its cookie, and touch puts off its end without changing it', async (t) => {
    const store = promised(sessionStore(session, await freshCache(t)));
    const until = (ms: number): object => ({ cookie: { expires: new Date(Date.now() + ms), originalMaxAge: ms } });
    await store['set']!('a', { ...until(500), n: 1 });
    await store['set']!('b', { ...until(500), n: 1 });
    await store['set']!('over', { ...until(-1), n: 1 });
    await store['touch']!('a', { ...until(60_000), n: 99 });
    await store['touch']!('none', until(60_000));
    await sleep(520);
    assert.equal(((await store['get']!('a')) as { n: number }).n, 1);
    assert.deepEqual([await store['get']!('b'), await store['get']!('over'), await store['get']!('none')], [null, null, null]);
  });

  test('callbacks come after the call has returned, may be left out, and are told errors', async (t) => {
    const cache = await freshCache(t);
    const store = sessionStore(session, cache);
    let returned = false;
    const told = new Promise<boolean>((resolve) => store.get('k', () => resolve(returned)));
    returned = true;
    assert.equal(await told, true);
    store.set('k', { cookie: {} });
    store.destroy('k');
    await cache.close();
    await assert.rejects(promised(store)['get']!('k'), { code: 'CLOSED' });
  });

  test('serves a server', async (t) => {
    const cache = await freshCache(t);
    const middleware = session({ store: sessionStore(session, cache), secret: 'test', resave: false, saveUninitialized: false, cookie: { maxAge: 60_000 } });
    const server = createServer((request, response) => {
      middleware(request, response, (error) => {
        const { session: data } = request as SessionRequest;
        const done = (problem?: unknown): void => void response.end(problem === undefined || problem === null ? String(data.views) : 'failed');
        if (error !== undefined) done(error);
        else if (request.url === '/out') data.destroy(done);
        else {
          data.views = (data.views ?? 0) + 1;
          done();
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const first = await fetch(address);
    const cookie = first.headers.get('set-cookie')!.split(';')[0]!;
    const ask = async (path = '/'): Promise<string> => (await fetch(address + path, { headers: { cookie } })).text();
    assert.deepEqual([await first.text(), await ask(), await ask()], ['1', '2', '3']);
    assert.equal([...cache.keys({ prefix: 'session:' })].length, 1);
    await ask('/out');
    assert.equal(await ask(), '1');
  });
});
