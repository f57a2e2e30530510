/** How large the trials are, in the three modes. */
export interface Sizes {
  readonly seed: number;
  /** Runs of each (trial, subject); the table shows medians. */
  readonly runs: number;
  readonly stringKeys: boolean;
  readonly records: number;
  /** Random reads in one run of R1, R2 and M1. */
  readonly reads: number;
  readonly listItems: number;
  readonly documents: number;
  /** R3: groups in the one large value, and records in each. */
  readonly groups: number;
  readonly groupItems: number;
  readonly commits: number;
  /** W3: transactions, and items pushed in each. */
  readonly batches: number;
  readonly batchItems: number;
  /** S2: keys of each process, processes, bytes of the string. */
  readonly sharedKeys: number;
  readonly processes: number;
  readonly sharedBytes: number;
  /** O1: values, and bytes of each. */
  readonly binaries: number;
  readonly binaryBytes: number;
}

export type Mode = 'default' | 'long' | 'tiny';

const normal: Sizes = {
  seed: 1,
  runs: 5,
  stringKeys: false,
  records: 200_000,
  reads: 400_000,
  listItems: 1_000_000,
  documents: 90_000,
  groups: 100,
  groupItems: 850,
  commits: 300,
  batches: 500,
  batchItems: 1_000,
  sharedKeys: 100,
  processes: 10,
  sharedBytes: 100_000,
  binaries: 500,
  binaryBytes: 1_000_000,
};

const tiny: Sizes = {
  ...normal,
  runs: 1,
  records: 300,
  reads: 600,
  listItems: 2_000,
  documents: 50,
  groups: 10,
  groupItems: 20,
  commits: 5,
  batches: 2,
  batchItems: 10,
  sharedKeys: 5,
  processes: 2,
  binaries: 3,
  binaryBytes: 70_000,
};

/** The sizes of a mode. `long` has ten times the records and a store of 5 GB. */
export function sizesOf(mode: Mode): Sizes {
  if (mode === 'tiny') return tiny;
  if (mode === 'long') return { ...normal, records: 2_000_000, binaries: 5_000 };
  return normal;
}
