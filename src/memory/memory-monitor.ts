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

/** What `check` has found. Sizes in bytes. */
export interface MemoryInfo {
  readonly level: MemoryLevel;
  /** The share of its limit that memory has reached, 0 to 1: of the process, of its control group, or of the heap, whichever is worst. */
  readonly share: number;
  /** Memory of the process that is resident, without pages of mapped files, which the system takes back as it likes. */
  readonly rss: number;
  /** What resident memory may grow to. */
  readonly limit: number;
  readonly heapUsed: number;
  readonly heapLimit: number;
  /** Of the control group that is nearest to its limit, where one has any: what all its processes use, and may use. */
  readonly group?: GroupMemory | undefined;
}

type Figures = Pick<MemoryInfo, 'rss' | 'limit' | 'heapUsed' | 'heapLimit' | 'group'>;

export interface MemoryMonitorOptions {
  /** Shares from which a level holds; default 0.6, 0.75 and 0.9. */
  readonly thresholds?: { readonly low: number; readonly high: number; readonly critical: number };
  /** What resident memory may grow to, in bytes; default what the system allows. */
  readonly limitBytes?: number;
  /** Where the figures come from; for tests. */
  readonly measure?: () => Figures;
}

export type MemoryHandler = (info: MemoryInfo) => void;

/** How far below its threshold the share must be before a level is left. */
const slack = 0.05;
const defaults = { low: 0.6, high: 0.75, critical: 0.9 };

export class MemoryMonitor {
  readonly #thresholds: { readonly low: number; readonly high: number; readonly critical: number };
  readonly #measure: () => Figures;
  readonly #handlers = new Map<MemoryLevel, Set<MemoryHandler>>();
  #level: MemoryLevel = 'normal';
  #timer: NodeJS.Timeout | undefined;

  /** Throws a RangeError when thresholds do not ascend between 0 and 1. */
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

  /** Calls `handler` when a check finds that the level has become `level`, from above or below. Gives a function that ends it. */
  on(level: MemoryLevel, handler: MemoryHandler): () => void {
    if (!levels.includes(level)) throw new TypeError(`on: expected one of ${levels.join(', ')}, got ${describe(level)}`);
    if (typeof handler !== 'function') throw new TypeError(`on: expected a function, got ${describe(handler)}`);
    let handlers = this.#handlers.get(level);
    if (handlers === undefined) this.#handlers.set(level, (handlers = new Set()));
    handlers.add(handler);
    return () => void handlers.delete(handler);
  }

  /** Measures now. Calls the handlers of a level that is new. */
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

  /** Checks every `intervalMs` milliseconds, beginning now; does not keep the process alive. */
  start(intervalMs = 1000): void {
    if (!(intervalMs >= 1)) throw new RangeError(`start: expected milliseconds of at least 1, got ${describe(intervalMs)}`);
    this.stop();
    this.#timer = setInterval(() => this.check(), intervalMs);
    this.#timer.unref();
    this.check();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

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
