/** Makes the faults of a plan happen: each from its step on, as soon as the world is such that it can. */
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
  killsItsProcess(): boolean;
  /** No more faults from now on. */
  heal(): void;
  /** True while a fault is still to come. */
  isFaulty(): boolean;
}

const CUT_OFF_MS_MAX = 40_000;
const AWAY_MS_MAX = 60_000;
/** Most pauses outlast a lease. */
const PAUSE_MS_MAX = 60_000;
const GRACE_MS_MAX = 20_000;
const JUMP_MS_MAX = 600_000;
/** Longer than anybody waits for a confirmation. */
const LAG_MS_MAX = 400_000;
const LEAP_MS_MAX = 120_000;
const REPOSITORIES_KNOWN = 2;

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

  /** False: not now. */
  function now(fault: Fault): boolean {
    const { kind, n } = fault;
    const ms = (at_most: number): number => 1 + ((n * 7_919) % at_most);
    switch (kind) {
      case 'crash-idle':
        happened(fault);
        dies(one(n), n % 2 === 0);
        return true;
      case 'crash-before':
      case 'crash-after': {
        const asked = world.network.questions.filter(({ asker }) => world.processes.includes(asker as ServiceProcess));
        const question = asked[n % Math.max(1, asked.length)];
        if (!question) return false;
        happened(fault);
        if (kind === 'crash-after') world.network.put(question);
        dies(question.asker as ServiceProcess, false);
        return true;
      }
      case 'stopped-gracefully':
        happened(fault);
        leaves(one(n), ms(GRACE_MS_MAX));
        return true;
      case 'pause':
        happened(fault);
        stops(one(n), ms(PAUSE_MS_MAX));
        return true;
      case 'cut-off':
        happened(fault);
        one(n).cut_off_until_ms = time.now_ms() + ms(CUT_OFF_MS_MAX);
        return true;
      case 'store-away':
        happened(fault);
        world.network.store_away_until_ms = time.now_ms() + ms(AWAY_MS_MAX);
        return true;
      case 'bus-wiped':
        happened(fault);
        world.outside.asksAgain(world.bus.wipe());
        return true;
      case 'relay-crash':
        happened(fault);
        world.relay.crash(n);
        return true;
      case 'relay-pause':
        if (!world.relay.pause(ms(PAUSE_MS_MAX))) return false;
        happened(fault);
        return true;
      case 'clock-jump':
        happened(fault);
        world.storeClock.ahead_ms += n % 2 === 0 ? ms(JUMP_MS_MAX) : -ms(JUMP_MS_MAX);
        return true;
      case 'relay-lags':
        happened(fault);
        world.relay.lag(ms(LAG_MS_MAX));
        return true;
      case 'leap':
        happened(fault);
        time.advance(time.now_ms() + ms(LEAP_MS_MAX));
        return true;
      case 'target-moved':
        happened(fault);
        world.targets.push(world.scripts[n % Math.max(REPOSITORIES_KNOWN, world.scripts.length)]?.contract.repository ?? null);
        return true;
      case 'garbage':
        happened(fault);
        world.outside.sendsGarbage(n);
        return true;
      default:
        // Met where a question is put, a message is given out or settled.
        ready.push(fault);
        return true;
    }
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
    killsItsProcess: () => takes('killer-message') !== null,
    heal() {
      next = plan.faults.length;
      waiting = [];
      ready.splice(0);
    },
    isFaulty: () => next < plan.faults.length || waiting.length > 0 || ready.length > 0,
  };
}
