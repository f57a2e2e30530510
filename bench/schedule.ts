/**
 * Who runs when.
 *
 * For each trial: every subject's data is prepared once in a process of its own (trials that name the same data share
 * it), then the subjects take turns, run by run, so that a noisy minute hits all of them. Each run is a fresh process.
 * The result is the median of each figure. A subject that fails is reported and the others go on.
 */
import { cp, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSubject, volatileDrivers } from './driver.ts';
import { spawnJob } from './job.ts';
import { median } from './measure.ts';
import type { Job } from './job.ts';
import type { Sizes } from './sizes.ts';
import type { Figures, Outcome, Trial } from './trial.ts';

export interface TrialResult {
  readonly trial: Trial;
  /** Medians by subject; only those that ran. */
  readonly figures: Readonly<Record<string, Figures>>;
  readonly failures: readonly string[];
}

export interface Plan {
  readonly trials: readonly Trial[];
  /** May this driver take part? */
  readonly drivers: (name: string) => boolean;
  readonly sizes: Sizes;
  /** An empty folder on the disk to be measured. */
  readonly folder: string;
  onStep(text: string): void;
}

/** Runs the plan, trial by trial. */
export async function* runPlan(plan: Plan): AsyncGenerator<TrialResult> {
  const prepared = new Set<string>();
  for (const trial of plan.trials) yield await runTrial(plan, trial, prepared);
}

async function runTrial(plan: Plan, trial: Trial, prepared: Set<string>): Promise<TrialResult> {
  const outcomes = new Map<string, Outcome[]>();
  const failures: string[] = [];
  const attempt = async (subject: string, step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      outcomes.delete(subject);
      failures.push(error instanceof Error ? error.message : String(error));
    }
  };
  for (const subject of trial.subjects.filter((name) => plan.drivers(parseSubject(name).driver))) {
    outcomes.set(subject, []);
    await attempt(subject, () => prepare(plan, trial, { subject, prepared }));
  }
  const runs = plan.sizes.runs === 1 ? 1 : plan.sizes.runs * (trial.repeat ?? 1);
  for (let run = 1; run <= runs; run++) {
    for (const [subject, done] of outcomes) {
      plan.onStep(`${trial.id} ${subject}: run ${run} of ${runs}`);
      await attempt(subject, async () => void done.push(await runOnce(plan, trial, subject)));
    }
  }
  failures.push(...disagreements(outcomes));
  const figures = Object.fromEntries([...outcomes].map(([subject, done]) => [subject, medians(done)]));
  return { trial, figures, failures };
}

async function prepare(plan: Plan, trial: Trial, { subject, prepared }: { subject: string; prepared: Set<string> }): Promise<void> {
  const job = jobOf(plan, trial, subject);
  if (volatileDrivers.includes(parseSubject(subject).driver) || prepared.has(job.folder)) return;
  plan.onStep(`${trial.id} ${subject}: prepare ${trial.data}`);
  await mkdir(job.folder, { recursive: true });
  await spawnJob({ ...job, phase: 'prepare' });
  prepared.add(job.folder);
}

async function runOnce(plan: Plan, trial: Trial, subject: string): Promise<Outcome> {
  const job = jobOf(plan, trial, subject);
  if (trial.scratch !== true) return spawnJob(job);
  const folder = join(plan.folder, 'scratch');
  await cp(job.folder, folder, { recursive: true });
  await settle(folder);
  try {
    return await spawnJob({ ...job, folder });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Puts a fresh copy on disk, so that the first sync of the trial does not pay for it. */
async function settle(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = await open(join(entry.parentPath, entry.name), 'r+');
    await file.sync();
    await file.close();
  }
}

function jobOf(plan: Plan, trial: Trial, subject: string): Job {
  const folder = join(plan.folder, `${trial.data}-${subject.replace(':', '-')}`);
  return { trial: trial.id, subject, phase: 'run', folder, sizes: plan.sizes };
}

/** Subjects that did different work cannot be compared. */
function disagreements(outcomes: ReadonlyMap<string, readonly Outcome[]>): string[] {
  const checks = new Map<string, string>();
  for (const [subject, done] of outcomes) {
    for (const { check } of done) if (check !== undefined) checks.set(String(check), subject);
  }
  if (checks.size <= 1) return [];
  return [`Different answers: ${[...checks].map(([check, subject]) => `${subject} ${check.slice(0, 60)}`).join('; ')}`];
}

function medians(outcomes: readonly Outcome[]): Figures {
  const names = Object.keys(outcomes[0]?.figures ?? {});
  return Object.fromEntries(names.map((name) => [name, median(outcomes.map(({ figures }) => figures[name] ?? Number.NaN))]));
}
