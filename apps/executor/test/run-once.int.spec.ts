import { MISSION } from '@baton/testing';
import type { Agent, Task } from '@baton/contracts';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { bench, type Bench } from './bench.ts';
import { DONE, shell, task, TASK } from './task.fixture.ts';

/** Many git processes in each; a busy machine takes its time. */
jest.setTimeout(60_000);

describe('an agent that has run', () => {
  let on: Bench;
  beforeEach(async () => {
    on = await bench();
  });
  afterEach(() => on.dispose());
  const attempted = async (made: Task): Promise<readonly string[]> => {
    const base = { repository: { url: on.repository, target: 'main' }, inputs: [] };
    await on.deliver({ type: 'TaskReady', data: { mission_id: MISSION, task: made, base } });
    await on.workEnds();
    return on.types(TASK);
  };
  /** Each run leaves a line outside of the workspace. */
  const counted = (script: string): Agent => shell(`cat >/dev/null; echo ran >> '${on.root}/runs'; ${script}; ${DONE}`);
  it('waits for a store that is away with what the agent made, and does not have it made again', async () => {
    on.store.puts_refused = 2;
    const large = counted('head -c 100000 /dev/zero | tr "\\0" "\\n" > src/two.txt');
    expect(await attempted(task(large))).toEqual(['AttemptStarted', 'AttemptSucceeded']);
    expect([await on.file('runs'), on.store.puts_refused < 0]).toEqual(['ran\n', true]);
    expect(on.store.told).toEqual([`task-${MISSION}.${TASK}`, `task-${MISSION}.${TASK}`]);
    expect(await on.last(TASK, 'AttemptSucceeded')).toMatchObject({
      change: { insertions: 100_000 },
      receipts: [{ exit_code: 0 }],
    });
  });

  it('gives up an attempt whose work it cannot look at, on the record: an agent runs once in each', async () => {
    // Of another git, as it looks: it may be gone the next time.
    const locked = counted('echo two > src/two.txt; touch ../index.lock');
    expect(await attempted(task(locked))).toEqual(['AttemptStarted', 'AttemptFailed', 'RetryScheduled']);
    expect(await on.last(TASK, 'AttemptFailed')).toMatchObject({
      failure_class: 'transient',
      cause: expect.stringContaining('could not collect the change'),
      output_tail: 'It is written',
    });
    expect(await on.file('runs')).toBe('ran\n');
  });
});
