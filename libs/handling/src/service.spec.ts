import { categoryOf, DELIVERIES_MAX, type EventType, type StoredEvent } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { base, change, contract, digest, finding, MISSION, receipt, task, tree } from '@baton/testing';
import type { InboundDelivery } from '@baton/ports';
import { bench, delivered, settled } from '../test/bench.ts';
import type { ServiceDefinition } from './definition.ts';
import { InvalidRequest } from './settling.ts';

/** An event as another service's stream would hold it. */
function stored(type: EventType, data: unknown, position = 1, stream = `plan-${MISSION}`): StoredEvent {
  const meta = {
    schema_version: 1,
    correlation_id: MISSION,
    causation_id: 'cause',
    actor: { kind: 'service', id: categoryOf(stream) },
  };
  const id = `00000000-0000-5000-8000-${String(position).padStart(12, '0')}`;
  return {
    position,
    stream,
    version: position,
    id,
    type,
    recorded_at: '2026-11-21T00:00:00.000000Z',
    meta: JSON.stringify(meta),
    data: JSON.stringify(data),
    hash: '0'.repeat(64),
  };
}
const ready = (position = 1, id = 'a') => stored('TaskReady', { mission_id: MISSION, task: task(id), base }, position);
const changes = (attempt: number, position: number) =>
  stored(
    'ChangesRequested',
    { mission_id: MISSION, task_id: 'a', attempt, findings: [finding] },
    position,
    `review-${MISSION}.a`,
  );
const TASK = `task-${MISSION}.a`;
const success = (attempt: number) => ({
  type: 'RecordSuccess',
  attempt,
  summary: '',
  change: change('1'),
  receipts: [receipt('1')],
});
const request = (command: unknown, causation_id: string) => ({
  stream: TASK,
  command,
  causation_id,
  correlation_id: MISSION,
  actor: { kind: 'service', id: 'executor' } as const,
});
const idle: ServiceDefinition = { name: 'executor' };

