import type { TypeRegistry } from '../codec/tail/type-registry.ts';

/** What a store is made with. */
export interface StoreOptions {
  readonly lockTimeoutMs: number;
  /** Budgets of the caches of rows and of decoded nodes. */
  readonly rowBytes: number;
  readonly nodeBytes: () => number;
  readonly types: TypeRegistry;
}
