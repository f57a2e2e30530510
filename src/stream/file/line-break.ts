/** What ends the lines of a text: LF (with a CR before it or not), or CR alone as on old Macintoshes. */
const [newline, carriageReturn] = [0x0a, 0x0d];

/** The byte that ends lines, by the first CR or LF in `bytes[start, end)`; undefined while that cannot be told, LF when no more comes. */
export function lineBreakOf(bytes: Uint8Array, start: number, { end, ended }: { end: number; ended: boolean }): number | undefined {
  for (let at = start; at < end; at++) {
    if (bytes[at] === newline) return newline;
    if (bytes[at] !== carriageReturn) continue;
    if (at + 1 < end) return bytes[at + 1] === newline ? newline : carriageReturn;
    return ended ? carriageReturn : undefined;
  }
  return ended ? newline : undefined;
}
