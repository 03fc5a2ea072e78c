/**
 * All services in one process under one seed: the code that runs in production, with a clock that jumps, a network that
 * loses, a bus that repeats, processes that die between any two lines. The same plan is the same history, hash for hash.
 */
import { CONSUMERS, type ConsumerName } from '@baton/contracts';
import { STREAM_OF } from '@baton/domain';
import { BrokenPromise, promise } from './broken-promise.ts';
import { coverageOf } from './coverage.ts';
import { faultInjection } from './fault-injection.ts';
import type { Plan } from './faults.ts';
import type { MissionScript } from './script.ts';
import type { Wraps } from './service-process.ts';
import { act, advance } from './steps.ts';
import { EPOCH_MS } from './virtual-time.ts';
import { checkHandled, worldOf, type World } from './world.ts';

export interface SimulateOptions {
  /** Planted bugs: what takes the place of which part. */
  readonly wraps?: Wraps;
  /** Told every step, lazily. */
  readonly tell?: (line: () => string) => void;
}

export interface Simulated {
  /** Mission id → how it ended. */
  readonly missions: ReadonlyMap<string, string>;
  readonly events: number;
  readonly steps: number;
  /** What occurred, by name: event types, faults, ways back, refusals. */
  readonly counts: ReadonlyMap<string, number>;
  /** Of the last event: the whole history in one number. */
  readonly log_hash: string;
}

/** Far more than any plan needs: a world that does not come to rest by then never does. */
const STEPS_MAX = 20_000;
/** A gate stays open for a day, people answer within hours; nothing else takes that long. */
const FINISHED_WITHIN_MS = 36 * 3_600_000;
const THINGS_AT_ONCE_MAX = 3;
const ENDS = ['rejected', 'completed', 'failed', 'cancelled'];

/** Lets everything run that waits for nothing: there is no input and no timer but the virtual ones. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Throws BrokenPromise. */
export async function simulate(plan: Plan, { wraps = {}, tell = () => {} }: SimulateOptions = {}): Promise<Simulated> {
  const world = worldOf(plan, wraps, tell);
  const steps = await run(world);
  const missions = new Map(
    world.scripts.map(({ id }) => [id, (world.watch.stateOf(STREAM_OF.mission(id)) as { status: string }).status]),
  );
  await checkEnd(world, missions);
  for (const script of world.scripts) checkNotForgotten(script, world);
  const { hash } = await world.record.log.head();
  return { missions, events: world.watch.records.length, steps, counts: coverageOf(world, missions), log_hash: hash };
}

async function run(world: World): Promise<number> {
  const { draw, time, watch, plan } = world;
  const faults = faultInjection(world);
  let failure: { readonly error: unknown } | null = null;
  const failed = (error: unknown): void => void (failure ??= { error });
  for (let step = 1; step <= STEPS_MAX; step++) {
    faults.at(step);
    // What a process did right before it died is seen before anybody asks what can happen next.
    watch.look();
    // Several things at once, so that what they do lies between each other's lines.
    let acted = 0;
    for (let things = 1 + draw.int(plan.disorder > 0 ? THINGS_AT_ONCE_MAX : 1); things > 0; things--)
      if (await act(world, faults, failed)) acted++;
    // A world at rest is healed: faults that are still to come would meet nobody.
    if (acted === 0 && !advance(world)) {
      if (!faults.isFaulty()) return step;
      faults.heal();
    }
    await settled();
    watch.look();
    world.throwBroken();
    if (failure !== null) throw (failure as { error: unknown }).error;
    if (time.now_ms() - EPOCH_MS > FINISHED_WITHIN_MS) throw unfinished(world);
  }
  throw new BrokenPromise(`the world did not come to rest within ${STEPS_MAX} steps; ${stateOf(world)}`);
}

const last = ({ told }: World): string => (told.length === 0 ? '' : `\nlast faults of handlers:\n  ${told.join('\n  ')}`);

