/**
 * What a value takes in memory, about: for budgets, not for accounts. Shapes and sizes are those of V8 on 64 bits with
 * pointers of 8 bytes, as Node builds it.
 */
import { types } from 'node:util';

const pointer = 8;
const header = 24;
/** Arrays, Maps and Sets with more members are judged by as many. */
const sampleMax = 256;

/**
 * Estimates the bytes a value takes in memory, together with everything it leads to; each object counts once. It weighs only a sample of
 * long containers, so the cost does not grow with the value.
 */
export function estimateBytes(value: unknown): number {
  if (typeof value !== 'object' || value === null) return scalarBytes(value);
  const seen = new Set<object>();
  const stack: { value: object; weight: number }[] = [{ value, weight: 1 }];
  let bytes = 0;
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (seen.has(top.value)) continue;
    seen.add(top.value);
    const { weight } = top;
    bytes += weight * ownBytes(top.value);
    const { members, share } = membersOf(top.value);
    // Numbers alone lie in the array itself.
    if (Array.isArray(top.value) && members.every((member) => typeof member === 'number')) continue;
    for (const member of members) {
      if (typeof member === 'object' && member !== null) stack.push({ value: member, weight: weight / share });
      else bytes += (weight * scalarBytes(member)) / share;
    }
  }
  return Math.ceil(bytes);
}

function scalarBytes(value: unknown): number {
  switch (typeof value) {
    case 'string': return 16 + (value.length + 7) & ~7;
    // Small integers lie in the pointer itself.
    case 'number': return (value | 0) === value ? 0 : 16;
    case 'bigint': return 16 + pointer * Math.ceil(value.toString(16).length / 16);
    default: return 0;
  }
}

function ownBytes(value: object): number {
  if (ArrayBuffer.isView(value)) return 4 * header + value.byteLength;
  if (types.isAnyArrayBuffer(value)) return 4 * header + value.byteLength;
  if (Array.isArray(value)) return 2 * header + pointer * value.length;
  if (types.isMap(value)) return 2 * header + 5 * pointer * value.size;
  if (types.isSet(value)) return 2 * header + 4 * pointer * value.size;
  return header + pointer * (Object.keys(value).length || 4);
}

/** Some of what a value leads to, and which share of all that is. */
function membersOf(value: object): { members: unknown[]; share: number } {
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return { members: [], share: 1 };
  if (Array.isArray(value)) return sample(value, value.length);
  if (types.isMap(value)) {
    const { members, share } = sample(value, value.size);
    return { members: (members as [unknown, unknown][]).flat(), share };
  }
  if (types.isSet(value)) return sample(value, value.size);
  const values: unknown[] = Object.values(value);
  return sample(values, values.length);
}

function sample(all: Iterable<unknown>, count: number): { members: unknown[]; share: number } {
  if (count <= sampleMax) return { members: [...all], share: 1 };
  const members: unknown[] = [];
  for (const member of all) {
    members.push(member);
    if (members.length === sampleMax) break;
  }
  return { members, share: sampleMax / count };
}
