/** Which log and which bus a command speaks to, and as whom: those of the stack on this machine, or those that the environment names. */
import { connectBus, type BusConnection, type BusLogger } from '@baton/bus';
import { AUDITOR_ROLE, type BusUser } from '@baton/contracts';
import { databaseUrl } from '@baton/tools';
import { nkeySeed, nkeySeedVariable, passwordVariable, passwordsFrom } from '../config.ts';
import type { Context } from '../context.ts';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { requireStack } from '../stack/home.ts';
import { withinMs } from '../stack/provision.ts';
import { nkeyOf, passwordOf, readSecrets, type Secrets } from '../stack/secrets.ts';

const CONNECT_MS_MAX = 5_000;
/** Of the client of the bus: it has a connection, and nobody answers, or nobody may. */
const UNANSWERED = new Set([
  'TimeoutError',
  'RequestError',
  'NoRespondersError',
  'PermissionViolationError',
  'ClosedConnectionError',
]);

/** True: the stack that is meant is not the one in our home. */
export const isElsewhere = ({ config }: Pick<Context, 'config'>): boolean => config.BATON_AUDITOR_PG_URL !== undefined;

/** The log as this role. */
export function logUrl(context: Context, role: string): string {
  const elsewhere = context.config.BATON_AUDITOR_PG_URL;
  if (elsewhere === undefined)
    return databaseUrl(requireStack(context.home).postgres_url, {
      user: role,
      password: passwordOf(requireSecrets(context), role),
    });
  if (role === AUDITOR_ROLE) return elsewhere;
  const password = passwordsFrom(context.environment)[role];
  if (password === undefined)
    throw new CliProblem(
      EXIT.invalid,
      `this is the right of ${role} only, whose password is not known here`,
      `set ${passwordVariable(role)} (or ${passwordVariable(role)}_FILE)`,
    );
  return databaseUrl(elsewhere, { user: role, password });
}

export async function withBusAs<T>(context: Context, user: BusUser, use: (bus: BusConnection) => Promise<T>): Promise<T> {
  const { servers, nkey_seed } = busOf(context, user);
  const fix = isElsewhere(context)
    ? `see whether nats-server runs there, and whether ${nkeySeedVariable(user)} is the seed of its user ${user}`
    : 'see whether the stack is well: baton status';
  const unreachable = (cause: Error, what: string): CliProblem =>
    new CliProblem(EXIT.unreachable, `nats-server at ${servers} ${what} ${user}: ${cause.message}`, fix, { cause });
  const bus = await withinMs(
    connectBus({ servers, user, nkey_seed, logger: silent }),
    CONNECT_MS_MAX,
    `nothing heard within ${String(CONNECT_MS_MAX)} ms`,
  ).catch((cause: Error) => {
    throw unreachable(cause, 'does not let in');
  });
  try {
    return await use(bus);
  } catch (error) {
    throw error instanceof Error && UNANSWERED.has(error.name) ? unreachable(error, 'does not answer') : error;
  } finally {
    await bus.close();
  }
}

function busOf(context: Context, user: BusUser): { readonly servers: string; readonly nkey_seed: string | undefined } {
  const { BATON_AUDITOR_PG_URL: log, BATON_NATS_URL: bus } = context.config;
  if (log === undefined && bus === undefined)
    return { servers: requireStack(context.home).nats_url, nkey_seed: nkeyOf(requireSecrets(context), user).seed };
  // One of the two alone would be held against the other of the stack on this machine.
  if (log === undefined || bus === undefined)
    throw new CliProblem(
      EXIT.invalid,
      `the environment names a ${log === undefined ? 'bus' : 'log'} elsewhere, and not the ${log === undefined ? 'log' : 'bus'} that belongs to it`,
      `set ${log === undefined ? 'BATON_AUDITOR_PG_URL' : 'BATON_NATS_URL'} as well, or unset the other`,
    );
  return { servers: bus, nkey_seed: nkeySeed(context.environment, user) };
}

export function requireSecrets(context: Context): Secrets {
  const secrets = readSecrets(context.home);
  if (secrets !== null) return secrets;
  throw new CliProblem(
    EXIT.unreachable,
    `${context.home.secrets_file} is missing`,
    'restore it from a backup, or run `baton down`: the supervisor still knows what it said, and writes it again when it stops',
  );
}

const silent: BusLogger = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };
