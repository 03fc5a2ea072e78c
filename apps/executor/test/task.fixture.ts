/** A task as the planner hands it out, and agents that are shell scripts. */
import type { Agent, Task } from '@baton/contracts';

export const TASK = 'write-two';
export const RUN_MS_MAX = 20_000;
export const DONE = `echo '${JSON.stringify({ baton: 'result/v1', status: 'done', summary: 'It is written' })}'`;
export const shell = (script: string): Agent => ({ runtime: 'command', command: ['sh', '-c', script], environment: [] });
export const check = (script: string): Task['acceptance'] => [
  { id: 'two', statement: 'two is written', check: { run: ['sh', '-c', script], timeout_ms: 10_000 } },
];
export const task = (agent: Agent, fields: Partial<Task> = {}): Task => ({
  id: TASK,
  title: 'Write two',
  instructions: 'write src/two.txt',
  depends_on: [],
  write_set: ['src/**'],
  write_set_exclude: [],
  acceptance: check('cat src/two.txt'),
  agent,
  attempts_max: 3,
  run_ms_max: RUN_MS_MAX,
  ...fields,
});
