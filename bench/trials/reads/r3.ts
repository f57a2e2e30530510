import { bytesAsked, timed, timedAsync } from '../../measure.ts';
import { Random } from '../../random.ts';
import { makeRecord } from '../../record.ts';
import type { Store } from '../../driver.ts';
import type { BenchRecord } from '../../record.ts';
import type { Trial } from '../../trial.ts';

interface Large {
  readonly version: number;
  readonly groups: readonly { readonly name: string; readonly items: readonly BenchRecord[] }[];
}

/** The first and only read of a fresh process: `doc.groups[i].items[j].addr.zip`, not a byte of it touched before. */
export const trial: Trial = {
  id: 'R3',
  title: 'one field deep inside a 16 MB value, cold',
  data: 'large',
  subjects: ['lodemap', 'lmdb', 'lmdb:shared', 'level'],
  units: { read: 'time', 'bytes read': 'size', 'bytes by stats': 'size', open: 'time' },
  goals: [
    { figure: 'read', peer: 'lmdb', rule: 'at least', must: 100, aim: 1_000 },
    { figure: 'bytes read', rule: 'at most', must: 65_536 },
  ],
  repeat: 3,
  async prepare(scene) {
    const { groups, groupItems, seed } = scene.sizes;
    const random = new Random(seed);
    const value: Large = {
      version: 1,
      groups: Array.from({ length: groups }, (_, group) => ({
        name: `group ${group}`,
        items: Array.from({ length: groupItems }, (_, item) => makeRecord(group * groupItems + item, random)),
      })),
    };
    const store = await scene.open();
    await store.load([['doc', value]]);
    await store.close();
  },
  async run(scene) {
    const { groups, groupItems } = scene.sizes;
    let store: Store | undefined;
    const open = await timedAsync(async () => {
      store = await scene.open();
    });
    const ready = store as unknown as Store;
    const statsBefore = ready.bytesRead?.() ?? 0;
    const askedBefore = bytesAsked();
    let zip = '';
    const read = timed(() => {
      const doc = ready.get('doc') as Large;
      zip = doc.groups[groups >> 1]?.items[groupItems >> 1]?.addr.zip ?? '';
    });
    const asked = bytesAsked() - askedBefore;
    const stats = (ready.bytesRead?.() ?? 0) - statsBefore;
    await ready.close();
    return { figures: { read, 'bytes read': asked, 'bytes by stats': stats, open }, check: zip };
  },
};
