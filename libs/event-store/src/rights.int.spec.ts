import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SERVICES, SERVICE_NAMES, roleOf, type ServiceName } from '@baton/contracts';
import { appendOf, newEvent, storedBy } from '@baton/testing';
import type pg from 'pg';
import { testStores, type TestStores } from '../test/stores.ts';
import { LOGIN_ROLES } from './roles.ts';

const FORBIDDEN_CODE = '42501';
const APPEND = 'SELECT statuses FROM baton.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)';
const appendTo = (stream: string, rest: { data?: string; type?: string } = {}): unknown[] => [
  [stream],
  [0],
  [1],
  [null],
  [null],
  [null],
  [randomUUID()],
  [rest.type ?? 'Forged'],
  ['{}'],
  [rest.data ?? '{}'],
];

/** What nobody who can log in may do. */
const FORBIDDEN = [
  "UPDATE baton.events SET data = '{}'",
  'DELETE FROM baton.events',
  'TRUNCATE baton.events',
  "INSERT INTO baton.events VALUES (999, 'mission-forged', 1, gen_random_uuid(), 'Forged', now(), '{}', '{}', '')",
  'UPDATE baton.log_head SET position = 999',
  'DELETE FROM baton.log_head',
  'ALTER TABLE baton.events DISABLE TRIGGER ALL',
  'DROP TRIGGER events_are_kept ON baton.events',
  'SET session_replication_role = replica',
  'SET ROLE baton_owner',
  'SET SESSION AUTHORIZATION baton_owner',
  "INSERT INTO baton.writer_grant VALUES (current_user, 'plan')",
  "INSERT INTO baton.deadlines VALUES ('plan-1', 'plan', 'k', null, now())",
  'UPDATE baton.deadlines SET due_at = now()',
  'DELETE FROM baton.deadlines',
  "INSERT INTO baton.leases VALUES ('release-x', 'h', 1, now())",
  'UPDATE baton.leases SET fence = 0',
  "INSERT INTO baton.watermarks VALUES ('planner-react', 1)",
  'UPDATE baton.watermarks SET position = 0',
  "UPDATE baton.dead_letters SET status = 'discarded'",
  'DELETE FROM baton.dead_letters',
  "INSERT INTO baton.artifacts VALUES ('sha256:00', '')",
  "UPDATE baton.artifacts SET bytes = ''",
  'CREATE TABLE baton.mine ()',
  'CREATE FUNCTION baton.mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  'DROP FUNCTION baton.append',
  'ALTER FUNCTION baton.append SECURITY INVOKER',
];

/** The first spec of a run may have to wait for Postgres to be made. */
const SET_UP_MS_MAX = 60_000;

