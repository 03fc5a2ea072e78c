/** Every command of `baton` on one page: what it takes, what it does, and where that is done. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Environment } from './config.ts';
import { contextOf, type Context, type GlobalOptions, type Streams } from './context.ts';
import { CliProblem, EXIT, type ExitCode } from './exit-codes.ts';
import { ID_CHARS_MIN_TO_CHANGE } from './format.ts';
import { reportError } from './output.ts';

const LIST_LIMIT = 20;
const LIST_LIMIT_MAX = 1_000;

const wholeNumber =
  (max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > max)
      throw new InvalidArgumentError(`use a whole number from 1 to ${String(max)}.`);
    return value;
  };

const idFrom =
  (chars_min: number) =>
  (text: string): string => {
    if (text.trim().length >= chars_min) return text.trim();
    throw new InvalidArgumentError(
      chars_min === 1
        ? 'give the id, or enough of its beginning.'
        : `give at least ${String(chars_min)} characters of the id: this changes something.`,
    );
  };
const anId = idFrom(1);
const idToChange = idFrom(ID_CHARS_MIN_TO_CHANGE);

const EXIT_HELP = `
Exit codes:
  0  done; with watch or --wait: completed     4  refused by a rule
  1  unexpected                                5  the stack does not run or cannot be reached
  2  the command line or the mission is wrong  6  the mission ended in another way than completed
  3  no such mission, card or letter           7  verify or diff found damage`;

/** Runs one command; resolves to its exit code. Modules are loaded by the command that needs them: `--help` is instant. */
export async function runCli(
  args: readonly string[],
  environment: Environment,
  streams: Streams,
  interrupted: AbortSignal,
): Promise<ExitCode> {
  let exit: ExitCode = EXIT.ok;
  const json = args.includes('--json');
  const run =
    (act: (context: Context, ...given: never[]) => Promise<ExitCode>) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      const context = contextOf(command.optsWithGlobals<GlobalOptions>(), environment, streams, interrupted);
      exit = await act(context, ...(given.slice(0, -1) as never[]));
    };
  // With --json a program listens, and gets one answer.
  const program = define(run, json ? { ...streams, stderr: () => undefined } : streams);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok;
      // To people it has said so itself.
      if (json) reportError(wrongCommandLine(error), json, streams.stdout, streams.stderr);
      return EXIT.invalid;
    }
    return reportError(error, json, streams.stdout, streams.stderr);
  }
}

const wrongCommandLine = ({ code, message }: CommanderError): CliProblem =>
  new CliProblem(
    EXIT.invalid,
    code === 'commander.help' ? 'no command is given' : message.replace(/^error: /, ''),
    'see baton --help',
  );

type Run = (act: (context: Context, ...given: never[]) => Promise<ExitCode>) => (...given: unknown[]) => Promise<void>;

function define(run: Run, streams: Streams): Command {
  // What is set here before the first command is set for every command.
  const program = new Command('baton')
    .configureOutput({ writeOut: streams.stdout, writeErr: streams.stderr })
    .exitOverride()
    .description('Hand a mission to agents, and get back a delivered, verified, auditable change.')
    .option(
      '--home <directory>',
      'home of the local stack (default: BATON_HOME, or .baton here); named here, it goes before a stack elsewhere',
    )
    .option('--json', 'answer as JSON on standard output')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(see baton --help)')
    .addHelpText('after', EXIT_HELP);
  stackCommands(program, run);
  missionCommands(program, run);
  gateCommands(program, run);
  logCommands(program, run);
  return program;
}

function stackCommands(program: Command, run: Run): void {
  program
    .command('up')
    .description('start Postgres, nats-server and every service; they stay until `baton down`')
    .action(run(async (context) => (await import('./commands/stack.ts')).up(context)));
  program
    .command('down')
    .description('stop them all; the data stays')
    .action(run(async (context) => (await import('./commands/stack.ts')).down(context)));
  program
    .command('status')
    .description('what runs, how far the bus is behind the log, what is stuck')
    .action(run(async (context) => (await import('./commands/status.ts')).status(context)));
  program
    .command('provision')
    .description(
      'migrate a database and make streams and consumers, as compose and Kubernetes do (BATON_PG_ADMIN_URL, BATON_NATS_URL)',
    )
    .option('--roles', 'only the roles of the database, for a dump to be restored into it')
    .action(
      run(async (context, options: { roles?: boolean }) => (await import('./commands/stack.ts')).provision(context, options)),
    );
  program
    .command('demo')
    .description('a whole mission on a stack and a repository of its own, from nothing to a merged change')
    .option('--keep', 'leave the stack and the repository there afterwards')
    .action(run(async (context, options: { keep?: boolean }) => (await import('./demo/demo.ts')).demo(context, options)));
}

