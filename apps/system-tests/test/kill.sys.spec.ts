/**
 * Everything is killed in turn while missions are under way, and the bus loses all it has: every mission ends, the record is
 * whole, and nothing was done twice.
 */
import { rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { parseStored, type EventRecord } from '@baton/contracts';
import { openEventStore } from '@baton/event-store';
import { eventually } from '@baton/testing';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { auditorUrl, batonAt, type Baton } from '../src/baton.ts';
import { documentMission } from './document-mission.ts';

const WAVE = 20;
const TARGETS = [
  'intake',
  'planner',
  'executor',
  'reviewer',
  'approval',
  'release',
  'metrics',
  'relay',
  'nats-server',
  'postgres',
] as const;
const MISSIONS = WAVE * TARGETS.length;
const ENDS_WITHIN_MS = 150_000;
const PAGE_EVENTS = 5_000;
jest.setTimeout(ENDS_WITHIN_MS + 120_000);

/** Works for a moment, so that there is always something under way to be killed. */
const mission = documentMission({ works_s: 1 });

/** Attempts that were started and have not come to an end. */
const attemptsRunning = (events: readonly EventRecord[]): number =>
  events.filter(({ type }) => type === 'AttemptStarted').length -
  events.filter(({ type }) => /^Attempt(Succeeded|Failed|Lost)$/.test(type)).length;

/** As a careful client does it: the same key until intake has answered. */
async function submit(intake: string): Promise<string> {
  const key = randomUUID();
  return eventually(
    async () => {
      const response = await fetch(`${intake}/v1/missions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key, 'baton-actor': 'ada' },
        body: JSON.stringify(mission),
      }).catch(() => null);
      return response?.ok === true && ((await response.json()) as { mission_id: string }).mission_id;
    },
    { within_ms: 60_000, what: 'intake takes a mission' },
  );
}

describe('a stack whose parts are killed in turn', () => {
  let baton: Baton;
  let submitted: readonly string[] = [];
  beforeAll(async () => {
    baton = await batonAt('home', { BATON_WORK_SLOTS: '32' });
    expect((await baton.run('up')).exit).toBe(0);
  });
  afterAll(() => baton.remove());

  const events = async (): Promise<readonly EventRecord[]> => {
    const store = openEventStore({ url: await auditorUrl(baton), application_name: 'system-tests' });
    const all: EventRecord[] = [];
    for (;;) {
      const page = await store.log.readAfter(all.length, PAGE_EVENTS);
      all.push(...page.map(parseStored));
      if (page.length < PAGE_EVENTS) break;
    }
    await store.close();
    return all;
  };

  const kill = async (name: string): Promise<void> => {
    const before = await baton.part(name);
    process.kill(before.pid, 'SIGKILL');
    await eventually(async () => (await baton.part(name)).restarts > before.restarts, {
      within_ms: 30_000,
      what: `${name} was started again`,
    });
  };

  it(`takes ${MISSIONS} missions while each part is killed with -9 and started again`, async () => {
    const { intake } = (await baton.stack()).services;
    for (const target of TARGETS) {
      const wave = Promise.all(Array.from({ length: WAVE }, () => submit(intake)));
      if (target === 'executor')
        await eventually(async () => attemptsRunning(await events()) > 0, { within_ms: 30_000, what: 'an attempt is under way' });
      await kill(target);
      submitted = [...submitted, ...(await wave)];
    }
    expect(new Set(submitted).size).toBe(MISSIONS);
  });

  it('loses its bus and makes it again', async () => {
    await rm(join(baton.home, 'nats'), { recursive: true, force: true });
    await kill('nats-server');
  });

  it('brings every mission to its end', async () => {
    const ended = await eventually(
      async () => {
        const done = new Set(
          (await events()).filter(({ type }) => type === 'MissionCompleted').map(({ data }) => data.mission_id),
        );
        return submitted.every((id) => done.has(id)) && done;
      },
      { within_ms: ENDS_WITHIN_MS, what: 'all missions are completed' },
    );
    expect(ended.size).toBe(MISSIONS);
  });

  it('has done nothing twice', async () => {
    const all = await events();
    const times = (type: EventRecord['type']): number[] =>
      [
        ...Map.groupBy(
          all.filter((event) => event.type === type),
          ({ data }) => data.mission_id,
        ).values(),
      ].map((one) => one.length);
    for (const type of [
      'MissionAccepted',
      'PlanProposed',
      'TaskAccepted',
      'PlanCompleted',
      'GatePassed',
      'ReleaseLanded',
      'MissionCompleted',
    ] as const) {
      expect([type, ...new Set(times(type))]).toEqual([type, 1]);
    }
    // Not vacuous: some attempt was under way when its executor died.
    expect(all.filter(({ type }) => type === 'AttemptLost').length).toBeGreaterThan(0);
  });

  it('keeps a record that is whole, and a bus that is equal to it', async () => {
    const verified = await eventually(
      async () => {
        const { exit, answer } = await baton.json<{ ok: boolean }>('verify');
        return exit === 0 && answer;
      },
      { within_ms: 30_000, what: 'baton verify is clean' },
    );
    expect(verified).toMatchObject({ ok: true, bus: { problem: null } });
    expect(await baton.json('deadletters', 'list')).toMatchObject({ exit: 0 });
  });
});
