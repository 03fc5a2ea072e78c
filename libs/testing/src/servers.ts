/** Postgres with the log and NATS with the streams, of a spec's own: what a service needs in order to run as in production. */
import type { BusConnection } from '@baton/bus';
import { BUS_USERS, isBusUser, roleOf, type BusUser, type ServiceName } from '@baton/contracts';
import type { EventStore } from '@baton/event-store';
import { databaseUrl } from '@baton/tools';
import { TEST_ROLE_PASSWORD, testDatabase, type TestDatabase } from './database.ts';
import { testNats, type TestNats } from './nats.ts';

export interface TestServersOptions {
  /** The configuration that ships, with a key for each user; without, the server asks nobody who they are. */
  readonly secured?: boolean;
  /** False: whatever is tested makes the streams and consumers. */
  readonly topology?: boolean;
}

export type ServiceEnvironment = Readonly<
  Record<'BATON_PG_URL' | 'BATON_NATS_URL' | 'BATON_HTTP_PORT' | 'BATON_LOG_LEVEL', string> & { BATON_NATS_NKEY_SEED?: string }
>;

export interface TestServers {
  readonly database: TestDatabase;
  readonly nats: TestNats;
  /** For `readConfig` with the schema of this service, or for a process of it. */
  environment(service: ServiceName): ServiceEnvironment;
  /** The record, with the rights of this service or of who checks. */
  store(service: ServiceName | 'auditor'): Promise<EventStore>;
  bus(user: BusUser): Promise<BusConnection>;
  /** Of the user's nkey, where the bus is secured. */
  seed(user: BusUser): string | undefined;
  /** Ends what was opened and removes everything. Closing twice is fine. */
  close(): Promise<void>;
}

// The streams reserve more than a server of specs lets them by default.
const UNSECURED = 'jetstream { max_memory_store: 64MB, max_file_store: 64GB }\n';
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined, fatal: () => undefined };

export async function testServers({ secured = false, topology = true }: TestServersOptions = {}): Promise<TestServers> {
  // Loaded here only: most specs ask for no servers, and Nest, which the bus brings along, takes longer than many of them.
  const { connectBus, ensureTopology } = await import('@baton/bus');
  const { openEventStore } = await import('@baton/event-store');
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const last of closing.splice(0).toReversed()) await last();
  };
  const bus = async (user: BusUser): Promise<BusConnection> => {
    const connected = await connectBus({ servers: nats.url, user, nkey_seed: seeds?.get(user), logger: SILENT });
    closing.push(connected.close);
    return connected;
  };
  const urlOf = (service: ServiceName | 'auditor'): string =>
    databaseUrl(database.url, { user: roleOf(service), password: TEST_ROLE_PASSWORD });

  const database = await logDatabase();
  closing.push(database.drop);
  const { seeds, ...options } = secured ? await shippedNats() : { seeds: undefined, config_text: UNSECURED };
  const nats = await testNats(options);
  closing.push(nats.stop);
  if (topology) await ensureTopology((await bus('provisioner')).connection, { replicas: 1 });
  return {
    database,
    nats,
    environment: (service) => {
      const seed = isBusUser(service) ? seeds?.get(service) : undefined;
      return {
        BATON_PG_URL: urlOf(service),
        BATON_NATS_URL: nats.url,
        ...(seed === undefined ? {} : { BATON_NATS_NKEY_SEED: seed }),
        BATON_HTTP_PORT: '0',
        BATON_LOG_LEVEL: 'silent',
      };
    },
    store: async (service) => {
      const store = openEventStore({ url: urlOf(service), application_name: `spec-${service}` });
      closing.push(store.close);
      return store;
    },
    bus,
    seed: (user) => seeds?.get(user),
    close,
  };
}

/** Migrated, and every role that can log in has the password of tests. */
export async function logDatabase(): Promise<TestDatabase> {
  const { LOGIN_ROLES, migrate, setPasswords } = await import('@baton/event-store');
  return testDatabase({
    template: 'log',
    migrate: async (url) => {
      await migrate(url);
      await setPasswords(url, Object.fromEntries(LOGIN_ROLES.map((role) => [role, TEST_ROLE_PASSWORD])));
    },
  });
}

/** For `testNats`: the configuration that ships, and the seed of each user's key. */
export async function shippedNats({ sync_interval = '2m' } = {}) {
  const { natsConf, nkeyVariable } = await import('@baton/bus');
  const { createUser } = await import('@nats-io/nkeys');
  const keys = BUS_USERS.map((user) => [user, createUser()] as const);
  return {
    seeds: new Map<BusUser, string>(keys.map(([user, key]) => [user, new TextDecoder().decode(key.getSeed())])),
    config_text: natsConf(),
    env: {
      BATON_NATS_SERVER_NAME: 'under-test',
      BATON_NATS_STORE_BYTES_MAX: '18GB',
      BATON_NATS_SYNC_INTERVAL: sync_interval,
      ...Object.fromEntries(keys.map(([user, key]) => [nkeyVariable(user), key.getPublicKey()])),
    },
  };
}
