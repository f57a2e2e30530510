import { makeView, viewBytes, viewOver } from '../codec/tail/views.ts';
import type { ViewPlace } from '../codec/tail/views.ts';
import type { CellRef } from './node.ts';

/** What a cell slot reads as. A class, so that no user's object can be taken for one. */
export class CellReference implements CellRef {
  readonly kind = 'cell' as const;
  readonly id: number;
  readonly alias: boolean;
  /** Of a view that shares its buffer with others: where it lies in what the cell holds. */
  readonly view: ViewPlace | undefined;

  constructor(id: number, alias: boolean, view?: ViewPlace) {
    this.id = id;
    this.alias = alias;
    this.view = view;
  }

  /** What the reference stands for, of what its cell holds. Throws CORRUPT for a view of what is no buffer. */
  shownOf(content: unknown): unknown {
    return this.view === undefined ? content : viewOver(content, this.view);
  }

  /** Of a view: one of its own over a copy of the bytes it shows. */
  copyOf(content: unknown): unknown {
    const shown = this.shownOf(content) as object;
    if (this.view === undefined) return shown;
    return makeView(this.view.kind, viewBytes(shown), 0, this.view.length);
  }
}
