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

  const DECIDERS = SERVICE_NAMES.filter((service) => SERVICES[service].appends.length > 0);
  const foreign = DECIDERS.flatMap((service) =>
    DECIDERS.filter((other) => other !== service).flatMap((other) =>
      SERVICES[other].appends.map((category) => [service, category] as const),
    ),
  );

  it.each(foreign)('keep %s from appending to %s and from its deadlines, and say why', async (service, category) => {
    const client = as(roleOf(service));
    const says = new RegExp(`role ${roleOf(service)} may not write category '${category}'`);
    await refused(client.query(APPEND, appendTo(`${category}-1`)), says);
    await refused(client.query("SELECT baton.claim_due($1, 'h', 1, 1)", [[category]]), says);
    await refused(client.query("SELECT baton.extend_deadline($1, 'k', 'h', 1)", [`${category}-1`]), says);
    await refused(client.query("SELECT baton.clear_deadline($1, 'k')", [`${category}-1`]), says);
    await refused(stores.open(service).log.load(`${category}-1`), says);
  });

  it('keep the auditor from appending, and let it load every stream', async () => {
    await refused(as('baton_auditor').query(APPEND, appendTo('mission-2')));
    expect(await stores.open('auditor').log.load('mission-1')).toHaveLength(1);
  });

  it.each(DECIDERS)('keep %s from the dead letters of others', async (service) => {
    const other = DECIDERS.find((name) => name !== service) as ServiceName;
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
    await refused(as(roleOf(service)).query("SELECT baton.settle_dead_letter($1, 'discarded')", [id]));
    const letters = await stores.open(service).deadLetters.list();
    expect(letters.filter(({ consumer }) => !consumer.startsWith(`${service}-`))).toEqual([]);
    const own = stores.open(service).deadLetters;
    expect(await own.find(id)).toBeNull();
    expect((await own.counts()).filter(({ consumer }) => !consumer.startsWith(`${service}-`))).toEqual([]);
    expect(await stores.open('auditor').deadLetters.find(id)).toMatchObject({ id });
    expect(await stores.open('metrics').deadLetters.counts()).toContainEqual({
      consumer: `${other}-react`,
      reason: 'invalid',
      parked: expect.any(Number),
    });
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
