/** The log, read as the auditor: of the stack on this machine, or of one that the environment names. */
import { AUDITOR_ROLE } from '@baton/contracts';
import { openEventStore, openHistory, type EventStore, type History } from '@baton/event-store';
import type { Context } from '../context.ts';
import { CliProblem, EXIT } from '../exit-codes.ts';
import { logUrl } from './servers.ts';

export interface Reading {
  readonly history: History;
  readonly store: EventStore;
}

const APPLICATION = 'baton-cli';
const CONNECT_MS_MAX = 5_000;
const STATEMENT_MS_MAX = 60_000;

export async function reading<T>(context: Context, use: (reading: Reading) => Promise<T>): Promise<T> {
  const url = logUrl(context, AUDITOR_ROLE);
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
