import fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** As many as the system follows. */
const linksMax = 40;

/**
 * The one absolute path of a file or folder, links followed. Of what does not exist yet the part that does is followed: two ways to
 * name a folder that is to be made are one path too. Where the system does not let it be looked at it stays as it is named.
 */
export function realPath(path: string): string {
  return follow(resolve(path), linksMax);
}

function follow(absolute: string, linksLeft: number): string {
  try {
    return fs.realpathSync(absolute);
  } catch {
    const above = dirname(absolute);
    if (above === absolute) return absolute;
    const here = join(follow(above, linksLeft), basename(absolute));
    const to = linksLeft > 0 ? linkAt(here) : undefined;
    return to === undefined ? here : follow(resolve(dirname(here), to), linksLeft - 1);
  }
}

/** Where a link leads that ends in nothing; undefined for what is no link. */
function linkAt(path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** What is no folder on the way to a path, the path itself included; undefined when nothing is in the way. */
export function fileAbove(path: string): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    try {
      return fs.statSync(at).isDirectory() ? undefined : at;
    } catch {
      if (dirname(at) === at) return undefined;
    }
  }
}
