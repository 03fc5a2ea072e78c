/** Answers to decision cards: of exactly the card that was named, as the record has it. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { roleOf } from '@baton/contracts';
import { openEventStore, type EventStore } from '@baton/event-store';
import {
  contract,
  databaseUrl,
  delivery,
  digest,
  logDatabase,
  openGate,
  policy,
  recorded,
  TEST_ROLE_PASSWORD,
  type TestDatabase,
} from '@baton/testing';
import { EXIT } from '../src/exit-codes.ts';
import { runCli } from '../src/program.ts';
import { edgeStub, type EdgeStub } from './edge-stub.ts';

jest.setTimeout(60_000);

let home: string;
let database: TestDatabase;
let stores: Readonly<Record<'intake' | 'approval', EventStore>>;
let edge: EdgeStub;
const urlOf = (role: 'intake' | 'approval' | 'auditor'): string =>
  databaseUrl(database.url, { user: roleOf(role), password: TEST_ROLE_PASSWORD });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gates-'));
  database = await logDatabase();
  const storeOf = (role: 'intake' | 'approval') => openEventStore({ url: urlOf(role), application_name: 'spec' });
  stores = { intake: storeOf('intake'), approval: storeOf('approval') };
  edge = await edgeStub();
}, 120_000);
afterAll(async () => {
  await edge?.close();
  for (const store of Object.values(stores ?? {})) await store.close();
  await database?.drop();
  await rm(home, { recursive: true, force: true });
});

async function baton(...args: string[]) {
  let [stdout, stderr] = ['', ''];
  const streams = { stdout: (text: string) => void (stdout += text), stderr: (text: string) => void (stderr += text) };
  const environment = { BATON_HOME: home, BATON_AUDITOR_PG_URL: urlOf('auditor'), BATON_APPROVAL_URL: edge.url };
  const exit = await runCli(args, environment, streams, new AbortController().signal);
  return { exit, stdout, stderr };
}

/** Whatever is asked here is open: its time has not come. */
const WAITS = { key: 'gate', after_ms: 60_000, holder: null };

async function opened(mission_id: string, revision: number, content_digest: string): Promise<void> {
  if (revision === 1)
    await recorded(stores.intake.log, 'intake', `mission-${mission_id}`, {
      type: 'MissionAccepted',
      data: { mission_id, contract, contract_digest: delivery.contract_digest, requested_by: 'ada', source: 'http' },
    });
  const gate = {
    mission_id,
    revision,
    content_digest,
    tier: 'gate' as const,
    policy,
    card: openGate(null).card,
    requested_by: 'ada',
    self_approval: false,
    expires_after_ms: WAITS.after_ms,
  };
  const stream = `gate-${mission_id}.${String(revision)}`;
  await recorded(stores.approval.log, 'approval', stream, { type: 'GateOpened', data: gate }, WAITS);
}

describe('an answer', () => {
  it('is of the revision that was named, though there is a newer one', async () => {
    const mission_id = randomUUID();
    await opened(mission_id, 1, digest('1'));
    await opened(mission_id, 2, digest('2'));
    edge.answers([200, { outcome: 'approved' }]);
    expect(await baton('approve', `${mission_id.slice(0, 8)}.1`, '--as', 'bob')).toMatchObject({ exit: EXIT.ok });
    expect(edge.taken()).toMatchObject([{ path: `/v1/gates/${mission_id}/1/answer`, body: { content_digest: digest('1') } }]);
  });

  it('is sent for no card that is not named whole, and says how the open one is typed', async () => {
    const mission_id = randomUUID();
    await opened(mission_id, 1, digest('1'));
    const id = mission_id.slice(0, 8);
    for (const decision of ['approve', 'deny'])
      for (const card of [id, mission_id, `${id.slice(0, 3)}.1`]) {
        const { exit, stderr } = await baton(decision, card, '--as', 'bob');
        expect(exit).toBe(EXIT.invalid);
        expect(stderr).toContain(`open is ${id}.1: \`baton diff ${id}.1\`, then \`baton ${decision} ${id}.1\``);
      }
    expect(edge.taken()).toEqual([]);
  });
});
