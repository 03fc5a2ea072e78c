/**
 * Makes one attempt: a fresh workspace, the agent in it under a deadline, the change taken out, the acceptance checks run by
 * Baton itself. The agent proposes; what counts is what is observed afterwards.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Agent, AgentResult, FailureClass, Receipt, TaskEnvelope } from '@baton/contracts';
import type { TaskCommand, TaskState } from '@baton/domain';
import { failureClassOf, isDefect, type Performer, type ServiceDefinition, type Work } from '@baton/handling';
import {
  failpoint,
  isStoreAway,
  type AgentOutcome,
  type AgentRuntime,
  type Workspace,
  type WorkspaceProvider,
} from '@baton/ports';

/** A store that says that it is away was asked for seconds already. */
const STORE_AWAY_MS = 1_000;
/** What could not be kept for so long is given up with its attempt: it may be more than the store can take at all. */
const STORE_AWAY_MS_MAX = 10 * 60_000;

export interface ExecutorParts {
  readonly runtimes: readonly AgentRuntime[];
  readonly git: WorkspaceProvider;
  readonly scratch: WorkspaceProvider;
  /** Takes secrets out of what an agent says, before anybody else sees it. */
  readonly redact: (text: string) => string;
  /** What an agent made has to wait, because the store is away. */
  readonly onStoreAway: (stream: string, error: unknown) => void;
}

type Running = Extract<TaskState, { status: 'running' }>;

export const executor = (parts: ExecutorParts): ServiceDefinition => ({ name: 'executor', perform: { attempt: attempt(parts) } });

function attempt(parts: ExecutorParts): Performer {
  return async (work) => {
    const running = work.state as Running;
    const provider = running.base.repository ? parts.git : parts.scratch;
    const workspace = await opened(provider, running, work);
    if (workspace === null) return;
    try {
      await work.submit(await made(parts, workspace, running, work));
    } catch (error) {
      throw withoutSecrets(error, parts.redact);
    } finally {
      await workspace.discard();
    }
  };
}

/** Null: what it needs is out of reach, and that is reported. */
async function opened(provider: WorkspaceProvider, running: Running, work: Work): Promise<Workspace | null> {
  const name = `${running.task.id}-${running.attempt}-${running.mission_id.slice(0, 8)}`;
  try {
    return await provider.open({ name, base: running.base, signal: work.signal });
  } catch (error) {
    if (work.signal.aborted || (error as { failure_class?: unknown }).failure_class !== 'transient') throw error;
    await work.submit({ type: 'RecordOutage', attempt: running.attempt, cause: (error as Error).message });
    return null;
  }
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

type Failing = (failure_class: FailureClass, cause: string, output_tail: string) => TaskCommand;

/** Once the agent may have run, what goes wrong is the failure of this attempt: thrown on, it would run again with no event that says so. */
async function made(parts: ExecutorParts, workspace: Workspace, running: Running, work: Work): Promise<TaskCommand> {
  const { task, attempt: number } = running;
  const runtime = runtimeFor(parts, task.agent);
  const confined = runtime.sandbox === undefined ? {} : { sandbox: runtime.sandbox };
  const failure: Failing = (failure_class, cause, output_tail) => ({
    type: 'RecordFailure',
    attempt: number,
    failure_class,
    cause: parts.redact(cause),
    output_tail,
    ...confined,
  });
  let summary = '';
  try {
    const said = await runtime.run({
      agent: task.agent,
      envelope: envelopeOf(running, workspace.inputs ?? []),
      directory: workspace.directory,
      readable: workspace.readable ?? [],
      signal: work.signal,
    });
    failpoint('after-effect');
    work.signal.throwIfAborted();
    const outcome = redacted(said, parts.redact);
    if (outcome.status === 'failed') return failure(outcome.failure_class, outcome.cause, outcome.output_tail);
    summary = outcome.result.summary;
    const judged = await judge(parts, workspace, running, work, outcome.result, failure);
    return judged.type === 'RecordSuccess' ? { ...judged, ...confined } : judged;
  } catch (error) {
    // A defect of ours is told with all that is known of it.
    if (work.signal.aborted || isDefect(error)) throw error;
    return failure(failureClassOf(error), error instanceof Error ? error.message : String(error), summary);
  }
}

/** What the agent left behind, and what Baton's own checks say of it. */
async function judge(
  parts: ExecutorParts,
  workspace: Workspace,
  { task, attempt: number }: Running,
  { stream, signal }: Work,
  { summary, output }: AgentResult,
  failure: Failing,
): Promise<TaskCommand> {
  const { write_set, write_set_exclude } = task;
  const stored = <T>(job: () => Promise<T>): Promise<T> => onceStored(signal, (error) => parts.onStoreAway(stream, error), job);
  const message = `${task.title} (attempt ${number})`;
  const collected = await stored(() => workspace.collect({ write_set, write_set_exclude, output: output ?? null, message }));
  if (collected.status === 'refused') {
    const except = write_set_exclude.length === 0 ? '' : ` without ${write_set_exclude.join(', ')}`;
    const where = `the agent wrote outside its write-set (${write_set.join(', ')}${except}), or what nobody may hand on`;
    return failure('policy', `${where}: ${collected.paths.join(', ')}`, summary);
  }
  if (collected.status === 'empty') return failure('semantic', 'the agent said done and changed nothing', summary);
  const receipts: Receipt[] = [];
  for (const criterion of task.acceptance) receipts.push(await stored(() => workspace.check(criterion, signal)));
  signal.throwIfAborted();
  return { type: 'RecordSuccess', attempt: number, summary, change: collected.change, receipts };
}

/** While the store is away, what it has to keep is made again: that costs less than the agent's work. Not for ever. */
async function onceStored<T>(signal: AbortSignal, onAway: (error: unknown) => void, job: () => Promise<T>): Promise<T> {
  const since_ms = performance.now();
  for (;;) {
    try {
      return await job();
    } catch (error) {
      if (!isStoreAway(error)) throw error;
      onAway(error);
      if (performance.now() - since_ms > STORE_AWAY_MS_MAX) throw error;
      await wait(STORE_AWAY_MS, undefined, { signal });
    }
  }
}

/** What could not be done may name files, and an agent chooses their names. */
function withoutSecrets(error: unknown, text: (text: string) => string): unknown {
  for (let at = error; at instanceof Error; at = at.cause) at.message = text(at.message);
  return error;
}

function redacted(outcome: AgentOutcome, text: (text: string) => string): AgentOutcome {
  if (outcome.status === 'failed') return { ...outcome, cause: text(outcome.cause), output_tail: text(outcome.output_tail) };
  const { summary, output, ...rest } = outcome.result;
  const result = { ...rest, summary: text(summary), ...(output === undefined ? {} : { output: text(output) }) };
  return { status: 'done', result };
}

const envelopeOf = ({ mission_id, task, attempt: number, findings }: Running, inputs: readonly string[]): TaskEnvelope => ({
  baton: 'task/v1',
  mission_id,
  task_id: task.id,
  attempt: number,
  title: task.title,
  instructions: task.instructions,
  write_set: task.write_set,
  write_set_exclude: task.write_set_exclude,
  acceptance: task.acceptance.map(({ id, statement }) => ({ id, statement })),
  non_goals: task.non_goals ?? [],
  inputs: [...inputs],
  findings: [...findings],
  deadline_ms: task.run_ms_max,
});
