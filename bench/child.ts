/** One job in a process of its own: prepare the data of a trial, run it once, or be one of its workers. */
import { inspect } from 'node:util';
import { spawnJob } from './job.ts';
import type { Job } from './job.ts';
import { loadDriver, parseSubject, volatileDrivers } from './driver.ts';
import { trialUrl } from './trials/rooms.ts';
import type { Outcome, Scene, Trial } from './trial.ts';

const job = JSON.parse(process.argv[2] ?? '') as Job;
try {
  process.stdout.write(`${JSON.stringify(await perform(job))}\n`);
} catch (error) {
  process.stderr.write(inspect(error));
  process.exitCode = 1;
}

async function perform(job: Job): Promise<Outcome> {
  // Only the one: what others import would count as memory of this one.
  const { trial } = (await import(trialUrl(job.trial).href)) as { trial: Trial };
  const scene = await makeScene(job);
  if (job.phase === 'work') await trial.work?.(scene);
  const volatile = volatileDrivers.includes(parseSubject(job.subject).driver);
  if (job.phase === 'prepare' || (job.phase === 'run' && volatile)) await trial.prepare(scene);
  return job.phase === 'run' ? trial.run(scene) : { figures: {} };
}

async function makeScene(job: Job): Promise<Scene> {
  const { driver: name, variant } = parseSubject(job.subject);
  const driver = await loadDriver(name);
  const { folder, sizes } = job;
  return {
    driver,
    driverName: name,
    variant,
    folder,
    sizes,
    worker: job.worker ?? 0,
    open: (options) => driver.open!(folder, { ...options, variant }),
    openCache: (options) => driver.openCache!(folder, options),
    key: sizes.stringKeys ? (index) => `user:${String(index).padStart(8, '0')}` : (index) => index,
    async spawnWorkers(count) {
      const workers = Array.from({ length: count }, (_, worker) => spawnJob({ ...job, phase: 'work', worker }));
      await Promise.all(workers);
    },
  };
}
