/** Anything that can work on a task: a program, a model, a script. It proposes; nothing it says is evidence. */
import type { Agent, AgentResult, FailureClass, SandboxMode, TaskEnvelope } from '@baton/contracts';

export type AgentOutcome =
  | { readonly status: 'done'; readonly result: AgentResult }
  | {
      readonly status: 'failed';
      readonly failure_class: FailureClass;
      /** For people: what happened and what to look at. */
      readonly cause: string;
      /** Last lines of what it printed on standard error and output. */
      readonly output_tail: string;
    };

export interface AgentRuntime {
  /** The `runtime` of the contract's agent that this one runs. */
  readonly runtime: Agent['runtime'];
  /** What keeps its agents from doing harm; absent where they run nothing. */
  readonly sandbox?: SandboxMode;
  /**
   * Runs until done, failed, past `envelope.deadline_ms` or aborted; then nothing of it is running any more.
   * Never throws for what the agent did. `directory` is where it works; null where the workspace has none.
   */
  run(run: {
    readonly agent: Agent;
    readonly envelope: TaskEnvelope;
    readonly directory: string | null;
    /** Of the workspace. */
    readonly readable?: readonly string[];
    readonly signal: AbortSignal;
  }): Promise<AgentOutcome>;
}
