import { StoreError } from '../../base/errors.ts';

export function corruptSegment(id: number, offset: number, why: string): StoreError {
  return new StoreError('CORRUPT', `Segment ${id} is damaged at offset ${offset}: ${why}`);
}
