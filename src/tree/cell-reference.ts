import type { CellRef } from './node.ts';

/** What a cell slot reads as. A class, so that no user's object can be taken for one. */
export class CellReference implements CellRef {
  readonly kind = 'cell' as const;
  readonly id: number;
  readonly alias: boolean;

  constructor(id: number, alias: boolean) {
    this.id = id;
    this.alias = alias;
  }
}
