/** What every EventLog promises to those who append to it and read it. */
import { createHash, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NewEvent, StoredEvent } from '@baton/contracts';
import type { Append, Appended, EventLog } from '@baton/ports';

export interface EventLogSetup {
  /** Two processes of one service, which owns the categories `mission` and no other that these specs write to. */
  readonly logs: readonly [EventLog, EventLog];
  /** The same log, for somebody who may read all of it. */
  readonly reader: Pick<EventLog, 'readAfter' | 'head'>;
  readonly dispose: () => Promise<void>;
}

export const newEvent = (rest: Partial<NewEvent> = {}): NewEvent => ({
  id: randomUUID(),
  type: 'MissionAccepted',
  meta: '{"schema_version":1}',
  data: '{"title":"Grüße \\"1e3\\" 🏁"}',
  ...rest,
});

/** An append of so many events to a new or a named stream. */
export const appendOf = (count: number, rest: Partial<Append> = {}): Append => ({
  stream: `mission-${randomUUID()}`,
  expected_version: 0,
  events: Array.from({ length: count }, () => newEvent()),
  deadline: null,
  ...rest,
});

export function storedBy(outcome: Appended): readonly StoredEvent[] {
  if (outcome.status !== 'appended') throw new Error(`expected an append, got ${JSON.stringify(outcome)}`);
  return outcome.events;
}

async function wholeLog(reader: EventLogSetup['reader']): Promise<readonly StoredEvent[]> {
  const { position } = await reader.head();
  return reader.readAfter(0, position + 1);
}

/** Computed here anew, so that a mistake in the log's own hashing cannot hide. */
function expectedHash(previous: string, event: StoredEvent): string {
  const us = BigInt(Date.parse(`${event.recorded_at.slice(0, 23)}Z`)) * 1000n + BigInt(event.recorded_at.slice(23, 26));
  const { position, stream, version, id, type, meta, data } = event;
  const text = [position, stream, version, id, type, us, meta, data].join('\n');
  return createHash('sha256')
    .update(Buffer.concat([Buffer.from(previous, 'hex'), Buffer.from(text, 'utf8')]))
    .digest('hex');
}

