/** The log, read as the auditor: of the stack on this machine, or of one that the environment names. */
import { AUDITOR_ROLE } from '@baton/contracts';
import { openEventStore, openHistory, type EventStore, type History } from '@baton/event-store';
import { databaseUrl } from '@baton/tools';
import type { Context } from '../context.ts';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { requireStack } from '../stack/home.ts';
import { passwordOf, readSecrets, type Secrets } from '../stack/secrets.ts';

export interface Reading {
  readonly history: History;
  readonly store: EventStore;
}

const APPLICATION = 'baton-cli';
const CONNECT_MS_MAX = 5_000;
const STATEMENT_MS_MAX = 60_000;

export async function reading<T>(context: Context, use: (reading: Reading) => Promise<T>): Promise<T> {
  const url = auditorUrl(context);
  const limits = {
    url,
    application_name: APPLICATION,
    connect_timeout_ms: CONNECT_MS_MAX,
    statement_timeout_ms: STATEMENT_MS_MAX,
  };
  const history = openHistory(limits);
  const store = openEventStore(limits);
  try {
    await history.now().catch((cause: Error) => {
      throw new CliProblem(
        EXIT.unreachable,
        `the log cannot be read: ${cause.message}`,
        'see whether the stack is well: baton status',
        { cause },
      );
    });
    return await use({ history, store });
  } finally {
    await Promise.all([history.close(), store.close()]);
  }
}

function auditorUrl(context: Context): string {
  if (context.config.BATON_AUDITOR_PG_URL !== undefined) return context.config.BATON_AUDITOR_PG_URL;
  return databaseUrl(requireStack(context.home).postgres_url, {
    user: AUDITOR_ROLE,
    password: passwordOf(requireSecrets(context), AUDITOR_ROLE),
  });
}

export function requireSecrets(context: Context): Secrets {
  const secrets = readSecrets(context.home);
  if (secrets !== null) return secrets;
  throw new CliProblem(
    EXIT.unreachable,
    `${context.home.secrets_file} is missing`,
    'run `baton down` and `baton up`, which makes it anew',
  );
}
