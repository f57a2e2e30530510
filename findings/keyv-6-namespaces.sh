#!/usr/bin/env bash
# keyv 6.1.0
#
# A storage adapter written for Keyv 5 keeps `namespace`, because Keyv 5 sets it and its `clear` goes by it; Keyv 5 itself puts
# `namespace:` before every key. Keyv 6 says that such adapters are wrapped in a bridge and go on working, so one would expect each
# namespace to see its own entries, as before.
#
# What happens: because the adapter has the property `namespace` and all methods, the bridge takes it to keep namespaces apart by itself, and
# passes the keys on as they are. Two Keyvs with different namespaces over one database read and overwrite each other's values,
# silently. The same adapter without the one method `deleteMany` is bridged with prefixes, and the namespaces are apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-fund --no-audit keyv@6.1.0 2> /dev/null

cat > try.js <<'JS'
import { EventEmitter } from 'node:events';
import { Keyv } from 'keyv';

const database = new Map();
class Adapter extends EventEmitter {
  namespace;
  opts = {};
  async get(key) { return database.get(key); }
  async set(key, value) { database.set(key, value); return true; }
  async setMany(entries) { for (const { key, value } of entries) database.set(key, value); }
  async has(key) { return database.has(key); }
  async hasMany(keys) { return keys.map((key) => database.has(key)); }
  async delete(key) { return database.delete(key); }
  async deleteMany(keys) { return keys.map((key) => database.delete(key)).some(Boolean); }
  async clear() { for (const key of database.keys()) if (key.startsWith(`${this.namespace}:`)) database.delete(key); }
}
class WithoutDeleteMany extends Adapter {}
WithoutDeleteMany.prototype.deleteMany = undefined;

async function seenByOther(Store) {
  database.clear();
  const mine = new Keyv({ store: new Store(), namespace: 'mine' });
  const yours = new Keyv({ store: new Store(), namespace: 'yours' });
  await mine.set('key', 'secret of mine');
  return [await yours.get('key'), [...database.keys()].join()];
}
const full = await seenByOther(Adapter);
const partial = await seenByOther(WithoutDeleteMany);
console.log('all methods:        the other namespace reads', full[0], '- stored as', full[1]);
console.log('without deleteMany: the other namespace reads', partial[0], '- stored as', partial[1]);
process.exitCode = full[0] === 'secret of mine' && full[1] === 'key' && partial[0] === undefined && partial[1] === 'mine::key' ? 0 : 1;
JS
node try.js