export function keepsEventLogContract(make: () => Promise<EventLogSetup>): void {
  describe('keeps the contract of an event log', () => {
    let setup: EventLogSetup;
    let log: EventLog;
    beforeEach(async () => {
      setup = await make();
      [log] = setup.logs;
    });
    afterEach(() => setup.dispose());

    it('begins empty', async () => {
      expect(await setup.reader.head()).toEqual({ position: 0, hash: '0'.repeat(64) });
      expect(await setup.reader.readAfter(0, 10)).toEqual([]);
      expect(await log.load('mission-none')).toEqual([]);
    });

    it('returns what it stored, byte for byte', async () => {
      const append = appendOf(3);
      const stored = storedBy(await log.append(append));
      expect(stored).toMatchObject(
        append.events.map((event, ordinal) => ({ ...event, stream: append.stream, position: ordinal + 1, version: ordinal + 1 })),
      );
      expect(stored[0]?.recorded_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(await log.load(append.stream)).toEqual(stored);
      expect(await setup.reader.readAfter(0, 10)).toEqual(stored);
    });

    it('takes the answer to an event only if it holds exactly that one, whoever wrote it and however many come at once', async () => {
      const stored = storedBy(await log.append(appendOf(3)));
      const [first] = stored;
      if (!first) throw new Error('three events were appended');
      const changed = [
        { ...first, position: 2 },
        { ...first, position: 99 },
        { ...first, id: randomUUID() },
        { ...first, stream: 'mission-other' },
        { ...first, version: 2 },
        { ...first, type: 'Other' },
        { ...first, data: `${first.data} ` },
      ];
      const answered = Array.from({ length: 20 }, () => [...stored, ...changed]).flat();
      const outcomes = await Promise.all(answered.map((answers) => log.append({ ...appendOf(1), answers })));
      expect(outcomes.map(({ status }) => status)).toEqual(
        answered.map((event) => (stored.includes(event) ? 'appended' : 'forged-cause')),
      );
      expect((await setup.reader.head()).position).toBe(3 + 20 * stored.length);
    });

    it('chains each event to the one before by its hash, and never goes back in time', async () => {
      for (const count of [1, 3, 2]) await log.append(appendOf(count));
      const events = await wholeLog(setup.reader);
      let previous = '0'.repeat(64);
      for (const event of events) previous = expectedHash(previous, event);
      expect(events).toHaveLength(6);
      expect(events.at(-1)?.hash).toBe(previous);
      expect(await setup.reader.head()).toEqual({ position: 6, hash: previous });
      expect(events.map((event) => event.recorded_at)).toEqual(events.map((event) => event.recorded_at).toSorted());
    });

    it('loads after a version and reads after a position, in pages', async () => {
      const append = appendOf(5);
      await log.append(append);
      await log.append(appendOf(1));
      expect((await log.load(append.stream, 3)).map((event) => event.version)).toEqual([4, 5]);
      expect(await log.load(append.stream, 5)).toEqual([]);
      expect((await setup.reader.readAfter(0, 2)).map((event) => event.position)).toEqual([1, 2]);
      expect((await setup.reader.readAfter(4, 100)).map((event) => event.position)).toEqual([5, 6]);
    });

    it('refuses a stale version, says the actual one, and writes nothing', async () => {
      const { stream } = storedBy(await log.append(appendOf(2)))[0] as StoredEvent;
      for (const expected_version of [0, 1, 3]) {
        expect(await log.append(appendOf(2, { stream, expected_version }))).toEqual({
          status: 'version-conflict',
          actual_version: 2,
        });
      }
      expect((await setup.reader.head()).position).toBe(2);
      storedBy(await log.append(appendOf(1, { stream, expected_version: 2 })));
    });

    it('records an id once, in any stream and at any version, and writes nothing of the second append', async () => {
      const known = newEvent();
      const { stream } = storedBy(await log.append(appendOf(1, { events: [known] })))[0] as StoredEvent;
      expect(await log.append(appendOf(1, { stream, expected_version: 1, events: [newEvent(), known] }))).toEqual({
        status: 'duplicate-event',
      });
      expect(await log.append(appendOf(1, { events: [known] }))).toEqual({ status: 'duplicate-event' });
      // Delivered again before the state was loaded again: the cause is known, the version is old as well.
      expect(await log.append(appendOf(1, { stream, events: [known] }))).toEqual({ status: 'duplicate-event' });
      expect((await setup.reader.head()).position).toBe(1);
    });

    it.each<[string, Partial<Append>]>([
      ['no events', { events: [] }],
      ['a line break in data', { events: [newEvent(), newEvent({ data: '{\n}' })] }],
      ['a line break in meta', { events: [newEvent({ meta: '{}\r' })] }],
      ['a line break in the type', { events: [newEvent({ type: 'A\nB' })] }],
      ['NUL', { events: [newEvent({ data: '"\0"' })] }],
      ['half a character', { events: [newEvent({ data: '"\ud800"' })] }],
      ['an id that is none', { events: [newEvent({ id: 'one' })] }],
      ['a stream without a category', { stream: 'mission' }],
      ['a version below 0', { expected_version: -1 }],
    ])('throws on %s, and lets the neighbours of its group through', async (_, unfit) => {
      const [before, thrown, after] = await Promise.allSettled([
        log.append(appendOf(1)),
        log.append(appendOf(1, unfit)),
        log.append(appendOf(1)),
      ]);
      expect([before.status, thrown.status, after.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect((await setup.reader.head()).position).toBe(2);
    });

    it('takes data of 256 KiB and names the limit to what is larger', async () => {
      const fits = `"${'x'.repeat(262_142)}"`;
      storedBy(await log.append(appendOf(1, { events: [newEvent({ data: fits })] })));
      await expect(log.append(appendOf(1, { events: [newEvent({ data: `${fits} ` })] }))).rejects.toThrow('EVENT_DATA_BYTES_MAX');
    });

    it('fails a clash alone: the others of its group are appended', async () => {
      const taken = storedBy(await log.append(appendOf(1)))[0] as StoredEvent;
      const outcomes = await Promise.all([
        log.append(appendOf(2)),
        log.append(appendOf(2, { stream: taken.stream })),
        log.append(appendOf(1, { events: [newEvent({ id: taken.id })] })),
        log.append(appendOf(3)),
      ]);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['appended', 'version-conflict', 'duplicate-event', 'appended']);
      expect((await wholeLog(setup.reader)).map((event) => event.position)).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it('lets one of two win when both append to a stream, in one process or in two', async () => {
      for (const other of setup.logs) {
        const stream = `mission-${randomUUID()}`;
        const outcomes = await Promise.all([log.append(appendOf(1, { stream })), other.append(appendOf(1, { stream }))]);
        expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(['appended', 'version-conflict']);
      }
    });
    races(() => setup);
  });
}

/** Enough for the half appends of a naive log to show up in nearly every run. */
const RACES = 40;
const WRITERS = 8;
const APPENDS_EACH = 25;

function races(setup: () => EventLogSetup): void {
  it('appends all or nothing when 1 event races against 4', async () => {
    const [one, other] = setup().logs;
    for (let race = 0; race < RACES; race++) {
      const stream = `mission-${String(race)}`;
      const outcomes = await Promise.all([one.append(appendOf(1, { stream })), other.append(appendOf(4, { stream }))]);
      expect(outcomes.filter((outcome) => outcome.status === 'appended')).toHaveLength(1);
      const kept = outcomes.flatMap((outcome) => (outcome.status === 'appended' ? outcome.events : []));
      expect(await one.load(stream)).toEqual(kept);
    }
  });

  it('has no gaps and loses nothing under 8 writers who clash', async () => {
    const { logs, reader } = setup();
    const kept = await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        const log = logs[writer % logs.length] as EventLog;
        const mine: StoredEvent[] = [];
        for (let nth = 0; nth < APPENDS_EACH; nth++) {
          // Three streams for eight writers: most appends clash at first.
          const stream = `mission-${String((writer + nth) % 3)}`;
          let outcome: Appended = { status: 'version-conflict', actual_version: 0 };
          while (outcome.status === 'version-conflict')
            outcome = await log.append(appendOf(1 + (nth % 3), { stream, expected_version: outcome.actual_version }));
          mine.push(...storedBy(outcome));
        }
        return mine;
      }),
    );
    const events = await wholeLog(reader);
    expect(events.map((event) => event.position)).toEqual(events.map((_, index) => index + 1));
    expect(kept.flat().toSorted((one, other) => one.position - other.position)).toEqual(events);
    for (const stream of new Set(events.map((event) => event.stream))) {
      const versions = events.filter((event) => event.stream === stream).map((event) => event.version);
      expect(versions).toEqual(versions.map((_, index) => index + 1));
    }
  });
}
