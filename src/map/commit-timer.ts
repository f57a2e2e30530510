/**
 * When changes made outside transactions are committed: at the end of the turn; while another process holds the commit lock,
 * again and again at growing distances; and when the process exits. Keeps the process alive until nothing is left.
 */
import { clearImmediate, clearTimeout, setImmediate, setTimeout, steadyMs } from '../base/timers.ts';
const retryMsMax = 50;

/** The timers of stores with something to commit: what an exiting process must not forget. */
const running = new Set<CommitTimer>();
let hooked = false;

export class CommitTimer {
  readonly #commit: () => boolean;
  #immediate: NodeJS.Immediate | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #retryMs = 1;

  /** `commit` does what there is to do and says whether it could; it never throws. */
  constructor(commit: () => boolean) {
    this.#commit = commit;
  }

  start(): void {
    if (this.#immediate !== undefined || this.#timeout !== undefined) return;
    hookExit();
    running.add(this);
    this.#immediate = setImmediate(() => this.#run());
  }

  stop(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timeout);
    this.#immediate = undefined;
    this.#timeout = undefined;
    this.#retryMs = 1;
    running.delete(this);
  }

  /** Commits now, waiting for the lock for a bounded time: the process is about to exit. */
  runBeforeExit(): void {
    const deadline = steadyMs() + 5000;
    while (!this.#commit() && steadyMs() < deadline) Atomics.wait(sleeper, 0, 0, 1);
    this.stop();
  }

  #run(): void {
    this.#immediate = undefined;
    this.#timeout = undefined;
    if (this.#commit()) {
      this.stop();
      return;
    }
    this.#retryMs = Math.min(retryMsMax, this.#retryMs * 2);
    this.#timeout = setTimeout(() => this.#run(), this.#retryMs);
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

function hookExit(): void {
  if (hooked) return;
  hooked = true;
  process.on('exit', () => {
    for (const timer of running) timer.runBeforeExit();
  });
}
