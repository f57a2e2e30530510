import { Beginnings } from './beginnings.ts';
import type { Change } from './changes.ts';

const recentMax = 256;

/**
 * The last changes of entries, so that a walk can go on with the batch it has read: it asks what was changed since, and puts
 * right what lies ahead of it.
 */
export class EditLog {
  readonly #recent: Change[] = [];
  /** What walks that began here have skipped. */
  readonly beginnings: Beginnings = new Beginnings();
  /** Changes so far: walks compare it. */
  count = 0;
  /** Only changes after this count are known one by one. */
  #from = 0;

  note(change: Change): void {
    this.#recent[this.count++ % recentMax] = change;
  }

  /** Something was changed that no single entry tells: a clear, what a failed transaction takes back, another process. */
  forget(): void {
    this.#from = ++this.count;
  }

  /** The changes after the first `count`, in order; undefined when they are not known any more. */
  since(count: number): Change[] | undefined {
    if (count < this.#from || this.count - count > recentMax) return undefined;
    const changes: Change[] = [];
    for (let i = count; i < this.count; i++) changes.push(this.#recent[i % recentMax]!);
    return changes;
  }
}
