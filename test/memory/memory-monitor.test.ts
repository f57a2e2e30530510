import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryMonitor } from '../../src/memory/memory-monitor.ts';
import { unwatchPressure, watchPressure } from '../../src/memory/pressure.ts';
import { memoryLimit } from '../../src/memory/limit-files.ts';

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
