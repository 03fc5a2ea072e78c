/** The built system from the outside: `baton` as a person runs it, on real servers, with processes that are killed. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@baton/testing';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { REPOSITORY, batonAt, isAlive, type Baton } from '../src/baton.ts';

const run = promisify(execFile);
/** A stack starts in some seconds; on two cores that others use as well, in some more. */
const STEP_MS_MAX = 90_000;
jest.setTimeout(STEP_MS_MAX);

interface Delivered {
  readonly ok: boolean;
  readonly mission_id: string;
  readonly shop: string;
  readonly commit: string;
  readonly tests_passed: number;
}

describe('baton demo', () => {
  let baton: Baton;
  beforeAll(async () => {
    // Whoever works with another stack has exported where it is: nobody listens there, so the demo fails if it goes there.
    baton = await batonAt('demo', {
      BATON_PG_URL: 'postgres://postgres@127.0.0.1:9/other',
      BATON_AUDITOR_PG_URL: 'postgres://baton_auditor@127.0.0.1:9/other',
      BATON_INTAKE_URL: 'http://127.0.0.1:9',
      BATON_APPROVAL_URL: 'http://127.0.0.1:9',
      BATON_NATS_URL: 'nats://127.0.0.1:9',
      BATON_NATS_UNSYNCED: 'refuse',
      BATON_CHECKPOINTS_DIR: '/nowhere',
    });
  });
  afterAll(() => baton.remove());

  it('goes from nothing to a tested, merged change, and leaves nothing running', async () => {
    // The demo lives in a directory of its own under the home: here, that is the home.
    const { exit, answer, stderr } = await baton.json<Delivered>('demo', '--home', baton.directory);
    expect({ exit, stderr, ok: answer.ok }).toEqual({ exit: 0, stderr: '', ok: true });
    expect(answer.tests_passed).toBe(9);
    const { stdout } = await run('git', [
      '-C',
      answer.shop,
      'log',
      '-1',
      '--format=%H %(trailers:key=Baton-Mission,valueonly)',
      'main',
    ]);
    expect(stdout.trim()).toBe(`${answer.commit} ${answer.mission_id}`);
    await expect(baton.stack()).rejects.toThrow('ENOENT');
  });

  it('begins anew where an earlier one has left its data', async () => {
    const { exit, answer, stderr } = await baton.json<Delivered>('demo', '--home', baton.directory);
    expect({ exit, stderr, ok: answer.ok }).toEqual({ exit: 0, stderr: '', ok: true });
  });
});

