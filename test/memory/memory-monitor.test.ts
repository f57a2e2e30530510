import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../suite/scratch.ts';
import { MemoryMonitor } from '../../src/memory/memory-monitor.ts';
import { unwatchPressure, watchPressure } from '../../src/memory/pressure.ts';
import { memoryGroups, memoryLimit, ownMemory } from '../../src/memory/limit-files.ts';

function monitorOf(figures: { rss: number; heapUsed: number }): MemoryMonitor {
  return new MemoryMonitor({ measure: () => ({ limit: 100, heapLimit: 100, ...figures }) });
}

test('levels rise at their thresholds and fall clearly below them', () => {
  const figures = { rss: 10, heapUsed: 10 };
  const monitor = monitorOf(figures);
  const seen: string[] = [];
  for (const level of ['normal', 'low', 'high', 'critical'] as const) monitor.on(level, (info) => seen.push(`${info.level} ${info.share}`));
  for (const rss of [10, 60, 61, 56, 55, 54, 75, 71, 69, 95, 86, 84, 10]) {
    figures.rss = rss;
    assert.equal(monitor.check().level, monitor.level);
  }
  assert.deepEqual(seen, ['low 0.6', 'normal 0.54', 'high 0.75', 'low 0.69', 'critical 0.95', 'high 0.84', 'normal 0.1']);
});

test('the heap counts too', () => {
  assert.equal(monitorOf({ rss: 1, heapUsed: 91 }).check().level, 'critical');
  monitorOf({ rss: 1, heapUsed: 1 }).check();
});

test('handlers can be taken off', () => {
  const figures = { rss: 0, heapUsed: 0 };
  const monitor = monitorOf(figures);
  let calls = 0;
  const off = monitor.on('high', () => calls++);
  for (const rss of [80, 0, 80, 0]) {
    figures.rss = rss;
    monitor.check();
    if (calls === 1) off();
  }
  assert.equal(calls, 1);
});

test('those who hold memory are told when the level changes', () => {
  const told: number[] = [];
  const holder = { shrink: (share: number) => void told.push(share) };
  watchPressure(holder);
  const figures = { rss: 0, heapUsed: 0 };
  const monitor = monitorOf(figures);
  for (const rss of [0, 65, 80, 81, 95, 0]) {
    figures.rss = rss;
    monitor.check();
  }
  unwatchPressure(holder);
  figures.rss = 99;
  monitor.check();
  figures.rss = 0;
  monitor.check();
  assert.deepEqual(told, [0.5, 0.1, 1]);
});

test('the process itself', async () => {
  const monitor = new MemoryMonitor();
  const { rss, limit, heapUsed, heapLimit } = monitor.check();
  assert.ok(rss > 0 && rss < limit && heapUsed > 0 && heapUsed < heapLimit);
  assert.equal(limit, memoryLimit());
  let checks = 0;
  // The timer of a monitor keeps no process alive; this one does.
  const alive = setInterval(() => {}, 1000);
  await new Promise<void>((resolve) => {
    const timed = new MemoryMonitor({
      measure() {
        if (++checks === 3) {
          timed.stop();
          resolve();
        }
        return { rss: 0, limit: 1, heapUsed: 0, heapLimit: 1 };
      },
    });
    timed.start(5);
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  clearInterval(alive);
  assert.equal(checks, 3);
});

test('misuse is told at once', () => {
  assert.throws(() => new MemoryMonitor({ thresholds: { low: 0.9, high: 0.5, critical: 1 } }), RangeError);
  assert.throws(() => new MemoryMonitor({ limitBytes: 0 }), RangeError);
  assert.throws(() => new MemoryMonitor().on('medium' as never, () => {}), TypeError);
  assert.throws(() => new MemoryMonitor().start(0), RangeError);
});

/** A system as it tells of itself, in a folder. */
function systemOf(files: Record<string, string>): { proc: string; groups: string } {
  const root = scratch();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { proc: join(root, 'proc'), groups: join(root, 'groups') };
}

const MiB = 2 ** 20;

test('a soft limit, and what other processes of the group use, count; pages of files do not', () => {
  const files = systemOf({
    'proc/cgroup': '0::/a/b\n',
    'proc/status': `VmRSS:\t${90 * 1024} kB\nRssAnon:\t${2 * 1024} kB\nRssFile:\t${80 * 1024} kB\nRssShmem:\t${1024} kB\n`,
    'groups/a/memory.max': 'max\n',
    'groups/a/memory.high': 'max\n',
    'groups/a/b/memory.max': `${100 * MiB}\n`,
    'groups/a/b/memory.high': `${70 * MiB}\n`,
    'groups/a/b/memory.current': `${88 * MiB}\n`,
    'groups/a/b/memory.stat': `anon ${50 * MiB}\nfile ${35 * MiB}\nshmem ${5 * MiB}\n`,
  });
  assert.equal(memoryLimit(files), 70 * MiB);
  assert.deepEqual(memoryGroups(files), [{ limit: 70 * MiB, used: 58 * MiB }]);
  assert.equal(ownMemory(files), 3 * MiB);
  const monitor = new MemoryMonitor({ measure: () => ({ rss: 3 * MiB, limit: 70 * MiB, heapUsed: 0, heapLimit: 1, group: memoryGroups(files)[0] }) });
  assert.deepEqual([monitor.check().level, monitor.check().share], ['high', 58 / 70]);
  assert.equal(new MemoryMonitor({ measure: () => ({ rss: 0, limit: 1, heapUsed: 0, heapLimit: 1 }) }).check().level, 'normal');
});

test('the first version of control groups, where a container is its own root', () => {
  const files = systemOf({
    'proc/cgroup': '4:memory:/docker/x\n1:cpu:/\n',
    'groups/memory/memory.limit_in_bytes': `${64 * MiB}\n`,
    'groups/memory/memory.soft_limit_in_bytes': '9223372036854771712\n',
    'groups/memory/memory.usage_in_bytes': `${40 * MiB}\n`,
    'groups/memory/memory.stat': `cache ${1 * MiB}\ntotal_cache ${30 * MiB}\ntotal_shmem ${10 * MiB}\n`,
  });
  assert.deepEqual(memoryGroups(files), [{ limit: 64 * MiB, used: 20 * MiB }]);
  assert.deepEqual(memoryGroups(systemOf({})), []);
});
