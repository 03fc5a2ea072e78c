/** Handing missions in, and following what becomes of them. */
import { randomUUID } from 'node:crypto';
import type { Fault } from '@baton/contracts';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, duration, oneLine, plural, shortId, table } from '../format.ts';
import { cardId } from '../read/card.ts';
import { reading } from '../read/connect.ts';
import { follow } from '../read/follow.ts';
import { foldStreams, missionStatus, parseAll, resolveMission, titleOf } from '../read/missions.ts';
import { plainStates, stateHash } from '../read/states.ts';
import { startOf, timelineEntry } from '../read/timeline.ts';
import { explain, OUTCOME_CHARS_MAX, outcomeOf, printWhy } from '../read/why.ts';
import { cancelMission, submitMission } from '../write/edges.ts';
import { readMissionFile } from '../write/mission-file.ts';

export interface SubmitOptions {
  readonly key?: string | undefined;
  readonly as?: string | undefined;
  readonly repository?: string | undefined;
  readonly wait?: boolean | undefined;
}

export async function submit(context: Context, file: string, options: SubmitOptions): Promise<ExitCode> {
  const { out } = context;
  const contract = readMissionFile(file, { repository: options.repository });
  const key = options.key ?? randomUUID();
  // Before it is sent: whoever is cut off can still hand in the same mission.
  out.progress(colour.dim(`key ${key}`));
  const submitted = await submitMission(context, {
    contract,
    key,
    person: context.actor(options.as),
    next_step: `as the same mission and never a second one: ${submitAgain(file, key, context.home_named, options)}`,
  });
  if ('faults' in submitted) {
    out.line(`${colour.red('✗')} ${file} was not accepted: ${plural(submitted.faults.length, 'fault')}.`);
    out.line();
    out.line(faultTable(submitted.faults));
    out.result({ status: 'rejected', key, faults: submitted.faults });
    return EXIT.invalid;
  }
  const { mission_id, again } = submitted;
  out.line(
    `${colour.green('✓')} ${again ? 'It is accepted already (same key, same content)' : 'Accepted'}: mission ${colour.bold(mission_id)}`,
  );
  out.line(`  key     ${key}`);
  if (options.wait === true) return watch(context, mission_id, { key, again });
  out.line(`  follow  baton watch ${shortId(mission_id)}`);
  out.result({ status: 'accepted', again, mission_id, key });
  return EXIT.ok;
}

const submitAgain = (file: string, key: string, home: string | undefined, { as, repository, wait }: SubmitOptions): string =>
  [
    `baton${home === undefined ? '' : ` --home ${word(home)}`} submit ${word(file)} --key ${word(key)}`,
    ...(as === undefined ? [] : [`--as ${word(as)}`]),
    ...(repository === undefined ? [] : [`--repository ${word(repository)}`]),
    ...(wait === true ? ['--wait'] : []),
  ].join(' ');

