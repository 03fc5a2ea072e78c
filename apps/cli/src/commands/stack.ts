/** Starting, stopping and looking at the local stack. */
import { nkeySeed, passwordsFrom } from '../config.ts';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, duration, oneLine, plural, table } from '../format.ts';
import { busHead, withBus } from '../read/bus-copy.ts';
import { reading } from '../read/connect.ts';
import { makeRoles } from '@baton/event-store';
import { down as stopStack } from '../stack/down.ts';
import { requireStack, type Stack } from '../stack/home.ts';
import { stillRuns } from '../stack/process-identity.ts';
import { provision as provisionParts } from '../stack/provision.ts';
import { readiness, type Readiness } from '../stack/readiness.ts';
import { up as startStack } from '../stack/up.ts';

/** A deadline is looked at several times a second; one that is this late was forgotten. */
export const OVERDUE_MS = 30_000;
const CONNECT_MS_MAX = 30_000;

export async function up(context: Context): Promise<ExitCode> {
  const { home, out, environment, config, interrupted } = context;
  const started = performance.now();
  const { stack, already } = await startStack({
    home,
    interrupted,
    environment: { ...environment, BATON_LOG_LEVEL: config.BATON_LOG_LEVEL },
    progress: (text) => {
      out.progress(`${colour.dim('…')} ${text}`);
    },
  });
  out.line(
    already
      ? `The stack runs already, since ${stack.started_at}.`
      : `${colour.green('✓')} The stack is ready after ${duration(performance.now() - started)}.`,
  );
  out.line();
  const parts = await Promise.all(partsOf(stack));
  const sandboxes = sandboxesOf(parts);
  if (isWeaker(sandboxes)) out.line(`  ${colour.yellow(WEAKER)}`);
  const { sync } = relayNotes(parts);
  if (sync !== undefined) out.line(colour.dim(`  bus sync       ${sync}`));
  out.line(whereToLook(home.directory, stack));
  out.result({
    already,
    sandboxes,
    home: home.directory,
    services: stack.services,
    postgres_url: stack.postgres_url,
    nats_url: stack.nats_url,
    nats_monitor_url: stack.nats_monitor_url,
    logs: home.logs,
  });
  return EXIT.ok;
}

export function whereToLook(home: string, stack: Stack): string {
  const flag = home === `${process.cwd()}/.baton` ? '' : ` --home ${home}`;
  return [
    `  missions       baton submit FILE, baton list, baton watch ID${flag === '' ? '' : `   (each with${flag})`}`,
    `  how it is      baton status${flag}`,
    `  intake         ${stack.services['intake'] ?? ''}/v1/missions`,
    `  metrics        ${stack.services['metrics'] ?? ''}/metrics`,
    `  bus            ${stack.nats_monitor_url}/jsz?streams=true&consumers=true`,
    `  logs and data  ${home}`,
    `  stop it        baton down${flag}`,
  ].join('\n');
}

export async function down(context: Context): Promise<ExitCode> {
  const { home, out } = context;
  const result = await stopStack(home, (text) => {
    out.progress(`${colour.dim('…')} ${text}`);
  });
  const said = {
    stopped: `${colour.green('✓')} Stopped. The data stays in ${home.directory}; baton up goes on where it was.`,
    'cleaned-up': `${colour.green('✓')} What was left running is stopped.`,
    'not-running': `No stack runs on ${home.directory}.`,
  };
  out.line(said[result]);
  out.result({ result, home: home.directory });
  return EXIT.ok;
}

export async function provision(context: Context, options: { readonly roles?: boolean | undefined }): Promise<ExitCode> {
  const { config, out, environment } = context;
  const { BATON_PG_ADMIN_URL: admin_url, BATON_NATS_URL: nats_url, BATON_NATS_REPLICAS: replicas } = config;
  if (options.roles === true && admin_url !== undefined) {
    await makeRoles(admin_url, passwordsFrom(environment));
    out.line(`${colour.green('✓')} The roles are there; the dump can be restored.`);
    out.result({ roles: true });
    return EXIT.ok;
  }
  if (admin_url === undefined || nats_url === undefined) {
    const missing = [
      admin_url === undefined ? 'BATON_PG_ADMIN_URL (a role that may create roles)' : '',
      nats_url === undefined ? 'BATON_NATS_URL' : '',
    ].filter((name) => name !== '');
    throw new CliProblem(
      EXIT.invalid,
      `provision needs ${missing.join(' and ')}`,
      'set them; `baton up` provisions its own servers by itself',
    );
  }
  const note = (fields: object, event: string): void => {
    out.progress(`${event} ${JSON.stringify(fields)}`);
  };
  const done = await provisionParts({
    admin_url,
    nats_url,
    replicas,
    accept_unsynced: config.BATON_NATS_UNSYNCED === 'accept',
    passwords: passwordsFrom(environment),
    nkey_seed: nkeySeed(config),
    logger: { info: note, warn: note, error: note, fatal: note },
    connect_ms_max: CONNECT_MS_MAX,
  });
  out.line(
    `${colour.green('✓')} ${plural(done.migrations.length, 'migration')} applied, ${plural(done.created.length, 'stream and consumer', 'streams and consumers')} created, ${String(done.updated.length)} updated.`,
  );
  out.result(done);
  return EXIT.ok;
}

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
  const stack = requireStack(home);
  const parts = await Promise.all(partsOf(stack));
  const record = await recordStatus(context);
  const well = parts.every((part) => part.runs && part.readiness?.ready !== false) && record !== null;
  printStatus(context, stack, parts, record);
  const sandboxes = sandboxesOf(parts);
  out.result({ well, home: home.directory, status: stack.status, started_at: stack.started_at, parts, sandboxes, ...record });
  return well ? EXIT.ok : EXIT.unreachable;
}

