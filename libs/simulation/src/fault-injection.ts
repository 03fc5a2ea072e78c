/** Makes the faults of a plan happen: each from its step on, as soon as the world is such that it can. */
import type { Repository } from '@baton/contracts';
import type { Fault, FaultKind } from './faults.ts';
import type { Fate, Question } from './network.ts';
import type { ServiceProcess } from './service-process.ts';
import { redeliver, type World } from './world.ts';

export interface FaultInjection {
  /** Before each step: what is due now happens, or is held ready for the next chance. */
  at(step: number): void;
  fateOf(question: Question): Fate;
  losesDelivery(): boolean;
  losesSettlement(): boolean;
  duplicates(): boolean;
  isTooSlow(): boolean;
  /** `poisons`: it fails alone as well; otherwise it was only held while another one killed. */
  killsItsProcess(): { readonly poisons: boolean } | null;
  /** No more faults from now on. */
  heal(): void;
  /** True while a fault is still to come. */
  isFaulty(): boolean;
}

const CUT_OFF_MS_MAX = 40_000;
const AWAY_MS_MAX = 60_000;
/** Most pauses outlast a lease. */
/** Far more than the quick tries of one holder. */
const HOST_AWAY_MS_MAX = 2 * 3_600_000;
const PAUSE_MS_MAX = 60_000;
const GRACE_MS_MAX = 20_000;
const JUMP_MS_MAX = 600_000;
/** Longer than anybody waits for a confirmation. */
const LAG_MS_MAX = 400_000;
const LEAP_MS_MAX = 120_000;

export function faultInjection(world: World): FaultInjection {
  let next = 0;
  /** Due, and waiting for its chance. */
  const ready: Fault[] = [];
  const { plan, time, count, tell } = world;
  const happened = ({ kind, n }: Fault): void => {
    count(`fault:${kind}`);
    tell(() => `FAULT ${kind} (${n})`);
  };
  const takes = (kind: FaultKind): Fault | null => {
    const at = ready.findIndex((fault) => fault.kind === kind);
    if (at < 0) return null;
    const [fault] = ready.splice(at, 1);
    happened(fault!);
    return fault!;
  };
  function dies(process: ServiceProcess, on_its_way: boolean): void {
    process.alive = false;
    world.network.died(process, on_its_way);
    for (const message of process.held) redeliver(world, message);
    const at = world.processes.indexOf(process);
    world.processes[at] = world.start(process.service);
    tell(() => `${process.name} dies, ${world.processes[at]!.name} takes its place`);
  }
  /** As in a rolling update: it ends what it can, while its successor works already. */
  function leaves(process: ServiceProcess, grace_ms: number): void {
    world.processes[world.processes.indexOf(process)] = world.start(process.service);
    world.leaving.add(process);
    tell(() => `${process.name} is told to stop within ${grace_ms} ms`);
    const left = async (): Promise<void> => {
      await process.runtime.stop(grace_ms);
      world.leaving.delete(process);
      process.alive = false;
      world.network.died(process, true);
      for (const message of process.held) redeliver(world, message);
      tell(() => `${process.name} has stopped`);
    };
    void left();
  }
  function stops(process: ServiceProcess, for_ms: number): void {
    process.paused_until_ms = time.now_ms() + for_ms;
    tell(() => `${process.name} stops for ${for_ms} ms`);
    for (const message of process.held) redeliver(world, message);
  }
  /** Most often one that works on something: what meets an idle process proves little. */
  const one = (n: number): ServiceProcess => {
    const busy = world.processes.filter(({ runtime }) => runtime.stats().running_work > 0);
    const among = n % 4 === 0 || busy.length === 0 ? world.processes : busy;
    return among[n % among.length]!;
  };

  const repositoryOf = (n: number): Repository | null => world.scripts[n % world.scripts.length]!.contract.repository ?? null;

  /** One dies right before or right after something that it asked is done; false = nobody asks anything now. */
  function diesAsking(n: number, done: boolean): boolean {
    const asked = world.network.questions.filter(({ asker }) => world.processes.includes(asker as ServiceProcess));
    const question = asked[n % Math.max(1, asked.length)];
    if (!question) return false;
    if (done) world.network.put(question);
    dies(question.asker as ServiceProcess, false);
    return true;
  }
  /** Happens by itself; false = it cannot happen now. A kind that is not here is met where a question or a message is. */
  const byItself: Partial<Record<FaultKind, (n: number, ms: (at_most: number) => number) => boolean | void>> = {
    'crash-idle': (n) => dies(one(n), n % 2 === 0),
    'crash-before': (n) => diesAsking(n, false),
    'crash-after': (n) => diesAsking(n, true),
    'stopped-gracefully': (n, ms) => leaves(one(n), ms(GRACE_MS_MAX)),
    pause: (n, ms) => stops(one(n), ms(PAUSE_MS_MAX)),
    'cut-off': (n, ms) => void (one(n).cut_off_until_ms = time.now_ms() + ms(CUT_OFF_MS_MAX)),
    'store-away': (_, ms) => void (world.network.store_away_until_ms = time.now_ms() + ms(AWAY_MS_MAX)),
    'bus-wiped': () => world.outside.asksAgain(world.bus.wipe()),
    'relay-crash': (n) => world.relay.crash(n),
    'relay-pause': (_, ms) => world.relay.pause(ms(PAUSE_MS_MAX)),
    'relay-lags': (_, ms) => world.relay.lag(ms(LAG_MS_MAX)),
    'clock-jump': (n, ms) => void (world.storeClock.ahead_ms += n % 2 === 0 ? ms(JUMP_MS_MAX) : -ms(JUMP_MS_MAX)),
    leap: (_, ms) => time.advance(time.now_ms() + ms(LEAP_MS_MAX)),
    'target-moved': (n) => world.targets.push(repositoryOf(n)),
    'host-away': (n, ms) => world.targets.goAway(repositoryOf(n), ms(HOST_AWAY_MS_MAX), n % 2 === 1),
    garbage: (n) => world.outside.sendsGarbage(n),
  };

  /** False: not now. */
  function now(fault: Fault): boolean {
    const { kind, n } = fault;
    const happens = byItself[kind];
    if (!happens) ready.push(fault);
    else if (happens(n, (at_most) => 1 + ((n * 7_919) % at_most)) === false) return false;
    else happened(fault);
    return true;
  }

  let waiting: Fault[] = [];
  return {
    at(step) {
      waiting = waiting.filter((fault) => !now(fault));
      for (; next < plan.faults.length && plan.faults[next]!.at <= step; next++) {
        const fault = plan.faults[next]!;
        if (!now(fault)) waiting.push(fault);
      }
    },
    fateOf: () => (takes('never-asked') ? 'never-asked' : takes('answer-lost') ? 'answer-lost' : 'asked'),
    losesDelivery: () => takes('delivery-lost') !== null,
    losesSettlement: () => takes('settlement-lost') !== null,
    duplicates: () => takes('duplicate') !== null,
    isTooSlow: () => takes('late-settlement') !== null,
    killsItsProcess: () => {
      const fault = takes('killer-message');
      return fault && { poisons: fault.n % 2 === 0 };
    },
    heal() {
      next = plan.faults.length;
      waiting = [];
      ready.splice(0);
    },
    isFaulty: () => next < plan.faults.length || waiting.length > 0 || ready.length > 0,
  };
}
