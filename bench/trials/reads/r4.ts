import { median, timed } from '../../measure.ts';
import { prepareLists, runsOf } from './lists.ts';
import type { Trial } from '../../trial.ts';

const passes = 9;

/** `for (const x of list)`, and the same over `list.runs()`: the first pass on its own, then the median of the next ones. */
export const trial: Trial = {
  id: 'R4',
  title: 'iterate a list of 1,000,000 numbers; of 1,000,000 short strings',
  data: 'lists',
  subjects: ['lodemap', 'memory'],
  units: { number: 'time', string: 'time', 'number, runs': 'time', 'string, runs': 'time', 'number, first pass': 'time', 'string, first pass': 'time' },
  goals: [
    { figure: 'number', peer: 'memory', rule: 'at least', must: 0.3, aim: 0.35 },
    { figure: 'string', peer: 'memory', rule: 'at least', must: 0.3, aim: 0.35 },
    { figure: 'number, runs', peer: 'memory', rule: 'at least', must: 0.4, aim: 0.5 },
    { figure: 'string, runs', peer: 'memory', rule: 'at least', must: 1, aim: 1.1 },
  ],
  prepare: prepareLists,
  async run(scene) {
    const store = await scene.open();
    const numbers = store.get('numbers') as readonly number[];
    const strings = store.get('strings') as readonly string[];
    const { listItems } = scene.sizes;
    const sums = [0, 0, 0, 0];
    const passesOf = (which: number, sum: () => number): number[] =>
      Array.from({ length: passes + 1 }, () => timed(() => (sums[which] = sum())) / listItems);
    const numberPasses = passesOf(0, () => sumNumbers(numbers));
    const stringPasses = passesOf(1, () => sumLengths(strings));
    const numberRuns = passesOf(2, () => sumNumberRuns(runsOf(numbers)));
    const stringRuns = passesOf(3, () => sumLengthRuns(runsOf(strings)));
    await store.close();
    const figures = {
      number: median(numberPasses.slice(1)),
      string: median(stringPasses.slice(1)),
      'number, runs': median(numberRuns.slice(1)),
      'string, runs': median(stringRuns.slice(1)),
      'number, first pass': numberPasses[0] ?? 0,
      'string, first pass': stringPasses[0] ?? 0,
    };
    return { figures, check: sums.join() };
  },
};

function sumNumbers(list: Iterable<number>): number {
  let sum = 0;
  for (const item of list) sum += item;
  return sum;
}

/** Looks at a character too, so that the text must be there and not only its length. */
function sumLengths(list: Iterable<string>): number {
  let sum = 0;
  for (const item of list) sum += item.length + item.charCodeAt(0);
  return sum;
}

function sumNumberRuns(runs: Iterable<ArrayLike<number>>): number {
  let sum = 0;
  for (const run of runs) for (let i = 0; i < run.length; i++) sum += run[i]!;
  return sum;
}

function sumLengthRuns(runs: Iterable<ArrayLike<string>>): number {
  let sum = 0;
  for (const run of runs) for (let i = 0; i < run.length; i++) sum += run[i]!.length + run[i]!.charCodeAt(0);
  return sum;
}
