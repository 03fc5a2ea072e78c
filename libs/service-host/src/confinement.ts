/** How agents and checks are confined, and what they say is cleansed: the same settings and the same way in every service that runs any. */
import { openSandbox, redactor, RUN_LIMITS, SANDBOX_SETTINGS, type Redactor, type Sandbox } from '@baton/workbench';
import { z } from 'zod';
import type { BaseConfig } from './config.ts';
import type { Platform } from './platform.ts';

const bytes = (min: number, default_bytes: number, what: string) =>
  z.coerce
    .number()
    .int()
    .min(min)
    .max(1024 ** 5)
    .default(default_bytes)
    .describe(`give ${what}, in bytes, at least ${min}`);
const list =
  (separator: string) =>
  (text: string): readonly string[] =>
    text
      .split(separator)
      .map((part) => part.trim())
      .filter((part) => part !== '');

export const confinementConfig = {
  BATON_SANDBOX: z.enum(SANDBOX_SETTINGS).default('preferred').describe('give required, preferred or off'),
  BATON_SANDBOX_NETWORK: z
    .enum(['none', 'host'])
    .default('none')
    .describe('give none, or host where agents and checks have to reach other machines'),
  BATON_SANDBOX_READABLE: z
    .string()
    .default('')
    .transform(list(':'))
    .refine((paths) => paths.every((path) => path.startsWith('/') && path !== '/'), 'has a path that is not absolute')
    .describe('give absolute paths with colons between them that agents and checks may read, such as /opt/tools'),
  BATON_RUN_PROCESSES_MAX: z.coerce
    .number()
    .int()
    .min(4)
    .max(100_000)
    .default(RUN_LIMITS.processes_max)
    .describe('give how many processes one agent or check may have, 4 to 100000'),
  BATON_RUN_MEMORY_BYTES_MAX: bytes(16 * 1024 ** 2, RUN_LIMITS.memory_bytes_max, 'how much memory one agent or check may use'),
  BATON_RUN_FILE_BYTES_MAX: bytes(1024, RUN_LIMITS.file_bytes_max, 'how large a file may become that an agent or check writes'),
  BATON_RUN_OUTPUT_BYTES_MAX: bytes(
    10_000,
    RUN_LIMITS.output_bytes_max,
    'how much one agent or check may print before it is killed',
  ),
  BATON_SECRET_VARIABLES: z
    .string()
    .default('')
    .transform(list(','))
    .refine(
      (names) => names.every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)),
      'has something that is no name of a variable',
    )
    .describe('give names of variables with commas between them whose values are secret although their names do not say so'),
} as const;

const confinementSchema = z.object(confinementConfig);
export type ConfinementConfig = z.output<typeof confinementSchema>;

export interface Confinement {
  readonly sandbox: Sandbox;
  readonly redactor: Redactor;
}

/** Says in the log and on `/readyz` how strong the sandbox is here. Throws where a sandbox is required and there is none. */
export function openConfinement(
  { config, logger, note }: Pick<Platform<BaseConfig & ConfinementConfig>, 'config' | 'logger' | 'note'>,
  environment: Readonly<Record<string, string | undefined>>,
): Confinement {
  const sandbox = openSandbox({ ...sandboxOptions(config), environment });
  note('sandbox', sandbox.mode);
  if (sandbox.weaker_because === null) logger.info({ mode: sandbox.mode }, 'sandbox');
  else logger.warn({ mode: sandbox.mode, because: sandbox.weaker_because }, 'sandbox-weaker');
  return {
    sandbox,
    redactor: redactor({
      environment,
      names: config.BATON_SECRET_VARIABLES,
      values: [config.BATON_PG_URL, config.BATON_NATS_NKEY_SEED],
    }),
  };
}

/** In the words of `openSandbox`. */
export const sandboxOptions = (config: ConfinementConfig) => ({
  setting: config.BATON_SANDBOX,
  network: config.BATON_SANDBOX_NETWORK,
  readable: config.BATON_SANDBOX_READABLE,
  limits: {
    processes_max: config.BATON_RUN_PROCESSES_MAX,
    memory_bytes_max: config.BATON_RUN_MEMORY_BYTES_MAX,
    file_bytes_max: config.BATON_RUN_FILE_BYTES_MAX,
    output_bytes_max: config.BATON_RUN_OUTPUT_BYTES_MAX,
  },
});
