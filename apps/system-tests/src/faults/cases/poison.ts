/** T20-T22: messages that nobody can handle. Each ends as a letter with its cause, and its neighbours do not notice. */
import { randomUUID } from 'node:crypto';
import { ACK_WAIT_MS, DELIVERIES_MAX, INBOUND, type ConsumerName } from '@baton/contracts';
import { eventually } from '@baton/tools';
import type { Fault, FaultRun } from '../fault.ts';
import type { Ground } from '../ground.ts';
import { parked, settle, type ExpectedLetter } from '../letters.ts';
import { mostlyUnharmed, neighboursOf, tookOf, unharmed } from '../neighbours.ts';
import { acceptance, sendInbound, writeToLog, type Written } from '../outsider.ts';
import { asAdministrator } from '../provisioner.ts';

/** Beside a message that cannot be handled a mission takes as long as ever, on a machine that does other things too. */
const NEIGHBOUR_MS_MAX = 5_000;
const CROWD_EVERY_MS = 500;
const GIVEN_UP_WITHIN_MS = 150_000;
/** Between the first and the last try; the delays before them are those of the handling. */
const TRIES_SPREAD_MS_MIN = 40_000;
const SEEN_WITHIN_MS = 30_000;
const REACT: ConsumerName = 'planner-react';

const REQUESTS: readonly (readonly [body: string, says: string])[] = [
  ['{"idempotency_key":', 'is not JSON'],
  ['', 'is not JSON'],
  ['{}', 'idempotency_key'],
  ['[]', 'body'],
  ['null', 'body'],
  [JSON.stringify({ idempotency_key: 'k', requested_by: '', contract: {} }), 'requested_by'],
];

const poisonedRequests: Fault = {
  id: 'T20.requests',
  broke: 'requests on the bus that are no JSON, empty, or do not fit',
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const neighbours = neighboursOf(ground);
    const headers = { 'ce-id': randomUUID(), 'ce-source': '/somewhere', 'x-own': 'kept' };
    await sendInbound(
      ground,
      REQUESTS.map(([body], nth) => ({
        name: 'SubmitMission',
        body,
        headers: { ...headers, 'ce-id': `${headers['ce-id']}-${nth}` },
      })),
    );
    const expected = REQUESTS.map(([body, says]): ExpectedLetter => ({
      reason: 'invalid',
      consumer: 'intake-inbound',
      body,
      says,
      headers: { 'ce-source': '/somewhere', 'x-own': 'kept' },
    }));
    const letters = await parked(ground, expected);
    on.note(unharmed(await neighbours.stop(), NEIGHBOUR_MS_MAX));
    await settle(ground, letters, 'discard');
  },
};

interface PoisonedEvent extends Written {
  readonly expected: Pick<ExpectedLetter, 'reason' | 'says'> | null;
}

async function poisonedEvents(ground: Ground): Promise<readonly (PoisonedEvent & { readonly mission_id: string })[]> {
  const good = await acceptance(ground, 'm');
  const of = (event: PoisonedEvent) => ({ ...event, mission_id: randomUUID() });
  const accepted = { type: 'MissionAccepted', schema_version: 1 };
  return [
    of({ ...accepted, data: '{"mission_id":', expected: { reason: 'undecodable', says: 'is not JSON' } }),
    of({ ...accepted, data: '', expected: { reason: 'undecodable', says: 'is not JSON' } }),
    of({ ...accepted, data: '{"mission_id":"x"}', expected: { reason: 'invalid', says: 'contract' } }),
    of({ ...accepted, data: JSON.stringify({ ...good, source: 'telepathy' }), expected: { reason: 'invalid', says: 'source' } }),
    of({
      ...accepted,
      schema_version: 2,
      data: JSON.stringify(good),
      expected: { reason: 'unknown-type', says: 'this release knows 1' },
    }),
    of({ type: 'MissionFlavoured', schema_version: 1, data: '{"flavour":"sweet"}', expected: null }),
  ];
}

