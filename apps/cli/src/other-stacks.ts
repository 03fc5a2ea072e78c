/** What of the environment names a stack that is not meant, so that no command reaches one by mistake. */
import type { Environment } from './config.ts';
import { isLimit, isOfTheMachine } from './stack/service-settings.ts';

/** Each leads to a stack that runs elsewhere; the keys for it are of no use without. */
const ELSEWHERE = new Set([
  'BATON_AUDITOR_PG_URL',
  'BATON_INTAKE_URL',
  'BATON_APPROVAL_URL',
  'BATON_NATS_URL',
  'BATON_CHECKPOINTS_DIR',
]);

const only = (environment: Environment, keeps: (name: string) => boolean): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => keeps(name)));

/** For a stack that was named by its home: whoever types it means it. */
export const withoutElsewhere = (environment: Environment): Environment => only(environment, (name) => !ELSEWHERE.has(name));

/** For a stack that has nothing to do with any other: what is not known to be harmless is left out. */
export const withoutOtherStacks = (environment: Environment): Environment =>
  only(environment, (name) => !name.startsWith('BATON_') || isOfTheMachine(name) || isLimit(name));
