import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PRIVILEGES, PRINCIPALS, SERVICES, SERVICE_NAMES, roleOf, type ServiceName } from '@baton/contracts';
import { appendOf, storedBy } from '@baton/testing';
import type { RecordedEvent } from '@baton/ports';
import type pg from 'pg';
import { ATTACKS, HIJACK, HIJACKED_TABLES } from '../test/attacks.ts';
import { testStores, type TestStores } from '../test/stores.ts';
import { LOGIN_ROLES } from './roles.ts';

const FORBIDDEN_CODE = '42501';
/** The first spec of a run may have to wait for Postgres to be made. */
const SET_UP_MS_MAX = 60_000;

const APPEND = 'SELECT statuses FROM baton.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)';
const appendTo = (stream: string): unknown[] => [
  [stream],
  [0],
  [1],
  [null],
  [null],
  [null],
  [randomUUID()],
  ['Forged'],
  ['{}'],
  ['{}'],
];
const CATEGORIES = SERVICE_NAMES.flatMap((service): readonly string[] => SERVICES[service].appends);

describe('an attack on Postgres', () => {
  let stores: TestStores;
  const clients = new Map<string, pg.Client>();
  const as = (role: string): pg.Client => clients.get(role) as pg.Client;
  beforeAll(async () => {
    stores = await testStores();
    for (const role of LOGIN_ROLES) clients.set(role, await stores.connect(role));
    storedBy(await stores.open('intake').log.append(appendOf(1, { stream: 'mission-1' })));
  }, SET_UP_MS_MAX);
  afterAll(() => stores.drop());

  async function expectDenied(client: pg.Client, statement: string, values: readonly unknown[] = []): Promise<void> {
    const outcome = await client.query(statement, [...values]).then(
      () => 'allowed',
      (error: { code?: string }) => error.code,
    );
    expect([statement, outcome]).toEqual([statement, FORBIDDEN_CODE]);
  }
  /** The connection is as good as before, and still who it was. */
  async function expectUsable(role: string, client: pg.Client = as(role)): Promise<void> {
    const { rows } = await client.query('SELECT session_user, current_user, position FROM baton.log_head');
    expect(rows).toMatchObject([{ session_user: role, current_user: role, position: '1' }]);
  }

  it.each(LOGIN_ROLES)(
    `by %s is denied, each of ${String(ATTACKS.length)}, and its connection is as good as before`,
    async (role) => {
      for (const attack of ATTACKS) {
        await expectDenied(as(role), attack);
        await expectUsable(role);
      }
      for (const other of LOGIN_ROLES.filter((name) => name !== role)) {
        await expectDenied(as(role), `SET ROLE ${other}`);
        await expectDenied(as(role), `ALTER ROLE ${other} PASSWORD 'x'`);
      }
      await expectUsable(role);
    },
  );

  it('finds exactly the rights that the matrix gives, on every table and every function', async () => {
    const superuser = await stores.connect(null);
    const { rows: tables } = await superuser.query<{ granted: string }>(
      `
      SELECT r.role || ' ' || p.privilege || ' ' || c.relname AS granted
      FROM pg_class c, unnest($1::text[]) r(role), unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE','TRUNCATE','REFERENCES','TRIGGER']) p(privilege)
      WHERE c.relnamespace = 'baton'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'p') AND has_table_privilege(r.role, c.oid, p.privilege)`,
      [LOGIN_ROLES],
    );
    const { rows: functions } = await superuser.query<{ granted: string }>(
      `
      SELECT r.role || ' ' || f.proname AS granted FROM pg_proc f, unnest($1::text[]) r(role)
      WHERE f.pronamespace = 'baton'::regnamespace AND has_function_privilege(r.role, f.oid, 'EXECUTE')`,
      [LOGIN_ROLES],
    );
    const may = (make: (role: string, column: (typeof PRIVILEGES)['relay']) => string[]): string[] =>
      PRINCIPALS.flatMap((principal) => make(roleOf(principal), PRIVILEGES[principal])).toSorted();
    expect(tables.map(({ granted }) => granted).toSorted()).toEqual(
      may((role, { reads }) => reads.map((table) => `${role} SELECT ${table}`)),
    );
    expect(functions.map(({ granted }) => granted).toSorted()).toEqual(
      may((role, { calls }) => calls.map((name) => `${role} ${name}`)),
    );
    const { rows: grants } = await superuser.query<{ granted: string }>(
      "SELECT role || ' ' || category AS granted FROM baton.writer_grant",
    );
    expect(grants.map(({ granted }) => granted).toSorted()).toEqual(
      may((role, { appends }) => appends.map((category) => `${role} ${category}`)),
    );
  });

  it('finds no function that runs as its owner with a search path that others can write to', async () => {
    const { rows } = await (
      await stores.connect(null)
    ).query<{ proname: string; owner: string; config: string[] | null }>(`
      SELECT f.proname, f.proowner::regrole::text AS owner, f.proconfig AS config FROM pg_proc f
      WHERE f.pronamespace = 'baton'::regnamespace AND f.prosecdef`);
    expect(rows.length).toBeGreaterThan(10);
    for (const { proname, owner, config } of rows)
      expect([proname, owner, config?.includes('search_path=baton, pg_temp')]).toEqual([proname, 'baton_owner', true]);
  });

  const foreignTo = (service: ServiceName) => ({
    categories: CATEGORIES.filter((category) => !(SERVICES[service].appends as readonly string[]).includes(category)),
    names: [...SERVICE_NAMES.filter((other) => other !== service).map((other) => `${other}-react`), `${service}x-react`],
  });

  it.each(SERVICE_NAMES)('by %s with names of its own before ours reaches nothing of others, by no function', async (service) => {
    const client = await stores.connect(roleOf(service));
    await client.query(HIJACK);
    const { categories, names } = foreignTo(service);
    for (const category of categories) {
      await expectDenied(client, APPEND, appendTo(`${category}-hijacked`));
      await expectDenied(client, 'SELECT baton.claim_due($1, $2, 1, 1)', [[category], 'h']);
      await expectDenied(client, "SELECT baton.extend_deadline($1, 'k', 'h', 1)", [`${category}-1`]);
      await expectDenied(client, "SELECT baton.clear_deadline($1, 'k')", [`${category}-1`]);
      if (service !== 'metrics') await expectDenied(client, 'SELECT baton.load_stream($1, 0, 10)', [`${category}-1`]);
    }
    for (const name of names) {
      await expectDenied(client, "SELECT baton.acquire_lease($1, 'h', 1)", [name]);
      await expectDenied(client, "SELECT baton.renew_lease($1, 'h', 1, 1)", [name]);
      await expectDenied(client, "SELECT baton.release_lease($1, 'h', 1)", [name]);
      await expectDenied(client, 'SELECT baton.advance_watermark($1, 1)', [name]);
      await expectDenied(client, 'SELECT baton.lower_watermark($1, 1)', [name]);
      await expectDenied(client, "SELECT baton.park('x', $1, 's', 1, null, '{}', '\"\"', 'invalid', '\"\"', 1)", [name]);
      await expectDenied(client, "SELECT baton.is_parked($1, 'mission-1')", [name]);
      await expectDenied(client, 'SELECT baton.put_aside($1)', [name]);
    }
    // What it may do goes to the real tables, and none of it to those that it made.
    if (SERVICES[service].calls.some((name) => name === 'advance_watermark'))
      await client.query('SELECT baton.advance_watermark($1, 1)', [`${service}-react`]);
    if (SERVICES[service].calls.some((name) => name === 'put_artifact'))
      await client.query('SELECT baton.put_artifact($1)', [Buffer.from('x')]);
    for (const table of HIJACKED_TABLES) expect((await client.query(`SELECT FROM pg_temp.${table}`)).rowCount).toBe(0);
    await client.query('RESET search_path');
    await expectUsable(roleOf(service), client);
  });

  it('by answering an event that is not recorded learns nothing but that', async () => {
    const [event] = await stores.open('auditor').log.load('mission-1');
    if (!event) throw new Error('one event was appended');
    const { log } = stores.open('planner');
    const answering = async (answers: RecordedEvent): Promise<string> =>
      (await log.append({ ...appendOf(1, { stream: `plan-${randomUUID()}` }), answers })).status;
    expect(await answering(event)).toBe('appended');
    for (const other of [
      { ...event, data: '{}' },
      { ...event, position: 2 },
      { ...event, type: 'Other' },
      { ...event, id: randomUUID() },
      { ...event, version: 2 },
    ])
      expect(await answering(other)).toBe('forged-cause');
  });
});
