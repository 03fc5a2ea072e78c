/** Plans that broke a promise once, by what was wrong. Each is run for ever; `explained` prints the plan of a new one. */
import type { Plan } from '../src/index.ts';

export const PAST_FAILURES: Readonly<Record<string, Plan>> = {};