function missionCommands(program: Command, run: Run): void {
  program
    .command('submit')
    .description('hand in a mission')
    .argument('<file>', 'mission file, YAML or JSON')
    .option('--key <key>', 'idempotency key: the same key is the same mission (default: a new one)')
    .option('--as <person>', 'who asks (default: BATON_ACTOR, or your login name)')
    .option('--repository <path-or-url>', 'instead of the repository that the file names')
    .option('--wait', 'follow it until it has ended')
    .action(
      run(async (context, file: string, options: object) =>
        (await import('./commands/missions.ts')).submit(context, file, options),
      ),
    );
  program
    .command('list')
    .description('missions, the newest first')
    .addOption(new Option('--limit <count>', 'at most so many').default(LIST_LIMIT).argParser(wholeNumber(LIST_LIMIT_MAX)))
    .action(run(async (context, options: { limit: number }) => (await import('./commands/missions.ts')).list(context, options)));
  const id = ['<id>', 'mission id, or enough of its beginning', anId] as const;
  program
    .command('watch')
    .description('follow a mission until it has ended')
    .argument(...id)
    .action(run(async (context, prefix: string) => (await import('./commands/missions.ts')).watch(context, prefix)));
  program
    .command('timeline')
    .description('what happened to a mission: when, who, what, and the evidence')
    .argument(...id)
    .action(run(async (context, prefix: string) => (await import('./commands/missions.ts')).timeline(context, prefix)));
  program
    .command('why')
    .description('what a mission waits for: owner, reason, deadline, next action')
    .argument(...id)
    .action(run(async (context, prefix: string) => (await import('./commands/missions.ts')).why(context, prefix)));
  program
    .command('cancel')
    .description('stop a mission')
    .argument('<id>', 'mission id, or enough of its beginning', idToChange)
    .option('--reason <text>', 'said in its history', '')
    .option('--as <person>', 'who asks')
    .action(
      run(async (context, prefix: string, options: { reason: string; as?: string }) =>
        (await import('./commands/missions.ts')).cancel(context, prefix, options),
      ),
    );
  program
    .command('replay')
    .description('the states of a mission, folded again from its events')
    .argument(...id)
    .addOption(
      new Option('--at <position>', 'as it was at this position of the log').argParser(wholeNumber(Number.MAX_SAFE_INTEGER)),
    )
    .action(
      run(async (context, prefix: string, options: { at?: number }) =>
        (await import('./commands/missions.ts')).replay(context, prefix, options),
      ),
    );
}

function gateCommands(program: Command, run: Run): void {
  program
    .command('approvals')
    .description('decision cards that wait for a person')
    .action(run(async (context) => (await import('./commands/gates.ts')).approvals(context)));
  program
    .command('diff')
    .description('the change that a card asks about, held against its digest before it is shown')
    .argument('<card>', 'card id, such as 1f3a9c02.1, or mission id')
    .option('--stat', 'only its files, with the lines added and removed')
    .action(
      run(async (context, card: string, options: { stat?: boolean }) =>
        (await import('./commands/diff.ts')).diff(context, card, options),
      ),
    );
  for (const decision of ['approve', 'deny'] as const) {
    program
      .command(decision)
      .description(`${decision} exactly the content that the card shows`)
      .argument('<card>', 'card id with its revision, such as 1f3a9c02.1')
      .option('--as <person>', 'who decides (default: BATON_ACTOR, or your login name)')
      .option('--reason <text>', 'said in the history', '')
      .action(
        run(async (context, card: string, options: { reason: string; as?: string }) =>
          (await import('./commands/gates.ts')).answer(context, card, decision, options),
        ),
      );
  }
}

function logCommands(program: Command, run: Run): void {
  program
    .command('verify')
    .description('prove that the log is whole, what was signed about it, and that the bus carries the same')
    .option('--no-bus', 'do not look at the bus')
    .option('--checkpoints <file>', 'hold the log against these checkpoints (default: those of the stack)')
    .option('--key <file>', 'public keys that they may be signed with (default: sealer.vkey beside them)')
    .option('--no-checkpoints', 'look at what the database says only')
    .action(
      run(async (context, options: { bus: boolean; checkpoints?: string | boolean; key?: string }) =>
        (await import('./commands/log.ts')).verify(context, options),
      ),
    );
  const checkpoints = program.command('checkpoints').description('what was signed about the log, outside its database');
  checkpoints
    .command('list', { isDefault: true })
    .description('how many there are, and where')
    .action(run(async (context) => (await import('./commands/checkpoints.ts')).list(context)));
  checkpoints
    .command('new-start')
    .description('record that the log goes on from an earlier point, after a restore')
    .requiredOption('--reason <text>', 'kept with it, for whoever verifies')
    .action(
      run(async (context, options: { reason: string }) => (await import('./commands/checkpoints.ts')).newStart(context, options)),
    );
  program
    .command('rebuild')
    .description('after a loss or a restore')
    .command('bus')
    .description('make the event stream anew from the log; the services may go on running')
    .option('--no-checkpoints', 'though nothing that was signed says that the log is the true one')
    .addOption(
      new Option('--from <position>', 'have it carry also what every consumer has handled, from here on').argParser(
        wholeNumber(Number.MAX_SAFE_INTEGER),
      ),
    )
    .action(
      run(async (context, options: { checkpoints: boolean; from?: number }) =>
        (await import('./commands/rebuild.ts')).bus(context, options),
      ),
    );
  const letters = program.command('deadletters').description('messages that could not be handled');
  letters
    .command('list', { isDefault: true })
    .description('those that wait for somebody')
    .option('--all', 'also those that are settled')
    .option('--consumer <name>', 'of one consumer')
    .action(run(async (context, options: object) => (await import('./commands/log.ts')).listLetters(context, options)));
  letters
    .command('show')
    .description('one of them, with its cause')
    .argument('<id>', 'letter id, or enough of its beginning', anId)
    .action(run(async (context, id: string) => (await import('./commands/log.ts')).showLetter(context, id)));
  for (const how of ['replay', 'discard'] as const) {
    letters
      .command(how)
      .description(how === 'replay' ? 'give it back to its consumer' : 'put it aside for good')
      .argument('<id>', 'letter id, or enough of its beginning', idToChange)
      .action(run(async (context, id: string) => (await import('./commands/log.ts')).settleLetter(context, id, how)));
  }
}
