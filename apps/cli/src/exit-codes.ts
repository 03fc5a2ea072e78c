/** Every way `baton` can end, and the one error whose text is meant for the person at the terminal. */

export const EXIT = {
  /** Done; for `watch` and `submit --wait`: the mission completed. */
  ok: 0,
  /** Something nobody foresaw: a bug, or a machine that misbehaves. */
  unexpected: 1,
  /** The command line, the mission file or its content is wrong; all faults are listed. */
  invalid: 2,
  /** No such mission, card or dead letter. */
  not_found: 3,
  /** Understood, and refused by a rule: decided already, other content than shown, not yours to approve. */
  refused: 4,
  /** The stack does not run, or a part of it cannot be reached. */
  unreachable: 5,
  /** `watch`, `submit --wait`: the mission ended in another way than completed. */
  not_completed: 6,
  /** `verify`: the log or its copy on the bus is damaged; `diff`: the change is not there, or not what was asked about. */
  damaged: 7,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface ProblemOptions extends ErrorOptions {
  readonly facts?: Readonly<Record<string, string>>;
}

/** What went wrong, where, and what to do about it; printed without a stack trace. */
export class CliProblem extends Error {
  override readonly name = 'CliProblem';
  readonly exit: ExitCode;
  /** The next step that helps; empty where the message says it already. */
  readonly fix: string;
  /** What a program is told beside it. */
  readonly facts: Readonly<Record<string, string>>;

  constructor(exit: ExitCode, message: string, fix = '', options: ProblemOptions = {}) {
    super(message, options);
    this.exit = exit;
    this.fix = fix;
    this.facts = options.facts ?? {};
  }
}
