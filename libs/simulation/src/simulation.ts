/**
 * All services in one process under one seed: the code that runs in production, with a clock that jumps, a bus that
 * duplicates and reorders, processes that die and are cut off. The same seed is the same history, hash for hash.
 */
import { CONSUMERS, SERVICE_NAMES, SERVICES, type PullMode, type ServiceName, type StoredEvent } from '@baton/contracts';
import { STREAM_OF } from '@baton/domain';
import type { KeptDeadLetter } from '@baton/ports';
import { memoryBus, type MemoryBus, type Message } from './memory-bus.ts';
import { memoryRecord } from './memory-record.ts';
import { outside, type Outside } from './outside.ts';
import { random, seedOf, type Random } from './random.ts';
import { BrokenPromise, watchRecord, type RecordWatch } from './record-watch.ts';
import { missionScript, type MissionScript } from './script.ts';
import { serviceProcess, type Faults, type ServiceProcess } from './service-process.ts';
import { targets, type Targets } from './targets.ts';
import { virtualTime, type VirtualTime } from './virtual-time.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly missions: number;
  readonly faults: Faults;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
}

export interface Simulated {
  /** Mission id → how it ended. */
  readonly missions: ReadonlyMap<string, string>;
  readonly events: readonly StoredEvent[];
  readonly histogram: ReadonlyMap<string, number>;
  /** Of the last event: the whole history in one number. */
  readonly log_hash: string;
  readonly dead_letters: readonly KeptDeadLetter[];
  readonly crashes: number;
  readonly steps: number;
}

const PROCESSES_PER_SERVICE = 2;
const SWEEP_MS = 1_000;
/** How far time runs ahead of what could be done: a handler may be late by minutes, not by days. */
const HURRY_MS_MAX = 120_000;
const CUT_OFF_MS_MAX = 40_000;
/** Far more than any seed needs: a world that does not come to rest by then never does. */
const STEPS_MAX = 50_000;
/** A delivery that was tried so often already is not made to fail again: dead letters have specs of their own. */
const SPARED_DELIVERIES = 4;
const ENDS = ['rejected', 'completed', 'failed', 'cancelled'];

interface World {
  readonly time: VirtualTime;
  readonly draw: Random;
  readonly faults: Faults;
  readonly bus: MemoryBus;
  readonly watch: RecordWatch;
  readonly outside: Outside;
  readonly targets: Targets;
  readonly processes: ServiceProcess[];
  readonly start: (service: ServiceName) => ServiceProcess;
  crashes: number;
}

/** Lets everything run that waits for nothing: there is no input and no timer but the virtual ones. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export async function simulate(options: SimulationOptions): Promise<Simulated> {
  const { seed, missions, faults, sha256 } = options;
  const draw = random(seedOf(seed, 1));
  const time = virtualTime();
  const record = memoryRecord({ now_ms: time.now_ms, sha256 });
  const branches = targets();
  const scripts = Array.from({ length: missions }, (_, index) => missionScript(seed, index));
  const byId = new Map(scripts.map((script) => [script.id, script]));
  const bus = memoryBus(time.now_ms, draw);
  const people = outside(scripts, time.now_ms, draw, bus.request, branches);
  const watch = watchRecord(record.log, time.now_ms, (stored, event) => {
    bus.publish(stored, event);
    people.saw(event);
  });
  let number = 0;
  const faultsSeen: string[] = [];
  const start = (service: ServiceName): ServiceProcess =>
    serviceProcess({
      service,
      number: ++number,
      log: watch.as(service),
      dead_letters: record.deadLetters,
      time,
      draw,
      faults,
      parts: { scriptOf: (mission_id) => byId.get(mission_id)!, targets: branches },
      onFault: (what, error) => void faultsSeen.push(`${what}: ${String(error)}`),
    });
  const owners = SERVICE_NAMES.filter((service) => SERVICES[service].appends.length > 0);
  const processes = owners.flatMap((service) => Array.from({ length: PROCESSES_PER_SERVICE }, () => start(service)));
  const world: World = { time, draw, faults, bus, watch, outside: people, targets: branches, processes, start, crashes: 0 };
  const steps = await run(world);
  const ended = new Map(scripts.map(({ id }) => [id, watch.statusOf(STREAM_OF.mission(id))]));
  const dead_letters = await record.deadLetters.list();
  checkEnd(world, ended, faultsSeen);
  for (const script of scripts) checkNotForgotten(script, watch.events);
  return {
    missions: ended,
    events: watch.events,
    histogram: watch.histogram,
    log_hash: (await record.log.head()).hash,
    dead_letters,
    crashes: world.crashes,
    steps,
  };
}

async function run(world: World): Promise<number> {
  for (let step = 1; step <= STEPS_MAX; step++) {
    disturb(world);
    // Several things at once, so that what they do lies between each other's lines.
    let acted = 0;
    for (let things = 1 + world.draw.int(3); things > 0; things--) if (act(world)) acted++;
    if (acted === 0 && !advance(world)) return step;
    await settled();
    world.watch.check();
    checkEffects(world);
  }
  throw new BrokenPromise(`the world did not come to rest within ${STEPS_MAX} steps`);
}

/** One thing that can happen now; false = nothing can. */
function act(world: World): boolean {
  const ways = [() => deliver(world), () => sweep(world), () => world.outside.actOne(), () => world.time.fireOne()];
  // Time may pass although there is work: deliveries are late, leases run out.
  if (world.draw.chance(world.faults.disturbed / 10)) return advance(world, HURRY_MS_MAX);
  const first = world.faults.disturbed > 0 ? world.draw.int(ways.length) : 0;
  return ways.some((_, index) => ways[(first + index) % ways.length]!());
}