describe('a delivery', () => {
  it('is acknowledged after what it led to is committed', async () => {
    const on = bench();
    expect(await on.service(idle).receive(delivered('executor', ready()))).toEqual({ ack: true });
    expect(await on.types(TASK)).toEqual(['AttemptStarted']);
  });
  it('changes nothing when it comes again, to the same process or to another', async () => {
    const on = bench();
    const [one, other] = [on.service(idle), on.service(idle)];
    for (const runtime of [one, one, other]) expect(await runtime.receive(delivered('executor', ready()))).toEqual({ ack: true });
    await Promise.all([one, other].map((runtime) => runtime.receive(delivered('executor', ready()))));
    expect(await on.types(TASK)).toEqual(['AttemptStarted']);
  });
  it('is decided again when another process was first: on what is so then', async () => {
    const on = bench();
    const planner: ServiceDefinition = { name: 'planner' };
    const PLAN = `plan-${MISSION}`;
    const asked = (command: unknown, causation_id: string) => ({ ...request(command, causation_id), stream: PLAN });
    const accepted = (task_id: string) =>
      asked({ type: 'RecordReview', task_id, outcome: 'accepted', artifact: digest('1'), tree: tree('1') }, `review-${task_id}`);
    const other = on.service(planner);
    let first = true;
    const one = on.service(planner, {
      log: {
        append: async (append) => {
          if (first && append.events.at(0)!.type === 'TaskAccepted') {
            first = false;
            await other.submit(accepted('b'));
          }
          return on.log.append(append);
        },
      },
    });
    const expansion = { tasks: [task('a'), task('b')], template_digest: digest('1') };
    await one.submit(
      asked(
        { type: 'PlanMission', mission_id: MISSION, contract, contract_digest: digest('c'), requested_by: 'ada', expansion },
        'accepted',
      ),
    );
    expect(await one.submit(accepted('a'))).toMatchObject({ status: 'appended', waiting: null });
    expect((await on.types(PLAN)).slice(4)).toEqual(['TaskAccepted', 'TaskAccepted', 'PlanCompleted']);
  });
  it('is waited with when others are first all the time', async () => {
    const on = bench();
    let conflicts = 25;
    const runtime = on.service(idle, {
      log: {
        append: (append) =>
          conflicts-- > 0 ? Promise.resolve({ status: 'version-conflict', actual_version: 1 }) : on.log.append(append),
      },
    });
    const settlement = runtime.receive(delivered('executor', ready()));
    await on.pass(1_000);
    expect(await settlement).toEqual({ ack: true });
    expect(on.faults).toMatchObject([expect.stringContaining('20 appends in a row came second')]);
  });
  it('is not dropped by a process that remembers an older state', async () => {
    const on = bench();
    const [one, other] = [on.service(idle), on.service(idle)];
    await one.receive(delivered('executor', ready()));
    // From here on `one` remembers attempt 1, and the other makes attempt 2.
    await other.submit(request(success(1), 'report-1'));
    await other.receive(delivered('executor', changes(1, 2)));
    await other.submit(request(success(2), 'report-2'));
    await one.receive(delivered('executor', changes(2, 3)));
    expect(await on.types(TASK)).toEqual([
      'AttemptStarted',
      'AttemptSucceeded',
      'AttemptStarted',
      'AttemptSucceeded',
      'AttemptStarted',
    ]);
  });
  it('is not refused by a process that remembers that there was nothing', async () => {
    const on = bench();
    const [one, other] = [on.service(idle), on.service(idle)];
    expect(await one.submit(request(success(1), 'early'))).toMatchObject({ status: 'refused', reason: 'stale-attempt' });
    await other.receive(delivered('executor', ready()));
    expect(await one.submit(request(success(1), 'report'))).toMatchObject({ status: 'appended' });
  });
  it('that nobody can read is parked with its cause, and what follows on its stream behind it, in order', async () => {
    const on = bench();
    const runtime = on.service(idle);
    const bad = stored('TaskReady', { mission_id: MISSION }, 1);
    for (const delivery of [delivered('executor', bad), delivered('executor', ready(2)), delivered('executor', ready(3, 'b'))])
      expect(await runtime.receive(delivery)).toEqual({ ack: true });
    const letters = await on.dead_letters.list();
    expect(letters.map(({ reason, position, stream }) => [reason, position, stream])).toEqual([
      ['invalid', 1, `plan-${MISSION}`],
      ['parked-behind', 2, `plan-${MISSION}`],
      ['parked-behind', 3, `plan-${MISSION}`],
    ]);
    expect(letters[0]).toMatchObject({ cause: expect.stringContaining('task'), body: bad.data });
    // Its neighbours go on.
    await runtime.receive(delivered('executor', changes(1, 4)));
    expect((await on.dead_letters.list()).length).toBe(3);
    expect(runtime.stats()).toMatchObject({ handled: 4, dead_lettered: 3 });
    // Once somebody settled them, the stream goes on.
    for (const { id } of letters) await on.dead_letters.settle(id, 'discarded');
    await on.pass(2_001);
    await runtime.receive(delivered('executor', ready(5)));
    expect(await on.types(TASK)).toEqual(['AttemptStarted']);
  });
  it('that nobody declared is told from one that is broken', async () => {
    const on = bench();
    const runtime = on.service(idle);
    await runtime.receive(delivered('executor', { ...ready(1), stream: 'plan-x', type: 'TaskPainted' }));
    await runtime.receive(delivered('executor', { ...ready(2), stream: 'plan-y', data: '{' }));
    expect((await on.dead_letters.list()).map(({ reason }) => reason)).toEqual(['unknown-type', 'undecodable']);
  });
  it('whose handler has a defect is given back longer and longer, then parked', async () => {
    const on = bench();
    const runtime = on.service({ name: 'planner', prepare: { CancelPlan: () => (undefined as unknown as { of: string }).of } });
    const cancel = stored('MissionCancelRequested', { mission_id: MISSION, by: 'ada', reason: '' }, 1, `mission-${MISSION}`);
    const settlements = [];
    for (let deliveries = 1; deliveries <= DELIVERIES_MAX; deliveries++)
      settlements.push(await runtime.receive(delivered('planner', cancel, deliveries)));
    expect(settlements.slice(0, 3)).toEqual([200, 500, 1_000].map((nak_delay_ms) => ({ ack: false, nak_delay_ms })));
    expect(settlements.at(-1)).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([
      { reason: 'handler-failed', deliveries: DELIVERIES_MAX, cause: expect.stringContaining('TypeError') },
    ]);
  });
  it('that kills its process again and again is put aside before it is tried alone, and then never again', async () => {
    const on = bench();
    // A process that dies says nothing more.
    const dying = on.service(idle, { log: { append: () => new Promise(() => {}) } });
    void dying.receive(delivered('executor', ready(), DELIVERIES_MAX + 1));
    await on.pass(1);
    expect(await on.dead_letters.list()).toMatchObject([{ reason: 'handler-crashed', status: 'parked' }]);
    const later = [2, 3].map((more) => on.service(idle).receive(delivered('executor', ready(), DELIVERIES_MAX + more)));
    expect(await Promise.all(later)).toMatchObject([{ ack: false }, { ack: true }]);
    expect(await on.dead_letters.list()).toHaveLength(1);
    expect(await on.types()).toEqual([]);
  });
  it('that was only held while another killed the process is handled in the end', async () => {
    const on = bench();
    expect(await on.service(idle).receive(delivered('executor', ready(), DELIVERIES_MAX + 1))).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([{ reason: 'handler-crashed', status: 'replayed' }]);
    expect(await on.types(TASK)).toEqual(['AttemptStarted']);
    // Its stream goes on.
    await on.service(idle).receive(delivered('executor', ready(2, 'b')));
    expect(await on.types(`task-${MISSION}.b`)).toEqual(['AttemptStarted']);
  });
  it('waits for a store that is away, and this counts towards nothing', async () => {
    const on = bench();
    let away = 20;
    const runtime = on.service(idle, {
      log: { append: (append) => (away-- > 0 ? Promise.reject(new Error('connection refused')) : on.log.append(append)) },
    });
    const settlement = runtime.receive(delivered('executor', ready(), DELIVERIES_MAX));
    await on.pass(120_000);
    expect(await settlement).toEqual({ ack: true });
    expect(await on.types(TASK)).toEqual(['AttemptStarted']);
    expect(await on.dead_letters.list()).toEqual([]);
    expect(on.faults.length).toBe(20);
  });
  it('is given back when the service stops while the store is away', async () => {
    const on = bench();
    const runtime = on.service(idle, { log: { append: () => Promise.reject(new Error('connection refused')) } });
    const settlement = runtime.receive(delivered('executor', ready()));
    await settled();
    await runtime.stop(0);
    expect(await settlement).toMatchObject({ ack: false });
  });
  it('that would make an event larger than the log takes is parked, not tried for ever', async () => {
    const on = bench();
    const huge = { ...task('a'), instructions: 'x'.repeat(300_000) };
    const delivery = delivered('executor', stored('TaskReady', { mission_id: MISSION, task: huge, base }), DELIVERIES_MAX);
    expect(await on.service(idle).receive(delivery)).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([{ reason: 'handler-failed', cause: expect.stringContaining('bytes') }]);
  });
});

