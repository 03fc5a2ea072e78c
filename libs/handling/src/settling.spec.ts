import { DELIVERIES_MAX } from '@baton/contracts';
import { describe, expect, it } from '@jest/globals';
import { MISSION } from '@baton/testing';
import type { InboundDelivery } from '@baton/ports';
import { bench, delivered, taskReady } from '../test/bench.ts';
import type { ServiceDefinition } from './definition.ts';

const idle: ServiceDefinition = { name: 'executor' };
const taskStream = (id: string): string => `task-${MISSION}.${id}`;
const MORE = DELIVERIES_MAX + 1;
const never = { append: () => new Promise<never>(() => {}) };

function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('an event that a person has discarded', () => {
  async function discardedAfter(broken: () => Promise<never>) {
    const on = bench();
    let mended = false;
    const service = () => on.service(idle, { log: { append: (append) => (mended ? on.log.append(append) : broken()) } });
    void service().receive(delivered('executor', taskReady(1, 'a'), MORE));
    await on.pass(1);
    const [letter] = await on.dead_letters.list();
    await on.dead_letters.settle(letter?.id ?? '', 'discarded');
    mended = true;
    await on.pass(3_000);
    return { on, service };
  }
  it('is acknowledged and not handled when its consumer goes back', async () => {
    const { on, service } = await discardedAfter(() => Promise.reject(new TypeError('no')));
    for (const deliveries of [1, MORE])
      expect(await service().receive(delivered('executor', taskReady(1, 'a'), deliveries))).toEqual({ ack: true });
    expect(await on.types()).toEqual([]);
    expect((await on.dead_letters.list()).map(({ status }) => status)).toEqual(['discarded']);
  });
  it('kills nobody again', async () => {
    const { on, service } = await discardedAfter(never.append);
    const runtime = service();
    expect(await runtime.receive(delivered('executor', taskReady(1, 'a'), 1))).toEqual({ ack: true });
    // Discarded just now: what the process knew before does not matter to what would be tried alone.
    expect(await runtime.receive(delivered('executor', taskReady(1, 'a'), MORE))).toEqual({ ack: true });
    expect([await on.types(), runtime.stats().dead_lettered]).toEqual([[], 0]);
  });
  it('takes nothing with it: neither what is older, nor what comes later', async () => {
    const { on, service } = await discardedAfter(() => Promise.reject(new TypeError('no')));
    // On the number of what was discarded another event, as after the bus was made anew.
    const other = { ...taskReady(1, 'b'), id: '00000000-0000-5000-8000-00000000000b' };
    for (const event of [other, taskReady(2, 'c')]) await service().receive(delivered('executor', event));
    expect(await on.types(taskStream('b'))).toEqual(['AttemptStarted']);
    expect(await on.types(taskStream('c'))).toEqual(['AttemptStarted']);
  });
});

