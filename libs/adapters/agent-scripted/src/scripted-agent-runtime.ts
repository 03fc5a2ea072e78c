/** The same task gets the same answer, at once and without a process: for demos, tests and measuring everything else. */
import type { AgentRuntime } from '@baton/ports';

export const scriptedAgentRuntime = (): AgentRuntime => ({
  runtime: 'scripted',
  run: ({ agent, signal }) => {
    if (agent.runtime !== 'scripted')
      return Promise.reject(new Error(`agent.runtime is "${agent.runtime}": give this agent to the runtime of that name`));
    if (signal.aborted)
      return Promise.resolve({
        status: 'failed',
        failure_class: 'transient',
        cause: 'agent was stopped before it was done, because the run was aborted',
        output_tail: '',
      });
    return Promise.resolve({
      status: 'done',
      result: { baton: 'result/v1', status: 'done', summary: 'Answered as scripted', output: agent.output },
    });
  },
});