function stateOf(world: World): string {
  const waiting = world.watch.waiting().map(([stream, { reason }]) => `${stream}: ${reason}`);
  return [
    `the log has ${world.watch.records.length} events, the bus ${world.bus.lastSequence()}; waiting:`,
    ...waiting.map((line) => `  ${line}`),
  ]
    .join('\n')
    .concat(last(world));
}

const unfinished = (world: World): BrokenPromise =>
  new BrokenPromise(`healed, and not finished ${FINISHED_WITHIN_MS / 3_600_000} h after the beginning; ${stateOf(world)}`);

async function checkEnd(world: World, missions: ReadonlyMap<string, string>): Promise<void> {
  const { bus, leaving, network, record, relay, targets, watch } = world;
  promise(bus.lastSequence() === watch.records.length && relay.nextDue() === null, () => {
    return `G2: the log has ${watch.records.length} events, the bus ${bus.lastSequence()}`;
  });
  promise(bus.isEmpty(), () => `G2: nothing can happen any more, and the bus is not empty${last(world)}`);
  promise(leaving.size === 0, () => `${[...leaving].map(({ name }) => name).join(', ')} was told to stop and never did`);
  promise(network.questions.length === 0, () => `a question is never put: ${network.questions[0]!.what}`);
  for (const [stream, { reason }] of watch.waiting())
    throw new BrokenPromise(`I6: nothing can happen any more, and ${stream} waits: ${reason}${last(world)}`);
  promise(record.log.deadlines.size === 0, () => `I6: a deadline is left: ${[...record.log.deadlines.keys()].join(', ')}`);
  const parked = await record.deadLetters.list({ status: 'parked' });
  promise(parked.length === 0, () => `a dead letter is left: ${parked[0]!.consumer} ${parked[0]!.cause}`);
  for (const [id, status] of missions) {
    promise(ENDS.includes(status), () => `mission ${id} ended as ${status}${last(world)}`);
    const landed = targets.landedFor(id);
    promise(
      (status === 'completed') === (landed.length === 1) && landed.length <= 1,
      () => `I8: mission ${id} is ${status} and landed ${landed.length} times`,
    );
  }
  everythingHandled(world);
  await handledOnceMore(world);
}

/** I4: what concerns a consumer was given to it and settled, or nothing is left to be done about it. */
function everythingHandled({ given, watch }: World): void {
  const settledBy = new Set(
    given.filter(({ state }) => state === 'done').map(({ consumer, sequence }) => `${consumer} ${sequence}`),
  );
  for (const event of watch.records)
    for (const consumer of consumersOf(event.type))
      promise(
        settledBy.has(`${consumer} ${event.position}`),
        () => `I4: ${consumer} never settled ${event.type} of ${event.stream} (position ${event.position})`,
      );
}

/** P3: the whole log once more, to everybody, changes nothing. */
async function handledOnceMore(world: World): Promise<void> {
  for (const event of world.watch.records)
    for (const consumer of consumersOf(event.type)) {
      const process = world.processes.find(({ service }) => service === CONSUMERS[consumer].service);
      if (process) await checkHandled(world, process, event, consumer);
    }
}

const consumersOf = (type: string): readonly ConsumerName[] =>
  (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => {
    const takes: readonly string[] = CONSUMERS[name].takes;
    return takes.includes(type);
  });

/** A command that got lost would be found by a deadline only, days later: where nobody lets one pass, none may have been needed. */
function checkNotForgotten(script: MissionScript, { watch }: World): void {
  const silent = script.person === 'never' || script.person === 'late';
  for (const event of watch.records) {
    if (event.data.mission_id !== script.id) continue;
    const forgotten =
      (event.type === 'MissionCancelRequested' && !script.stuck && event.data.by === 'baton') ||
      (event.type === 'GateExpired' && !silent) ||
      (event.type === 'ReleaseFailed' && event.data.reason.includes('no answer to the decision card')) ||
      (event.type === 'PlanFailed' && !script.stuck && event.data.reason.includes('not finished within'));
    promise(!forgotten, () => `I6: ${event.stream} was forgotten until its deadline: ${event.type}`);
  }
}
