import { StoreError } from '../base/errors.ts';
import { delay, steadyMs } from '../base/timers.ts';

/** Calls `attempt` until it says that it had the commit lock. Rejects with TIMEOUT, and what `attempt` throws. */
export async function attemptSoon(attempt: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = steadyMs() + timeoutMs;
  for (let waitMs = 1; !attempt(); waitMs = Math.min(20, waitMs * 2)) {
    if (steadyMs() > deadline) throw new StoreError('TIMEOUT', `The commit lock was not free within ${timeoutMs} ms; nothing is lost`);
    await delay(waitMs);
  }
}
