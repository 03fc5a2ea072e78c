/** Opens stores on a database of the spec's own, each by the role of its service. */
import { type ServiceName, roleOf } from '@baton/contracts';
import { TEST_ROLE_PASSWORD, databaseUrl, logDatabase } from '@baton/testing';
import pg from 'pg';
import { openEventStore, type EventStore, type EventStoreOptions } from '../src/index.ts';

export interface TestStores {
  readonly superuser_url: string;
  roleUrl(role: string): string;
  open(service: ServiceName | 'auditor', rest?: Partial<EventStoreOptions>): EventStore;
  /** A plain connection as this role; null = superuser. */
  connect(role: string | null): Promise<pg.Client>;
  /** Closes all that was opened and leaves the database as if it were new: much faster than another database. */
  empty(): Promise<void>;
  drop(): Promise<void>;
}

export async function testStores(): Promise<TestStores> {
  const database = await logDatabase();
  const roleUrl = (role: string): string => databaseUrl(database.superuser_url, { user: role, password: TEST_ROLE_PASSWORD });
  let closing: (() => Promise<void>)[] = [];
  const connect = async (role: string | null): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: role === null ? database.superuser_url : roleUrl(role) });
    client.on('error', () => undefined);
    await client.connect();
    closing.push(() => client.end());
    return client;
  };
  const closeAll = async (): Promise<void> => {
    await Promise.all(closing.map((close) => close()));
    closing = [];
  };
  return {
    superuser_url: database.superuser_url,
    roleUrl,
    connect,
    open: (service, rest = {}) => {
      const url = roleUrl(service === 'auditor' ? 'baton_auditor' : roleOf(service));
      const store = openEventStore({ url, application_name: `spec-${service}`, ...rest });
      closing.push(store.close);
      return store;
    },
    empty: async () => {
      await closeAll();
      await (await connect(null)).query(EMPTY);
      await closeAll();
    },
    drop: async () => {
      await closeAll();
      await database.drop();
    },
  };
}

// Only a superuser can do this, and only with the guards off.
const EMPTY = `
  ALTER TABLE baton.events DISABLE TRIGGER ALL;
  TRUNCATE baton.events, baton.deadlines, baton.leases, baton.watermarks, baton.dead_letters, baton.artifacts;
  ALTER TABLE baton.events ENABLE ALWAYS TRIGGER events_are_kept;
  UPDATE baton.log_head SET position = 0, hash = decode(repeat('00', 32), 'hex'), recorded_at = '-infinity';
`;