describe('an inbound request', () => {
  const inbound = (body: string, type?: string): InboundDelivery => ({
    kind: 'inbound',
    name: 'SubmitMission',
    type,
    id: 'r-1',
    consumer: 'intake-inbound',
    subject: 's',
    headers: {},
    body,
    deliveries: 1,
    sequence: 1,
  });
  const intake: ServiceDefinition = {
    name: 'intake',
    inbound: {
      SubmitMission: () => {
        throw new InvalidRequest('idempotency_key: is missing');
      },
    },
  };
  it.each([
    ['{}', 'idempotency_key: is missing'],
    ['no json', 'is not JSON'],
    ['{"a":{"__proto__":1}}', 'a.__proto__'],
    ['['.repeat(20_000), 'nested deeper'],
  ])('that can never be handled (%s) is parked at once, with what is wrong', async (body, cause) => {
    const on = bench();
    expect(await on.service(intake).receive(inbound(body))).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([
      { reason: 'invalid', stream: null, cause: expect.stringContaining(cause) },
    ]);
  });
  it('that leads to an event which is too large is parked at once, with its size and the limit', async () => {
    const on = bench();
    const endless: ServiceDefinition = {
      name: 'intake',
      inbound: {
        CancelMission: () => [
          {
            stream: 'mission-m',
            command: { type: 'RejectMission', mission_id: 'm', requested_by: 'x'.repeat(300_000), faults: [] },
            causation_id: 'c',
            correlation_id: 'm',
            actor: { kind: 'person', id: 'ada' },
          },
        ],
      },
    };
    expect(await on.service(endless).receive({ ...inbound('{}'), name: 'CancelMission' })).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([
      { reason: 'invalid', cause: expect.stringMatching(/MissionRejected .* has 300\d{3} bytes, at most 262144/) },
    ]);
  });
  it.each([
    [undefined, 'is missing'],
    ['com.example.order', 'is missing'],
    ['baton.inbound.intake.submit-mission.v1', 'is missing'],
    ['baton.inbound.intake.submit-mission.v2', 'this release takes "baton.inbound.intake.submit-mission.v1"'],
  ])('of type %s is taken as what this release knows, or kept for one that knows it', async (type, cause) => {
    const on = bench();
    expect(await on.service(intake).receive(inbound('{}', type))).toEqual({ ack: true });
    // Whoever replays it has to know of which version it is, also where only its body said so.
    const headers = type === undefined ? {} : { 'ce-type': type };
    expect(await on.dead_letters.list()).toMatchObject([{ reason: 'invalid', cause: expect.stringContaining(cause), headers }]);
  });
});
