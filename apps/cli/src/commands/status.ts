/** How a stack is: what runs, how far its bus is behind its log, what is stuck. */
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, oneLine, plural, table } from '../format.ts';
import { busHead, withBus } from '../read/bus-copy.ts';
import { reading } from '../read/connect.ts';
import { isElsewhere } from '../read/servers.ts';
import { requireStack, type Stack } from '../stack/home.ts';
import { stillRuns } from '../stack/process-identity.ts';
import { readiness, type Readiness } from '../stack/readiness.ts';

/** A deadline is looked at several times a second; one that is this late was forgotten. */
const OVERDUE_MS = 30_000;

interface ServiceStatus {
  readonly name: string;
  readonly pid: number | null;
  readonly runs: boolean;
  readonly restarts: number;
  readonly url: string;
  readonly readiness: Readiness | null;
}

export async function status(context: Context): Promise<ExitCode> {
  const { home, out } = context;
  if (isElsewhere(context)) return statusElsewhere(context);
  const stack = requireStack(home);
  const parts = await Promise.all(partsOf(stack));
  const record = await recordStatus(context).catch(orNull);
  const well = parts.every((part) => part.runs && part.readiness?.ready !== false) && record !== null;
  printStatus(context, stack, parts, record);
  const sandboxes = sandboxesOf(parts);
  out.result({ well, home: home.directory, status: stack.status, started_at: stack.started_at, parts, sandboxes, ...record });
  return well ? EXIT.ok : EXIT.unreachable;
}

/** Of a stack that runs elsewhere: what its log and its bus say. Its services are looked after by whoever runs them. */
async function statusElsewhere(context: Context): Promise<ExitCode> {
  const { out } = context;
  const record = await recordStatus(context);
  for (const line of recordLines(record)) out.line(line);
  const { bus, log_head } = record;
  const well = bus !== null && !('problem' in bus) && bus.last_sequence <= log_head;
  out.result({ well, ...record });
  return well ? EXIT.ok : EXIT.unreachable;
}

/** Service → what its agents and checks are confined by, as it found out itself. */
export const sandboxesOf = (parts: readonly ServiceStatus[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    parts.flatMap(({ name, readiness: found }) =>
      found?.ready === true && found.notes['sandbox'] !== undefined ? [[name, found.notes['sandbox']]] : [],
    ),
  );
/** What the relay says of the bus and of checkpoints. */
export const relayNotes = (parts: readonly ServiceStatus[]): Readonly<Record<string, string | undefined>> => {
  const found = parts.find(({ name }) => name === 'relay')?.readiness;
  return found?.ready === true ? found.notes : {};
};
export const isWeaker = (sandboxes: Readonly<Record<string, string>>): boolean =>
  Object.values(sandboxes).some((mode) => mode !== 'bubblewrap');
export const WEAKER =
  "agents run without a sandbox (process-group): they can read your files and use the network; install bubblewrap, see the executor's log line sandbox-weaker";

export const partsOf = (stack: Stack): Promise<ServiceStatus>[] =>
  [...new Set([...Object.keys(stack.processes), ...Object.keys(stack.services)])].map(async (name) => {
    const process = stack.processes[name];
    const url = stack.services[name];
    return {
      name,
      pid: process?.pid ?? null,
      runs: process !== undefined && stillRuns(process),
      restarts: process?.restarts ?? 0,
      url: url ?? '',
      readiness: url === undefined ? null : await readiness(url),
    };
  });

const recordStatus = (context: Context) =>
  reading(context, async ({ history, store }) => {
    const bus = await withBus(context, busHead).catch((error: Error) => ({ problem: error.message }));
    // The log after the bus: it only grows, so a bus that is ahead of it now was ahead all the time.
    const [head, watermarks, parked, overdue] = await Promise.all([
      store.log.head(),
      store.watermarks.read(),
      store.deadLetters.counts(),
      history.overdue(OVERDUE_MS),
    ]);
    return {
      log_head: head.position,
      bus,
      watermarks: Object.fromEntries(watermarks),
      dead_letters: parked.reduce((sum, counted) => sum + counted.parked, 0),
      overdue,
    };
  });
type RecordStatus = Awaited<ReturnType<typeof recordStatus>>;

/** The processes are told of also where the log is not. */
function orNull(error: unknown): null {
  if (error instanceof CliProblem && error.exit === EXIT.unreachable) return null;
  throw error;
}

function printStatus({ out, home }: Context, stack: Stack, parts: readonly ServiceStatus[], record: RecordStatus | null): void {
  out.line(`Stack on ${home.directory}: ${stack.status} since ${stack.started_at}`);
  out.line();
  const state = (part: ServiceStatus): string => {
    if (!part.runs) return colour.red('down');
    if (part.readiness === null) return colour.green('runs');
    if (!part.readiness.ready) return colour.yellow(`not ready: ${oneLine(part.readiness.why, 120)}`);
    const away = Object.keys(part.readiness.away);
    return away.length === 0 ? colour.green('ready') : colour.yellow(`ready, without ${away.join(', ')}`);
  };
  out.line(
    table(
      ['part', 'pid', 'restarts', 'address', 'state'],
      parts.map((part) => [part.name, String(part.pid ?? ''), String(part.restarts), part.url, state(part)]),
    ),
  );
  out.line();
  const sandboxes = Object.entries(sandboxesOf(parts)).map(([name, mode]) => `${name} ${mode}`);
  if (sandboxes.length > 0) out.line(`sandbox        ${sandboxes.join(', ')}`);
  if (isWeaker(sandboxesOf(parts))) out.line(`               ${colour.yellow(WEAKER)}`);
  const { sync, checkpoints = 'the relay does not say' } = relayNotes(parts);
  for (const line of record === null ? [colour.red('The log cannot be read.')] : recordLines(record)) out.line(line);
  if (sync !== undefined) out.line(`bus sync       ${colour.dim(sync)}`);
  out.line(`checkpoints    ${checkpoints === 'sealing' ? checkpoints : colour.yellow(checkpoints)}`);
}

function recordLines(record: RecordStatus): readonly string[] {
  const { dead_letters, log_head, overdue } = record;
  const late = overdue.map((row) => `${String(row.overdue)} of ${row.category}, the oldest since ${row.oldest_due_at}`);
  return [
    `log            ${plural(log_head, 'event')}`,
    `bus            ${busText(record)}`,
    `dead letters   ${dead_letters === 0 ? 'none' : colour.red(`${String(dead_letters)}; see baton deadletters`)}`,
    `overdue        ${late.length === 0 ? 'nothing' : colour.red(late.join('; '))}`,
  ];
}

function busText({ bus, log_head }: RecordStatus): string {
  if (bus === null) return colour.yellow('the event stream does not exist');
  if ('problem' in bus) return colour.red(bus.problem);
  const behind = log_head - bus.last_sequence;
  const ends = `ends at ${String(bus.last_sequence)}`;
  if (behind === 0) return `${ends}, the same`;
  if (behind > 0) return `${ends}, ${plural(behind, 'event')} behind`;
  return colour.red(`${ends}, ${plural(-behind, 'event')} ahead of the log; see deploy/runbooks/relay-halted.md`);
}
