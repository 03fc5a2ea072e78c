/** Any program is an agent: the task as JSON on standard input, the result as the last such line on standard output. */
import { existsSync } from 'node:fs';
import type { Agent, AgentResult, FailureClass } from '@baton/contracts';
import type { AgentOutcome, AgentRuntime } from '@baton/ports';
import {
  breachText,
  makeRunDirectory,
  runProcess,
  scrubbedEnvironment,
  tailOf,
  type ProcessEnd,
  type Sandbox,
} from '@baton/workbench';
import { readResult } from './read-result.ts';

export interface CommandAgentOptions {
  /** Where the variables that an agent's contract names are taken from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** From SIGTERM to SIGKILL. */
  readonly kill_grace_ms: number;
  /** Kept of what an agent prints; its result line must fit in it. */
  readonly output_bytes_max: number;
  /** Each run gets an empty home and temp directory in it. */
  readonly temp_dir: string;
  /** Absent: a process group without limits, for specs. */
  readonly sandbox?: Sandbox;
  /** Takes secrets out of what is handed on of its output, before it is cut: half a key would not be recognised. */
  readonly redact?: (text: string) => string;
}

type CommandAgent = Extract<Agent, { runtime: 'command' }>;

const TAIL_CHARS_MAX = 4_000;
const NO_RESULT =
  'agent printed no result line; expected a line of JSON such as {"baton":"result/v1","status":"done","summary":"…"} as the last line of standard output';

export const commandAgentRuntime = (options: CommandAgentOptions): AgentRuntime => ({
  runtime: 'command',
  ...(options.sandbox === undefined ? {} : { sandbox: options.sandbox.mode }),
  run: async ({ agent, envelope, directory, readable = [], signal }) => {
    if (agent.runtime !== 'command')
      throw new Error(`agent.runtime is "${agent.runtime}": give this agent to the runtime of that name`);
    const own = await makeRunDirectory(options.temp_dir);
    const { sandbox } = options;
    const writable = directory === null ? [own.path] : [own.path, directory];
    try {
      const end = await runProcess({
        command: agent.command,
        directory: directory ?? own.temp,
        environment: scrubbedEnvironment(options.environment, own, agent.environment),
        input: `${JSON.stringify(envelope)}\n`,
        timeout_ms: envelope.deadline_ms,
        kill_grace_ms: options.kill_grace_ms,
        output_bytes_max: options.output_bytes_max,
        signal,
        ...(sandbox === undefined ? {} : { confined: { sandbox, writable, readable } }),
      });
      return outcomeOf(end, agent, directory, { deadline_ms: envelope.deadline_ms, redact: options.redact ?? ((text) => text) });
    } finally {
      await own.remove();
    }
  },
});

interface Told {
  readonly deadline_ms: number;
  readonly redact: (text: string) => string;
}

function outcomeOf(end: ProcessEnd, agent: CommandAgent, directory: string | null, { deadline_ms, redact }: Told): AgentOutcome {
  const fail = (failure_class: FailureClass, cause: string): AgentOutcome => ({
    status: 'failed',
    failure_class,
    cause,
    output_tail: tailOf(redact(end.output.toString('utf8')), TAIL_CHARS_MAX),
  });
  switch (end.status) {
    case 'not-started':
      return fail(...notStarted(end.code, agent.command[0] ?? '', directory));
    case 'timed-out':
      return fail(
        'transient',
        `agent ran past its deadline of ${String(deadline_ms)} ms and was killed; if the work needs longer, raise budgets.run_ms_max`,
      );
    case 'aborted':
      return fail('transient', 'agent was stopped before it was done, because the run was aborted');
    case 'breached':
      return fail('policy', `agent was killed: ${end.breach === null ? 'it broke a limit' : breachText(end.breach)}`);
    case 'exited':
      return exited(end, fail);
  }
}

function exited(end: ProcessEnd, fail: (failure_class: FailureClass, cause: string) => AgentOutcome): AgentOutcome {
  const answer = readResult(end.stdout.toString('utf8'));
  // An agent that says why it failed may say it with an exit code as well: its reason is worth more.
  if (answer.status === 'result' && answer.result.status === 'failed') return fail(...failedBy(answer.result));
  if (end.exit_code !== 0)
    return fail('transient', `agent ended with exit code ${String(end.exit_code)}; the end of its output says more`);
  if (answer.status === 'result') return { status: 'done', result: answer.result };
  return fail('semantic', answer.status === 'none' ? NO_RESULT : `agent printed a result that does not fit: ${answer.problem}`);
}

const failedBy = (result: AgentResult): [FailureClass, string] => [
  result.failure_class ?? 'semantic',
  `agent reported failure: ${result.summary}`,
];

function notStarted(code: string | null, program: string, directory: string | null): [FailureClass, string] {
  if (directory !== null && !existsSync(directory))
    return ['transient', `the workspace directory of the agent is gone: ${directory}`];
  if (code === 'ENOENT')
    return ['semantic', `program "${program}" was not found; install it where the executor runs, or correct agent.command[0]`];
  if (code === 'HIDDEN')
    return [
      'semantic',
      `program "${program}" is hidden by the sandbox; name its directory in BATON_SANDBOX_READABLE of the executor, or install it for the whole system`,
    ];
  if (code === 'EACCES')
    return ['semantic', `program "${program}" is not executable; make it so (chmod +x), or correct agent.command[0]`];
  // The machine has no processes or memory to spare (EAGAIN, ENOMEM, EMFILE): later it may.
  if (code === 'EAGAIN' || code === 'ENOMEM' || code === 'EMFILE' || code === 'ENFILE')
    return ['transient', `program "${program}" could not be started: ${code}`];
  return ['semantic', `program "${program}" could not be started: ${code ?? 'unknown'}; correct agent.command`];
}
