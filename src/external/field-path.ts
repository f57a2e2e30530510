/** Which fields an item has, for the compiler: a misspelled one is found before anything is sorted by it. */

type Leaf = bigint | boolean | null | number | symbol | undefined | ArrayBufferView | Date | RegExp | ((...args: never[]) => unknown);

/**
 * The fields of `T`, and the paths of fields in it, as text: `'name'`, `'addr.city'`. Two steps are looked at, what follows them is
 * any text; so is every path where nothing is known of the items.
 */
export type FieldPath<T> = [T] extends [never] ? string : unknown extends T ? string : T extends unknown ? Steps<T, 'more'> : never;

type Steps<T, Next> = unknown extends T
  ? string
  : T extends string
    ? 'length'
    : T extends Leaf
      ? never
      : T extends readonly (infer Element)[]
        ? 'length' | `${number}` | `${number}.${Following<Element, Next>}`
        : { [Name in keyof T & (number | string)]-?: `${Name}` | `${Name}.${Following<T[Name], Next>}` }[keyof T & (number | string)];

type Following<T, Next> = unknown extends T ? string : Next extends 'more' ? (T extends unknown ? Steps<T, 'last'> : never) : string;
