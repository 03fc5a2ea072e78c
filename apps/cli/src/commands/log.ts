/** Whether the record is whole, and what of it could not be handled. */
import type { KeptDeadLetter } from '@baton/ports';
import type { Context } from '../context.ts';
import { checkpointLines } from './checkpoints.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, duration, harmless, oneLine, plural, shortHash, shortId, table } from '../format.ts';
import { withBus } from '../read/bus-copy.ts';
import { findCheckpoints, type NamedCheckpoints } from '../read/checkpoints.ts';
import { reading } from '../read/connect.ts';
import { verifyAll, type LogAndBus } from '../read/verify.ts';
import { discardLetter, replayLetter } from '../write/dead-letters.ts';

export async function verify(context: Context, options: NamedCheckpoints & { readonly bus: boolean }): Promise<ExitCode> {
  const { out } = context;
  const started = performance.now();
  const found = await findCheckpoints(context, options);
  const result = await reading(context, ({ store }) =>
    options.bus
      ? withBus(context, (bus) => verifyAll(store.log, bus, found)).catch(orWithoutBus)
      : verifyAll(store.log, null, found),
  );
  const problems = [result.log.first_bad?.problem, result.checkpoints?.problem, result.bus?.problem];
  const damaged = problems.some((problem) => problem !== undefined && problem !== null);
  printVerified(context, result, found?.file ?? (options.checkpoints === false ? '--no-checkpoints' : null));
  out.line(colour.dim(`  in ${duration(performance.now() - started)}`));
  out.result({ ok: !damaged, ...result });
  return damaged ? EXIT.damaged : EXIT.ok;
}

/** The log is the record: that it is whole can be proved without its copy. */
function orWithoutBus(error: unknown): never {
  if (!(error instanceof CliProblem) || error.exit !== EXIT.unreachable) throw error;
  throw new CliProblem(error.exit, error.message, `${error.fix}; to look at the log alone, say --no-bus`, { cause: error });
}

function printVerified({ out }: Context, { log, checkpoints, bus }: LogAndBus, looked_at: string | null): void {
  const { first_bad, checked, head } = log;
  if (first_bad === undefined) {
    out.line(
      `${colour.green('✓')} log: ${plural(checked, 'event')}, positions and versions without gaps, every hash right, head ${shortHash(head.hash)}`,
    );
  } else {
    out.line(`${colour.red('✗')} log: position ${String(first_bad.position)}: ${first_bad.problem}`);
    out.line(
      `  ${colour.cyan('fix')} the ${plural(checked, 'event')} before it are right; restore the rest from a backup, then verify again`,
    );
  }
  if (checkpoints !== null) for (const line of checkpointLines(checkpoints, looked_at ?? '')) out.line(line);
  else if (looked_at !== null) out.line(colour.dim(`  checkpoints: not looked at (${looked_at})`));
  else
    out.line(colour.dim('  checkpoints: there are none here; a log that was cut or rewritten as a whole would not be noticed'));
  if (bus === null) out.line(colour.dim('  bus: not looked at (--no-bus)'));
  else if (bus.problem !== null) out.line(`${colour.red('✗')} bus: ${bus.problem}`);
  else
    out.line(
      `${colour.green('✓')} bus: ${plural(bus.compared, 'message')} from ${String(bus.head?.first_sequence ?? 0)} to ${String(bus.head?.last_sequence ?? 0)} are the events with the same numbers${bus.behind > 0 ? `; ${plural(bus.behind, 'event')} still to be copied` : ''}`,
    );
}

export async function listLetters(
  context: Context,
  options: { readonly all?: boolean | undefined; readonly consumer?: string | undefined },
): Promise<ExitCode> {
  const { out } = context;
  const letters = await reading(context, ({ store }) =>
    store.deadLetters.list({
      ...(options.all === true ? {} : { status: 'parked' as const }),
      ...(options.consumer === undefined ? {} : { consumer: options.consumer }),
    }),
  );
  if (letters.length === 0) out.line('There is no dead letter.');
  else
    out.line(
      table(
        ['id', 'parked at', 'status', 'consumer', 'message', 'reason', 'cause'],
        letters.map((letter) => [
          shortId(letter.id),
          letter.parked_at.slice(0, 19),
          letter.status,
          letter.consumer,
          `${letter.subject}${letter.position === null ? '' : ` at ${String(letter.position)}`}`,
          letter.reason,
          oneLine(letter.cause, 100),
        ]),
      ),
    );
  out.result({ dead_letters: letters });
  return EXIT.ok;
}

async function findLetter(context: Context, prefix: string): Promise<KeptDeadLetter> {
  const found = (await reading(context, ({ store }) => store.deadLetters.list())).filter((letter) =>
    letter.id.startsWith(prefix.toLowerCase()),
  );
  const [only, ...others] = found;
  if (only === undefined)
    throw new CliProblem(
      EXIT.not_found,
      `there is no dead letter whose id begins with "${prefix}"`,
      'see `baton deadletters list --all`',
    );
  if (others.length > 0)
    throw new CliProblem(EXIT.invalid, `${plural(found.length, 'dead letter')} begin with "${prefix}"`, 'give more of the id');
  return only;
}

export async function showLetter(context: Context, prefix: string): Promise<ExitCode> {
  const letter = await findLetter(context, prefix);
  const { out } = context;
  for (const name of ['id', 'status', 'parked_at', 'consumer', 'subject', 'position', 'stream', 'reason', 'deliveries'] as const)
    out.line(`${colour.dim(name.padEnd(11))} ${harmless(String(letter[name] ?? '—'))}`);
  out.line(`${colour.dim('cause')}\n  ${harmless(letter.cause).replaceAll('\n', '\n  ')}`);
  out.line(colour.dim('headers'));
  for (const [name, value] of Object.entries(letter.headers)) out.line(`  ${name}: ${harmless(value)}`);
  out.line(`${colour.dim('body')}\n  ${harmless(letter.body).replaceAll('\n', '\n  ')}`);
  out.result(letter);
  return EXIT.ok;
}

export async function settleLetter(context: Context, prefix: string, how: 'replay' | 'discard'): Promise<ExitCode> {
  const { out } = context;
  const letter = await findLetter(context, prefix);
  // An event that was replayed may be replayed again: whoever did so may have died before its consumer went back.
  const again = how === 'replay' && letter.status === 'replayed' && letter.position !== null;
  if (letter.status !== 'parked' && !again)
    throw new CliProblem(EXIT.refused, `dead letter ${shortId(letter.id)} is ${letter.status} already`);
  const settled =
    how === 'discard'
      ? await discardLetter(context, letter)
      : await replayLetter(context, letter, (text) => {
          out.progress(`${colour.dim('…')} ${text}`);
        });
  out.line(
    `${colour.green('✓')} ${plural(settled.length, 'dead letter')} ${how === 'discard' ? 'discarded' : 'handed back to its consumer'}`,
  );
  out.result({ status: how === 'discard' ? 'discarded' : 'replayed', ids: settled });
  return EXIT.ok;
}
