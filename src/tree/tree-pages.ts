/** Finds the pages of trees: in the cache, or made anew for their chunk. */
import { StoreError } from '../base/errors.ts';
import { ChunkKind } from '../heap/chunk.ts';
import type { ChunkView, Link } from '../heap/chunk.ts';
import { KeyedLeaf } from './keyed/keyed-leaf.ts';
import { ListLeaf } from './list/list-leaf.ts';
import type { NodeContext } from './node-context.ts';
import type { Page } from './node-cache.ts';
import { innerLevel, InnerPage, LeafPage } from './tree-inner.ts';
import type { PageTable, TreePage } from './tree-inner.ts';

/** The pages of list trees, or of keyed trees. */
export class TreePages implements PageTable {
  readonly keyed: boolean;
  readonly #context: NodeContext;

  constructor(context: NodeContext, keyed: boolean) {
    this.#context = context;
    this.keyed = keyed;
  }

  page(link: Link, level: number): TreePage {
    const known = this.#context.cache.find(link);
    if (known instanceof InnerPage || known instanceof LeafPage) return this.#checked(known);
    const found = level < 0 ? this.#levelOf(link) : level;
    if (found > 0) return new InnerPage(this, link, found);
    return this.keyed ? new KeyedLeaf(this.#context, link) : new ListLeaf(this.#context, link);
  }

  load(link: Link): ChunkView {
    return this.#context.source.load(link);
  }

  filled(page: Page): void {
    if (page.slotInCache < 0) this.#context.cache.add(page);
  }

  #levelOf(link: Link): number {
    const view = this.#context.source.load(link);
    if (view.kind === (this.keyed ? ChunkKind.keyedLeaf : ChunkKind.listLeaf)) return 0;
    if (view.kind === (this.keyed ? ChunkKind.keyedInner : ChunkKind.listInner)) return innerLevel(view);
    throw new StoreError('CORRUPT', `A chunk of kind ${view.kind} where the root of a tree should be.`);
  }

  /** Damaged links can lead from one kind of tree into the other. */
  #checked(page: TreePage): TreePage {
    const keyed = page instanceof InnerPage ? page.keyed : page instanceof KeyedLeaf;
    if (keyed !== this.keyed) throw new StoreError('CORRUPT', 'A tree that leads into another kind of tree.');
    return page;
  }
}
