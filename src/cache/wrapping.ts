/** Under which key the result of a call lies. */
import { StoreError } from '../base/errors.ts';
import { contentId } from '../content/values.ts';

/**
 * The name of the arguments of a call: the same for equal content. Throws UNSUPPORTED for what `set` refuses, since two objects whose
 * state can not be seen would share a result.
 */
export function nameOfArguments(name: string, args: readonly unknown[]): string {
  try {
    return contentId(args);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'UNSUPPORTED') throw error;
    const why = (error as Error).message.replace(/^contentId: /, '');
    throw new StoreError('UNSUPPORTED', `The arguments of "${name}" can not be told apart ($ is their list): ${why}. Give wrap the option "key"`, { cause: error });
  }
}