const poisonedLog: Fault = {
  id: 'T20.events',
  broke: 'events that are no JSON, empty, do not fit, of an unknown type and version',
  ground: 'own',
  run: async (on) => {
    const { ground } = on;
    await ground.up();
    const poison = await poisonedEvents(ground);
    const neighbours = neighboursOf(ground);
    const expected: ExpectedLetter[] = [];
    for (const { mission_id, expected: outcome, ...event } of poison) {
      const data = JSON.stringify({ mission_id, by: 'ada', reason: '' });
      const behind = { type: 'MissionCancelRequested', schema_version: 1, data };
      await writeToLog(ground, mission_id, outcome === null ? [event] : [event, behind]);
      if (outcome === null) continue;
      const headers = {
        'ce-subject': `mission-${mission_id}`,
        'ce-type': `baton.mission.mission-accepted.v${event.schema_version}`,
      };
      expected.push({ ...outcome, consumer: REACT, body: event.data, headers });
      // What comes later on the same stream waits behind it.
      expected.push({
        reason: 'parked-behind',
        consumer: REACT,
        body: data,
        says: 'is dead-lettered',
        headers: { 'ce-subject': headers['ce-subject'] },
      });
    }
    const letters = await parked(ground, expected);
    on.note(unharmed(await neighbours.stop(), NEIGHBOUR_MS_MAX));
    await on.verify({ dead_letters: letters.length });
    for (const command of ['status', 'list', 'deadletters'])
      if ((await ground.baton.run(command)).exit !== 0)
        throw new Error(`baton ${command} fails beside an event that cannot be read`);
    await toldBy(ground, poison[0]?.mission_id ?? '');
    await settle(ground, letters, 'discard');
  },
};

/** `baton why` names the letter as what the mission waits for. */
async function toldBy({ baton }: Ground, mission_id: string): Promise<void> {
  const { answer } = await baton.json<{ waits?: { on: string }[] }>('why', mission_id);
  if (answer.waits?.[0]?.on !== 'dead-letter')
    throw new Error(`baton why does not tell of the letter: ${JSON.stringify(answer)}`);
}

/** A mission of which the planner cannot handle anything, until it is mended. */
async function defective(on: FaultRun, how: '!' | '@', beside: (ground: Ground) => Beside): Promise<void> {
  const { ground } = on;
  const mission_id = randomUUID();
  const data = JSON.stringify(await acceptance(ground, mission_id));
  await ground.settings({ services: { planner: { env: { BATON_FAILPOINT: `handle${how}${mission_id}` } } } });
  ground.cleanup.add(() => ground.settings({}));
  await ground.restart('planner');
  await ground.ready();
  const others = beside(ground);
  const since_ms = performance.now();
  await writeToLog(ground, mission_id, [{ type: 'MissionAccepted', schema_version: 1, data }]);
  ground.missions.took(mission_id);
  const expected: ExpectedLetter = {
    reason: how === '!' ? 'handler-failed' : 'handler-crashed',
    consumer: REACT,
    body: data,
    says: how === '!' ? `TypeError: failpoint handle!${mission_id}` : '',
    headers: { 'ce-subject': `mission-${mission_id}` },
  };
  const letters = await parked(ground, [expected], GIVEN_UP_WITHIN_MS);
  const took_ms = performance.now() - since_ms;
  const deliveries = letters[0]?.deliveries ?? 0;
  if (deliveries < DELIVERIES_MAX || (how === '!' && took_ms < TRIES_SPREAD_MS_MIN))
    throw new Error(`given up after ${deliveries} tries within ${Math.round(took_ms)} ms: they were burnt`);
  await toldBy(ground, mission_id);
  // Tried alone it is what it is; nobody handles it any more.
  await ground.missions.ended([await ground.missions.submit()]);
  on.note(`${deliveries} tries in ${Math.round(took_ms / 1_000)} s`);
  await others.stop();
  await ground.settings({});
  await ground.restart('planner');
  await ground.ready();
  await settle(ground, letters, 'replay');
  await on.recovered(performance.now());
  on.note(others.judged(mission_id, took_ms));
}

interface Beside {
  stop(): Promise<void>;
  /** Once everything has ended; throws where they were harmed. */
  judged(poison_id: string, poison_ms: number): string;
}

/** One after the other: none of them has to wait at all. */
function inARow(ground: Ground): Beside {
  const neighbours = neighboursOf(ground);
  let took_ms: readonly number[] = [];
  return {
    stop: async () => {
      took_ms = await neighbours.stop();
    },
    judged: () => unharmed(took_ms, NEIGHBOUR_MS_MAX),
  };
}

