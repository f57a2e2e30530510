import { StoreError } from '../base/errors.ts';
import { delay, steadyMs } from '../base/timers.ts';

/** Calls `attempt` until it says that it had the commit lock. Rejects with TIMEOUT, and what `attempt` throws. */
export async function attemptSoon(attempt: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = steadyMs() + timeoutMs;
  for (let waitMs = 1; !attempt(); waitMs = Math.min(20, waitMs * 2)) {
    if (steadyMs() > deadline) {
      const wait = `The commit lock was not free within ${timeoutMs} ms: another process or thread holds it`;
      throw new StoreError('TIMEOUT', `${wait}. What is not committed yet stays in memory, and is lost if this process ends first`);
    }
    await delay(waitMs);
  }
}
