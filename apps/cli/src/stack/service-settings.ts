/** What of the environment of whoever types `baton up` reaches its services. */
import { resolve } from 'node:path';
import type { Environment } from '../config.ts';

/** How much, how long, how confined: as harmless to one stack as to another. Whole names: of one that is misspelt somebody has to hear. */
const LIMITS: ReadonlySet<string> = new Set([
  ...['OTEL_TRACES_EXPORTER', 'OTEL_TRACES_SAMPLER_ARG', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ...['BATON_SWEEP_INTERVAL_MS', 'BATON_WORK_SLOTS', 'BATON_GIT_TIMEOUT_MS', 'BATON_SECRET_VARIABLES'],
  ...['BATON_AGENT_KILL_GRACE_MS', 'BATON_AGENT_OUTPUT_BYTES_MAX'],
  ...['BATON_RELAY_BATCH_MAX', 'BATON_RELAY_POLL_MS', 'BATON_RELAY_LEASE_MS'],
  ...['BATON_RUN_PROCESSES_MAX', 'BATON_RUN_MEMORY_BYTES_MAX', 'BATON_RUN_FILE_BYTES_MAX', 'BATON_RUN_OUTPUT_BYTES_MAX'],
  ...['BATON_SANDBOX', 'BATON_SANDBOX_NETWORK', 'BATON_SANDBOX_READABLE'],
  ...['BATON_SEAL_INTERVAL_MS', 'BATON_SEAL_EVENTS_MAX'],
]);
/** What a stack decides by, and how it cuts missions into tasks: of this stack only, and each a directory. */
const RULES: ReadonlySet<string> = new Set(['BATON_POLICY_DIR', 'BATON_TEMPLATES_DIR']);
/** Of the machine and the person at it, not of a stack. Programs are named by …_BIN. */
const OF_THE_MACHINE = /^BATON_(HOME|ACTOR|LOG_LEVEL|DRAIN_GRACE_MS|[A-Z_]+_BIN)$/;
/** Of the servers that a stack stands on; every service is told of them in its own way. */
const OF_THE_SERVERS: ReadonlySet<string> = new Set(['BATON_PG_URL', 'BATON_NATS_UNSYNCED']);

export const isLimit = (name: string): boolean => LIMITS.has(name);
export const isOfTheMachine = (name: string): boolean => OF_THE_MACHINE.test(name);
const isHandedOn = (name: string): boolean => isLimit(name) || RULES.has(name);
const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

/** Services run in the home directory; a path means what it means where it was typed. */
export const withWholePaths = (environment: Environment, typed_in: string): Environment =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      RULES.has(name) && isSet(value) ? resolve(typed_in, value) : value,
    ]),
  );

export const handedOn = (environment: Environment): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => isHandedOn(name)));

/** Nobody may believe that a rule holds which no service was told of; of a stack that runs already, none is. */
export const unusedSettings = (environment: Environment, already: boolean): readonly string[] =>
  Object.entries(environment)
    .filter(([name, value]) => name.startsWith('BATON_') && isSet(value) && !isOfTheMachine(name))
    .map(([name]) => name)
    .filter((name) => already || !(isHandedOn(name) || OF_THE_SERVERS.has(name)))
    .toSorted();
