/**
 * Files of this library that a thread or another process loads by its URL. Shipped they lie beside this one (tools/bundle.ts),
 * built they lie as the sources do. Whoever bundles the library into a file of their own leaves them behind, which shows in the
 * name of the file that this code is found in; then whoever wants such a file is told.
 *
 * The one place that asks where this code is. A bundle that is CommonJS has no `import.meta`, but a `__filename`.
 */
import { pathToFileURL } from 'node:url';
import { StoreError } from './errors.ts';

/** The file this code was loaded from, as a URL. */
export const here: string = typeof __filename === 'string' ? pathToFileURL(__filename).href : import.meta.url;

/** The URL of the compiled module of a source, such as `engine/task-worker`. Throws UNSUPPORTED where it was left behind. */
export function ownFile(source: string): URL {
  const found = findOwnFile(source);
  if (found !== undefined) return found;
  throw new StoreError(
    'UNSUPPORTED',
    `Other processes need lodemap's file ${shippedName(source)}, which is not beside ${here}, since the library was bundled into that. ` +
      'Mark "lodemap" and "lodemap/*" external (esbuild: --external:lodemap --external:lodemap/*), so that it is loaded from node_modules',
  );
}

/** As `ownFile`; undefined where it was left behind, for what can do without. */
export function findOwnFile(source: string): URL | undefined {
  if (here.endsWith('/base/own-file.js')) return new URL(`../${source}.js`, here);
  return here.endsWith('/own-file.js') ? new URL(`./${shippedName(source)}`, here) : undefined;
}

function shippedName(source: string): string {
  return `${source.slice(source.lastIndexOf('/') + 1)}.js`;
}