/** Service → what its agents and checks are confined by, as it found out itself. */
const sandboxesOf = (parts: readonly ServiceStatus[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    parts.flatMap(({ name, readiness: found }) =>
      found?.ready === true && found.notes['sandbox'] !== undefined ? [[name, found.notes['sandbox']]] : [],
    ),
  );
/** What the relay says of the bus and of checkpoints. */
const relayNotes = (parts: readonly ServiceStatus[]): Readonly<Record<string, string | undefined>> => {
  const found = parts.find(({ name }) => name === 'relay')?.readiness;
  return found?.ready === true ? found.notes : {};
};
const isWeaker = (sandboxes: Readonly<Record<string, string>>): boolean =>
  Object.values(sandboxes).some((mode) => mode !== 'bubblewrap');
const WEAKER =
  "agents run without a sandbox (process-group): they can read your files and use the network; install bubblewrap, see the executor's log line sandbox-weaker";

const partsOf = (stack: Stack): Promise<ServiceStatus>[] =>
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

async function recordStatus(context: Context) {
  try {
    return await reading(context, async ({ history, store }) => {
      const [head, watermarks, parked, overdue] = await Promise.all([
        store.log.head(),
        store.watermarks.read(),
        store.deadLetters.counts(),
        history.overdue(OVERDUE_MS),
      ]);
      const dead_letters = parked.reduce((sum, counted) => sum + counted.parked, 0);
      const bus = await withBus(context, busHead).catch((error: Error) => ({ problem: error.message }));
      return { log_head: head.position, bus, watermarks: Object.fromEntries(watermarks), dead_letters, overdue };
    });
  } catch (error) {
    if (error instanceof CliProblem && error.exit === EXIT.unreachable) return null;
    throw error;
  }
}

function printStatus(
  { out, home }: Context,
  stack: Stack,
  parts: readonly ServiceStatus[],
  record: Awaited<ReturnType<typeof recordStatus>>,
): void {
  out.line(`Stack on ${home.directory}: ${stack.status} since ${stack.started_at}`);
  out.line();
  const state = (part: ServiceStatus): string => {
    if (!part.runs) return colour.red('down');
    if (part.readiness === null) return colour.green('runs');
    return part.readiness.ready ? colour.green('ready') : colour.yellow(`not ready: ${oneLine(part.readiness.why, 120)}`);
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
  if (record === null) {
    out.line(colour.red('The log cannot be read.'));
    return;
  }
  const { bus, log_head, dead_letters, overdue } = record;
  const busText =
    bus === null
      ? colour.yellow('the event stream does not exist')
      : 'problem' in bus
        ? colour.red(bus.problem)
        : `ends at ${String(bus.last_sequence)}${bus.last_sequence === log_head ? ', the same' : `, ${plural(log_head - bus.last_sequence, 'event')} behind`}`;
  out.line(`log            ${plural(log_head, 'event')}`);
  out.line(`bus            ${busText}`);
  const { sync, checkpoints = 'the relay does not say' } = relayNotes(parts);
  if (sync !== undefined) out.line(`               ${colour.dim(sync)}`);
  out.line(`checkpoints    ${checkpoints === 'sealing' ? checkpoints : colour.yellow(checkpoints)}`);
  out.line(`dead letters   ${dead_letters === 0 ? 'none' : colour.red(`${String(dead_letters)}; see baton deadletters`)}`);
  out.line(
    `overdue        ${overdue.length === 0 ? 'nothing' : colour.red(overdue.map((row) => `${String(row.overdue)} of ${row.category}, the oldest since ${row.oldest_due_at}`).join('; '))}`,
  );
}
