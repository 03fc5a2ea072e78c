/** After a restore: a new start that is recorded where only a copy of the checkpoints is at hand. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { roleOf } from '@baton/contracts';
import {
  SEALER_KEY_NAME,
  addVerifierKey,
  appendNote,
  checkpointPaths,
  newSigningKey,
  openEventStore,
  readSigningKey,
  signCheckpoint,
} from '@baton/event-store';
import { databaseUrl, logDatabase, recorded, TEST_ROLE_PASSWORD, type TestDatabase } from '@baton/testing';
import { EXIT } from '../src/exit-codes.ts';
import { runCli } from '../src/program.ts';

jest.setTimeout(60_000);

describe('a new start', () => {
  let copy: string;
  let database: TestDatabase;
  const key = newSigningKey(SEALER_KEY_NAME);
  const urlOf = (role: 'planner' | 'auditor'): string =>
    databaseUrl(database.url, { user: roleOf(role), password: TEST_ROLE_PASSWORD });

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'checkpoints-'));
    database = await logDatabase();
    const planner = openEventStore({ url: urlOf('planner'), application_name: 'spec' });
    const mission_id = randomUUID();
    await recorded(planner.log, 'planner', `plan-${mission_id}`, { type: 'PlanCancelled', data: { mission_id, reason: 'spec' } });
    await planner.close();
    // Of a log that had come further than the one which was restored.
    const signing = readSigningKey(key);
    const further = { epoch: randomUUID(), start: 1, position: 5, hash: 'ab'.repeat(32), sealed_at: new Date().toISOString() };
    const paths = checkpointPaths(copy);
    await addVerifierKey(paths.keys, signing.verifier);
    await appendNote(paths.checkpoints, signCheckpoint({ ...further, begins: null }, signing));
  }, 120_000);
  afterAll(async () => {
    await database?.drop();
    await rm(copy, { recursive: true, force: true });
  });

  it('promises nothing of a relay that does not read this copy, and says what has to be brought to it', async () => {
    let [stdout, stderr] = ['', ''];
    const streams = { stdout: (text: string) => void (stdout += text), stderr: (text: string) => void (stderr += text) };
    const environment = {
      BATON_HOME: join(copy, 'home'),
      BATON_AUDITOR_PG_URL: urlOf('auditor'),
      BATON_CHECKPOINTS_DIR: copy,
      BATON_SEALER_KEY: key,
    };
    const args = ['checkpoints', 'new-start', '--reason', 'restored the dump of Tuesday'];
    const exit = await runCli(args, environment, streams, new AbortController().signal);
    expect({ exit, stderr }).toEqual({ exit: EXIT.ok, stderr: '' });
    const { checkpoints, keys } = checkpointPaths(copy);
    expect(stripVTControlCharacters(stdout)).toContain(`Bring ${checkpoints} and ${keys} to the directory of the relay`);
    expect(stdout).not.toContain('The relay goes on sealing');
    expect(await readFile(checkpoints, 'utf8')).toContain('restored the dump of Tuesday');
  });
});
