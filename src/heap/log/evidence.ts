/**
 * Is the end of the log all there was? What proves that there was more is gathered here before anything is changed, and what
 * replaying the log has found is judged by it (README.md of the heap, "Damage is not a crash").
 */
import { StoreError } from '../../base/errors.ts';
import type { Trust } from '../rows/clean-marker.ts';
import type { Meta } from '../rows/meta.ts';
import { corruptSegment } from '../segment/corrupt-segment.ts';
import type { Segments } from '../segment/segments.ts';
import type { Rest } from './scan.ts';

/** What may lie behind the last whole commit. */
export type Torn = 'nothing' | 'the beginning of a batch' | 'anything';

/** Something says that the log had this commit, or went on to this place. */
interface Proof {
  readonly said: string;
  readonly sequence?: number;
  readonly segment?: number;
  readonly offset?: number;
  /** What is lost can be given up, but not where others would take what follows for it. */
  readonly firm?: boolean;
}

export interface Evidence {
  readonly torn: Torn;
  readonly proofs: readonly Proof[];
  /** The last segment there is a file of. */
  readonly lastFile: number;
  /** Whoever opens the store takes what is left. */
  readonly acceptsLoss: boolean;
}

/** Where whole commits end, and what follows them in the file. `segment` 0: there is none. */
export interface LogEnd {
  readonly segment: number;
  readonly offset: number;
  readonly sequence: number;
  readonly rest: Rest;
}

/** What an index says, believed or not: the last commit it has followed, the last it knew to be durable, and the size of its file. */
export interface IndexMemory {
  readonly sequence: number;
  readonly durable: number;
  readonly bytes: number;
}

export interface Witnesses {
  readonly segments: Segments;
  readonly trust: Trust;
  readonly memory: IndexMemory;
  /**
   * The state beside the commit lock. `busy`: somebody died in the middle of a commit, or the state does not tell; `doubtful`: a sync has
   * failed, so that the system may have lost what it was given.
   */
  readonly state: { readonly busy: boolean; readonly doubtful: boolean };
  readonly acceptsLoss: boolean;
}

/** An index without rows is smaller than this. */
const indexBytesOfNothing = 64 * 1024;

/** Of a log whose index is known to be right: only what is behind its end is in question, and was promised to nobody. */
export function noDoubt({ tail }: Meta): Evidence {
  const { segment, offset } = tail;
  return { torn: 'anything', proofs: [{ said: 'the index', segment, offset }], lastFile: segment, acceptsLoss: false };
}

/** All that proves something, from all that can. The store is open nowhere else. */
export function gatherEvidence({ segments, trust, memory, state, acceptsLoss }: Witnesses): Evidence {
  const torn = tornOf(trust, state);
  const proofs: Proof[] = [];
  if (trust.reach !== undefined) proofs.push({ said: 'the marker', segment: trust.reach.segment, offset: trust.reach.offset });
  proofs.push({ said: 'the index', sequence: torn === 'anything' ? memory.durable : memory.sequence });
  if (torn !== 'anything' && memory.bytes > indexBytesOfNothing) proofs.push({ said: `an index of ${memory.bytes} bytes`, sequence: 1 });
  proofs.push({ said: 'the manifest', segment: segments.leastLast(), firm: true });
  const { ids, highestMade } = segments.look();
  proofs.push({ said: 'a file in segments', segment: highestMade, firm: true });
  return { torn, proofs: acceptsLoss ? proofs.filter(({ firm }) => firm === true) : proofs, lastFile: ids.at(-1) ?? 0, acceptsLoss };
}

function tornOf({ left }: Trust, state: Witnesses['state']): Torn {
  if (left === 'at rest' || left === 'unknown') return 'nothing';
  if (left === 'went down' || state.doubtful) return 'anything';
  return state.busy ? 'the beginning of a batch' : 'nothing';
}

/** Throws CORRUPT when the log had more than what was found of it. */
export function judgeEnd(evidence: Evidence, end: LogEnd): void {
  for (const proof of evidence.proofs) {
    if (!isMet(proof, end)) throw lossError(end, `${proof.said} knows of ${nameOf(proof)}`);
  }
  const { torn, acceptsLoss } = evidence;
  if (end.rest === 'nothing' || torn === 'anything' || acceptsLoss) return;
  if (end.rest === 'begun' && torn !== 'nothing') return;
  throw lossError(end, 'what follows there is no commit, and no crash has left it');
}

function isMet({ sequence = 0, segment = 0, offset = 0 }: Proof, end: LogEnd): boolean {
  if (end.sequence < sequence || end.segment < segment) return false;
  return end.segment > segment || end.offset >= offset;
}

function nameOf({ sequence, segment, offset }: Proof): string {
  if (sequence !== undefined) return `commit ${sequence}`;
  return offset === undefined ? `segment ${segment}` : `offset ${offset} of segment ${segment}`;
}

function lossError(end: LogEnd, why: string): StoreError {
  const found = `whole commits end with number ${end.sequence}, but ${why}`;
  if (end.segment === 0) return new StoreError('CORRUPT', `The log is gone: ${found}`);
  return corruptSegment(end.segment, end.offset, `${found}; a rebuild with "accept-loss" takes what is left`);
}
