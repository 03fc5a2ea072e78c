/** What of the environment names a stack that is not meant, so that no command reaches one by mistake. */
import type { Environment } from './config.ts';

/** Each leads to a stack that runs elsewhere; the keys for it are of no use without. */
const ELSEWHERE = new Set([
  'BATON_AUDITOR_PG_URL',
  'BATON_INTAKE_URL',
  'BATON_APPROVAL_URL',
  'BATON_NATS_URL',
  'BATON_CHECKPOINTS_DIR',
]);
/** Of whoever starts a stack, for its services: how agents are confined, among others. */
export const HANDED_ON =
  /^(OTEL_TRACES_EXPORTER|OTEL_EXPORTER_OTLP_ENDPOINT|BATON_SWEEP_INTERVAL_MS|BATON_WORK_SLOTS|BATON_SANDBOX|BATON_SANDBOX_[A-Z_]+|BATON_RUN_[A-Z_]+|BATON_SEAL_[A-Z_]+|BATON_SECRET_VARIABLES)$/;
/** Of the machine and the person at it, not of a stack. Programs are named by …_BIN. */
const OF_THE_MACHINE = /^BATON_(HOME|ACTOR|LOG_LEVEL|DRAIN_GRACE_MS|[A-Z_]+_BIN)$/;

const only = (environment: Environment, keeps: (name: string) => boolean): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => keeps(name)));

/** For a stack that was named by its home: whoever types it means it. */
export const withoutElsewhere = (environment: Environment): Environment => only(environment, (name) => !ELSEWHERE.has(name));

/** For a stack that has nothing to do with any other: what is not known to be harmless is left out. */
export const withoutOtherStacks = (environment: Environment): Environment =>
  only(environment, (name) => !name.startsWith('BATON_') || OF_THE_MACHINE.test(name) || HANDED_ON.test(name));
