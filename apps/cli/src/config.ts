/** What the environment may say to `baton`: read and checked here, and nowhere else. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { AUDITOR_ROLE, SERVICE_NAMES, roleOf, type BusUser } from '@baton/contracts';
import { z } from 'zod';
import { CliProblem, EXIT } from './exit-codes.ts';

const url = (...protocols: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `use a URL that begins with ${protocols.join('// or ')}//`,
  });
const postgresUrl = url('postgres:', 'postgresql:');
const httpUrl = url('http:', 'https:');

const schema = z.object({
  /** Directory of the local stack: data, logs, keys. */
  BATON_HOME: z.string().min(1).default('.baton'),
  /** Who acts, where --as is not given. */
  BATON_ACTOR: z.string().trim().min(1).max(200).optional(),
  /** `up`: a Postgres of one's own instead of the embedded one, as a role that may create roles. */
  BATON_PG_URL: postgresUrl.optional(),
  /** A stack that runs elsewhere: the log as an auditor, the two HTTP edges, the bus. Passwords and seeds are read below. */
  BATON_AUDITOR_PG_URL: postgresUrl.optional(),
  BATON_INTAKE_URL: httpUrl.optional(),
  BATON_APPROVAL_URL: httpUrl.optional(),
  BATON_NATS_URL: z.string().min(1).optional(),
  /** Checkpoints of a stack that runs elsewhere, and for `checkpoints new-start` the key that signs them. */
  BATON_CHECKPOINTS_DIR: z.string().min(1).optional(),
  BATON_SEALER_KEY: z.string().min(1).optional(),
  BATON_SEALER_KEY_FILE: z.string().min(1).optional(),
  /** `provision`: as a role that may create roles and schemas in this database. */
  BATON_PG_ADMIN_URL: postgresUrl.optional(),
  /** `provision`, `rebuild bus`: copies of each stream; without it as many as there are, or one. */
  BATON_NATS_REPLICAS: z.coerce.number().int().min(1).max(5).optional(),
  /** What becomes of a single nats-server that does not sync what it acknowledges: `provision` refuses it, `up` accepts it, unless told. */
  BATON_NATS_UNSYNCED: z.enum(['accept', 'refuse']).optional(),
  /** `up`: handed to the services. */
  BATON_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  BATON_DRAIN_GRACE_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
});
export type Config = z.infer<typeof schema>;
export type Environment = Readonly<Record<string, string | undefined>>;

export function readConfig(env: Environment): Config {
  const parsed = schema.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new CliProblem(EXIT.invalid, `the environment does not fit:\n  ${faults.join('\n  ')}`, 'mend or unset these variables');
}

/** Who acts when nobody says: the login name, as git does it. */
export function actorOf(config: Config, as: string | undefined): string {
  return as ?? config.BATON_ACTOR ?? userInfo().username;
}

/** Named as in deploy/docker/.env, so that one environment serves commands that act as different users of the bus. */
export const nkeySeedVariable = (user: BusUser): string => `BATON_NKEY_SEED_${user.toUpperCase().replaceAll('-', '_')}`;

/** The seed of the nkey with which `provision` or a remote `baton` logs in to the bus as this user. */
export function nkeySeed(env: Environment, user: BusUser): string | undefined {
  return secretFrom(env, nkeySeedVariable(user)) ?? secretFrom(env, 'BATON_NATS_NKEY_SEED');
}

/** The key with which `checkpoints new-start` signs on a stack elsewhere. */
export function sealerKey(config: Config): string | undefined {
  return (
    config.BATON_SEALER_KEY ??
    (config.BATON_SEALER_KEY_FILE === undefined ? undefined : secretFile('BATON_SEALER_KEY_FILE', config.BATON_SEALER_KEY_FILE))
  );
}

export const passwordVariable = (role: string): string => `BATON_PG_PASSWORD_${role.slice('baton_'.length).toUpperCase()}`;

/** `BATON_PG_PASSWORD_INTAKE` (or `…_INTAKE_FILE`) is the password of the role `baton_intake`; roles without one keep theirs. */
export function passwordsFrom(env: Environment): Readonly<Record<string, string>> {
  const roles = [...SERVICE_NAMES.map(roleOf), AUDITOR_ROLE];
  return Object.fromEntries(
    roles.flatMap((role) => {
      const password = secretFrom(env, passwordVariable(role));
      return password === undefined ? [] : [[role, password]];
    }),
  );
}

/** What the variable says, or the file that `<variable>_FILE` names; empty is the same as not there. */
function secretFrom(env: Environment, variable: string): string | undefined {
  const [text, file] = [env[variable], env[`${variable}_FILE`]];
  if (text !== undefined && text !== '') return text;
  const kept = file === undefined || file === '' ? '' : secretFile(`${variable}_FILE`, file);
  return kept === '' ? undefined : kept;
}

function secretFile(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new CliProblem(
      EXIT.invalid,
      `${variable} names ${path}, which cannot be read: ${(cause as Error).message}`,
      'mount the secret there, or name another file',
      { cause },
    );
  }
}
