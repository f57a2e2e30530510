/**
 * A process of its own that holds stores open and does with them what its parent asks. Messages go both ways by structured
 * clone, so they carry what a store carries.
 */
import { isLazy, materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { verbs } from './store-verbs.ts';
import { setSegmentBytes, takeSegmentBytes } from './small-segments.ts';

/** What the parent asks: a verb, the store it is about, and the verb's arguments. */
export interface Request {
  readonly id: number;
  readonly verb: string;
  readonly args: readonly unknown[];
}

/** What the child answers. */
export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly code: unknown; readonly message: string };
}

let map: LodeMap | undefined;

async function perform({ verb, args }: Request): Promise<unknown> {
  if (verb === 'segmentBytes') {
    setSegmentBytes(args[0] as number | undefined);
    return undefined;
  }
  if (verb === 'open') {
    map = (await open(args[0] as string, args[1] as object)) as LodeMap;
    return undefined;
  }
  if (map === undefined) throw new Error(`${verb} before open`);
  const value = await verbs[verb]!(map, ...(args as never[]));
  return isLazy(value) ? materialize(value) : value;
}

takeSegmentBytes();
process.on('message', (request: Request) => {
  const answer = (reply: Omit<Reply, 'id'>): void => void process.send?.({ id: request.id, ...reply });
  perform(request).then(
    (value) => answer({ value }),
    (error: Error & { code?: unknown }) => {
      answer({ error: { name: error.name, code: error.code, message: error.stack ?? error.message } });
    },
  );
});
process.on('disconnect', () => process.exit());
// A cluster's worker loses what is sent before it listens.
process.send?.({ ready: true });