/**
 * What a process holds that dies of another message is delivered again after the ack wait, at the same moment as that one, and may
 * die with it as often as that one is tried: for as long as that takes, and once more alone. Most are not in its hands just then.
 */
function crowd(ground: Ground): Beside {
  const load = ground.missions.keepComing(CROWD_EVERY_MS);
  return {
    stop: () => load.stop(),
    judged: (poison_id, poison_ms) => {
      const took = [...tookOf(ground.eventsSince())].filter(([id]) => id !== poison_id);
      return mostlyUnharmed(
        took.map(([, took_ms]) => took_ms),
        ACK_WAIT_MS + NEIGHBOUR_MS_MAX,
        poison_ms + ACK_WAIT_MS + NEIGHBOUR_MS_MAX,
      );
    },
  };
}

const throwing: Fault = {
  id: 'T20.throws',
  broke: 'the planner throws at one mission, each time that it comes',
  ground: 'shared',
  run: (on) => defective(on, '!', inARow),
};
const crashing: Fault = {
  id: 'T21',
  broke: 'the planner dies of one mission, each time that it comes',
  ground: 'shared',
  run: (on) => defective(on, '@', crowd),
};

const PARK_OF_INTAKE = 'EXECUTE ON FUNCTION baton.park FROM baton_intake';
const parkAgain = (ground: Ground): Promise<unknown> =>
  ground.asSuperuser((client) => client.query('GRANT EXECUTE ON FUNCTION baton.park TO baton_intake'));

/** The last resort itself fails: the message is held until it does not. */
const unparkable: Fault = {
  id: 'T22.letter',
  broke: 'a letter cannot be written while a message has to be put aside',
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const body = `{"no ${randomUUID()}`;
    ground.cleanup.add(() => parkAgain(ground));
    await ground.asSuperuser((client) => client.query(`REVOKE ${PARK_OF_INTAKE}`));
    const neighbours = neighboursOf(ground);
    await sendInbound(ground, [{ name: 'SubmitMission', body }]);
    await eventually(async () => (await ground.logOf('intake')).includes('permission denied for function park'), {
      within_ms: SEEN_WITHIN_MS,
      what: 'intake was not let write the letter',
    });
    await ground.missions.ended([await ground.missions.submit()]);
    await parked(ground, []);
    await parkAgain(ground);
    const since_ms = performance.now();
    const letters = await parked(ground, [{ reason: 'invalid', consumer: 'intake-inbound', body, says: 'is not JSON' }]);
    on.note(unharmed(await neighbours.stop(), NEIGHBOUR_MS_MAX));
    await settle(ground, letters, 'discard');
    await on.recovered(since_ms);
  },
};

/** As after a release that renamed an event, or took a consumer away from a process: nobody here knows what it is. */
const renamed: Fault = {
  id: 'T22.renamed',
  broke: 'a consumer is given what no handler of this release knows',
  ground: 'own',
  run: async (on) => {
    const { ground } = on;
    await ground.up();
    await asAdministrator(ground, ({ alsoDeliver }) => alsoDeliver(REACT, 'baton.event.mission.mission-flavoured'));
    const neighbours = neighboursOf(ground);
    const mission_id = randomUUID();
    const data = '{"flavour":"sweet"}';
    await writeToLog(ground, mission_id, [{ type: 'MissionFlavoured', schema_version: 1, data }]);
    const letters = await parked(ground, [
      { reason: 'unknown-type', consumer: REACT, body: data, says: 'a newer release may have written it' },
    ]);
    // A subject that nobody has: the bus takes it, nobody is given it, and nothing waits for it.
    const subject = `${INBOUND.SubmitMission.subject}-again`;
    const [answer] = await sendInbound(ground, [{ name: 'SubmitMission', body: '{}', subject }]);
    if (typeof answer !== 'number') throw new Error(`the bus did not take ${subject}: ${answer}`);
    on.note(unharmed(await neighbours.stop(), NEIGHBOUR_MS_MAX));
    await settle(ground, letters, 'discard');
    await on.recovered(performance.now());
  },
};

export const poisonFaults: readonly Fault[] = [poisonedRequests, poisonedLog, throwing, crashing, unparkable, renamed];
