import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Sizes } from './sizes.ts';
import type { Outcome } from './trial.ts';

/** What a child process is told. */
export interface Job {
  readonly trial: string;
  readonly subject: string;
  readonly phase: 'prepare' | 'run' | 'work';
  readonly folder: string;
  readonly sizes: Sizes;
  readonly worker?: number;
}

/** A store that hangs must not hang the benches. */
const waitMs = 20 * 60 * 1000;

/** Does a job in a fresh process and resolves to its outcome. Rejects with what the process said on stderr. */
export function spawnJob(job: Job): Promise<Outcome> {
  const child = fileURLToPath(new URL('./child.js', import.meta.url));
  const running = spawn(process.execPath, [child, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: waitMs,
  });
  let out = '';
  let err = '';
  running.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  running.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    running.on('error', reject);
    running.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(out) as Outcome);
      else reject(new Error(`${job.phase} of ${job.trial} by ${job.subject} ended with ${signal ?? code}: ${firstLines(err)}`));
    });
  });
}

function firstLines(text: string): string {
  return text.trim().split('\n').slice(0, 4).join('\n');
}
