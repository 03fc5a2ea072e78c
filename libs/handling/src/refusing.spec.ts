import type { EventType } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { bench, delivered } from '../test/bench.ts';
import { base, finding, MISSION, task } from '@baton/testing';
import type { ServiceDefinition } from './definition.ts';

const executor: ServiceDefinition = { name: 'executor' };
const PLAN = `plan-${MISSION}`;
const TASK = `task-${MISSION}.a`;
const meta = JSON.stringify({
  schema_version: 1,
  correlation_id: MISSION,
  causation_id: 'cause',
  actor: { kind: 'service', id: 'planner' },
});

/** On a log that looks at what is answered. */
function recording() {
  const on = bench();
  return {
    ...on,
    service: (definition: ServiceDefinition) => on.service(definition, { log: on.asking }),
    recorded: async (type: EventType, data: unknown, id: string, stream = PLAN) => {
      const event = { id, type, meta, data: JSON.stringify(data) };
      const expected_version = (await on.log.load(stream)).length;
      const appended = await on.log.append({ stream, expected_version, events: [event], deadline: null });
      if (appended.status !== 'appended') throw new Error(appended.status);
      const [stored] = appended.events;
      if (!stored) throw new Error('one event was appended');
      return stored;
    },
  };
}
const id = (digit: string): string => `00000000-0000-5000-8000-${digit.repeat(12)}`;
const ready = { mission_id: MISSION, task: task('a'), base };

describe('an event that is not in the log', () => {
  it('is answered when it is there, and only exactly as it is there', async () => {
    const on = recording();
    const runtime = on.service(executor);
    const real = await on.recorded('TaskReady', ready, id('1'));
    const changed = JSON.stringify({ ...ready, task: { ...task('a'), instructions: 'something else' } });
    for (const forged of [
      { ...real, data: changed },
      { ...real, position: 2 },
      { ...real, id: id('2') },
      { ...real, version: 2 },
      { ...real, stream: 'plan-other' },
    ])
      expect(await runtime.receive(delivered('executor', forged))).toEqual({ ack: true });
    expect(await on.types(TASK)).toEqual([]);
    expect((await on.dead_letters.list()).map(({ reason, stream }) => [reason, stream])).toContainEqual(['forged-event', null]);
    expect(new Set((await on.dead_letters.list()).map(({ reason }) => reason))).toEqual(new Set(['forged-event']));

    // It parks nobody: the true one is answered as if nothing had happened.
    expect(await runtime.receive(delivered('executor', real))).toEqual({ ack: true });
    expect(await on.types(TASK)).toEqual(['AttemptStarted']);
  });
});

describe('a stream', () => {
  it('is not parked by a letter that a person has put aside', async () => {
    const on = bench();
    const runtime = on.service(executor);
    const review = `review-${MISSION}.a`;
    const bad = {
      position: 1,
      stream: review,
      version: 1,
      id: id('5'),
      type: 'ChangesRequested',
      recorded_at: '2026-11-21T00:00:00.000000Z',
      meta,
      data: '{}',
      hash: '',
    };
    await runtime.receive(delivered('executor', bad));
    const [letter] = await on.dead_letters.list();
    await on.dead_letters.settle(letter?.id ?? '', 'discarded');
    await on.pass(2_001);
    // Delivered again, as after a wipe of the bus: it stays where the person put it, and its stream goes on at once.
    await runtime.receive(delivered('executor', bad));
    const next = {
      ...bad,
      position: 2,
      version: 2,
      id: id('6'),
      data: JSON.stringify({ mission_id: MISSION, task_id: 'a', attempt: 1, findings: [finding] }),
    };
    await runtime.receive(delivered('executor', next));
    expect((await on.dead_letters.list()).map(({ reason, status }) => [reason, status])).toEqual([['invalid', 'discarded']]);
  });
});

describe('content that the store refuses', () => {
  it('is given back and parked in the end, and nobody waits behind it for ever', async () => {
    const on = bench();
    const refused = Object.assign(new Error('invalid byte sequence for encoding "UTF8": 0x00'), { code: '22021' });
    const runtime = on.service(executor, { log: { append: () => Promise.reject(refused) } });
    const stored = {
      position: 1,
      stream: PLAN,
      version: 1,
      id: id('7'),
      type: 'TaskReady',
      recorded_at: '2026-11-21T00:00:00.000000Z',
      meta,
      data: JSON.stringify(ready),
      hash: '',
    };
    expect(await runtime.receive(delivered('executor', stored, 1))).toMatchObject({ ack: false });
    expect(await runtime.receive(delivered('executor', stored, 8))).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([{ reason: 'handler-failed', deliveries: 8 }]);
  });
});

describe('a letter that cannot be written at first', () => {
  it.each([1, 8, 9])('is written later, at delivery %i as well: nothing is acknowledged before', async (deliveries) => {
    const on = bench();
    let away = 3;
    const runtime = on.service(executor, {
      dead_letters: {
        park: (letter) => (away-- > 0 ? Promise.reject(new Error('connection refused')) : on.dead_letters.park(letter)),
      },
    });
    const bad = {
      position: 1,
      stream: PLAN,
      version: 1,
      id: id('8'),
      type: 'TaskReady',
      recorded_at: '2026-11-21T00:00:00.000000Z',
      meta,
      data: '{}',
      hash: '',
    };
    let settled = false;
    const settlement = runtime.receive(delivered('executor', bad, deliveries)).finally(() => (settled = true));
    await on.pass(1);
    expect([settled, await on.dead_letters.list()]).toEqual([false, []]);
    await on.pass(60_000);
    expect(await settlement).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([{ deliveries, status: 'parked' }]);
  });
});
