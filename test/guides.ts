/** The guides: README.md and the READMEs beside the code, with the blocks of code in them. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Block {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

/** Paths of all guides below `root`, relative to it. */
export function guidesOf(root: string): string[] {
  const below = ['src', 'tools'].flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`));
  return ['README.md', 'bench/README.md', ...below.filter((path) => path.endsWith('.md') && path !== 'src/API.md')];
}

export function blocksOf(root: string, guide: string): Block[] {
  const markdown = readFileSync(join(root, guide), 'utf8');
  return Array.from(markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm), (match) => ({
    language: match[1]!,
    line: markdown.slice(0, match.index).split('\n').length,
    text: match[2]!,
  }));
}

/** Targets of relative links, without what follows `#`. */
export function linksOf(root: string, guide: string): string[] {
  const links = Array.from(readFileSync(join(root, guide), 'utf8').matchAll(/\]\(([^)\s]+)\)/g), (match) => match[1]!.split('#')[0]!);
  return links.filter((link) => link !== '' && !/^\w+:/.test(link));
}
