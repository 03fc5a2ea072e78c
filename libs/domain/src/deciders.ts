/** All deciders, by the category of their streams. */
import type { Category } from '@baton/contracts';
import type { Decider } from './decider.ts';
import { gate } from './gate.ts';
import { mission } from './mission.ts';
import { plan } from './plan.ts';
import { release } from './release.ts';
import { review } from './review.ts';
import { task } from './task.ts';

/** A decider whose stream is known only at run time: what it is given was parsed before. */
export type AnyDecider = Decider<unknown, unknown, unknown>;
export const DECIDERS = { mission, plan, task, review, gate, release } as const;
export const deciderOf = (category: Category): AnyDecider => DECIDERS[category] as unknown as AnyDecider;
