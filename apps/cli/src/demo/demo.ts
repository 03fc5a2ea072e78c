/** `baton demo`: a real mission on a stack and a git repository of its own, from nothing to a tested, merged change. */
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EventRecord } from '@baton/contracts';
import { removePostgresData } from '@baton/tools';
import { whereToLook } from '../commands/stack.ts';
import { faultTable } from '../commands/missions.ts';
import { statOf } from '../commands/diff.ts';
import { printCard } from '../commands/gates.ts';
import { readConfig } from '../config.ts';
import type { Context } from '../context.ts';
import { CliProblem, EXIT, type ExitCode } from '../exit-codes.ts';
import { colour, duration, indent, plural, shortHash, shortId } from '../format.ts';
import { withoutOtherStacks } from '../other-stacks.ts';
import { withBus } from '../read/bus-copy.ts';
import { boundContent, readBound } from '../read/content.ts';
import { reading } from '../read/connect.ts';
import { follow } from '../read/follow.ts';
import { missionStatus } from '../read/missions.ts';
import { timelineEntry } from '../read/timeline.ts';
import { findCheckpoints } from '../read/checkpoints.ts';
import { verifyAll } from '../read/verify.ts';
import { outcomeOf } from '../read/why.ts';
import { down } from '../stack/down.ts';
import { homeAt, requireStack, type Home } from '../stack/home.ts';
import { logTail } from '../stack/readiness.ts';
import { up } from '../stack/up.ts';
import { answerGate, submitMission } from '../write/edges.ts';
import { readMissionFile } from '../write/mission-file.ts';
import { EXAMPLE, cloneLanded, createShop, gitVersion, runTests } from './shop.ts';

const REQUESTER = 'demo-requester';
const APPROVER = 'demo-approver';
/** Many times what it takes on a slow machine; past it something is stuck, and the demo says what. */
const MISSION_MS_MAX = 120_000;
/** Parts whose log says why a mission did not come through. */
const LOGS_SHOWN = ['executor', 'release', 'planner', 'relay'];

interface Step {
  /** Begins the next step; the one before is done. */
  begin(what: string): void;
  done(result: string): void;
  current(): string;
}

export async function demo(outer: Context, options: { readonly keep?: boolean }): Promise<ExitCode> {
  const home = homeAt(join(outer.home.directory, 'demo'));
  // It makes roles, hands in and approves: what another stack is named by must not lead it there.
  const environment = withoutOtherStacks(outer.environment);
  const context: Context = { ...outer, home, environment, config: readConfig(environment) };
  const step = steps(outer);
  try {
    const result = await deliver(context, step);
    if (options.keep === true) {
      outer.out.line(
        `\nEverything keeps running (--keep). Where to look:\n${whereToLook(home.directory, requireStack(home))}\n  repository     ${result.shop}`,
      );
    } else {
      step.begin('stopping everything that was started');
      await down(home, () => undefined);
      step.done('nothing runs any more');
      outer.out.line(
        `\nData, logs and the repository stay in ${home.directory} until the next demo. To look again:\n  npm run baton -- up --home ${home.directory}\n  npm run baton -- timeline ${shortId(result.mission_id)} --home ${home.directory}\n  git -C ${result.shop} log --stat`,
      );
    }
    outer.out.result({ ok: true, home: home.directory, kept: options.keep === true, ...result });
    return EXIT.ok;
  } catch (error) {
    outer.out.line(`\n${colour.red('✗')} The demo failed while ${step.current()}.`);
    const logs = LOGS_SHOWN.filter((part) => existsSync(join(home.logs, `${part}.log`)));
    if (logs.length > 0) outer.out.line(`  The ends of the logs in ${home.logs}:`);
    for (const part of logs) outer.out.line(`  ${part}\n${logTail(home, part)}`);
    await down(home, () => undefined);
    throw error;
  }
}

function steps({ out }: Context): Step {
  let current = 'getting ready';
  let since = performance.now();
  return {
    begin: (what) => {
      current = what;
      since = performance.now();
      out.line(`${colour.cyan('▸')} ${what}`);
    },
    done: (result) => {
      out.line(`  ${colour.green('✓')} ${result} ${colour.dim(`(${duration(performance.now() - since)})`)}`);
    },
    current: () => current,
  };
}

interface Delivered {
  readonly mission_id: string;
  readonly shop: string;
  readonly commit: string;
  readonly tree: string;
  readonly tests_passed: number;
}