describe('a local stack', () => {
  let baton: Baton;
  let repository: string;
  /** Of all that is outside of its workspace, an agent is shown this. */
  let signals: string;
  let go: string;

  beforeAll(async () => {
    signals = await mkdtemp(join(process.env['BATON_TEST_RUN_DIRECTORY'] ?? tmpdir(), 'signals-'));
    baton = await batonAt('home', { BATON_DRAIN_GRACE_MS: '500', BATON_SANDBOX_READABLE: signals });
    repository = join(baton.directory, 'shop');
    go = join(signals, 'go');
    await run(process.execPath, [join(REPOSITORY, 'examples/replace-logger/create-repository.mjs'), repository]);
    await writeFile(join(baton.directory, 'patient.json'), JSON.stringify(patientMission(repository, go)));
  });
  afterAll(async () => {
    await baton.remove();
    await rm(signals, { recursive: true, force: true });
  });

  it('says what to do while it does not run', async () => {
    const { exit, stderr } = await baton.run('list');
    expect(exit).toBe(5);
    expect(stderr).toContain('start it with `baton up`');
  });

  it('starts, and starting it again changes nothing', async () => {
    expect(await baton.json('up')).toMatchObject({ exit: 0, answer: { already: false } });
    const { supervisor } = await baton.stack();
    expect(await baton.json('up')).toMatchObject({ exit: 0, answer: { already: true } });
    expect((await baton.stack()).supervisor).toEqual(supervisor);
  });

  it('names all ten faults of a mission at once', async () => {
    const { exit, answer } = await baton.json<{ faults: { field: string; problem: string; fix: string }[] }>(
      'submit',
      join(REPOSITORY, 'examples/faulty/ten-faults.yaml'),
    );
    expect(exit).toBe(2);
    expect(answer.faults).toHaveLength(10);
    expect(answer.faults.every(({ field, problem, fix }) => field !== '' && problem !== '' && fix !== '')).toBe(true);
  });

  it('takes the same key with the same content as the same mission, and refuses other content', async () => {
    const mission = join(REPOSITORY, 'examples/first-mission/mission.yaml');
    const first = await baton.json<{ mission_id: string; again: boolean }>(
      'submit',
      mission,
      '--repository',
      repository,
      '--key',
      'k-1',
      '--as',
      'ada',
    );
    const again = await baton.json<{ mission_id: string; again: boolean }>(
      'submit',
      mission,
      '--repository',
      repository,
      '--key',
      'k-1',
      '--as',
      'ada',
    );
    expect(again.answer).toEqual({ ...first.answer, again: true });
    expect(
      (
        await baton.run(
          'submit',
          join(REPOSITORY, 'examples/replace-logger/mission.yaml'),
          '--repository',
          repository,
          '--key',
          'k-1',
        )
      ).exit,
    ).toBe(4);
    expect((await baton.run('watch', first.answer.mission_id.slice(0, 8))).exit).toBe(0);
  });

  it('brings a killed service back', async () => {
    const before = await baton.part('executor');
    process.kill(before.pid, 'SIGKILL');
    const after = await eventually(
      async () => {
        const now = await baton.part('executor');
        return now.restarts > before.restarts && now;
      },
      { within_ms: 20_000, what: 'the executor was started again' },
    );
    expect(after.pid).not.toBe(before.pid);
    await eventually(async () => (await baton.run('status')).exit === 0, {
      within_ms: 40_000,
      what: 'every service is ready again',
    });
  });

  it('goes on with a mission where it was, over down and up', async () => {
    const { answer } = await baton.json<{ mission_id: string }>('submit', 'patient.json', '--as', 'ada');
    const id = answer.mission_id;
    await eventually(async () => (await baton.json<{ waits: { on: string }[] }>('why', id)).answer.waits[0]?.on === 'work', {
      within_ms: 20_000,
      what: 'the agent runs',
    });
    const { processes } = await baton.stack();
    // Its passwords are in no other file: whoever runs still knows them.
    const secrets = join(baton.home, 'secrets.json');
    const text = await readFile(secrets, 'utf8');
    await rm(secrets);
    expect(await baton.run('list')).toMatchObject({ exit: 5, stderr: expect.stringContaining('writes it again when it stops') });
    expect((await baton.run('down')).exit).toBe(0);
    expect(await readFile(secrets, 'utf8')).toBe(text);
    await nothingRuns(processes);

    expect((await baton.run('up')).exit).toBe(0);
    await writeFile(go, '');
    expect((await baton.run('watch', id)).exit).toBe(0);
    const told = (await baton.json<{ events: { type: string }[] }>('timeline', id)).answer.events.map(({ type }) => type);
    expect(told.filter((type) => type === 'ReleaseLanded')).toHaveLength(1);
    expect(told.at(-1)).toBe('MissionCompleted');
  });

  it('keeps a record that is whole', async () => {
    expect(await baton.json('verify')).toMatchObject({ exit: 0, answer: { ok: true, bus: { problem: null } } });
  });

  it('is stopped for certain, also when its supervisor was killed', async () => {
    const { supervisor, processes } = await baton.stack();
    process.kill(supervisor.pid, 'SIGKILL');
    await eventually(() => !isAlive(supervisor.pid), { within_ms: 5_000 });
    expect(await baton.json('down')).toMatchObject({ exit: 0, answer: { result: 'cleaned-up' } });
    await nothingRuns(processes);
  });
});

/** What is left of an ended process keeps its number until its parent has looked at it: a moment, where that is the system itself. */
const nothingRuns = (processes: Readonly<Record<string, { readonly pid: number }>>): Promise<unknown> =>
  eventually(() => Object.values(processes).every(({ pid }) => !isAlive(pid)), {
    within_ms: 5_000,
    what: `none of ${JSON.stringify(processes)} runs`,
  });

/** Its agent waits for a file before it does its work, so that the stack can be stopped in the middle. */
const patientMission = (repository: string, go: string): object => ({
  baton: 'mission/v1',
  title: 'Wait, then greet',
  objective: 'There is a GREETING.md',
  repository: { url: repository, target: 'main' },
  scope: { include: ['GREETING.md'] },
  non_goals: ['Anything else'],
  criteria: [{ id: 'greets', statement: 'GREETING.md is there', check: { run: ['test', '-s', 'GREETING.md'] } }],
  rollback: 'Revert the commit.',
  risk: 'low',
  budgets: { run_ms_max: 60_000 },
  agent: {
    runtime: 'command',
    command: [
      'sh',
      '-c',
      'until [ -e "$0" ]; do sleep 0.05; done; echo hello > GREETING.md; echo \'{"baton":"result/v1","status":"done","summary":"greets"}\'',
      go,
    ],
  },
});
