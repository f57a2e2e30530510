/**
 * Long lists, item by item: items go into the node in batches, and the chunks these become are written ahead of the commit
 * that will link to them (`Stager`), so that neither is held. A list that is never published leaves garbage in
 * the log, and nothing else.
 */
import type { Stager } from './document.ts';
import { isDraft } from './handle.ts';
import { isNode } from '../tree/node.ts';
import type { ListNode } from '../tree/node.ts';

const batchFirst = 16;
const batchMax = 1024;
/** Bytes of chunks that may wait. */
const waitingMax = 1024 * 1024;

export class ListAppender {
  readonly #stager: Stager;
  #node: ListNode;
  #batch: unknown[] = [];
  #batchItems: number;
  #waiting = 1;
  /** Why what was due could not be staged. */
  #failure: { readonly error: unknown } | undefined;

  /** Appends to `node`. A draft keeps what it is given until its transaction ends. */
  constructor(stager: Stager, node: ListNode) {
    this.#stager = stager;
    this.#node = node;
    this.#batchItems = isDraft(node) ? batchMax : batchFirst;
  }

  /** Appends an item: what a node takes, see `ListNode.splice`. Throws UNSUPPORTED, IO, QUOTA, TIMEOUT, READ_ONLY. */
  add(item: unknown): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#batch.length === 0 || isNode(item)) this.#begin();
    if (this.#batch.push(item) >= this.#batchItems) this.#write();
  }

  readonly #due = (): void => {
    try {
      this.#take();
      this.#waiting = this.#stager.stage(this.#node, 0);
    } catch (error) {
      this.#failure = { error };
    }
  };

  /** The node with all items. */
  finish(): ListNode {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#batch.length > 0) this.#write();
    return this.#node;
  }

  #begin(): void {
    if (!isDraft(this.#node)) this.#stager.begin(this.#due);
  }

  #take(): void {
    this.#begin();
    if (this.#batch.length > 0) this.#node = this.#node.splice(this.#node.length, 0, this.#batch);
    this.#batch = [];
  }

  #write(): void {
    this.#take();
    if (isDraft(this.#node)) return;
    const before = this.#waiting;
    this.#waiting = this.#stager.stage(this.#node, waitingMax);
    // Batches of few items where items are large.
    const isTooLarge = before === 0 && this.#waiting === 0;
    this.#batchItems = isTooLarge ? Math.max(1, this.#batchItems >> 2) : Math.min(batchMax, this.#batchItems * 2);
  }
}
