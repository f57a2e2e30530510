/** Parsed JSON as `JSON.parse` has it: bigints become the doubles that it makes of such integers. In place, on a stack of its own. */
export function asDoubles(value: unknown): unknown {
  const root: Record<string, unknown> = { value };
  const waiting = [root];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const [key, one] of Object.entries(at)) {
      if (typeof one === 'bigint') Object.defineProperty(at, key, { value: Number(one), enumerable: true, writable: true, configurable: true });
      else if (typeof one === 'object' && one !== null) waiting.push(one as Record<string, unknown>);
    }
  }
  return root['value'];
}
