/** Small segments, so that a small store has many: for this process and, by the environment, for those it starts. */
import { forceSegmentBytes } from '../../src/heap/segment/segment.ts';

const variable = 'LODEMAP_SEGMENT_BYTES';

/** With `undefined` segments are again as large as they are for users. */
export function setSegmentBytes(bytes: number | undefined): void {
  if (bytes === undefined) delete process.env[variable];
  else process.env[variable] = String(bytes);
  forceSegmentBytes(bytes);
}

/** What the process that started this one has set. */
export function takeSegmentBytes(): void {
  const given = process.env[variable];
  forceSegmentBytes(given === undefined ? undefined : Number(given));
}