/** As a shell takes it for one word. */
const word = (text: string): string => (/^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

export const faultTable = (faults: readonly Fault[]): string =>
  table(
    ['field', 'problem', 'fix'],
    faults.map((fault) => [colour.bold(oneLine(fault.field)), oneLine(fault.problem), oneLine(fault.fix, 400)]),
  );

export async function list(context: Context, options: { readonly limit: number }): Promise<ExitCode> {
  const { out } = context;
  return reading(context, async ({ history, store }) => {
    const [recent, now, parked] = await Promise.all([
      history.recentMissions(options.limit),
      history.now(),
      store.deadLetters.list({ status: 'parked' }),
    ]);
    const missions = [];
    for (const { mission_id } of recent) {
      const events = parseAll(await history.missionEvents(mission_id));
      const why = explain(mission_id, events, await history.missionDeadlines(mission_id), parked);
      missions.push({ ...why, first_at: events[0]?.recorded_at ?? now, events: events.length });
    }
    out.result({ missions: missions.map(({ waits, ...mission }) => ({ ...mission, waiting: waits[0] ?? null })) });
    if (missions.length === 0) out.line('There is no mission yet: baton submit FILE');
    else
      out.line(
        table(
          ['id', 'age', 'status', 'title', 'now'],
          missions.map((mission) => [
            shortId(mission.mission_id),
            duration(Date.parse(now) - Date.parse(mission.first_at)),
            statusColour(mission.status),
            oneLine(mission.title, 48),
            oneLine(mission.ended ? mission.outcome : (mission.waits[0]?.reason ?? 'under way'), 90),
          ]),
        ),
      );
    return EXIT.ok;
  });
}

const statusColour = (status: string): string =>
  status === 'completed' ? colour.green(status) : status === 'active' ? colour.cyan(status) : colour.red(status);

/** Follows until the mission has ended; the exit code says how, and to a program the last line, behind one for each event. */
export async function watch(context: Context, prefix: string, submitted: object = {}): Promise<ExitCode> {
  const { out, interrupted } = context;
  return reading(context, async ({ history, store }) => {
    const mission_id = await resolveMission(history, prefix);
    let since_ms: number | null = null;
    const events = [];
    for await (const event of follow({ history, onAppended: store.onAppended, mission_id, signal: interrupted })) {
      events.push(event);
      since_ms ??= Date.parse(event.recorded_at);
      out.line(timelineEntry(event, since_ms, false));
      out.result({
        position: event.position,
        at: event.recorded_at,
        stream: event.stream,
        type: event.type,
        actor: event.meta.actor,
        data: event.data,
      });
      if (event.type === 'GateOpened')
        out.line(`           ${colour.yellow(`→ baton diff ${cardId(event.data)}; baton approve ${cardId(event.data)}`)}`);
    }
    const { status, ended } = missionStatus(events);
    if (!ended)
      throw new CliProblem(
        EXIT.not_completed,
        `not followed to its end: mission ${shortId(mission_id)} is ${status}`,
        `go on with \`baton watch ${shortId(mission_id)}\``,
      );
    const outcome = outcomeOf(events);
    out.line(
      `\n${status === 'completed' ? colour.green('✓') : colour.red('✗')} ${status}: ${oneLine(outcome, OUTCOME_CHARS_MAX)}`,
    );
    out.result({ mission_id, status, outcome, ...submitted });
    return status === 'completed' ? EXIT.ok : EXIT.not_completed;
  });
}

export async function timeline(context: Context, prefix: string): Promise<ExitCode> {
  const { out } = context;
  return reading(context, async ({ history }) => {
    const mission_id = await resolveMission(history, prefix);
    const events = parseAll(await history.missionEvents(mission_id));
    const { status } = missionStatus(events);
    out.line(`${colour.bold(titleOf(events))}  ${mission_id}  ${statusColour(status)}`);
    out.line(`${colour.dim(`began ${events[0]?.recorded_at ?? ''}; ${plural(events.length, 'event')}`)}\n`);
    for (const event of events) out.line(timelineEntry(event, startOf(events)));
    out.result({
      mission_id,
      status,
      events: events.map(({ position, recorded_at, stream, version, type, meta, data }) => ({
        position,
        at: recorded_at,
        stream,
        version,
        type,
        actor: meta.actor,
        data,
      })),
    });
    return EXIT.ok;
  });
}

export async function why(context: Context, prefix: string): Promise<ExitCode> {
  const { out } = context;
  return reading(context, async ({ history, store }) => {
    const mission_id = await resolveMission(history, prefix);
    // Deadlines after events: one that is already gone belongs to a state that is over, and is not shown.
    const events = parseAll(await history.missionEvents(mission_id));
    const [deadlines, parked] = await Promise.all([
      history.missionDeadlines(mission_id),
      store.deadLetters.list({ status: 'parked' }),
    ]);
    const explained = explain(mission_id, events, deadlines, parked);
    out.line(printWhy(explained));
    out.result(explained);
    return EXIT.ok;
  });
}

export async function cancel(
  context: Context,
  prefix: string,
  options: { readonly reason: string; readonly as?: string | undefined },
): Promise<ExitCode> {
  const { out } = context;
  const mission_id = await reading(context, ({ history }) => resolveMission(history, prefix));
  await cancelMission(context, mission_id, context.actor(options.as), options.reason);
  out.line(`${colour.green('✓')} Mission ${shortId(mission_id)} is being cancelled: baton watch ${shortId(mission_id)}`);
  out.result({ mission_id, status: 'cancelling' });
  return EXIT.ok;
}

export async function replay(context: Context, prefix: string, options: { readonly at?: number | undefined }): Promise<ExitCode> {
  const { out } = context;
  return reading(context, async ({ history }) => {
    const mission_id = await resolveMission(history, prefix);
    const all = parseAll(await history.missionEvents(mission_id));
    const at = options.at ?? all.at(-1)?.position ?? 0;
    const events = all.filter((event) => event.position <= at);
    if (events.length === 0)
      throw new CliProblem(
        EXIT.not_found,
        `mission ${shortId(mission_id)} had not begun at position ${String(at)}`,
        `its first event is at ${String(all[0]?.position ?? 0)}`,
      );
    const streams = plainStates(foldStreams(events));
    const hash = stateHash(streams);
    out.line(`Mission ${mission_id} at position ${String(at)}: ${plural(events.length, 'event')} of ${String(all.length)}\n`);
    for (const { stream, version, state } of streams)
      out.line(
        `${colour.bold(stream)} ${colour.dim(`version ${String(version)}`)}\n  ${JSON.stringify(state, null, 2).replaceAll('\n', '\n  ')}`,
      );
    out.line(`\nstate hash ${hash}`);
    out.result({ mission_id, at, events: events.length, streams, state_hash: hash });
    return EXIT.ok;
  });
}
