/** Database and bus have everything the services need: the same step on a laptop, under compose and in a cluster; again changes nothing. */
import {
  PROVISIONER,
  connectBus,
  ensureTopology,
  UNSYNCED_FIX,
  UnsyncedBus,
  lowestWatermark,
  requireSynced,
  type BusLogger,
  type SyncSetting,
} from '@baton/bus';
import { migrate, openEventStore, setPasswords } from '@baton/event-store';
import { CliProblem, EXIT } from '../exit-codes.ts';

export interface Provision {
  /** A role that may create roles and schemas in this database. */
  readonly admin_url: string;
  /** Role → password; roles that are not named keep theirs. */
  readonly passwords: Readonly<Record<string, string>>;
  readonly nats_url: string;
  readonly nkey_seed: string | undefined;
  /** Copies of each stream. */
  readonly replicas: number;
  /** A single server that forgets at a power loss what it has acknowledged is known to be one. */
  readonly accept_unsynced: boolean;
  readonly logger: BusLogger;
  /** How long the bus may take to let us in. */
  readonly connect_ms_max: number;
}

export interface Provisioned {
  readonly migrations: readonly string[];
  readonly created: readonly string[];
  readonly updated: readonly string[];
  /** Whether the bus has on disk what it acknowledges. */
  readonly bus_sync: SyncSetting;
}

export async function provision(options: Provision): Promise<Provisioned> {
  const { applied } = await migrate(options.admin_url);
  await setPasswords(options.admin_url, options.passwords);
  const store = openEventStore({ url: options.admin_url, application_name: 'baton-provision' });
  try {
    const kept = await store.watermarks.read();
    const bus = await withinMs(
      connectBus({ servers: options.nats_url, user: PROVISIONER, nkey_seed: options.nkey_seed, logger: options.logger }),
      options.connect_ms_max,
      `nothing heard within ${String(options.connect_ms_max)} ms`,
    ).catch((cause: Error) => {
      throw new CliProblem(
        EXIT.unreachable,
        `nats-server at ${options.nats_url} does not let the provisioner in: ${cause.message}`,
        'see whether it runs, and whether the seed is that of its user provisioner',
        { cause },
      );
    });
    try {
      const asked = requireSynced(bus.connection, options).catch(explain);
      // Where it is accepted nothing depends on the answer, and nobody has to wait for it.
      asked.catch(() => undefined);
      if (!options.accept_unsynced) await asked;
      // A stream that has to be made again holds what somebody has still to handle, under the numbers it had.
      const topology = {
        replicas: options.replicas,
        event_stream_first_sequence: lowestWatermark(kept) + 1,
        consumer_start: kept,
      };
      const { created, updated } = await ensureTopology(bus.connection, topology);
      return { migrations: applied, created, updated, bus_sync: await asked };
    } finally {
      await bus.close();
    }
  } finally {
    await store.close();
  }
}

/** A setting that has to be changed is no bug of ours. */
function explain(error: unknown): never {
  if (!(error instanceof UnsyncedBus)) throw error;
  throw new CliProblem(
    EXIT.refused,
    error.message,
    `${UNSYNCED_FIX}; for \`baton up\`, "nats_sync_interval": "always" in parts.json of the home directory`,
    { cause: error },
  );
}

/** The promise, or an error when the time is over; what comes in late is closed. */
export async function withinMs<T extends { close(): Promise<void> }>(
  promise: Promise<T>,
  ms: number,
  message: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new CliProblem(EXIT.unreachable, message));
      void promise.then((opened) => opened.close()).catch(() => undefined);
    }, ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
