import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CacheClock } from '../../src/cache/cache-clock.ts';

class Machine {
  boot = 'first';
  wallMs = 1_700_000_000_000;
  monotonicMs = 5000;
  wall = (): number => this.wallMs;
  monotonic = (): number => this.monotonicMs;

  pass(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }
}

test('time is the wall clock while nothing happens to it, drift included', () => {
  const machine = new Machine();
  const clock = new CacheClock(machine);
  for (let i = 0; i < 10_000; i++) {
    machine.pass(i % 100 === 0 ? 5000 : 10);
    machine.monotonicMs += 0.0005;
    assert.equal(clock.now(), machine.wallMs);
  }
});

test('set back, time goes on; the clock put right again, it does not jump', () => {
  const machine = new Machine();
  const clock = new CacheClock(machine);
  machine.pass(100);
  const before = clock.now();
  machine.wallMs -= 3_600_000;
  machine.pass(10);
  assert.ok(Math.abs(clock.now() - before - 10) < 1);
  machine.pass(5000);
  assert.ok(Math.abs(clock.now() - before - 5010) < 1);
  machine.wallMs += 3_600_000;
  machine.pass(100);
  assert.ok(Math.abs(clock.now() - before - 5110) < 60);
});

test('after a sleep, and set forward, time is the wall clock', () => {
  const machine = new Machine();
  const clock = new CacheClock(machine);
  clock.now();
  machine.wallMs += 8 * 3_600_000;
  assert.equal(clock.now(), machine.wallMs);
});

test('the next process goes on where the last one was', () => {
  const machine = new Machine();
  const first = new CacheClock(machine);
  machine.wallMs -= 600_000;
  const mark = { ...first.mark() };
  machine.pass(2000);
  const second = new CacheClock(machine);
  second.adopt(mark);
  assert.ok(Math.abs(second.now() - first.now()) < 1);
  machine.boot = 'second';
  machine.monotonicMs = 10;
  const third = new CacheClock(machine);
  third.adopt(mark);
  assert.equal(third.now(), mark.time);
  machine.wallMs = mark.time + 100_000;
  assert.equal(third.now(), machine.wallMs);
});

test('a process that is not run for a while is not a clock set back', () => {
  const machine = new Machine();
  const clock = new CacheClock(machine);
  const { monotonic, wall } = machine;
  for (let i = 0; i < 100; i++) {
    machine.pass(2000);
    // Whichever clock is read second is read late.
    let readings = 0;
    const late = (): void => void (readings++ > 0 && machine.pass(80));
    machine.monotonic = () => (late(), monotonic());
    machine.wall = () => (late(), wall());
    clock.now();
    machine.monotonic = monotonic;
    machine.wall = wall;
  }
  assert.equal(clock.now(), machine.wallMs);
});

test('it never runs backwards', () => {
  const machine = new Machine();
  const clock = new CacheClock(machine);
  let last = clock.now();
  let state = 1;
  for (let i = 0; i < 20_000; i++) {
    state = (state * 48_271) % 2_147_483_647;
    machine.pass(state % 700);
    if (state % 13 === 0) machine.wallMs += (state % 2_000_000) - 1_000_000;
    const now = clock.now();
    assert.ok(now >= last, `${now} after ${last}`);
    last = now;
  }
});
