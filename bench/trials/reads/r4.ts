import { median, timed } from '../../measure.ts';
import { prepareLists } from './lists.ts';
import type { Trial } from '../../trial.ts';

const passes = 9;

/** `for (const x of list)`: the first pass on its own, then the median of the next ones. */
export const trial: Trial = {
  id: 'R4',
  title: 'iterate a list of 1,000,000 numbers; of 1,000,000 short strings',
  data: 'lists',
  subjects: ['lodemap', 'memory'],
  units: { number: 'time', string: 'time', 'number, first pass': 'time', 'string, first pass': 'time' },
  goals: [
    { figure: 'number', peer: 'memory', rule: 'at least', must: 0.3, aim: 0.8 },
    { figure: 'string', peer: 'memory', rule: 'at least', must: 0.3, aim: 0.8 },
  ],
  prepare: prepareLists,
  async run(scene) {
    const store = await scene.open();
    const numbers = store.get('numbers') as Iterable<number>;
    const strings = store.get('strings') as Iterable<string>;
    const { listItems } = scene.sizes;
    const sums = [0, 0];
    const numberPasses = Array.from({ length: passes + 1 }, () => timed(() => (sums[0] = sumNumbers(numbers))) / listItems);
    const stringPasses = Array.from({ length: passes + 1 }, () => timed(() => (sums[1] = sumLengths(strings))) / listItems);
    await store.close();
    const figures = {
      number: median(numberPasses.slice(1)),
      string: median(stringPasses.slice(1)),
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