async function deliver(context: Context, step: Step): Promise<Delivered> {
  const { home, out, environment, interrupted } = context;
  const shop = join(home.directory, 'shop');
  step.begin('looking for git');
  step.done(await gitVersion());

  step.begin(`starting a stack of its own in ${home.directory}`);
  await down(home, (text) => {
    out.line(colour.dim(`  ${text}`));
  });
  await clear(home);
  await up({
    home,
    environment,
    interrupted,
    progress: (text) => {
      out.line(colour.dim(`  ${text}`));
    },
  });
  step.done('Postgres, nats-server and every service are ready');

  step.begin('making a git repository: four services that log with legacy-log');
  await createShop(shop);
  step.done(`${plural(await runTests(shop), 'test')} pass in ${shop}`);

  step.begin(`handing in examples/replace-logger/mission.yaml as ${REQUESTER}`);
  const contract = readMissionFile(join(EXAMPLE, 'mission.yaml'), { repository: shop });
  const submitted = await submitMission(context, {
    contract,
    key: randomUUID(),
    person: REQUESTER,
    next_step: '`baton demo` again: it begins with a stack of its own',
  });
  if ('faults' in submitted) throw new CliProblem(EXIT.invalid, `its mission was not accepted:\n${faultTable(submitted.faults)}`);
  const { mission_id } = submitted;
  step.done(`mission ${mission_id}`);

  step.begin('following it');
  const events = await followAndDecide(context, mission_id);
  step.done(outcomeOf(events));

  step.begin('checking what landed, in a clone of its own');
  const landed = await cloneLanded(shop, join(home.directory, 'landed'));
  const completed = events.findLast((event) => event.type === 'MissionCompleted');
  if (completed?.type !== 'MissionCompleted' || completed.data.commit !== landed.commit || completed.data.tree !== landed.tree) {
    throw new CliProblem(
      EXIT.unexpected,
      `branch main is at commit ${landed.commit} with tree ${landed.tree}, the record says otherwise`,
    );
  }
  const tests_passed = await runTests(join(home.directory, 'landed'));
  step.done(
    `${plural(tests_passed, 'test')} pass on the landed tree ${shortHash(landed.tree)}, which is the tested and approved one`,
  );
  out.line(`\n  ${indent(landed.stat, 2)}\n`);

  out.line(`${colour.bold('The timeline')} (baton timeline ${shortId(mission_id)})\n`);
  for (const event of events) out.line(timelineEntry(event, Date.parse(events[0]?.recorded_at ?? '')));
  out.line();
  await verifyRecord(context, step);
  return { mission_id, shop, commit: landed.commit, tree: landed.tree, tests_passed };
}

async function verifyRecord(context: Context, step: Step): Promise<void> {
  step.begin('verifying the record (baton verify)');
  const { log, checkpoints, bus } = await reading(context, ({ store }) =>
    withBus(context, async (open) => verifyAll(store.log, open, await findCheckpoints(context, {}))),
  );
  const problem = log.first_bad?.problem ?? checkpoints?.problem ?? bus?.problem;
  if (problem) throw new CliProblem(EXIT.damaged, `the record is damaged: ${problem}`);
  step.done(`${plural(log.checked, 'event')}: no gap, every hash right, and the bus carries the same`);
}

/** Tells events as they happen, and answers the decision card the way a person does: after having been shown it. */
async function followAndDecide(context: Context, mission_id: string): Promise<readonly EventRecord[]> {
  const { out, interrupted } = context;
  const within = AbortSignal.any([interrupted, AbortSignal.timeout(MISSION_MS_MAX)]);
  return reading(context, async ({ history, store }) => {
    const events: EventRecord[] = [];
    for await (const event of follow({ history, onAppended: store.onAppended, mission_id, signal: within })) {
      events.push(event);
      out.line(timelineEntry(event, Date.parse(events[0]?.recorded_at ?? ''), false));
      if (event.type === 'GateOpened') {
        out.line(`\n${printCard(event)}`);
        const bound = boundContent(mission_id, events, event.data.revision);
        out.line(`  ${indent(statOf(bound, await readBound(store.artifacts, bound)), 2)}`);
        const { revision, content_digest } = event.data;
        const outcome = await answerGate(context, {
          mission_id,
          revision,
          content_digest,
          answer: 'approve',
          person: APPROVER,
          reason: 'the demo agrees',
        });
        out.line(`  ${colour.green('✓')} ${outcome} by ${APPROVER}\n`);
      }
    }
    const { status, ended } = missionStatus(events);
    if (!ended)
      throw new CliProblem(
        EXIT.not_completed,
        `the mission did not end within ${duration(MISSION_MS_MAX)}, or the demo was interrupted; it is ${status}`,
      );
    if (status !== 'completed') throw new CliProblem(EXIT.not_completed, `the mission ended as ${status}: ${outcomeOf(events)}`);
    return events;
  });
}

/** Removes what the demo before has left, by name: nothing that somebody else put there. */
async function clear(home: Home): Promise<void> {
  await removePostgresData(home.postgres);
  for (const path of [
    home.nats,
    home.logs,
    home.work,
    home.secrets_file,
    join(home.directory, 'nats.conf'),
    join(home.directory, 'shop'),
    home.checkpoints,
    join(home.directory, 'landed'),
  ]) {
    rmSync(path, { recursive: true, force: true });
  }
}
