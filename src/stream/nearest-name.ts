/** For messages about a name that is not there: what it may have been meant to be, and what there is. */

const namesShown = 20;

/** `; did you mean "zip"? There are "zip", "city"`, as far as that can be said. */
export function nearestName(name: string, names: readonly string[]): string {
  const nearest = closest(name, names);
  const shown = names.slice(0, namesShown).map((one) => JSON.stringify(one)).join(', ');
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : '';
  const list = names.length === 0 ? 'There are none' : `There are ${shown}${more}`;
  return nearest === undefined ? `. ${list}` : `; did you mean ${JSON.stringify(nearest)}? ${list}`;
}

/** The name that takes the fewest edits, where that is less than half of its letters. */
export function closest(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 2)) + 1;
  for (const one of names) {
    if (Math.abs(one.length - name.length) >= least) continue;
    const edits = distance(name.toLowerCase(), one.toLowerCase());
    if (edits < least) [least, best] = [edits, one];
  }
  return best;
}

/** Letters to insert, delete or replace (Levenshtein), or to swap with a neighbour. */
function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, before[j - 2]! + 1);
      row.push(edits);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
