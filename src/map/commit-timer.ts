/**
 * When changes made outside transactions are committed: at the end of the turn; while another process holds the commit lock,
 * again and again at growing distances; and when the process, or the worker thread, exits.
 *
 * A process stays alive for what waits here as long as anybody waits for the lock, and no longer: another that is stopped with the lock
 * must not keep it for ever. Once it exits, every change is committed as it is made, for no turn of the event loop will come. What
 * can not be committed then is lost: the process says so on standard error, and does not end with the exit code 0.
 */
import { clearImmediate, clearTimeout, setImmediate, setTimeout, steadyMs } from '../base/timers.ts';

/** What there is to commit, and what becomes of it. Nothing here throws. */
export interface CommitWork {
  /** Commits it if the lock is free; says whether nothing is left to try. */
  commit(): boolean;
  /** What is lost should the process end now, for people; undefined when nothing is. */
  loss(): string | undefined;
}

const retryMsMax = 50;
/** How long an exiting process waits for the lock at most, in all: those who end it do not wait much longer. */
const exitWaitMs = 5000;

/** The timers of stores with something to commit: what an exiting process must not forget. */
const running = new Set<CommitTimer>();
let hooked = false;
/** When the process, which is exiting, stops to wait. */
let exitDeadline: number | undefined;

export class CommitTimer {
  readonly #work: CommitWork;
  readonly #waitMs: number;
  #immediate: NodeJS.Immediate | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #retryMs = 1;
  #startedAt = 0;
  #toldLoss = false;

  /** `waitMs`: for how long waiting for the lock keeps the process alive. */
  constructor(work: CommitWork, waitMs: number) {
    this.#work = work;
    this.#waitMs = waitMs;
    hookExit();
  }

  start(): void {
    if (this.#immediate !== undefined || this.#timeout !== undefined) return;
    running.add(this);
    if (exitDeadline !== undefined) return this.#runWhileExiting(exitDeadline);
    this.#startedAt = steadyMs();
    this.#immediate = setImmediate(() => this.#run());
  }

  stop(): void {
    this.#rest();
    running.delete(this);
  }

  /** Commits now, waiting for the lock until `deadline`; whoever has waited his time already asks once more. */
  #runWhileExiting(deadline: number): void {
    const hasWaited = this.#timeout?.hasRef() === false;
    this.#rest();
    const until = hasWaited ? 0 : Math.min(deadline, steadyMs() + this.#waitMs);
    while (!this.#work.commit() && steadyMs() < until) Atomics.wait(sleeper, 0, 0, 1);
    const loss = this.#work.loss();
    if (loss === undefined || this.#toldLoss) return;
    this.#toldLoss = true;
    process.stderr.write(`lodemap: ${loss}\n`);
    process.exitCode ||= 1;
  }

  static exit(): void {
    exitDeadline = steadyMs() + exitWaitMs;
    for (const timer of running) timer.#runWhileExiting(exitDeadline);
  }

  #rest(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timeout);
    this.#immediate = undefined;
    this.#timeout = undefined;
    this.#retryMs = 1;
  }

  #run(): void {
    this.#immediate = undefined;
    this.#timeout = undefined;
    if (this.#work.commit()) {
      if (this.#work.loss() === undefined) this.stop();
      return;
    }
    this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2);
    this.#timeout = setTimeout(() => this.#run(), this.#retryMs);
    if (steadyMs() - this.#startedAt > this.#waitMs) this.#timeout.unref();
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** First of all listeners: what those of the user change is then committed at once. */
function hookExit(): void {
  if (hooked) return;
  hooked = true;
  process.prependListener('exit', () => CommitTimer.exit());
}