function deliver({ bus, draw, faults, processes }: World): boolean {
  const able = (service: ServiceName, pull: PullMode): readonly ServiceProcess[] =>
    processes.filter((process) => process.service === service && (pull !== 'start' || process.runtime.freeSlots() > 0));
  const message = bus.take(draw.chance(faults.disturbed), (service, pull) => able(service, pull).length > 0);
  if (!message) return false;
  const process = draw.pick(able(message.service, CONSUMERS[message.consumer].pull));
  process.held.add(message);
  void receive(bus, draw, faults, process, message);
  return true;
}

async function receive(bus: MemoryBus, draw: Random, faults: Faults, process: ServiceProcess, message: Message): Promise<void> {
  const settlement = await process.runtime.receive(message.make(message.deliveries));
  if (!process.alive || !process.held.delete(message)) return;
  bus.settle(message, settlement, draw.chance(faults.duplicate));
}

function sweep({ draw, processes, time, watch }: World): boolean {
  const now = time.now_ms();
  const able = processes.filter(
    (process) => process.next_sweep_ms <= now && (watch.nextDue(process.categories) ?? Infinity) <= now,
  );
  if (able.length === 0) return false;
  const process = draw.pick(able);
  process.next_sweep_ms = now + SWEEP_MS;
  void sweepOnce(process);
  return true;
}

async function sweepOnce(process: ServiceProcess): Promise<void> {
  try {
    if ((await process.runtime.sweep()) > 0) process.next_sweep_ms = 0;
  } catch {
    // The store was out of reach: it is swept again when its time has come.
  }
}

/** To the next moment at which something can happen; false = nothing ever will. */
function advance({ bus, outside: people, processes, time, watch }: World, at_most_ms = Infinity): boolean {
  const sweeps = processes.flatMap((process) => {
    const due_ms = watch.nextDue(process.categories);
    return due_ms === null ? [] : [Math.max(due_ms, process.next_sweep_ms)];
  });
  const next = [bus.nextDue(), people.nextDue(), time.nextTimer(), ...sweeps].filter((due_ms) => due_ms !== null);
  if (next.length === 0) return false;
  // What is due and did not happen waits for something else that is due: never for a moment that is over.
  const later = next.filter((due_ms) => due_ms > time.now_ms());
  if (later.length === 0) return true;
  const to_ms = Math.min(...later);
  if (to_ms - time.now_ms() <= at_most_ms) time.advance(to_ms);
  return true;
}

function disturb(world: World): void {
  const { bus, draw, faults, processes, start, time } = world;
  if (draw.chance(faults.cut_off)) draw.pick(processes).cut_off_until_ms = time.now_ms() + draw.int(CUT_OFF_MS_MAX);
  if (!draw.chance(faults.crash)) return;
  const at = draw.int(processes.length);
  const process = processes[at]!;
  if ([...process.held].some((message) => message.deliveries >= SPARED_DELIVERIES)) return;
  process.alive = false;
  for (const message of process.held) bus.abandon(message);
  processes[at] = start(process.service);
  world.crashes += 1;
}

function checkEffects({ targets: branches }: World): void {
  const twice = branches.twice();
  if (twice !== null) throw new BrokenPromise(`mission ${twice} landed twice`);
}

function checkEnd(
  { bus, targets: branches, watch }: World,
  missions: ReadonlyMap<string, string>,
  faultsSeen: readonly string[],
): void {
  const told = (): string => `\nlast faults:\n${faultsSeen.slice(-5).join('\n')}`;
  if (!bus.isEmpty()) throw new BrokenPromise(`nothing can happen any more, and the bus is not empty${told()}`);
  for (const [stream, { reason }] of watch.waiting())
    throw new BrokenPromise(`nothing can happen any more, and ${stream} waits: ${reason}${told()}`);
  for (const [id, status] of missions) {
    if (!ENDS.includes(status)) throw new BrokenPromise(`mission ${id} ended as ${status}${told()}`);
    const landed = branches.landedFor(id);
    if ((status === 'completed') !== (landed.length === 1))
      throw new BrokenPromise(`mission ${id} is ${status} and landed ${landed.length} times`);
    const recorded = watch.events.find((event) => event.type === 'ReleaseLanded' && event.stream === STREAM_OF.release(id));
    if (landed[0] && !recorded?.data.includes(landed[0].tree))
      throw new BrokenPromise(`mission ${id} landed ${landed[0].tree}, which is not what was tested`);
  }
}

/** A command that got lost would be found by a deadline only, days later: where nobody lets one pass, none may have been needed. */
function checkNotForgotten(script: MissionScript, events: readonly StoredEvent[]): void {
  for (const { type, data, stream } of events) {
    if (!stream.includes(script.id)) continue;
    const forgotten =
      (type === 'MissionCancelRequested' && !script.stuck && data.includes('"by":"baton"')) ||
      (type === 'GateExpired' && script.person !== 'never') ||
      (type === 'ReleaseFailed' && data.includes('no answer to the decision card')) ||
      (type === 'PlanFailed' && !script.stuck && data.includes('not finished within'));
    if (forgotten) throw new BrokenPromise(`${stream} was forgotten until its deadline: ${type} ${data}`);
  }
}
