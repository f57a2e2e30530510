/**
 * Watches how much memory the process has left.
 *
 * What is measured: the process's own memory against the limit of the control group (or the machine), that of all processes of a group
 * against the group's, and V8's heap against its own limit; the worst of the shares counts. A level is left only when the share has fallen clearly below its threshold, so
 * that it does not flutter. Collections that spill and caches of open maps follow the level of whichever monitor spoke last.
 */
import { getHeapStatistics } from 'node:v8';
import { describe } from '../base/errors.ts';
import { clearInterval, setInterval } from '../base/timers.ts';
import { memoryGroups, memoryLimit, ownMemory } from './limit-files.ts';
import { levels, spreadPressure } from './pressure.ts';
import type { MemoryLevel } from './pressure.ts';
import type { GroupMemory } from './limit-files.ts';

/** What `check` has found. Sizes are in bytes. */
export interface MemoryInfo {
  /** How short memory is. */
  readonly level: MemoryLevel;
  /** The share of its limit that memory has reached, 0 to 1: the worst of the process, its control group and V8's heap. */
  readonly share: number;
  /** Resident memory of the process, without pages of mapped files, which the system can take back. */
  readonly rss: number;
  /** What resident memory may grow to. */
  readonly limit: number;
  /** What V8's heap uses. */
  readonly heapUsed: number;
  /** What V8's heap may use. */
  readonly heapLimit: number;
  /** What all processes of a control group use and may use: the group nearest to its limit, if any has one. */
  readonly group?: GroupMemory | undefined;
}

type Figures = Pick<MemoryInfo, 'rss' | 'limit' | 'heapUsed' | 'heapLimit' | 'group'>;

/** Options of a MemoryMonitor. */
export interface MemoryMonitorOptions {
  /** Shares of the limit, 0 to 1, at which a level begins. Default 0.6, 0.75 and 0.9. */
  readonly thresholds?: { readonly low: number; readonly high: number; readonly critical: number };
  /** What resident memory may grow to, in bytes. Default: what the system allows. */
  readonly limitBytes?: number;
  /** Where the figures come from; for tests. */
  readonly measure?: () => Figures;
}

/** What a MemoryMonitor calls when the level changes. */
export type MemoryHandler = (info: MemoryInfo) => void;

/** How far below its threshold the share must be before a level is left. */
const slack = 0.05;
const defaults = { low: 0.6, high: 0.75, critical: 0.9 };

/**
 * Watches how much memory the process has left: `monitor.on('high', handler); monitor.start(1000)`. SpillArrays, SpillMaps and the caches of open maps
 * give memory back at the levels `high` and `critical`.
 */
export class MemoryMonitor {
  readonly #thresholds: { readonly low: number; readonly high: number; readonly critical: number };
  readonly #measure: () => Figures;
  readonly #handlers = new Map<MemoryLevel, Set<MemoryHandler>>();
  #level: MemoryLevel = 'normal';
  #timer: NodeJS.Timeout | undefined;

  /** A monitor that has measured nothing yet. Throws a RangeError if the thresholds do not ascend between 0 and 1. */
  constructor({ thresholds = defaults, limitBytes, measure }: MemoryMonitorOptions = {}) {
    const { low, high, critical } = thresholds;
    if (!(low > slack && low < high && high < critical && critical <= 1)) {
      throw new RangeError(`thresholds: expected ${slack} < low < high < critical <= 1, got ${low}, ${high}, ${critical}`);
    }
    if (limitBytes !== undefined && !(limitBytes > 0)) throw new RangeError(`limitBytes: expected a number above 0, got ${describe(limitBytes)}`);
    this.#thresholds = thresholds;
    this.#measure = measure ?? (() => measureProcess(limitBytes));
  }

  /** The level at the last check; `normal` before the first. */
  get level(): MemoryLevel {
    return this.#level;
  }

  /** Calls `handler` when a check finds that the level has become `level`, from above or below. Returns a function that removes the handler. */
  on(level: MemoryLevel, handler: MemoryHandler): () => void {
    if (!levels.includes(level)) throw new TypeError(`on: expected one of ${levels.join(', ')}, got ${describe(level)}`);
    if (typeof handler !== 'function') throw new TypeError(`on: expected a function, got ${describe(handler)}`);
    let handlers = this.#handlers.get(level);
    if (handlers === undefined) this.#handlers.set(level, (handlers = new Set()));
    handlers.add(handler);
    return () => void handlers.delete(handler);
  }

  /** Measures now. Calls the handlers if the level has changed. */
  check(): MemoryInfo {
    const figures = this.#measure();
    const { group } = figures;
    const share = Math.max(figures.rss / figures.limit, figures.heapUsed / figures.heapLimit, group === undefined ? 0 : group.used / group.limit);
    const before = this.#level;
    const level = this.#levelAt(share);
    const info: MemoryInfo = { level, share, ...figures };
    this.#level = level;
    spreadPressure(level);
    if (level !== before) for (const handler of this.#handlers.get(level) ?? []) handler(info);
    return info;
  }

  /** Checks now, and from then on every `intervalMs` milliseconds. Does not keep the process alive. Default 1000; a RangeError below 1. */
  start(intervalMs = 1000): void {
    if (!(intervalMs >= 1)) throw new RangeError(`start: expected milliseconds of at least 1, got ${describe(intervalMs)}`);
    this.stop();
    this.#timer = setInterval(() => this.check(), intervalMs);
    this.#timer.unref();
    this.check();
  }

  /** Ends what `start` began. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Stops it, for `using`. */
  [Symbol.dispose](): void {
    this.stop();
  }

  #levelAt(share: number): MemoryLevel {
    const reached = (threshold: number, level: MemoryLevel): boolean => {
      const isThere = levels.indexOf(this.#level) >= levels.indexOf(level);
      return share >= (isThere ? threshold - slack : threshold);
    };
    if (reached(this.#thresholds.critical, 'critical')) return 'critical';
    if (reached(this.#thresholds.high, 'high')) return 'high';
    return reached(this.#thresholds.low, 'low') ? 'low' : 'normal';
  }
}

function measureProcess(limitBytes: number | undefined): Figures {
  const { used_heap_size: heapUsed, heap_size_limit: heapLimit } = getHeapStatistics();
  const rss = ownMemory() ?? process.memoryUsage.rss();
  // A limit that was given is the process's own.
  if (limitBytes !== undefined) return { rss, limit: limitBytes, heapUsed, heapLimit };
  const groups = memoryGroups();
  const group = groups.reduce<GroupMemory | undefined>((worst, one) => (worst === undefined || one.used / one.limit > worst.used / worst.limit ? one : worst), undefined);
  return { rss, limit: memoryLimit(), heapUsed, heapLimit, group };
}
