/**
 * Time that a process believes has gone by, where waiting for it would make a test slow. To be imported before anything of
 * src, which takes its clock when it is loaded.
 */
const clock = performance.now.bind(performance);
let skippedMs = 0;

performance.now = () => clock() + skippedMs;

export function skipTime(ms: number): void {
  skippedMs += ms;
}
