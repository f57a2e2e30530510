/** What a command is, and how its arguments are read. Misuse becomes a UsageError, which ends the process with code 2. */
import { parseArgs } from 'node:util';
import { closest } from '../../src/stream/nearest-name.ts';
import type { Terminal } from './terminal.ts';

/** An option of a command; one with `value` (the word the help shows for it) takes a value, the others are flags. */
export interface Option {
  readonly value?: string;
  /** One letter that stands for the name. */
  readonly short?: string;
  /** It may be given several times. */
  readonly many?: boolean;
  readonly text: string;
}

/** One verb of the command line. `usage` is what follows the verb; an example is a command and what it does. */
export interface Command {
  readonly summary: string;
  readonly usage: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly examples: readonly (readonly [command: string, does: string])[];
  /** What is so when the command is interrupted. */
  readonly interrupted?: string;
  run(call: Call): Promise<void>;
}

/** One call of a command. `signal` aborts at Ctrl-C and when nobody reads the output any more. */
export interface Call {
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** The command was called wrongly; its message says what was expected. */
export class UsageError extends Error {}

/** Options that every command has. */
export const everywhere: Readonly<Record<string, Option>> = {
  json: { text: 'print JSON, for machines' },
  help: { text: 'print this text' },
};

/**
 * Splits arguments into words and options. A lone `-` is a word, and so is everything after `--`; so is a negative number,
 * which the parser would take for an option: it gets a mark on its way through.
 */
export function readArguments(args: readonly string[], command: Pick<Command, 'options'>): Pick<Call, 'words' | 'options'> {
  const known = { ...command.options, ...everywhere };
  const options = Object.fromEntries(Object.entries(known).map(([name, { value, short, many }]) => [name, { type: value === undefined ? 'boolean' : 'string', multiple: many === true, ...(short !== undefined && { short }) } as const]));
  try {
    const masked = args.map((arg) => (/^-\d/.test(arg) ? `\0${arg}` : arg));
    const { values, positionals } = parseArgs({ args: masked, options, allowPositionals: true, strict: true });
    return { words: positionals.map((word) => word.replace('\0', '')), options: values as Call['options'] };
  } catch (error) {
    const message = error instanceof Error ? error.message.split('. ')[0]! : String(error);
    const meant = closest(/'--([\w-]+)/.exec(message)?.[1] ?? '', Object.keys(known));
    const hint = meant === undefined || !message.startsWith('Unknown') ? '' : `; did you mean --${meant}?`;
    throw new UsageError(`${message}${hint}; known options: ${Object.keys(known).map((name) => `--${name}`).join(' ')}. Words that begin with - go after --`);
  }
}

/** The words of a call by name; those after the named ones are `rest`, which only a usage that ends in `...` allows. */
export function takeWords(call: Call, names: readonly string[], restAllowed = false): { named: string[]; rest: string[] } {
  const missing = names[call.words.length];
  if (missing !== undefined) throw new UsageError(`expected <${missing}>`);
  const rest = call.words.slice(names.length);
  if (rest.length > 0 && !restAllowed) throw new UsageError(`expected ${names.length} words, got another: ${rest[0]}`);
  return { named: call.words.slice(0, names.length), rest };
}

/** The value of an option that takes one. */
export function textOption(call: Call, name: string): string | undefined {
  const value = call.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** The values of an option that may be given several times. */
export function textOptions(call: Call, name: string): readonly string[] {
  const value = call.options[name];
  return Array.isArray(value) ? (value as readonly string[]) : typeof value === 'string' ? [value] : [];
}

/** The value of an option that is one of `choices`. */
export function choiceOption<const T extends string>(call: Call, name: string, choices: readonly T[]): T | undefined {
  const value = textOption(call, name);
  if (value === undefined) return undefined;
  const choice = choices.find((one) => one === value);
  if (choice === undefined) throw new UsageError(`--${name}: expected ${choices.join(', ')}; got ${value}`);
  return choice;
}

/** The value of an option that counts something: an integer from 0 on. */
export function countOption(call: Call, name: string): number | undefined {
  const value = textOption(call, name);
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw new UsageError(`--${name}: expected an integer from 0 on, got ${value}`);
  return Number(value);
}

const sizeUnits: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, ki: 1024, mi: 1024 ** 2, gi: 1024 ** 3 };

/** The value of an option that is a size: a number of bytes, or with a unit such as 64MB or 64MiB. */
export function sizeOption(call: Call, name: string, least = 1): number | undefined {
  const value = textOption(call, name);
  if (value === undefined) return undefined;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([kmg]?i?)b?$/i.exec(value) ?? [];
  const bytes = Number(amount) * (sizeUnits[unit?.toLowerCase() ?? ''] ?? NaN);
  if (!(bytes >= least)) throw new UsageError(`--${name}: expected a size of at least ${least} bytes such as 64MB, got ${value}`);
  return Math.round(bytes);
}

/** The value of an option that is a share: a number from 0 to 1. */
export function shareOption(call: Call, name: string): number | undefined {
  const value = textOption(call, name);
  if (value === undefined) return undefined;
  const share = Number(value);
  if (value.trim() === '' || !(share >= 0 && share <= 1)) throw new UsageError(`--${name}: expected a number from 0 to 1, got ${value}`);
  return share;
}
