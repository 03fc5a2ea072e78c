/** A stack that runs elsewhere, for specs: real servers, a log that the relay copies, and `baton` with the environment that names them. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLI, PROVISIONER, consume, connectBus, startRelay, type BusConnection, type BusLogger, type Relay } from '@baton/bus';
import { CONSUMERS, EVENT_STREAM, roleOf, type ConsumerName, type ServiceName, type BusUser } from '@baton/contracts';
import { LOGIN_ROLES, openEventStore, type EventStore } from '@baton/event-store';
import type { DeadLetter } from '@baton/ports';
import {
  TEST_ROLE_PASSWORD,
  databaseUrl,
  eventually,
  logDatabase,
  recorded,
  shippedNats,
  testNats,
  type TestNats,
} from '@baton/testing';
import { freePort } from '@baton/tools';
import { nkeySeedVariable, passwordVariable, type Environment } from '../src/config.ts';
import type { ExitCode } from '../src/exit-codes.ts';
import { runCli } from '../src/program.ts';
import { provision } from '../src/stack/provision.ts';

export const SILENT: BusLogger = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };
const WITHIN = { within_ms: 60_000 };

export interface Ran {
  readonly exit: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Elsewhere {
  readonly nats: TestNats;
  /** An empty directory. */
  readonly directory: string;
  readonly environment: Environment;
  baton(args: readonly string[], more?: Environment): Promise<Ran>;
  store(service: ServiceName | 'auditor'): EventStore;
  bus(user: BusUser): Promise<BusConnection>;
  /** So many PlanCancelled, each on a stream of its own: what `release-react` takes. Copied when this resolves. */
  append(count: number): Promise<void>;
  relay(): Relay;
  /** Handles what comes until this many did, or `until` says that it is enough; answers the positions, but those left are given back. */
  handled(consumer: ConsumerName, until: (positions: readonly number[]) => boolean, leaving?: number): Promise<readonly number[]>;
  /** Every watermark says so. */
  allHandledUpTo(position: number): Promise<void>;
  close(): Promise<void>;
}

/** One nats-server as it ships, or so many that ask nobody who they are and keep a copy of everything each. */
export async function elsewhere(replicas: 1 | 3 = 1): Promise<Elsewhere> {
  const closing: (() => Promise<unknown>)[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'baton-elsewhere-'));
  closing.push(() => rm(directory, { recursive: true, force: true }));
  const database = await logDatabase();
  closing.push(database.drop);
  const { seeds, configs } = replicas === 1 ? await alone() : await clustered(replicas);
  const servers = await Promise.all(configs.map((config) => testNats(config)));
  for (const server of servers) closing.push(server.stop);
  const [nats] = servers;
  if (nats === undefined) throw new Error('no server was asked for');
  const urlOf = (role: string): string => databaseUrl(database.url, { user: role, password: TEST_ROLE_PASSWORD });
  const settings = { admin_url: database.superuser_url, passwords: {}, nats_url: nats.url, nkey_seed: seeds.get(PROVISIONER) };
  // A cluster takes nothing before it has a leader.
  await eventually(
    async () => provision({ ...settings, replicas, accept_unsynced: true, logger: SILENT, connect_ms_max: 15_000 }),
    WITHIN,
  );
  const environment: Environment = {
    BATON_HOME: join(directory, 'home'),
    BATON_AUDITOR_PG_URL: urlOf(roleOf('auditor')),
    BATON_NATS_URL: nats.url,
    ...Object.fromEntries(
      [CLI, PROVISIONER].map((user) => [nkeySeedVariable(user as typeof CLI), seeds.get(user as typeof CLI)]),
    ),
    ...Object.fromEntries(LOGIN_ROLES.map((role) => [passwordVariable(role), TEST_ROLE_PASSWORD])),
  };
  const store = (service: ServiceName | 'auditor'): EventStore => {
    const opened = openEventStore({ url: urlOf(roleOf(service)), application_name: `spec-${service}` });
    closing.push(opened.close);
    return opened;
  };
  const bus: Elsewhere['bus'] = async (user) => {
    const opened = await connectBus({ servers: nats.url, user, nkey_seed: seeds.get(user), logger: SILENT });
    closing.push(opened.close);
    return opened;
  };
  const { log, watermarks, leases, onNews } = store('relay');
  const relay = startRelay({
    log,
    watermarks,
    leases,
    bus: await bus('relay'),
    holder: randomUUID(),
    replicas,
    logger: SILENT,
  });
  closing.push(relay.close);
  onNews(relay.wake);
  const planner = store('planner');
  return {
    nats,
    directory,
    environment,
    store,
    bus,
    relay: () => relay,
    baton: async (args, more = {}) => {
      let [stdout, stderr] = ['', ''];
      const streams = { stdout: (text: string) => void (stdout += text), stderr: (text: string) => void (stderr += text) };
      const exit = await runCli(args, { ...environment, ...more }, streams, new AbortController().signal);
      return { exit, stdout, stderr };
    },
    append: async (count) => {
      for (let nth = 0; nth < count; nth++) {
        const mission_id = randomUUID();
        await recorded(planner.log, 'planner', `plan-${mission_id}`, {
          type: 'PlanCancelled',
          data: { mission_id, reason: 'spec' },
        });
      }
      const { position } = await planner.log.head();
      await eventually(() => relay.position() >= position, WITHIN);
    },
    handled: async (consumer, until, leaving) => {
      const positions: number[] = [];
      const consuming = consume({
        bus: await bus('release'),
        consumers: [consumer],
        logger: SILENT,
        handle: async ({ sequence }) => {
          if (sequence === leaving) return { ack: false, nak_delay_ms: 600_000 };
          positions.push(sequence);
          return { ack: true };
        },
      });
      await eventually(() => until(positions), WITHIN);
      await consuming.close();
      return positions.toSorted((one, other) => one - other);
    },
    allHandledUpTo: async (position) => {
      for (const [name, { stream, service }] of Object.entries(CONSUMERS))
        if (stream === EVENT_STREAM) await store(service).watermarks.advance(name, position);
    },
    close: async () => {
      for (const last of closing.splice(0).toReversed()) await last();
    },
  };
}

async function alone() {
  const { seeds, ...config } = await shippedNats();
  return { seeds, configs: [config] };
}

async function clustered(count: number) {
  const ports = await Promise.all(Array.from({ length: count }, () => freePort()));
  const routes = ports.map((port) => `"nats://127.0.0.1:${String(port)}"`).join(', ');
  const configs = ports.map((port, nth) => ({
    config_text: `server_name: spec-${String(nth)}
jetstream { max_memory_store: 64MB, max_file_store: 64GB }
cluster { name: spec, listen: "127.0.0.1:${String(port)}", routes: [${routes}] }
`,
  }));
  return { seeds: new Map<BusUser, string>(), configs };
}

/** Of an event on a stream of its own. */
export const letterAt = (consumer: ConsumerName, position: number): DeadLetter => ({
  id: randomUUID(),
  consumer,
  subject: 'baton.event.plan.plan-cancelled',
  position,
  stream: `plan-${randomUUID()}`,
  headers: {},
  body: '{}',
  reason: 'handler-failed',
  cause: 'it threw',
  deliveries: 8,
});
