import { stripVTControlCharacters } from 'node:util';
import { randomUUID } from 'node:crypto';
import { recorded } from '@baton/testing';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { EXIT } from '../src/exit-codes.ts';
import { elsewhere, letterAt, type Elsewhere } from './elsewhere.ts';

jest.setTimeout(120_000);

describe('a stack that runs elsewhere', () => {
  let stack: Elsewhere;
  beforeAll(async () => {
    stack = await elsewhere();
    await stack.append(3);
  }, 180_000);
  afterAll(() => stack?.close());

  it('is followed to the end of a mission, and a program is told what became of it in the last line', async () => {
    const mission_id = randomUUID();
    await recorded(stack.store('intake').log, 'intake', `mission-${mission_id}`, {
      type: 'MissionRejected',
      data: { mission_id, requested_by: 'ada', faults: [{ field: 'title', problem: 'is missing', fix: 'give one' }] },
    });
    const { exit, stdout } = await stack.baton(['watch', mission_id, '--json']);
    expect(exit).toBe(EXIT.not_completed);
    const [event, last, ...more] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(event).toMatchObject({ type: 'MissionRejected' });
    expect(last).toEqual({ mission_id, status: 'rejected', outcome: expect.any(String) });
    expect(more).toEqual([]);
  });

  it('says where log and bus end, and what is stuck', async () => {
    await stack.store('release').deadLetters.park(letterAt('release-react', 2));
    const { exit, stdout } = await stack.baton(['status']);
    expect(exit).toBe(EXIT.ok);
    expect(stripVTControlCharacters(stdout)).toMatch(
      /log +4 events\nbus +ends at 4, the same\ndead letters +1; see baton deadletters\noverdue +nothing/,
    );
  });

  it('is not well where its bus cannot be asked', async () => {
    const { exit, stdout } = await stack.baton(['status', '--json'], { BATON_NATS_URL: 'nats://127.0.0.1:1' });
    expect(exit).toBe(EXIT.unreachable);
    expect(JSON.parse(stdout)).toMatchObject({
      well: false,
      log_head: 4,
      bus: { problem: expect.stringContaining('127.0.0.1:1') },
    });
  });

  it('is not well where the bus is ahead of the log, and says by how much and what to do', async () => {
    const { connection } = await stack.bus('relay');
    await connection.request('baton.event.plan.plan-cancelled', '{}', { timeout: 5_000 });
    const { exit, stdout } = await stack.baton(['status']);
    expect(stdout).toContain('ends at 5, 1 event ahead of the log; see deploy/runbooks/relay-halted.md');
    expect(exit).toBe(EXIT.unreachable);
    expect(JSON.parse((await stack.baton(['status', '--json'])).stdout)).toMatchObject({ well: false, log_head: 4 });
  });
});
