/** What every AgentRuntime promises. An agent that a runtime cannot have (a scripted one cannot hang) is left out. */
import { describe, expect, it } from '@jest/globals';
import { agentResultSchema, type Agent, type TaskEnvelope } from '@baton/contracts';
import type { AgentOutcome, AgentRuntime } from '@baton/ports';

export interface AgentRuntimeSetup {
  readonly runtime: AgentRuntime;
  readonly directory: string | null;
  /** Whether anything that an agent started is still running. */
  readonly anythingLeft: () => Promise<boolean>;
  /** Resolves once the agent `hangs` has begun. */
  readonly hanging: () => Promise<void>;
  readonly dispose: () => Promise<void>;
}
export interface AgentsToRun {
  /** Answers "the answer" as its output. */
  readonly answers: Agent;
  /** Says that it failed, because of policy. */
  readonly fails?: Agent;
  /** Says that it failed, without a class. */
  readonly failsWithoutClass?: Agent;
  /** Ends badly without an answer, after printing "last words". */
  readonly crashes?: Agent;
  /** Ends well without an answer. */
  readonly saysNothing?: Agent;
  /** Answers a result that lacks its summary. */
  readonly answersBadly?: Agent;
  /** Never ends by itself, nor when asked to, and has children that are the same. */
  readonly hangs?: Agent;
}

const LONG_MS = 60_000;
const SHORT_MS = 400;

export const taskEnvelope = (changes: Partial<TaskEnvelope> = {}): TaskEnvelope => ({
  baton: 'task/v1',
  mission_id: 'm-1',
  task_id: 'only',
  attempt: 1,
  title: 'Say hello',
  instructions: 'Say hello to the world',
  write_set: ['**'],
  write_set_exclude: [],
  non_goals: [],
  inputs: [],
  acceptance: [{ id: 'said', statement: 'It was said' }],
  findings: [],
  deadline_ms: LONG_MS,
  ...changes,
});

export function keepsAgentRuntimeContract(agents: AgentsToRun, setUp: () => Promise<AgentRuntimeSetup>): void {
  const run = async <Answer>(use: (setup: AgentRuntimeSetup) => Promise<Answer>): Promise<Answer> => {
    const setup = await setUp();
    try {
      const answer = await use(setup);
      expect(await setup.anythingLeft()).toBe(false);
      return answer;
    } finally {
      await setup.dispose();
    }
  };
  const outcomeOf = (agent: Agent, deadline_ms = LONG_MS): Promise<AgentOutcome> =>
    run(({ runtime, directory }) =>
      runtime.run({ agent, envelope: taskEnvelope({ deadline_ms }), directory, signal: new AbortController().signal }),
    );

  describe('keeps the contract of an agent runtime', () => {
    it('hands on what the agent answers', async () => {
      const outcome = await outcomeOf(agents.answers);
      if (outcome.status !== 'done') throw new Error(outcome.cause);
      expect(agentResultSchema.parse(outcome.result)).toMatchObject({ status: 'done', output: 'the answer' });
    });

    it('names the agents it runs', () =>
      run(async ({ runtime }) => {
        expect(runtime.runtime).toBe(agents.answers.runtime);
      }));

    it('does not run an agent that was stopped before', () =>
      run(async ({ runtime, directory }) => {
        const outcome = await runtime.run({
          agent: agents.answers,
          envelope: taskEnvelope(),
          directory,
          signal: AbortSignal.abort(),
        });
        expect(outcome).toMatchObject({ status: 'failed', failure_class: 'transient' });
      }));

    describeFailures(agents, outcomeOf);
    const { hangs } = agents;
    if (hangs === undefined) return;

    it('ends what runs past its deadline, with all it started', async () => {
      expect(await outcomeOf(hangs, SHORT_MS)).toMatchObject({
        status: 'failed',
        failure_class: 'transient',
        cause: expect.stringMatching(/deadline of 400 ms/),
      });
    });

    it('ends what is aborted, with all it started', () =>
      run(async ({ runtime, directory, hanging }) => {
        const stop = new AbortController();
        const outcome = runtime.run({ agent: hangs, envelope: taskEnvelope(), directory, signal: stop.signal });
        await hanging();
        stop.abort();
        expect(await outcome).toMatchObject({
          status: 'failed',
          failure_class: 'transient',
          cause: expect.stringMatching(/aborted/),
        });
      }));
  });
}

function describeFailures(agents: AgentsToRun, outcomeOf: (agent: Agent) => Promise<AgentOutcome>): void {
  const expectFailure = (what: string, agent: Agent | undefined, expected: object): void => {
    if (agent === undefined) return;
    // oxlint-disable-next-line jest/valid-title -- the titles are the literals in the calls below
    it(what, async () => {
      expect(await outcomeOf(agent)).toMatchObject({ status: 'failed', ...expected });
    });
  };
  expectFailure('believes an agent what kind of failure it was', agents.fails, { failure_class: 'policy' });
  expectFailure('takes a failure without a class as semantic', agents.failsWithoutClass, { failure_class: 'semantic' });
  expectFailure('takes a crash as transient, with its last words', agents.crashes, {
    failure_class: 'transient',
    output_tail: expect.stringContaining('last words'),
  });
  expectFailure('says what an answer looks like to who gave none', agents.saysNothing, {
    failure_class: 'semantic',
    cause: expect.stringContaining('"baton":"result/v1"'),
  });
  expectFailure('names the field of an answer that does not fit', agents.answersBadly, {
    failure_class: 'semantic',
    cause: expect.stringContaining('"summary"'),
  });
}
