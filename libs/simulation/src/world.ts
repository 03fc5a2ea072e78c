/** Everything that takes part in one run, made from its plan. */
import { hash } from 'node:crypto';
import {
  ACK_WAIT_MS,
  categoryOf,
  SERVICE_NAMES,
  SERVICES,
  type Category,
  type EventRecord,
  type ServiceName,
} from '@baton/contracts';
import { deciderOf, react } from '@baton/domain';
import { promise, type BrokenPromise } from './broken-promise.ts';
import type { Plan } from './faults.ts';
import { invariants } from './invariants.ts';
import { watchLeases } from './lease-watch.ts';
import { memoryBus, type MemoryBus, type Message } from './memory-bus.ts';
import { memoryRecord, type MemoryRecord } from './memory-record.ts';
import { memoryRelay, type MemoryRelay } from './memory-relay.ts';
import { network, type Network } from './network.ts';
import { operator, type Operator } from './operator.ts';
import { outside, type Outside } from './outside.ts';
import { random, seedOf, type Random } from './random.ts';
import { watchRecord, type RecordWatch } from './record-watch.ts';
import { missionScript, type MissionScript } from './script.ts';
import { serviceProcess, type ServiceProcess, type Wraps } from './service-process.ts';
import { targets, type Targets } from './targets.ts';
import { EPOCH_MS, virtualTime, type VirtualTime } from './virtual-time.ts';

export interface World {
  readonly plan: Plan;
  readonly draw: Random;
  readonly time: VirtualTime;
  readonly record: MemoryRecord;
  readonly bus: MemoryBus;
  readonly network: Network;
  /** The clock that decides everything, and how far it is from the one that processes go by. */
  readonly storeClock: { ahead_ms: number };
  readonly relay: MemoryRelay;
  readonly operator: Operator;
  readonly watch: RecordWatch;
  readonly outside: Outside;
  readonly targets: Targets;
  readonly scripts: readonly MissionScript[];
  readonly processes: ServiceProcess[];
  /** Told to stop, and not done with it yet. */
  readonly leaving: Set<ServiceProcess>;
  readonly wraps: Wraps;
  /** Every message that was ever given out. */
  readonly given: Message[];
  readonly count: (key: string) => void;
  readonly counts: ReadonlyMap<string, number>;
  readonly tell: (line: () => string) => void;
  readonly start: (service: ServiceName) => ServiceProcess;
  /** Throws what was found broken inside a process, where throwing would have been taken for a store that is away. */
  readonly throwBroken: () => void;
  /** Faults of handlers that were met last, for whoever has to understand a failure. */
  readonly told: string[];
}

const PROCESSES_PER_SERVICE = 2;
const TOLD_MAX = 5;
const TIME_WIDTH = 8;
const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer');

export function worldOf(plan: Plan, wraps: Wraps, listener: World['tell']): World {
  const draw = random(seedOf(plan.seed, 1));
  const time = virtualTime();
  const { now_ms } = time;
  const tell: World['tell'] = (line) =>
    listener(() => `${((now_ms() - EPOCH_MS) / 1_000).toFixed(1).padStart(TIME_WIDTH)} s  ${line()}`);
  const counts = new Map<string, number>();
  const count = (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  const broken: BrokenPromise[] = [];
  const looking = (look: () => void): void => {
    try {
      look();
    } catch (error) {
      broken.push(error as BrokenPromise);
      throw error;
    }
  };
  const storeClock = { ahead_ms: 0 };
  const store_now_ms = (): number => now_ms() + storeClock.ahead_ms;
  const record = memoryRecord({ now_ms: store_now_ms, sha256 });
  const scripts = plan.missions.map((index) => missionScript(plan.seed, index));
  const byId = new Map(scripts.map((script) => [script.id, script]));
  const rules = invariants(() => people.answers, byId);
  const branches = targets(
    (land) =>
      looking(() => {
        watch.look();
        rules.onLanding(land);
      }),
    now_ms,
  );
  rules.useTargets(branches);
  const bus = memoryBus(now_ms);
  const people: Outside = outside({ scripts, now_ms, draw, request: bus.request, targets: branches });
  const watch = watchRecord({
    log: record.log,
    sha256,
    onEvent: (event) => {
      tell(() => `  recorded ${event.position}: ${event.type} of ${event.stream}`);
      rules.onEvent(event);
      people.saw(event);
    },
  });
  const given: Message[] = [];
  const wires = network(now_ms, tell);
  const leases = watchLeases(record.log, store_now_ms, looking);
  const care = operator({ deadLetters: record.deadLetters, bus, now_ms, given: () => given, tell });
  const relay = memoryRelay({
    log: record.log,
    records: watch.records,
    bus,
    leases: record.leases,
    watermarks: record.watermarks,
    now_ms,
    storeAway: () => wires.store_away_until_ms > now_ms(),
    relayed: wraps.relayed ?? (() => true),
    tell,
    count,
  });
  const told: string[] = [];
  let number = 0;
  const start = (service: ServiceName): ServiceProcess => {
    number += 1;
    const holder = `${service}-${number}`;
    return serviceProcess({
      service,
      number,
      log: record.log,
      leases,
      dead_letters: {
        ...record.deadLetters,
        park: (letter) => {
          count(`letter:${letter.reason}`);
          care.called();
          return record.deadLetters.park(letter);
        },
      },
      time,
      network: wires,
      parts: { scriptOf: (mission_id) => byId.get(mission_id)!, targets: branches },
      wraps,
      onWork: (name, stream, key) => {
        leases.onWork(name, stream, key);
        looking(() => {
          watch.look();
          rules.onWork(stream, key);
        });
      },
      onFault: (what, error) => {
        told.push(`${holder}: ${what}: ${String(error)}`);
        if (told.length > TOLD_MAX) told.shift();
      },
      onRefused: (_stream, reason) => count(`refused:${reason}`),
    });
  };
  const owners = SERVICE_NAMES.filter((service) => SERVICES[service].appends.length > 0);
  const processes = owners.flatMap((service) => Array.from({ length: PROCESSES_PER_SERVICE }, () => start(service)));
  const throwBroken = (): void => {
    if (broken[0]) throw broken[0];
  };
  return {
    plan,
    draw,
    time,
    record,
    bus,
    network: wires,
    storeClock,
    relay,
    operator: care,
    watch,
    outside: people,
    targets: branches,
    scripts,
    processes,
    leaving: new Set<ServiceProcess>(),
    wraps,
    given,
    count,
    counts,
    tell,
    start,
    throwBroken,
    told,
  };
}

/** What was acknowledged is handled: asking for it once more changes nothing (I4, P3). */
export async function checkHandled(world: World, process: ServiceProcess, event: EventRecord, consumer: string): Promise<void> {
  for (const { stream, command } of react(process.service, event)) {
    const { type } = command as { type: string };
    const prepare = process.definition.prepare?.[type];
    const completed: unknown = prepare ? prepare(command as never) : command;
    const decision = deciderOf(categoryOf(stream) as Category).decide(completed, world.watch.stateOf(stream));
    if ('refused' in decision || decision.accepted.length === 0) continue;
    if (await world.record.deadLetters.isParked(consumer, event.stream)) continue;
    promise(
      false,
      () =>
        `I4: ${consumer} acknowledged ${event.type} of ${event.stream} (position ${event.position}), and ${type} of ${stream} is not done`,
    );
  }
}

/** Nobody settles it any more: after the ack wait anybody gets it. */
export function redeliver({ bus, wraps }: World, message: Message): void {
  if (wraps.redelivers?.() === false) return;
  bus.deliverAgain(message, ACK_WAIT_MS);
}
