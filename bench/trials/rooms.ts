/** Which folder a trial lies in, by the letter its name begins with; apart from `all.ts`, so that a process loads only its own trial. */
const rooms: Readonly<Record<string, string>> = {
  r: 'reads',
  w: 'writes',
  s: 'store',
  m: 'store',
  o: 'store',
  t: 'store',
  v: 'store',
  a: 'algorithms',
  c: 'caches',
};

/** Where the compiled module of a trial is. */
export function trialUrl(id: string): URL {
  const name = id.toLowerCase();
  const room = rooms[name.charAt(0)];
  if (room === undefined) throw new RangeError(`no folder for trials like ${id}: name one in bench/trials/rooms.ts`);
  return new URL(`./${room}/${name}.js`, import.meta.url);
}
