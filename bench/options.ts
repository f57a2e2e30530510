import { parseArgs } from 'node:util';
import { sizesOf } from './sizes.ts';
import { trials } from './trials/all.ts';
import type { Mode, Sizes } from './sizes.ts';
import type { Trial } from './trial.ts';

export const help: string = `Usage: npm run bench -- [options]

  --only R1,R2       these trials only
  --peers lmdb       these drivers only (Lodemap always runs)
  --runs 9           runs of each trial and subject (default 5; the table shows medians)
  --long             2,000,000 records and a store of 5 GB
  --tiny             hundreds of records, one run, no peers to install: do the benches still work?
  --string-keys      keys like "user:00000042" instead of 42
  --folder <path>    where the stores are made: the disk that is measured (default: the temporary folder)
  --json             the results as JSON
`;

export interface Options {
  readonly mode: Mode;
  readonly trials: readonly Trial[];
  readonly peers: readonly string[] | undefined;
  readonly sizes: Sizes;
  readonly folder: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

/** Reads the command line. Throws TypeError or RangeError on misuse. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      runs: { type: 'string' },
      folder: { type: 'string' },
      long: { type: 'boolean', default: false },
      tiny: { type: 'boolean', default: false },
      'string-keys': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const mode = values.tiny ? 'tiny' : values.long ? 'long' : 'default';
  const sizes = sizesOf(mode);
  const runs = values.runs === undefined ? sizes.runs : Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new RangeError(`--runs: expected a whole number from 1, got ${values.runs}`);
  return {
    mode,
    trials: values.only === undefined ? trials : values.only.split(',').map(trialOf),
    peers: values.peers?.split(','),
    sizes: { ...sizes, runs, stringKeys: values['string-keys'] },
    folder: values.folder,
    json: values.json,
    help: values.help,
  };
}

function trialOf(id: string): Trial {
  const trial = trials.find((one) => one.id === id.trim().toUpperCase());
  if (trial === undefined) throw new RangeError(`--only: expected some of ${trials.map((one) => one.id).join(',')}, got ${id}`);
  return trial;
}
