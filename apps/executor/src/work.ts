/**
 * Makes one attempt: a fresh workspace, the agent in it under a deadline, the change taken out, the acceptance checks run by
 * Baton itself. The agent proposes; what counts is what is observed afterwards.
 */
import type { Agent, Receipt, TaskEnvelope } from '@baton/contracts';
import type { TaskCommand, TaskState } from '@baton/domain';
import type { Performer, ServiceDefinition, Work } from '@baton/handling';
import { failpoint, type AgentRuntime, type Workspace, type WorkspaceProvider } from '@baton/ports';

export interface ExecutorParts {
  readonly runtimes: readonly AgentRuntime[];
  readonly git: WorkspaceProvider;
  readonly scratch: WorkspaceProvider;
}

type Running = Extract<TaskState, { status: 'running' }>;

export const executor = (parts: ExecutorParts): ServiceDefinition => ({ name: 'executor', perform: { attempt: attempt(parts) } });

function attempt(parts: ExecutorParts): Performer {
  return async (work) => {
    const running = work.state as Running;
    const provider = running.base.repository ? parts.git : parts.scratch;
    const workspace = await provider.open({
      name: `${running.task.id}-${running.attempt}-${running.mission_id.slice(0, 8)}`,
      base: running.base,
      signal: work.signal,
    });
    try {
      await work.submit(await made(runtimeFor(parts, running.task.agent), workspace, running, work));
    } finally {
      await workspace.discard();
    }
  };
}

function runtimeFor(parts: ExecutorParts, agent: Agent): AgentRuntime {
  const runtime = parts.runtimes.find((candidate) => candidate.runtime === agent.runtime);
  if (!runtime)
    throw Object.assign(
      new Error(
        `no runtime "${agent.runtime}" is installed here; known: ${parts.runtimes.map(({ runtime: name }) => name).join(', ')}`,
      ),
      { failure_class: 'semantic' },
    );
  return runtime;
}

async function made(runtime: AgentRuntime, workspace: Workspace, running: Running, work: Work): Promise<TaskCommand> {
  const { task, attempt: number } = running;
  const outcome = await runtime.run({
    agent: task.agent,
    envelope: envelopeOf(running),
    directory: workspace.directory,
    signal: work.signal,
  });
  failpoint('after-effect');
  work.signal.throwIfAborted();
  if (outcome.status === 'failed') {
    const { failure_class, cause, output_tail } = outcome;
    return { type: 'RecordFailure', attempt: number, failure_class, cause, output_tail };
  }
  const { summary, output } = outcome.result;
  const { write_set, write_set_exclude } = task;
  const collected = await workspace.collect({
    write_set,
    write_set_exclude,
    output: output ?? null,
    message: `${task.title} (attempt ${number})`,
  });
  if (collected.status === 'refused') {
    const cause = `the agent wrote outside its write-set (${write_set.join(', ')}): ${collected.paths.join(', ')}`;
    return { type: 'RecordFailure', attempt: number, failure_class: 'policy', cause, output_tail: summary };
  }
  if (collected.status === 'empty') {
    return {
      type: 'RecordFailure',
      attempt: number,
      failure_class: 'semantic',
      cause: 'the agent said done and changed nothing',
      output_tail: summary,
    };
  }
  const receipts: Receipt[] = [];
  for (const criterion of task.acceptance) receipts.push(await workspace.check(criterion, work.signal));
  work.signal.throwIfAborted();
  return { type: 'RecordSuccess', attempt: number, summary, change: collected.change, receipts };
}

const envelopeOf = ({ mission_id, task, attempt: number, findings }: Running): TaskEnvelope => ({
  baton: 'task/v1',
  mission_id,
  task_id: task.id,
  attempt: number,
  title: task.title,
  instructions: task.instructions,
  write_set: task.write_set,
  acceptance: task.acceptance.map(({ id, statement }) => ({ id, statement })),
  findings: [...findings],
  deadline_ms: task.run_ms_max,
});
