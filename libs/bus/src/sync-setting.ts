/** Whether what the bus has acknowledged survives a power loss, as its servers say themselves; nobody runs without it unknowingly. */
import type { NatsConnection } from '@nats-io/nats-core';
import type { BusLogger } from './logger.ts';
import { SETTINGS_SUBJECT } from './permissions.ts';

/** always: on disk when acknowledged. later: whenever the server gets to it. unknown: no server said. */
export type SyncSetting = 'always' | 'later' | 'unknown';

const ANSWERS_MS_MAX = 1_000;
/** Every server of a cluster answers, and one answer comes soon after the other. */
const STALL_MS = 100;

export const UNSYNCED =
  'nats-server acknowledges messages before they are on disk (sync_interval is not always): a power loss takes them from the bus, and the relay has to copy them from the log again';
export const UNSYNCED_FIX =
  'set `sync_interval: always` in the jetstream block of the server (BATON_NATS_SYNC_INTERVAL=always for deploy/nats/nats.conf) and restart it, or accept it with BATON_NATS_UNSYNCED=accept';

export class UnsyncedBus extends Error {
  override readonly name = 'UnsyncedBus';
  constructor() {
    super(`${UNSYNCED}, and there is no second copy of the streams`);
  }
}

interface ServerSettings {
  readonly data?: { readonly jetstream?: { readonly config?: { readonly sync_always?: boolean } } };
}

/** Of several servers, the worst. */
export async function syncSettingOf(connection: NatsConnection): Promise<SyncSetting> {
  const said: SyncSetting[] = [];
  try {
    // A server that has no such question says so at once, or not at all.
    const answers = await connection.requestMany(SETTINGS_SUBJECT, '', {
      strategy: 'stall',
      maxWait: ANSWERS_MS_MAX,
      stall: STALL_MS,
    });
    for await (const answer of answers) {
      const config = answer.json<ServerSettings>().data?.jetstream?.config;
      // Left out where it is false. A server without JetStream keeps no messages.
      if (config !== undefined) said.push(config.sync_always === true ? 'always' : 'later');
    }
  } catch {
    return said.includes('later') ? 'later' : 'unknown';
  }
  if (said.length === 0) return 'unknown';
  return said.includes('later') ? 'later' : 'always';
}

export interface RequireSynced {
  readonly replicas: number;
  /** What is known to be lost by a power loss is accepted, by name. */
  readonly accept_unsynced: boolean;
  readonly logger: BusLogger;
}

/** Throws UnsyncedBus where a single server is known not to sync and nobody has accepted that. */
export async function requireSynced(
  connection: NatsConnection,
  { replicas, accept_unsynced, logger }: RequireSynced,
): Promise<SyncSetting> {
  const setting = await syncSettingOf(connection);
  if (setting === 'later' && replicas === 1 && !accept_unsynced) throw new UnsyncedBus();
  if (setting === 'later') logger.warn({ why: UNSYNCED, accepted: accept_unsynced }, 'bus-unsynced');
  if (setting === 'unknown')
    logger.warn(
      { why: `no server answered ${SETTINGS_SUBJECT}: see deploy/nats/nats.conf`, fix: UNSYNCED_FIX },
      'bus-sync-unknown',
    );
  return setting;
}

/** Asks now, and again after each reconnection, which may be to a server that was started anew; ends with the connection. */
export async function watchSyncSetting(connection: NatsConnection, found: (setting: SyncSetting) => void): Promise<void> {
  const changes = connection.status();
  found(await syncSettingOf(connection));
  for await (const { type } of changes) {
    if (type === 'reconnect') found(await syncSettingOf(connection));
  }
}
