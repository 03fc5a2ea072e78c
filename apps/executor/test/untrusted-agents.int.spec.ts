import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MISSION } from '@baton/testing';
import { openSandbox, redactor } from '@baton/workbench';
import { bench, type Bench } from './bench.ts';
import { check, DONE, shell, task, TASK } from './task.fixture.ts';

/** Many git processes in each; a busy machine takes its time. */
jest.setTimeout(60_000);

describe('the executor with agents that are not trusted', () => {
  const sandbox = openSandbox({
    setting: 'preferred',
    network: 'none',
    readable: [],
    environment: process.env,
    limits: { file_bytes_max: 100_000 },
  });
  const SECRET = 'canary-of-the-executor';
  let on: Bench;
  beforeEach(async () => {
    on = await bench({ sandbox, redactor: redactor({ environment: { A_TOKEN: SECRET }, names: [], values: [] }) });
  });
  afterEach(() => on.dispose());
  const attempted = async (script: string, acceptance = check('true')): Promise<readonly string[]> => {
    const base = { repository: { url: on.repository, target: 'main' }, inputs: [] };
    const made = task(shell(`cat >/dev/null; ${script}`), { acceptance });
    await on.deliver({ type: 'TaskReady', data: { mission_id: MISSION, task: made, base } });
    await on.workEnds();
    return on.types(TASK);
  };

  it('records by what the agent and its checks were confined', async () => {
    expect(await attempted(`echo two > src/two.txt; ${DONE}`)).toEqual(['AttemptStarted', 'AttemptSucceeded']);
    const { sandbox: of_agent, receipts } = await on.last(TASK, 'AttemptSucceeded');
    expect([of_agent, receipts.at(0)?.sandbox]).toEqual([sandbox.mode, sandbox.mode]);
  });

  it('ends an agent that breaks a limit, names the limit, and does not try again', async () => {
    expect(await attempted('dd if=/dev/zero of=src/large bs=1000 count=1000')).toEqual([
      'AttemptStarted',
      'AttemptFailed',
      'TaskBlocked',
    ]);
    expect(await on.last(TASK, 'AttemptFailed')).toMatchObject({
      failure_class: 'policy',
      cause: expect.stringMatching(/budget_exceeded \(file-size\): more than 100000 bytes in one file/),
      sandbox: sandbox.mode,
    });
  });

  it('keeps no secret that an agent, a check, a file or the name of a file says', async () => {
    const says = DONE.replace('It is written', `It is ${SECRET}`);
    expect(await attempted(`echo two > src/two.txt; ${says}`, check(`echo checked ${SECRET}`))).toContain('AttemptSucceeded');
    const { summary, receipts } = await on.last(TASK, 'AttemptSucceeded');
    expect(summary).toBe('It is [redacted]');
    const [receipt] = receipts;
    expect(receipt?.output_tail).toBe('checked [redacted]');
    expect(Buffer.from(await on.artifacts.get(receipt?.output_digest ?? '')).toString()).toBe('checked [redacted]\n');
  });

  it('recognises a key of which only the end would fit into the record', async () => {
    const key =
      'echo "-----BEGIN RSA PRIVATE KEY-----"; yes keykeykeykeykeykeykeykeykeykeykeykeykey | head -n 400; echo "-----END RSA PRIVATE KEY-----"';
    expect(await attempted(`${key}; echo last words; exit 4`)).toContain('AttemptFailed');
    expect((await on.last(TASK, 'AttemptFailed')).output_tail).toBe('[redacted]\nlast words');
  });

  it.each([
    ['in a file', `echo ${SECRET} > src/two.txt; ${DONE}`, 'src/two.txt'],
    ['as the name of a file', `echo x > src/${SECRET}; ${DONE}`, 'in the name of a file'],
    ['outside of its write-set', `echo x > ${SECRET}; ${DONE}`, '[redacted]'],
    ['as its last words', `echo ${SECRET} >&2; exit 4`, 'exit code 4'],
  ])('records a failure without the secret that was said %s', async (_, script, cause) => {
    expect(await attempted(script)).toContain('AttemptFailed');
    const failure = await on.last(TASK, 'AttemptFailed');
    expect(failure.cause).toContain(cause);
    expect(JSON.stringify(failure)).not.toContain(SECRET);
    expect(on.faults.join()).not.toContain(SECRET);
  });
});
