/** What a process does that helps with a vacuum: it has the store open and writes segments anew, as it is told. */
import { Pace } from '../../heap/vacuum/pace.ts';
import { Rewriter } from '../../heap/vacuum/rewrite.ts';
import type { RewriteTask, Rewritten } from '../../heap/vacuum/rewrite.ts';
import { storeOf } from '../lode-map.ts';
import { open } from '../open.ts';

/** Made with the first task: a process helps with one vacuum. */
let rewriter: Promise<Rewriter> | undefined;

/** Called by name in a process of a TaskPool. The store stays open until the process ends: vacuum does not let go of it before. */
export async function rewriteHere({ path, job, maxBytesPerSecond }: RewriteTask): Promise<Rewritten> {
  rewriter ??= open(path, { create: false }).then((map) => new Rewriter(storeOf(map).heap, new Pace('vacuum', { maxBytesPerSecond })));
  return (await rewriter).rewrite(job);
}
