import { describe, expect, it } from '@jest/globals';
import type { MissionCommand } from '@baton/domain';
import type { InboundDelivery } from '@baton/ports';
import { bench } from '../test/bench.ts';
import type { ServiceDefinition } from './definition.ts';

const inbound: InboundDelivery = {
  kind: 'inbound',
  name: 'CancelMission',
  id: 'r-1',
  consumer: 'intake-inbound',
  subject: 's',
  headers: {},
  body: '{}',
  deliveries: 1,
  sequence: 1,
};
const intakeWith = (command: MissionCommand): ServiceDefinition => ({
  name: 'intake',
  inbound: {
    CancelMission: () => [
      { stream: 'mission-m', command, causation_id: 'c', correlation_id: 'm', actor: { kind: 'person', id: 'ada' } },
    ],
  },
});
const cancelling = intakeWith({ type: 'CancelMission', by: 'ada', reason: '' });
const rejecting = intakeWith({ type: 'RejectMission', mission_id: 'm', requested_by: 'ada', faults: [] });

describe('a request over the bus', () => {
  it('that is refused is told of, by the id that its sender gave it: nobody answers', async () => {
    const on = bench();
    const runtime = on.service(cancelling);
    expect(await runtime.receive(inbound)).toEqual({ ack: true });
    expect(on.requests_refused).toEqual([{ name: 'CancelMission', id: 'r-1', stream: 'mission-m', reason: 'unknown-mission' }]);
  });

  it('that is taken is not', async () => {
    const on = bench();
    expect(await on.service(rejecting).receive(inbound)).toEqual({ ack: true });
    expect((await on.log.load('mission-m')).map(({ type }) => type)).toEqual(['MissionRejected']);
    expect(on.requests_refused).toEqual([]);
  });

  it.each(['ce-traceparent', 'traceparent'])('goes on the trace of its sender (%s)', async (header) => {
    const on = bench();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await on.service(rejecting).receive({ ...inbound, headers: { [header]: traceparent } });
    const [stored] = await on.log.load('mission-m');
    expect(JSON.parse(stored?.meta ?? '{}')).toMatchObject({ traceparent });
  });
});
