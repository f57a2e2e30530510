import { trial as a1 } from './algorithms/a1.ts';
import { trial as a2 } from './algorithms/a2.ts';
import { trial as a3 } from './algorithms/a3.ts';
import { trial as a4 } from './algorithms/a4.ts';
import { trial as a5 } from './algorithms/a5.ts';
import { trial as c1 } from './caches/c1.ts';
import { trial as c2 } from './caches/c2.ts';
import { trial as c3 } from './caches/c3.ts';
import { trial as c4 } from './caches/c4.ts';
import { trial as m1 } from './store/m1.ts';
import { trial as o1 } from './store/o1.ts';
import { trial as r1 } from './reads/r1.ts';
import { trial as r2 } from './reads/r2.ts';
import { trial as r3 } from './reads/r3.ts';
import { trial as r4 } from './reads/r4.ts';
import { trial as r5 } from './reads/r5.ts';
import { trial as r6 } from './reads/r6.ts';
import { trial as s1 } from './store/s1.ts';
import { trial as s2 } from './store/s2.ts';
import { trial as t11 } from './store/t11.ts';
import { trial as v1 } from './store/v1.ts';
import { trial as w1 } from './writes/w1.ts';
import { trial as w2 } from './writes/w2.ts';
import { trial as w3 } from './writes/w3.ts';
import type { Trial } from '../trial.ts';

/** Every trial, in the order of the table. A new one is a file in one of the rooms and a line in this list. */
export const trials: readonly Trial[] = [r1, r2, r3, r4, r5, r6, w1, w2, w3, s1, s2, m1, o1, t11, v1, a1, a2, a3, a4, a5, c1, c2, c3, c4];
