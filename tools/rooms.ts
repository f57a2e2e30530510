/**
 * The floor plan: the tower, as one text that the READMEs show and the inspector reads, and what holds for every folder of `src`.
 *
 * A folder that nobody can take in at a glance hides its parts, so it gets rooms; and a room says at its door what it is for.
 */

/** The tower as it is drawn, top first: folders on the left, what they are for on the right. */
export const towerText: string = `
              index.ts                    every public name, nothing else
          cache    stream                 faces: entries that expire | pipelines
             external                     sort, group, join, collections with little memory
                map                       LodeMap, transactions, snapshots, options
              content                     whole values: ids, equality, copies
               lazy                       LazyList, LazyObject ...: what a user holds; drafts
               tree                       nodes and the trees they lie in: lists, keyed trees
               codec                      values <-> bytes of chunks and their links; keys
               heap                       records, segments, commits, recovery, vacuum, verify, backup
    storage    memory    engine           files, index (LMDB), locks | budgets | tasks in processes
               base                       errors, bytes
`.slice(1);

const rightColumn = 42;

/** The lines of the tower, top first. */
export const tower: readonly (readonly string[])[] = towerText
  .trimEnd()
  .split('\n')
  .map((line) => line.slice(0, rightColumn).trim().split(/\s+/));

/** The READMEs that show the tower. */
const shownIn = ['README.md', 'src/README.md'];
const filesPerFolder = 24;

/** A folder, or a README, that is not as the floor plan wants it. */
export interface RoomProblem {
  readonly file: string;
  readonly message: string;
}

/** Inspects the folders of a whole repository, given as path -> text with paths relative to its root. */
export function inspectRooms(files: ReadonlyMap<string, string>): RoomProblem[] {
  const problems: RoomProblem[] = [];
  for (const file of shownIn) {
    if (!files.get(file)?.includes(towerText)) problems.push({ file, message: 'does not show the tower of tools/rooms.ts' });
  }
  for (const [folder, count] of filesByFolder(files)) {
    if (count > filesPerFolder) problems.push({ file: folder, message: `${count} files, at most ${filesPerFolder}: it needs rooms` });
    if (folder.startsWith('src/') && doorplate(folder, files) === undefined) {
      problems.push({ file: folder, message: 'no README.md or index.ts whose first line says what it is for' });
    }
  }
  return problems;
}

function filesByFolder(files: ReadonlyMap<string, string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const file of files.keys()) {
    if (!/^(?:src|test|tools|bench)\/.*\.ts$/.test(file)) continue;
    const folder = file.slice(0, file.lastIndexOf('/'));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return counts;
}

/** What a folder says it is for: the first line of its README, or of its entry's comment. */
function doorplate(folder: string, files: ReadonlyMap<string, string>): string | undefined {
  const readme = /^# \S.*/.exec(files.get(`${folder}/README.md`) ?? '');
  return (readme ?? /^\/\*\* ?\S.*/.exec(files.get(`${folder}/index.ts`) ?? ''))?.[0];
}
