/** A child of interrupt.long.ts: sorts and groups a list of a store over and over and writes the results back, until it is stopped. */
import { groupBySum } from '../../src/external/group/aggregate.ts';
import { externalSort } from '../../src/external/sort/sort.ts';
import type { LazyList } from '../../src/lazy/lazy-list.ts';
import { open } from '../../src/map/open.ts';

const [, , store = '', tmpdir = '', processes = '1'] = process.argv;
const abort = new AbortController();
process.once('SIGINT', () => abort.abort());

const map = await open<string, unknown>(store);
try {
  const options = { tmpdir, processes: Number(processes), signal: abort.signal };
  process.stdout.write('ready\n');
  for (;;) {
    const rows = map.get('rows') as Iterable<{ key: number; id: number }>;
    map.set('sorted', []);
    await (map.get('sorted') as LazyList).extend(externalSort(rows, { by: 'key', ...options }));
    map.set('sums', []);
    await (map.get('sums') as LazyList).extend(groupBySum(rows, { by: 'key', value: 'id', ...options }));
  }
} catch (error) {
  if (!abort.signal.aborted) throw error;
} finally {
  await map.close();
}
