/** Results as text: one table of ratios with what was asked for, won and lost, and one of all figures. */
import { parseSubject } from './driver.ts';
import type { TrialResult } from './schedule.ts';
import type { Goal, Trial, Unit } from './trial.ts';

/** A line of the first table. `ratio` is set against a peer, and absent for a limit of its own. */
export interface Verdict {
  readonly trial: string;
  readonly figure: string;
  readonly ours: number;
  readonly peer?: string;
  readonly theirs?: number;
  readonly ratio?: number;
  readonly goal?: Goal;
  /** `aim` and `must` are reached, `BELOW` is not; without a goal, who won. */
  readonly verdict: 'aim' | 'must' | 'BELOW' | 'win' | 'LOSS' | 'missing';
  readonly unit: Unit;
}

/** Every goal, and every other peer of a figure that a goal compares; variants of ours only where a goal names them. */
export function judge({ trial, figures }: TrialResult): Verdict[] {
  const [own = '', ...peers] = trial.subjects;
  const verdicts: Verdict[] = [];
  for (const goal of trial.goals) {
    const ours = figures[goal.subject ?? own]?.[goal.figure] ?? Number.NaN;
    const label = goal.subject === undefined ? goal.figure : `${goal.figure} (${parseSubject(goal.subject).variant})`;
    const base = { trial: trial.id, figure: label, ours, unit: trial.units[goal.figure] ?? 'times' };
    if (goal.peer === undefined) verdicts.push({ ...base, goal, verdict: reached(goal, ours) });
    for (const peer of goal.peer === undefined ? [] : peers) {
      const theirs = figures[peer]?.[goal.figure];
      const variant = parseSubject(peer).driver === own;
      if (peer !== goal.peer && (theirs === undefined || variant || hasGoal(trial, goal, peer))) continue;
      const ratio = goal.rule === 'at least' ? (theirs ?? Number.NaN) / ours : ours / (theirs ?? Number.NaN);
      const asked = peer === goal.peer;
      const verdict = asked ? reached(goal, ratio) : winner(goal, ratio);
      verdicts.push({ ...base, peer, theirs: theirs ?? Number.NaN, ratio, verdict, ...(asked ? { goal } : {}) });
    }
  }
  return verdicts;
}

/** A peer with a goal of its own, or one listed beside an earlier goal of the same figure, is not listed again. */
function hasGoal({ goals }: Trial, goal: Goal, peer: string): boolean {
  const same = goals.filter(({ figure }) => figure === goal.figure);
  return same.some((other) => other.peer === peer) || same.find((other) => other.peer !== undefined) !== goal;
}

function reached({ rule, must, aim }: Goal, value: number): Verdict['verdict'] {
  if (Number.isNaN(value)) return 'missing';
  const good = (limit: number): boolean => (rule === 'at least' ? value >= limit : value <= limit);
  if (!good(must)) return 'BELOW';
  return aim === undefined || good(aim) ? 'aim' : 'must';
}

function winner({ rule }: Goal, ratio: number): Verdict['verdict'] {
  if (Number.isNaN(ratio)) return 'missing';
  return (rule === 'at least' ? ratio >= 1 : ratio <= 1) ? 'win' : 'LOSS';
}

/** The table of ratios. */
export function ratioTable(verdicts: readonly Verdict[]): string {
  const head = ['trial', 'figure', 'lodemap', 'peer', 'theirs', 'ratio', 'must', 'aim', ''];
  const lines = verdicts.map((line) => {
    const { goal, ratio, unit } = line;
    const limit = (value: number | undefined): string =>
      value === undefined || goal === undefined ? '' : `${sign(goal)} ${ratio === undefined ? format(value, unit) : times(value)}`;
    return [
      line.trial,
      line.figure,
      format(line.ours, unit),
      line.peer ?? '',
      line.theirs === undefined ? '' : format(line.theirs, unit),
      ratio === undefined ? '' : times(ratio),
      limit(goal?.must),
      limit(goal?.aim),
      line.verdict,
    ];
  });
  return aligned([head, ...lines]);
}

/** All figures of all subjects. */
export function figureTable(results: readonly TrialResult[]): string {
  const lines = results.flatMap(({ trial, figures }) =>
    Object.entries(figures).map(([subject, own]) => [
      trial.id,
      subject,
      ...Object.entries(trial.units).map(([name, unit]) => `${name} ${format(own[name] ?? Number.NaN, unit)}`),
    ]),
  );
  return aligned(lines);
}

const sign = (goal: Goal): string => (goal.rule === 'at least' ? '>=' : '<=');
const times = (value: number): string => (Number.isNaN(value) ? '-' : `${digits(value)}x`);

/** Three significant digits, and no exponent. */
function digits(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

/** A figure in its unit: `231 ns`, `1.5 ms`, `40 MiB`, `120 MB/s`. */
export function format(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return '-';
  if (unit === 'times') return times(value);
  if (unit === 'count') return Math.round(value).toLocaleString('en-US');
  if (unit === 'rate') return `${digits(value / 1e6)} MB/s`;
  const steps: readonly (readonly [number, string])[] =
    unit === 'time'
      ? [[1e9, 's'], [1e6, 'ms'], [1e3, 'us'], [1, 'ns']]
      : [[1 << 20, 'MiB'], [1 << 10, 'KiB'], [1, 'B']];
  const [step, name] = steps.find(([size]) => Math.abs(value) >= size) ?? [1, unit === 'time' ? 'ns' : 'B'];
  return `${digits(value / step)} ${name}`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}
