/** A nats-server with the configuration that ships, a key for each of its users, and a log in memory to relay from. */
import { createHash } from 'node:crypto';
import type { EventMeta, StoredEvent, BusUser } from '@baton/contracts';
import type { EventLog, Leases, Watermarks } from '@baton/ports';
import { shippedNats, testNats, type TestNats } from '@baton/testing';
import {
  connectBus,
  ensureTopology,
  startRelay,
  type BusConnection,
  type BusLogger,
  type Relay,
  type RelayOptions,
} from '../src/index.ts';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error' | 'fatal';
  readonly event: string;
  readonly fields: object;
}

export interface RecordingLogger extends BusLogger {
  readonly lines: readonly LogLine[];
  times(event: string): number;
}

export function recordingLogger(): RecordingLogger {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (fields: object, event: string) => void lines.push({ level, event, fields });
  return {
    lines,
    times: (event) => lines.filter((line) => line.event === event).length,
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
  };
}

export interface SecuredNats {
  readonly nats: TestNats;
  readonly logger: RecordingLogger;
  as(user: BusUser): Promise<BusConnection>;
  /** Makes streams and consumers as the provisioner. */
  provision(): Promise<void>;
  stop(): Promise<void>;
}

export async function securedNats({ sync_interval = '2m' } = {}): Promise<SecuredNats> {
  const { seeds, ...options } = await shippedNats({ sync_interval });
  const nats = await testNats(options);
  const logger = recordingLogger();
  const open: BusConnection[] = [];
  const as = async (user: BusUser): Promise<BusConnection> => {
    const bus = await connectBus({ servers: nats.url, user, nkey_seed: seeds.get(user), logger });
    open.push(bus);
    return bus;
  };
  return {
    nats,
    logger,
    as,
    provision: async () => {
      const bus = await as('provisioner');
      await ensureTopology(bus.connection, { replicas: 1 });
      await bus.close();
    },
    stop: async () => {
      await Promise.all(open.map((bus) => bus.close()));
      await nats.stop();
    },
  };
}

export interface MemoryLog extends Pick<EventLog, 'readAfter' | 'head'> {
  readonly events: StoredEvent[];
  /** Appends one PlanCancelled per mission and tells the listeners. */
  append(missions: readonly string[]): void;
  onAppended(listener: () => void): void;
}

export function memoryLog(): MemoryLog {
  const events: StoredEvent[] = [];
  const listeners: (() => void)[] = [];
  return {
    events,
    append: (missions) => {
      for (const mission of missions) events.push(planCancelled(events.length + 1, mission));
      for (const listener of listeners) listener();
    },
    onAppended: (listener) => void listeners.push(listener),
    readAfter: (after, limit) => Promise.resolve(events.slice(after, after + limit)),
    head: () => Promise.resolve({ position: events.length, hash: '' }),
  };
}

/** Taken by release-react. */
export function planCancelled(position: number, mission: string, reason = 'asked'): StoredEvent {
  const meta: EventMeta = {
    schema_version: 1,
    correlation_id: mission,
    causation_id: 'cause',
    actor: { kind: 'service', id: 'planner' },
  };
  const hex = createHash('sha256').update(`${mission}-${position}-${reason}`).digest('hex');
  return {
    id: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`,
    type: 'PlanCancelled',
    meta: JSON.stringify(meta),
    data: JSON.stringify({ mission_id: mission, reason }),
    position,
    stream: `plan-${mission}`,
    version: position,
    recorded_at: '2026-11-21T00:01:31.123456Z',
    hash: hex,
  };
}

/** By the clock of the process: enough for two relays of one process. */
export function memoryLeases(): Leases {
  let fence = 0;
  const held = new Map<string, { holder: string; fence: number; until: number }>();
  const mine = (name: string, holder: string, own: number) => {
    const lease = held.get(name);
    return lease && lease.holder === holder && lease.fence === own && lease.until > performance.now() ? lease : null;
  };
  return {
    acquire: ({ name, holder, ttl_ms }) => {
      const lease = held.get(name);
      if (lease && lease.until > performance.now()) return Promise.resolve(null);
      held.set(name, { holder, fence: ++fence, until: performance.now() + ttl_ms });
      return Promise.resolve(fence);
    },
    renew: ({ name, holder, fence: own, ttl_ms }) => {
      const lease = mine(name, holder, own);
      if (lease) lease.until = performance.now() + ttl_ms;
      return Promise.resolve(lease !== null);
    },
    release: ({ name, holder, fence: own }) => {
      if (mine(name, holder, own)) held.delete(name);
      return Promise.resolve();
    },
  };
}

export function memoryWatermarks(): Watermarks & { readonly kept: Map<string, number> } {
  const kept = new Map<string, number>();
  return {
    kept,
    advance: (consumer, position) => {
      kept.set(consumer, Math.max(position, kept.get(consumer) ?? 0));
      return Promise.resolve();
    },
    lower: (consumer, position) => {
      if (position < (kept.get(consumer) ?? 0)) kept.set(consumer, position);
      return Promise.resolve();
    },
    read: () => Promise.resolve(new Map(kept)),
  };
}

export function relayOf(log: MemoryLog, bus: BusConnection, options: Partial<RelayOptions> = {}): Relay {
  const relay = startRelay({
    log,
    bus,
    watermarks: memoryWatermarks(),
    leases: memoryLeases(),
    holder: 'one',
    replicas: 1,
    logger: recordingLogger(),
    ...options,
  });
  log.onAppended(relay.wake);
  return relay;
}
