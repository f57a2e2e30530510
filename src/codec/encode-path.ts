const namesMax = 24;

/** Where in a value something lies: `$.a[3].b`. `steps` are keys of objects, indexes of arrays, `{key 2}` and the like. */
export function formatPath(steps: readonly (string | number | { readonly step: string })[]): string {
  const shown = steps.length <= namesMax ? steps : [...steps.slice(0, 8), { step: '...' }, ...steps.slice(-8)];
  let path = '$';
  for (const step of shown) {
    if (typeof step === 'number') path += `[${step}]`;
    else if (typeof step === 'object') path += step.step;
    else path += /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  }
  return path;
}