describe('rights in Postgres', () => {
  let stores: TestStores;
  const clients = new Map<string, pg.Client>();
  const as = (role: string): pg.Client => clients.get(role) as pg.Client;
  beforeAll(async () => {
    stores = await testStores();
    for (const role of LOGIN_ROLES) clients.set(role, await stores.connect(role));
    storedBy(await stores.open('intake').log.append(appendOf(1, { stream: 'mission-1' })));
  }, SET_UP_MS_MAX);
  afterAll(() => stores.drop());

  const refused = async (asking: Promise<unknown>, says?: RegExp): Promise<void> => {
    await expect(asking).rejects.toMatchObject({
      code: FORBIDDEN_CODE,
      ...(says === undefined ? {} : { message: expect.stringMatching(says) }),
    });
  };

  describe.each(FORBIDDEN)('refuse to every role: %s', (statement) => {
    it.each(LOGIN_ROLES)('%s', (role) => refused(as(role).query(statement)));
  });

  it.each([
    "UPDATE baton.events SET data = '{}'",
    'DELETE FROM baton.events',
    'TRUNCATE baton.events',
    'DELETE FROM baton.log_head',
  ])('stop even the superuser and the owner by a trigger, in replica mode too: %s', async (statement) => {
    const superuser = await stores.connect(null);
    const stopped = {
      message: expect.stringMatching(/^events are never changed: (UPDATE|DELETE|TRUNCATE) on baton\.(events|log_head) refused/),
    };
    await expect(superuser.query(statement)).rejects.toMatchObject(stopped);
    await superuser.query('SET session_replication_role = replica');
    await expect(superuser.query(statement)).rejects.toMatchObject(stopped);
    await superuser.query('RESET session_replication_role; SET ROLE baton_owner');
    await expect(superuser.query(statement)).rejects.toMatchObject(stopped);
  });

  const foreign = SERVICE_NAMES.flatMap((service) =>
    Object.values(SERVICES)
      .flatMap(({ appends }) => appends)
      .filter((category) => !(SERVICES[service].appends as readonly string[]).includes(category))
      .map((category) => [service, category] as const),
  );

  it.each(foreign)('keep %s from appending to %s and from its deadlines', async (service, category) => {
    const client = as(roleOf(service));
    const says = new RegExp(`role ${roleOf(service)} may not write category '${category}'`);
    await refused(client.query(APPEND, appendTo(`${category}-1`)), says);
    await refused(client.query("SELECT baton.claim_due($1, 'h', 1, 1)", [[category]]), says);
    await refused(client.query("SELECT baton.extend_deadline($1, 'k', 'h', 1)", [`${category}-1`]), says);
    await refused(client.query("SELECT baton.clear_deadline($1, 'k')", [`${category}-1`]), says);
    if (service !== 'relay' && service !== 'metrics') await refused(stores.open(service).log.load(`${category}-1`), says);
  });

  it('keep the auditor from appending, and let it load every stream', async () => {
    await refused(as('baton_auditor').query(APPEND, appendTo('mission-2')));
    expect(await stores.open('auditor').log.load('mission-1')).toHaveLength(1);
  });

  it.each(SERVICE_NAMES.map((service) => [service, SERVICE_NAMES.find((other) => other !== service) as ServiceName] as const))(
    'keep %s from the leases, watermarks and dead letters of %s',
    async (service, other) => {
      const client = as(roleOf(service));
      const id = `${other}-react:${service}`;
      await stores.open(other).deadLetters.park({
        id,
        consumer: `${other}-react`,
        subject: 's',
        position: 1,
        stream: 'mission-1',
        headers: {},
        body: '',
        reason: 'invalid',
        cause: '',
        deliveries: 1,
      });
      for (const name of [`${other}-react`, service, 'react', `${service}x-react`]) {
        await refused(client.query("SELECT baton.acquire_lease($1, 'h', 1)", [name]));
        await refused(client.query("SELECT baton.renew_lease($1, 'h', 1, 1)", [name]));
        await refused(client.query("SELECT baton.release_lease($1, 'h', 1)", [name]));
        await refused(client.query('SELECT baton.advance_watermark($1, 1)', [name]));
        await refused(client.query("SELECT baton.park('x', $1, 's', 1, null, '{}', '\"\"', 'invalid', '\"\"', 1)", [name]));
        await refused(client.query("SELECT baton.is_parked($1, 'mission-1')", [name]));
      }
      await refused(client.query("SELECT baton.settle_dead_letter($1, 'discarded')", [id]));
      const { rows } = await client.query<{ consumer: string }>('SELECT consumer FROM baton.list_dead_letters(null, null)');
      // metrics counts everybody's.
      const foreign = service === 'metrics' ? [] : rows.filter((row) => !row.consumer.startsWith(`${service}-`));
      expect(foreign).toEqual([]);
    },
  );

  const readsAll = (role: string): boolean => ['baton_relay', 'baton_metrics', 'baton_auditor'].includes(role);
  it.each(LOGIN_ROLES.filter(readsAll))('let %s read the log: its work is to read all of it', async (role) => {
    expect((await as(role).query('SELECT FROM baton.events')).rowCount).toBe(1);
  });
  it.each(LOGIN_ROLES.filter((role) => !readsAll(role)))('keep %s from reading the log', async (role) => {
    await refused(as(role).query('SELECT FROM baton.events'));
  });

  it.each(LOGIN_ROLES)('let %s at artifacts only if its work needs them', async (role) => {
    const puts = ['baton_executor', 'baton_release'].includes(role);
    const gets = ['baton_executor', 'baton_reviewer', 'baton_release', 'baton_approval', 'baton_auditor'].includes(role);
    const put = as(role).query("SELECT baton.put_artifact('x')");
    if (puts) await put;
    else await refused(put);
    const get = as(role).query('SELECT FROM baton.artifacts');
    if (gets) await get;
    else await refused(get);
  });

  it('fail only the append that is not allowed; its neighbours in the group are appended', async () => {
    const { log } = stores.open('intake');
    const [before, forged, after] = await Promise.allSettled([
      log.append(appendOf(1)),
      log.append(appendOf(1, { stream: 'plan-1' })),
      log.append(appendOf(2)),
    ]);
    expect([before, after]).toMatchObject([{ value: { status: 'appended' } }, { value: { status: 'appended' } }]);
    expect(forged).toMatchObject({ status: 'rejected', reason: { code: FORBIDDEN_CODE } });
  });

  it('cannot be had by putting other tables and functions into the search path', async () => {
    const client = await stores.connect('baton_intake');
    await client.query(`
      CREATE TEMP TABLE writer_grant AS SELECT 'baton_intake' AS role, 'plan' AS category;
      CREATE TEMP TABLE log_head AS SELECT true AS only_row, 0::bigint AS position, ''::bytea AS hash, now() AS recorded_at;
      CREATE FUNCTION pg_temp.split_part(text, text, int) RETURNS text LANGUAGE sql AS $$ SELECT 'mission' $$;
      CREATE FUNCTION pg_temp.refuse_foreign(text) RETURNS void LANGUAGE sql AS $$ SELECT $$;
      SET search_path = pg_temp, baton, pg_catalog;
    `);
    await refused(client.query(APPEND, appendTo('plan-1')));
    await refused(client.query("SELECT baton.claim_due('{plan}', 'h', 1, 1)"));
  });

  it.each([
    ['a line break', { data: '{\n}' }, /line break/],
    ['a line break in the type', { type: 'A\nB' }, /line break/],
    ['too much data', { data: `"${'x'.repeat(262_143)}"` }, /EVENT_DATA_BYTES_MAX/],
  ])('do not let %s in past the client', async (_, unfit, says) => {
    await expect(as('baton_intake').query(APPEND, appendTo(`mission-${randomUUID()}`, unfit))).rejects.toThrow(says);
    await as('baton_intake').query(APPEND, appendTo(`mission-${randomUUID()}`, { data: `"${'x'.repeat(262_142)}"` }));
  });

  it('are the same after another migration, and a grant given by hand is gone', async () => {
    const { migrate } = await import('./migrate.ts');
    const superuser = await stores.connect(null);
    await superuser.query(
      "GRANT INSERT ON baton.events TO baton_intake; INSERT INTO baton.writer_grant VALUES ('baton_intake', 'plan')",
    );
    expect(await migrate(stores.superuser_url)).toEqual({ applied: [] });
    await refused(
      as('baton_intake').query(
        "INSERT INTO baton.events VALUES (999, 'mission-x', 1, gen_random_uuid(), 'Forged', now(), '{}', '{}', '')",
      ),
    );
    await refused(as('baton_intake').query(APPEND, appendTo('plan-1')));
    storedBy(await stores.open('intake').log.append(appendOf(1, { events: [newEvent()] })));
  });
});
