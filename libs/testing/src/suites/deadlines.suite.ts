/** What an EventLog promises about deadlines: set with the events, due for one at a time, kept by those who still work. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DueDeadline, EventLog, NewDeadline } from '@baton/ports';
import { appendOf, storedBy, type EventLogSetup } from './event-log.suite.ts';

const LATER_MS = 3_600_000;
const due = (key: string, holder: string | null = null): NewDeadline => ({ key, after_ms: 0, holder });
const later = (key: string, holder: string | null = null): NewDeadline => ({ key, after_ms: LATER_MS, holder });

export function keepsDeadlinesContract(make: () => Promise<EventLogSetup>): void {
  describe('keeps the contract of deadlines', () => {
    let setup: EventLogSetup;
    let log: EventLog;
    let stream: string;
    beforeEach(async () => {
      setup = await make();
      [log] = setup.logs;
      stream = `mission-${randomUUID()}`;
    });
    afterEach(() => setup.dispose());

    const set = async (deadline: NewDeadline | null, expected_version = 0): Promise<void> => {
      storedBy(await log.append(appendOf(1, { stream, expected_version, deadline })));
    };
    const claim = (holder = 'taker', hold_ms = LATER_MS, from = log): Promise<readonly DueDeadline[]> =>
      from.claimDue({ categories: ['mission'], holder, hold_ms, limit: 10 });

    it('hands out what is due, with who held it, and then holds it back', async () => {
      await set(due('attempt-1', 'worker-a'));
      const [taken] = await claim();
      expect(taken).toMatchObject({ stream, key: 'attempt-1', last_holder: 'worker-a' });
      expect(taken?.due_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(await claim('other')).toEqual([]);
    });

    it('hands it out again when its taker does not come back', async () => {
      await set(due('attempt-1'));
      expect(await claim('first', 0)).toMatchObject([{ last_holder: null }]);
      expect(await claim('second', 0)).toMatchObject([{ last_holder: 'first' }]);
    });

    it('does not hand out what is not due', async () => {
      await set(later('attempt-1'));
      expect(await claim()).toEqual([]);
    });

    it('hands out the longest overdue first, at most as many as asked for, and only of the categories named', async () => {
      const streams = ['mission-1', 'mission-2', 'mission-3'];
      for (const name of streams) storedBy(await log.append(appendOf(1, { stream: name, deadline: due('k') })));
      const ask = { categories: ['mission'], holder: 'taker', hold_ms: LATER_MS, limit: 2 };
      expect(await log.claimDue({ ...ask, categories: [] })).toEqual([]);
      expect((await log.claimDue(ask)).map((deadline) => deadline.stream)).toEqual(['mission-1', 'mission-2']);
      expect((await log.claimDue(ask)).map((deadline) => deadline.stream)).toEqual(['mission-3']);
    });

    it('keeps one deadline per stream: each append replaces or removes it', async () => {
      await set(due('attempt-1'));
      await set(due('attempt-2'), 1);
      expect(await claim('taker', 0)).toMatchObject([{ key: 'attempt-2' }]);
      await set(later('attempt-3'), 2);
      expect(await claim()).toEqual([]);
      await set(due('attempt-4'), 3);
      await set(null, 4);
      expect(await claim()).toEqual([]);
    });

    it('leaves the deadline as it is when the append fails', async () => {
      await set(due('attempt-1'));
      expect(await log.append(appendOf(1, { stream, deadline: null }))).toMatchObject({ status: 'version-conflict' });
      expect(await log.append(appendOf(1, { stream, deadline: later('wrong') }))).toMatchObject({ status: 'version-conflict' });
      expect(await claim()).toMatchObject([{ key: 'attempt-1' }]);
    });

    it('is pushed back by its holder', async () => {
      await set(due('attempt-1', 'worker-a'));
      expect(await log.extend({ stream, key: 'attempt-1', holder: 'worker-a', after_ms: LATER_MS })).toBe(true);
      expect(await claim()).toEqual([]);
    });

    it('is not pushed back by another holder, for another key, or when it is gone', async () => {
      await set(due('attempt-2', 'worker-a'));
      const lease = { stream, key: 'attempt-2', holder: 'worker-a', after_ms: LATER_MS };
      expect(await log.extend({ ...lease, holder: 'worker-b' })).toBe(false);
      expect(await log.extend({ ...lease, key: 'attempt-1' })).toBe(false);
      expect(await log.extend({ ...lease, stream: 'mission-gone' })).toBe(false);
      expect(await claim('taker')).toHaveLength(1);
      // Taken over: the worker learns that it has lost its lease.
      expect(await log.extend(lease)).toBe(false);
      expect(await log.extend({ ...lease, holder: 'taker' })).toBe(true);
    });

    it('is cleared by its key, whoever holds it, and not by another', async () => {
      await set(due('attempt-2', 'worker-a'));
      await log.clearDeadline(stream, 'attempt-1');
      expect(await claim('taker', 0)).toHaveLength(1);
      await log.clearDeadline(stream, 'attempt-2');
      expect(await claim()).toEqual([]);
      await log.clearDeadline(stream, 'attempt-2');
    });

    it('is never taken by two at once', async () => {
      const streams = Array.from({ length: 60 }, (_, nth) => `mission-${String(nth)}`);
      await Promise.all(streams.map((name) => log.append(appendOf(1, { stream: name, deadline: due('k') }))));
      const takers = Array.from({ length: 12 }, (_, nth) => claim(`taker-${String(nth)}`, LATER_MS, setup.logs[nth % 2]));
      const taken = (await Promise.all(takers)).flat();
      for (let more = await claim(); more.length > 0; more = await claim()) taken.push(...more);
      expect(taken.map((deadline) => deadline.stream).toSorted()).toEqual(streams.toSorted());
    });
  });
}
