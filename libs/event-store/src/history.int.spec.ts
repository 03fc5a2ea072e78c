import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appendOf, newEvent, storedBy } from '@baton/testing';
import { testStores, type TestStores } from '../test/stores.ts';
import { openHistory, type History } from './history.ts';

/** The first spec of a run may have to wait for Postgres to be made. */
const SET_UP_MS_MAX = 60_000;
const ONE = '11111111-aaaa';
const TWO = '11111111-bbbb';
const PERSON_WAITS_MS = 60_000;

describe('what an auditor asks of the log', () => {
  let stores: TestStores;
  let history: History;

  beforeAll(async () => {
    stores = await testStores();
    history = openHistory({
      url: stores.roleUrl('baton_auditor'),
      application_name: 'history-spec',
      connect_timeout_ms: 5_000,
      statement_timeout_ms: 5_000,
    });
    const intake = stores.open('intake').log;
    storedBy(
      await intake.append(appendOf(2, { stream: `mission-${ONE}`, deadline: { key: 'mission', after_ms: 0, holder: null } })),
    );
    storedBy(await intake.append(appendOf(1, { stream: `mission-${TWO}` })));
    storedBy(
      await stores
        .open('planner')
        .log.append(appendOf(1, { stream: `plan-${ONE}`, events: [newEvent({ type: 'PlanProposed' })] })),
    );
    storedBy(await stores.open('executor').log.append(appendOf(1, { stream: `task-${ONE}.a` })));
    storedBy(await stores.open('executor').log.append(appendOf(1, { stream: `task-${TWO}.a` })));
    storedBy(await stores.open('reviewer').log.append(appendOf(1, { stream: `review-${ONE}.a` })));
    const opened = () => ({
      events: [newEvent({ type: 'GateOpened' })],
      deadline: { key: 'gate', after_ms: PERSON_WAITS_MS, holder: null },
    });
    const approval = stores.open('approval').log;
    storedBy(await approval.append(appendOf(1, { stream: `gate-${ONE}.1`, ...opened() })));
    storedBy(await approval.append(appendOf(1, { stream: `gate-${TWO}.1`, ...opened() })));
    storedBy(
      await approval.append(
        appendOf(1, { stream: `gate-${TWO}.1`, expected_version: 1, events: [newEvent({ type: 'GatePassed' })] }),
      ),
    );
    storedBy(await stores.open('release').log.append(appendOf(1, { stream: `release-${ONE}` })));
  }, SET_UP_MS_MAX);
  afterAll(async () => {
    await history.close();
    await stores.drop();
  });

  it('tells all events of a mission over its streams, in the order of the log, and of no other mission', async () => {
    const events = await history.missionEvents(ONE);
    expect(events.map(({ stream }) => stream)).toEqual([
      `mission-${ONE}`,
      `mission-${ONE}`,
      `plan-${ONE}`,
      `task-${ONE}.a`,
      `review-${ONE}.a`,
      `gate-${ONE}.1`,
      `release-${ONE}`,
    ]);
    expect(events).toEqual(
      await Promise.all(
        events.map(async ({ stream, version }) => (await stores.open('auditor').log.load(stream, version - 1))[0]),
      ),
    );
    const third = events[2]?.position ?? 0;
    expect(await history.missionEvents(ONE, third)).toEqual(events.slice(3));
  });

  it('finds missions by the beginning of their id', async () => {
    expect(await history.missionIds('11111111', 10)).toEqual([ONE, TWO]);
    expect(await history.missionIds('11111111-b', 10)).toEqual([TWO]);
    expect(await history.missionIds('11111111', 1)).toEqual([ONE]);
    expect(await history.missionIds('%', 10)).toEqual([]);
  });

  it('lists the newest missions first', async () => {
    expect((await history.recentMissions(10)).map(({ mission_id }) => mission_id)).toEqual([TWO, ONE]);
    expect(await history.recentMissions(1)).toMatchObject([{ mission_id: TWO }]);
  });

  it('shows a card only while nobody has decided', async () => {
    expect((await history.openGates()).map(({ stream }) => stream)).toEqual([`gate-${ONE}.1`]);
  });

  it('tells what is due, and when it is overdue', async () => {
    const deadlines = await history.missionDeadlines(ONE);
    expect(deadlines.map(({ stream, key }) => [stream, key])).toEqual([
      [`mission-${ONE}`, 'mission'],
      [`gate-${ONE}.1`, 'gate'],
    ]);
    expect(deadlines[0]?.due_in_ms).toBeLessThanOrEqual(0);
    expect(deadlines[1]?.due_in_ms).toBeGreaterThan(PERSON_WAITS_MS / 2);
    expect(await history.overdue(0)).toMatchObject([{ category: 'mission', overdue: 1 }]);
    expect(await history.overdue(PERSON_WAITS_MS)).toEqual([]);
  });
});
