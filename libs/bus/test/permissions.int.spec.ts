import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { EVENT_STREAM, INBOUND_STREAM } from '@baton/contracts';
import { eventually } from '@baton/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { ensureTopology, publishInbound, type BusConnection, type BusUser } from '../src/index.ts';
import { encodeEvent } from '../src/cloud-event.ts';
import { messageHeaders } from '../src/header-block.ts';
import { inboxPrefixOf } from '../src/connect.ts';
import { planCancelled, securedNats, type SecuredNats } from './secured-nats.ts';

jest.setTimeout(60_000);
const TIMEOUT = { timeout: 1_000 };
const DENIED = /permissions violation/i;
const EVENT = encodeEvent(planCancelled(1, 'm-1'));
const SUBJECT = 'baton.event.plan.plan-cancelled';
const OUTSIDERS: readonly BusUser[] = ['planner', 'executor', 'metrics', 'provisioner', 'cli'];

describe('what a user of the bus may not do', () => {
  let server: SecuredNats;
  const connections = new Map<BusUser, BusConnection>();
  const as = (user: BusUser): BusConnection => connections.get(user)!;
  beforeAll(async () => {
    server = await securedNats();
    await server.provision();
    for (const user of ['relay', ...OUTSIDERS] as const) connections.set(user, await server.as(user));
    await jetstream(as('relay').connection).publish(EVENT.subject, EVENT.payload, { headers: messageHeaders(EVENT.headers) });
  });
  afterAll(() => server.stop());

  /** Refused by the server, and the connection is as good as before. */
  async function expectDenied(user: BusUser, subject: string, payload = ''): Promise<void> {
    await expect(as(user).connection.request(subject, payload, TIMEOUT)).rejects.toThrow(DENIED);
    await as(user).connection.flush();
    expect(as(user).connected()).toBe(true);
  }

  it.each(OUTSIDERS)('%s: forge an event', async (user) => {
    await expectDenied(user, SUBJECT, EVENT.payload);
    const { state } = await (await jetstreamManager(as('relay').connection, { checkAPI: false })).streams.info(EVENT_STREAM);
    expect(state.messages).toBe(1);
  });

  it('take from, acknowledge for or look at the consumer of another', async () => {
    await expectDenied('planner', `$JS.API.CONSUMER.MSG.NEXT.${EVENT_STREAM}.release-react`);
    await expectDenied('planner', `$JS.ACK.${EVENT_STREAM}.release-react.1.1.1.1.0`, '+ACK');
    await expectDenied('planner', `$JS.ACK._.x.${EVENT_STREAM}.release-react.1.1.1.1.0`, '+ACK');
    await expectDenied('planner', `$JS.API.CONSUMER.INFO.${EVENT_STREAM}.release-react`);
  });

  it.each(['planner', 'relay', 'cli'] as const)('%s: purge, change or remove a stream, or what is in it', async (user) => {
    for (const verb of ['STREAM.PURGE', 'STREAM.DELETE', 'STREAM.UPDATE', 'STREAM.MSG.DELETE'])
      await expectDenied(user, `$JS.API.${verb}.${EVENT_STREAM}`, '{}');
    await expectDenied(user, `$JS.API.CONSUMER.DELETE.${EVENT_STREAM}.release-react`);
  });

  it('make or change consumers', async () => {
    for (const user of ['planner', 'cli'] as const) {
      await expectDenied(user, `$JS.API.CONSUMER.DURABLE.CREATE.${EVENT_STREAM}.release-react`, '{}');
      await expectDenied(user, `$JS.API.CONSUMER.CREATE.${EVENT_STREAM}.mine`, '{}');
    }
  });

  it('remove events, even as the one who provisions', async () => {
    const manager = await jetstreamManager(as('provisioner').connection);
    await expect(manager.streams.purge(EVENT_STREAM)).rejects.toThrow(DENIED);
    await expect(manager.streams.update(EVENT_STREAM, { deny_purge: false })).rejects.toThrow(/deny purge/);
  });

  it('listen where another gets its answers, or to everything', async () => {
    const { connection } = as('planner');
    for (const subject of [`${inboxPrefixOf('relay')}.>`, '>', 'baton.>', '$JS.>', '_INBOX.>']) {
      const refused = new Promise<Error | null>((resolve) => {
        connection.subscribe(subject, { callback: resolve });
      });
      expect((await refused)?.message).toMatch(DENIED);
    }
    await connection.flush();
    expect(as('planner').connected()).toBe(true);
  });

  it('log in with no key, or with one that nobody knows', async () => {
    const { connect } = await import('@nats-io/transport-node');
    await expect(connect({ servers: server.nats.url, maxReconnectAttempts: 0 })).rejects.toThrow(/authorization/i);
  });

  it('while each may do its own work', async () => {
    expect(await publishInbound(as('cli').connection, 'CancelMission', {}, { id: 'r-1' })).toMatchObject({
      stream: INBOUND_STREAM,
      seq: 1,
    });
    const watch = await jetstreamManager(as('cli').connection, { checkAPI: false });
    expect((await watch.direct.getMessage(EVENT_STREAM, { seq: 1 }))?.header.get('ce-type')).toBe('baton.plan.plan-cancelled.v1');
    expect(await ensureTopology(as('relay').connection, { replicas: 1, only_missing: true })).toEqual({
      created: [],
      updated: [],
    });
    expect(await ensureTopology(as('provisioner').connection, { replicas: 1 })).toEqual({ created: [], updated: [] });
    await eventually(() => server.logger.times('bus-error') > 0, { within_ms: 1_000, what: 'a refusal in the log' });
  });
});
