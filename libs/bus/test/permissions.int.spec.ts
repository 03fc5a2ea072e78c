import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CONSUMERS, EVENT_STREAM, INBOUND_STREAM, BUS_USERS, type BusUser } from '@baton/contracts';
import { eventually } from '@baton/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { nkeyAuthenticator } from '@nats-io/nats-core';
import { createUser } from '@nats-io/nkeys';
import { ensureTopology, publishInbound, type BusConnection } from '../src/index.ts';
import { encodeEvent } from '../src/cloud-event.ts';
import { messageHeaders } from '../src/header-block.ts';
import { ALL_CONSUMERS, PUBLISHED, SUBSCRIBED, mayPublish, maySubscribe } from './attacks.ts';
import { planCancelled, securedNats, type SecuredNats } from './secured-nats.ts';

jest.setTimeout(60_000);
const TIMEOUT = { timeout: 1_000 };
const DENIED = /permissions violation/i;
const EVENT = encodeEvent(planCancelled(1, 'm-1'));
/** Of what a user may ask, what changes nothing. */
const ASKING = /INFO|NAMES|LIST|DIRECT\.GET/;

describe('what a user of the bus may not do', () => {
  let server: SecuredNats;
  const connections = new Map<BusUser, BusConnection>();
  const as = (user: BusUser): BusConnection => connections.get(user)!;
  beforeAll(async () => {
    server = await securedNats();
    await server.provision();
    for (const user of BUS_USERS) connections.set(user, await server.as(user));
    await jetstream(as('relay').connection).publish(EVENT.subject, EVENT.payload, { headers: messageHeaders(EVENT.headers) });
  });
  afterAll(() => server.stop());

  async function expectUsable(user: BusUser): Promise<void> {
    await as(user).connection.flush();
    expect([user, as(user).connected(), as(user).connection.isClosed()]).toEqual([user, true, false]);
  }
  const outcomeOf = (user: BusUser, subject: string, payload: string): Promise<string> =>
    as(user)
      .connection.request(subject, payload, TIMEOUT)
      .then(
        () => 'answered',
        (error: Error) => (DENIED.test(error.message) ? 'denied' : error.message),
      );

  describe.each(BUS_USERS)('%s', (user) => {
    it('publish to what is not its own: events, consumers and inboxes of others, streams, the system', async () => {
      const forbidden = PUBLISHED.filter((subject) => !mayPublish(user, subject));
      expect(forbidden.length).toBeGreaterThan(PUBLISHED.length / 2);
      const outcomes = await Promise.all(
        forbidden.map(async (subject) => [subject, await outcomeOf(user, subject, EVENT.payload)]),
      );
      expect(outcomes.filter(([, outcome]) => outcome !== 'denied')).toEqual([]);
      await expectUsable(user);
    });

    it('acknowledge, give back or end a message of another in any way', async () => {
      for (const name of ALL_CONSUMERS.filter((consumer) => CONSUMERS[consumer].service !== user))
        for (const answer of ['+ACK', '-NAK', '+TERM', '+WPI', '+NXT'])
          expect([name, await outcomeOf(user, `$JS.ACK.${CONSUMERS[name].stream}.${name}.1.1.1.1.0`, answer)]).toEqual([
            name,
            'denied',
          ]);
      await expectUsable(user);
    });

    it('listen to what is not for it', async () => {
      const { connection } = as(user);
      for (const subject of SUBSCRIBED.filter((pattern) => !maySubscribe(user, pattern))) {
        const refused = new Promise<Error | null>((resolve) => {
          connection.subscribe(subject, { callback: resolve });
        });
        expect([subject, (await refused)?.message]).toEqual([subject, expect.stringMatching(DENIED)]);
      }
      await expectUsable(user);
    });

    it('while what the matrix gives it is not refused', async () => {
      for (const subject of PUBLISHED.filter((asked) => ASKING.test(asked) && mayPublish(user, asked)))
        expect([subject, await outcomeOf(user, subject, '{"seq":1}')]).toEqual([subject, expect.not.stringMatching(/denied/)]);
      await expectUsable(user);
    });
  });

  it('leave anything behind: the stream holds what the relay published, and every consumer is as it was', async () => {
    const manager = await jetstreamManager(as('provisioner').connection, { checkAPI: false });
    const { state, config } = await manager.streams.info(EVENT_STREAM);
    expect([state.messages, state.last_seq, config.deny_delete, config.deny_purge]).toEqual([1, 1, true, false]);
    for (const name of ALL_CONSUMERS) {
      const info = await manager.consumers.info(CONSUMERS[name].stream, name);
      expect([name, info.delivered.consumer_seq, info.num_ack_pending]).toEqual([name, 0, 0]);
    }
  });

  it('remove events, even as the one who provisions', async () => {
    const manager = await jetstreamManager(as('provisioner').connection);
    await expect(manager.streams.purge(EVENT_STREAM)).rejects.toThrow(DENIED);
    await expect(manager.streams.update(EVENT_STREAM, { deny_delete: false })).rejects.toThrow(/deny message delete/);
    await expect(manager.streams.update(INBOUND_STREAM, { deny_purge: false })).rejects.toThrow(/deny purge/);
  });

  it('trim, unless they are the relay, and that only events', async () => {
    const trim = async (user: BusUser, stream: string) =>
      outcomeOf(user, `$JS.API.STREAM.PURGE.${stream}`, JSON.stringify({ seq: 1 }));
    for (const user of BUS_USERS)
      expect([user, await trim(user, EVENT_STREAM)]).toEqual([user, user === 'relay' ? 'answered' : 'denied']);
    for (const user of BUS_USERS) expect([user, await trim(user, INBOUND_STREAM)]).toEqual([user, 'denied']);
  });

  it('log in with no key, or with one that nobody knows', async () => {
    const { connect } = await import('@nats-io/transport-node');
    const { url } = server.nats;
    await expect(connect({ servers: url, maxReconnectAttempts: 0 })).rejects.toThrow(/authorization/i);
    const authenticator = nkeyAuthenticator(createUser().getSeed());
    await expect(connect({ servers: url, maxReconnectAttempts: 0, authenticator })).rejects.toThrow(/authorization/i);
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
