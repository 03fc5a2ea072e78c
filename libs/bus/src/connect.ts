/** One connection per process, as one user, that comes back by itself for as long as the process lives. */
import type { BusUser } from '@baton/contracts';
import { nkeyAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { BusLogger } from './logger.ts';

const PING_INTERVAL_MS = 10_000;
/** Two pings unanswered = the server is gone: noticed within half a minute, where the library's default takes four. */
const PINGS_OUT_MAX = 2;
const RECONNECT_WAIT_MS = 250;
const CONNECT_TIMEOUT_MS = 5_000;

export interface BusConnection {
  readonly connection: NatsConnection;
  /** Under which answers come: the only subjects this user may listen on. */
  readonly inbox_prefix: string;
  /** False while the server cannot be reached: for readiness. */
  connected(): boolean;
  /** Sends what is waiting to be sent, then closes. Twice is fine. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly servers: string | string[];
  readonly user: BusUser;
  /** Seed of the user's nkey (`SU…`); undefined = the server asks for none. */
  readonly nkey_seed?: string | undefined;
  readonly logger: BusLogger;
}

/** The only subjects that a user may listen on for answers: nobody reads anybody else's. */
const inboxPrefixOf = (user: BusUser): string => `_INBOX_${user}`;

/** Throws with the reason when it cannot connect at first: whoever waits for the server says so, and can be told to stop. */
export async function connectBus({ servers, user, nkey_seed, logger }: ConnectOptions): Promise<BusConnection> {
  const connection = await connect({
    servers,
    name: user,
    inboxPrefix: inboxPrefixOf(user),
    ...(nkey_seed === undefined ? {} : { authenticator: nkeyAuthenticator(new TextEncoder().encode(nkey_seed)) }),
    maxReconnectAttempts: -1,
    // A server that comes back with its users not loaded yet must not end us for good.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_OUT_MAX,
    timeout: CONNECT_TIMEOUT_MS,
    // A stack trace per request costs more than the request.
    noAsyncTraces: true,
  });
  let up = true;
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') up = false;
      if (status.type === 'reconnect') up = true;
      if (status.type === 'disconnect' || status.type === 'staleConnection')
        logger.warn({ status: status.type }, 'bus-disconnected');
      if (status.type === 'reconnect') logger.info({ server: status.server }, 'bus-reconnected');
      if (status.type === 'error') logger.warn({ err: status.error }, 'bus-error');
    }
  })();
  logger.info({ server: connection.getServer(), user }, 'bus-connected');
  return {
    connection,
    inbox_prefix: inboxPrefixOf(user),
    connected: () => up && !connection.isClosed(),
    close: async () => {
      if (connection.isClosed()) return;
      // Draining waits for the server; where there is none, closing has to do.
      if (up && !connection.isDraining()) await connection.drain().catch(() => connection.close());
      else await connection.close();
    },
  };
}
