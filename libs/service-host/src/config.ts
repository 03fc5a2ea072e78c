/** Settings come from the environment, are checked once at start, and every faulty one is named together with its fix. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { pid } from 'node:process';
import { FAILPOINT_PATTERN, FAILPOINTS } from '@baton/ports';
import { LOG_LEVELS } from '@baton/telemetry';
import { z } from 'zod';
import { placeOfProcesses } from './predecessors.ts';

const HTTP_PORT_DEFAULT = 8080;
const DRAIN_GRACE_MS_DEFAULT = 25_000;
const SWEEP_INTERVAL_MS_DEFAULT = 500;

const PLACE = placeOfProcesses();

const milliseconds = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

// The description of a setting is the fix that is shown.
const log = {
  BATON_PG_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'is not the URL of a Postgres database')
    .describe("give the URL with the service's own role, such as postgres://baton_intake:…@localhost:5432/baton"),
};
const bus = {
  BATON_NATS_URL: z
    .string()
    .regex(/^(nats|tls):\/\/[^\s,]+(,(nats|tls):\/\/[^\s,]+)*$/, 'is not the URL of a NATS server')
    .describe('give the URL of the server, such as nats://localhost:4222, or several with commas between them'),
  BATON_NATS_NKEY_SEED: z
    .string()
    .regex(/^SU[A-Z2-7]{50,60}$/, "is not the seed of a user's nkey")
    .optional()
    .describe("give the seed (SU…) of the service's own user, or leave it out where the server asks for none"),
};
const ofProcess = {
  BATON_HTTP_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('give the address to listen on, such as 127.0.0.1, or 0.0.0.0 for all'),
  BATON_HTTP_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(HTTP_PORT_DEFAULT)
    .describe('give a port from 1 to 65535, or 0 for any free one'),
  BATON_INSTANCE: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'has characters other than letters, digits, dots and dashes')
    .default(
      () =>
        `${hostname()
          .replaceAll(/[^\w.-]/g, '-')
          .slice(0, 60)}${PLACE === null ? '' : `-${PLACE}`}-${pid}-${randomBytes(4).toString('hex')}`,
    )
    .describe('leave it out; or give a name that no other process has, and that is another one after each start'),
  BATON_LOG_LEVEL: z
    .enum(LOG_LEVELS)
    .default('info')
    .describe(`give one of ${LOG_LEVELS.join(', ')}`),
  BATON_DRAIN_GRACE_MS: milliseconds(0, 600_000)
    .default(DRAIN_GRACE_MS_DEFAULT)
    .describe(
      'give how long running work may take to finish when the service is stopped, in ms, less than the orchestrator waits',
    ),
  BATON_SWEEP_INTERVAL_MS: milliseconds(10, 60_000)
    .default(SWEEP_INTERVAL_MS_DEFAULT)
    .describe('give how often it is looked what is due, or new in the log, 10 to 60000 ms'),
  BATON_FAILPOINT: z
    .string()
    .regex(FAILPOINT_PATTERN, 'is not the name of a failpoint with a count or an id')
    .optional()
    .describe(
      `leave it out; or, to test a crash, give <name>:<nth>, <name>@<id> or <name>!<id> with a name of ${FAILPOINTS.join(', ')}`,
    ),
  OTEL_TRACES_EXPORTER: z.enum(['none', 'console', 'otlp']).default('none').describe('give none, console or otlp'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('give the base URL of an OTLP/HTTP receiver, such as http://localhost:4318'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('give the share of traces to record, 0 to 1'),
};

/** What a service is told that only reads the log. */
export const logConfigSchema = z.object({ ...log, ...ofProcess });
/** What a service is told that takes part on the bus as well; apps add their own with `.extend()`. */
export const baseConfigSchema = z.object({ ...log, ...bus, ...ofProcess });
export type BaseConfig = z.output<typeof logConfigSchema> & Partial<z.output<typeof baseConfigSchema>>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings, checked. `NAME_FILE` is the path of a file that holds the value of `NAME` (secrets); an empty variable counts
 * as not set. Throws a ConfigError; no value is ever shown in it, for it may be a secret.
 */
export function readConfig<Schema extends z.ZodObject>(schema: Schema, environment: Environment): z.output<Schema> {
  const faults = new Map<string, string>();
  const values: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const value = valueOf(name, environment, (fault) => faults.set(name, fault));
    if (value !== undefined) values[name] = value;
  }
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0] ?? 'settings');
    if (!faults.has(name)) faults.set(name, faultOf(issue, values[name] === undefined, fixOf(schema.shape[name])));
  }
  if (parsed.success && faults.size === 0) return parsed.data;
  const lines = [...faults].map(([name, fault]) => `  ${name} ${fault}`);
  throw new ConfigError(
    `${faults.size === 1 ? 'one setting is' : `${faults.size} settings are`} not usable:\n${lines.join('\n')}`,
  );
}

function valueOf(name: string, environment: Environment, fault: (text: string) => void): string | undefined {
  const value = environment[name]?.trim() || undefined;
  const file = environment[`${name}_FILE`]?.trim() || undefined;
  if (file === undefined) return value;
  if (value !== undefined) {
    fault(`and ${name}_FILE are both set: leave one of them out`);
    return undefined;
  }
  try {
    const text = readFileSync(file, 'utf8').trim();
    if (text === '') fault(`is empty: ${name}_FILE names ${file}, and there is nothing in it`);
    return text || undefined;
  } catch (error) {
    fault(`cannot be read from ${file} (${name}_FILE): ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
    return undefined;
  }
}

const fixOf = (setting: unknown): string =>
  (setting instanceof z.ZodType ? (setting.description ?? setting.meta()?.description) : undefined) ??
  'see the README of the service';

function faultOf(issue: z.core.$ZodIssue, missing: boolean, fix: string): string {
  return `${missing ? 'is not set' : issue.code === 'invalid_format' ? issue.message : `does not fit (${issue.message})`}: ${fix}`;
}
