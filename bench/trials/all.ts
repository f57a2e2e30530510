import { trial as a1 } from './a1.ts';
import { trial as a2 } from './a2.ts';
import { trial as a3 } from './a3.ts';
import { trial as a4 } from './a4.ts';
import { trial as a5 } from './a5.ts';
import { trial as c1 } from './c1.ts';
import { trial as c2 } from './c2.ts';
import { trial as c3 } from './c3.ts';
import { trial as c4 } from './c4.ts';
import { trial as m1 } from './m1.ts';
import { trial as o1 } from './o1.ts';
import { trial as r1 } from './r1.ts';
import { trial as r2 } from './r2.ts';
import { trial as r3 } from './r3.ts';
import { trial as r4 } from './r4.ts';
import { trial as r5 } from './r5.ts';
import { trial as r6 } from './r6.ts';
import { trial as s1 } from './s1.ts';
import { trial as s2 } from './s2.ts';
import { trial as t11 } from './t11.ts';
import { trial as v1 } from './v1.ts';
import { trial as w1 } from './w1.ts';
import { trial as w2 } from './w2.ts';
import { trial as w3 } from './w3.ts';
import type { Trial } from '../trial.ts';

/** Every trial, in the order of the table. A new one is a file here and a line in this list. */
export const trials: readonly Trial[] = [r1, r2, r3, r4, r5, r6, w1, w2, w3, s1, s2, m1, o1, t11, v1, a1, a2, a3, a4, a5, c1, c2, c3, c4];
