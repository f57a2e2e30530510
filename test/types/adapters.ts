/** As truths.ts: caches as the stores of other packages, by those packages' own types. */
import session from 'express-session';
import { Keyv } from 'keyv';
import { Keyv as Keyv6 } from 'keyv-6';
import { keyvStore, openCache, sessionStore, unstorageDriver } from 'lodemap/cache';
import { createStorage } from 'unstorage';

export async function adapters(): Promise<void> {
  const cache = await openCache<string, number>('types.cache', { ttl: 5 });
  const store = keyvStore(cache);
  void [new Keyv(store), new Keyv({ store }), new Keyv(store, { namespace: 'n' }), new Keyv6(store), new Keyv6({ store, namespace: 'n' })];
  const storage = createStorage({ driver: unstorageDriver(cache) });
  const item: { a: number } | null = await storage.getItem<{ a: number }>('k');
  session({ store: sessionStore(session, cache, { ttl: 1000 }), secret: 'keep it', resave: false, saveUninitialized: false });
  const sessions: session.Store = sessionStore(session, cache);
  sessions.get('sid', (error, data) => void [error, data?.cookie]);
  void item;
}
