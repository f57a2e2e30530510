/** GNU sort, for trials over files. It sorts lines, and finds a field by counting separators. */
import { spawn } from 'node:child_process';
import type { Driver } from '../driver.ts';
import type { FileSorter } from '../sort-file.ts';

export const driver: Driver & FileSorter = {
  open: () => Promise.reject(new Error('GNU sort is no store')),
  async sortFile({ input, output, folder, budgetBytes, separator, position }) {
    const args = ['-s', '-t', separator, '-k', `${position},${position}n`, '-S', `${budgetBytes >> 10}K`, '-T', folder, '-o', output, input];
    const child = spawn('sort', args, { env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'inherit'] });
    const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
    if (code !== 0) throw new Error(`sort ended with ${String(code)}`);
  },
};