describe('a message that is tried alone', () => {
  it('keeps nobody of its stream waiting meanwhile, in this process or in another', async () => {
    const on = bench();
    const { opened, open } = gate();
    const slow = on.service(idle, { log: { append: async (append) => (await opened, on.log.append(append)) } });
    const other = on.service(idle);
    const alone = slow.receive(delivered('executor', taskReady(1, 'a'), MORE));
    await on.pass(1);
    expect(await on.dead_letters.list()).toMatchObject([{ reason: 'handler-crashed', status: 'parked', stream: null }]);
    expect(await other.receive(delivered('executor', taskReady(2, 'b')))).toEqual({ ack: true });
    open();
    expect(await alone).toEqual({ ack: true });
    expect(await other.receive(delivered('executor', taskReady(3, 'c')))).toEqual({ ack: true });
    expect((await on.dead_letters.list()).map(({ position, status }) => [position, status])).toEqual([[1, 'replayed']]);
    for (const id of ['a', 'b', 'c']) expect(await on.types(taskStream(id))).toEqual(['AttemptStarted']);
  });
  it('goes on when the store was away for a moment, and is no dead letter of that', async () => {
    const on = bench();
    let away = 3;
    const runtime = on.service(idle, {
      log: { append: (append) => (away-- > 0 ? Promise.reject(new Error('connection refused')) : on.log.append(append)) },
    });
    const settlement = runtime.receive(delivered('executor', taskReady(1, 'a'), MORE));
    await on.pass(60_000);
    expect(await settlement).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([{ status: 'replayed' }]);
    expect([await on.types(taskStream('a')), runtime.stats().dead_lettered]).toEqual([['AttemptStarted'], 1]);
  });
  it.each(['asked', 'answered'] as const)('goes on when it could not be put aside at first: it was only %s', async (how) => {
    const on = bench();
    let away = 1;
    const runtime = on.service(idle, {
      dead_letters: {
        park: async (letter) => {
          if (away-- <= 0) return on.dead_letters.park(letter);
          if (how === 'answered') await on.dead_letters.park(letter);
          throw new Error('connection reset');
        },
      },
    });
    const settlement = runtime.receive(delivered('executor', taskReady(1, 'a'), MORE));
    await on.pass(60_000);
    expect(await settlement).toEqual({ ack: true });
    expect(await on.types(taskStream('a'))).toEqual(['AttemptStarted']);
    expect(await on.dead_letters.list()).toMatchObject([{ status: 'replayed' }]);
  });
  it('parks its stream when it killed its process once more, and what comes later waits behind it', async () => {
    const on = bench();
    void on.service(idle, { log: never }).receive(delivered('executor', taskReady(1, 'a'), MORE));
    await on.pass(1);
    const other = on.service(idle);
    // Whoever put it aside may still be alive: held for longer than a message may be.
    expect(await other.receive(delivered('executor', taskReady(1, 'a'), MORE + 1))).toEqual({ ack: false, nak_delay_ms: 30_000 });
    expect(await other.receive(delivered('executor', taskReady(1, 'a'), MORE + 2))).toEqual({ ack: true });
    expect(await on.service(idle).receive(delivered('executor', taskReady(2, 'b')))).toEqual({ ack: true });
    expect((await on.dead_letters.list()).map(({ reason, stream, status }) => [reason, stream, status])).toEqual([
      ['handler-crashed', `plan-${MISSION}`, 'parked'],
      ['parked-behind', `plan-${MISSION}`, 'parked'],
    ]);
    expect(await on.types()).toEqual([]);
  });
  it('frees its stream when it succeeds after it was taken for dead', async () => {
    const on = bench();
    const { opened, open } = gate();
    const slow = on.service(idle, { log: { append: async (append) => (await opened, on.log.append(append)) } });
    const alone = slow.receive(delivered('executor', taskReady(1, 'a'), MORE));
    await on.pass(1);
    const other = on.service(idle);
    for (const more of [1, 2]) await other.receive(delivered('executor', taskReady(1, 'a'), MORE + more));
    expect(await on.dead_letters.isParked('executor-start', `plan-${MISSION}`)).toBe(true);
    open();
    expect(await alone).toEqual({ ack: true });
    await slow.receive(delivered('executor', taskReady(2, 'b')));
    expect(await on.dead_letters.list()).toMatchObject([{ status: 'replayed' }]);
    expect(await on.types(taskStream('b'))).toEqual(['AttemptStarted']);
  });
  it('that cannot be handled says why, and parks its stream', async () => {
    const on = bench();
    const runtime = on.service(idle, { log: { append: () => Promise.reject(new TypeError('no such thing')) } });
    expect(await runtime.receive(delivered('executor', taskReady(1, 'a'), MORE))).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([
      { reason: 'handler-failed', stream: `plan-${MISSION}`, status: 'parked', cause: expect.stringContaining('no such thing') },
    ]);
  });
  it('that is forged leaves the name of its letter, and its stream, to the true one', async () => {
    const on = bench();
    const runtime = on.service(idle, { log: on.asking });
    expect(await runtime.receive(delivered('executor', taskReady(1, 'a'), MORE))).toEqual({ ack: true });
    expect((await on.dead_letters.list()).map(({ reason, status, stream }) => [reason, status, stream]).toSorted()).toEqual([
      ['forged-event', 'parked', null],
      ['handler-crashed', 'replayed', null],
    ]);
  });
});

describe('a request that cannot be handled', () => {
  const request = (sequence: number, source: string, body: string, deliveries = 1): InboundDelivery => ({
    kind: 'inbound',
    name: 'SubmitMission',
    id: '1',
    consumer: 'intake-inbound',
    subject: 's',
    headers: { 'ce-id': '1', 'ce-source': source },
    body,
    deliveries,
    sequence,
  });
  const intake: ServiceDefinition = { name: 'intake' };
  it('is kept however many others came under its id, and once however often it comes', async () => {
    const on = bench();
    for (const deliveries of [1, 2])
      for (const [sequence, source] of [[1, '/one'] as const, [2, '/other'] as const, [3, '/other'] as const])
        expect(await on.service(intake).receive(request(sequence, source, '{"title', deliveries))).toEqual({ ack: true });
    expect((await on.dead_letters.list()).map(({ headers }) => headers['ce-source'])).toEqual(['/one', '/other', '/other']);
  });
  it('is kept beside the one that had its place before the bus was made anew', async () => {
    const on = bench();
    for (const body of ['{"first', '{"second']) await on.service(intake).receive(request(1, '/one', body));
    expect((await on.dead_letters.list()).map(({ body }) => body)).toEqual(['{"first', '{"second']);
  });
  it('is put aside before it is tried alone, and said to be invalid when it is that', async () => {
    const on = bench();
    expect(await on.service(intake).receive(request(1, '/one', '{"title', MORE))).toEqual({ ack: true });
    expect(await on.dead_letters.list()).toMatchObject([{ reason: 'invalid', status: 'parked', stream: null }]);
  });
});
