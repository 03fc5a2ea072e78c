/** One process of one service: it can be cut off from the store, and it can die between any two of its lines. */
import { SERVICES, type ServiceName } from '@baton/contracts';
import { createService, noInstruments, type ServiceRuntime } from '@baton/handling';
import type { DeadLetters, EventLog } from '@baton/ports';
import { definitionOf, type Parts } from './definitions.ts';
import type { Message } from './memory-bus.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** How probable each thing is that goes wrong: per step, per call of the store, per delivery. */
export interface Faults {
  readonly crash: number;
  readonly cut_off: number;
  readonly reply_lost: number;
  readonly duplicate: number;
  readonly disturbed: number;
}
export const NO_FAULTS: Faults = { crash: 0, cut_off: 0, reply_lost: 0, duplicate: 0, disturbed: 0 };
export const ALL_FAULTS: Faults = { crash: 0.008, cut_off: 0.004, reply_lost: 0.01, duplicate: 0.05, disturbed: 0.7 };

export interface ServiceProcess {
  readonly service: ServiceName;
  readonly categories: readonly string[];
  readonly runtime: ServiceRuntime;
  /** What it holds of the bus. */
  readonly held: Set<Message>;
  alive: boolean;
  /** Until then the store does not answer it; its work goes on. */
  cut_off_until_ms: number;
  next_sweep_ms: number;
}

export interface ProcessOptions {
  readonly service: ServiceName;
  readonly number: number;
  readonly log: EventLog;
  readonly dead_letters: DeadLetters;
  readonly time: VirtualTime;
  readonly parts: Omit<Parts, 'timers'>;
  readonly draw: Random;
  readonly faults: Faults;
  readonly onFault: (what: string, error: unknown) => void;
}

const SLOTS = 2;

export function serviceProcess(options: ProcessOptions): ServiceProcess {
  const { service, number, time, draw, faults } = options;
  const process = {
    service,
    categories: SERVICES[service].appends,
    held: new Set<Message>(),
    alive: true,
    cut_off_until_ms: 0,
    next_sweep_ms: 0,
  };
  const timers = time.timersOf(() => process.alive);
  /** What a dead process asked for is answered to nobody. */
  const nobody = <T>(): Promise<T> => new Promise(() => {});
  async function asked<T>(call: () => Promise<T>): Promise<T> {
    if (!process.alive) return nobody();
    if (time.now_ms() < process.cut_off_until_ms) throw new Error('the store is out of reach');
    const answer = await call();
    if (!process.alive) return nobody();
    if (draw.chance(faults.reply_lost)) throw new Error('the connection broke before the answer came');
    return answer;
  }
  const { log } = options;
  const reached: EventLog = {
    append: (append) => asked(() => log.append(append)),
    load: (stream, after) => asked(() => log.load(stream, after)),
    readAfter: (after, limit) => asked(() => log.readAfter(after, limit)),
    head: () => asked(() => log.head()),
    holds: (event) => asked(() => log.holds(event)),
    claimDue: (claim) => asked(() => log.claimDue(claim)),
    extend: (lease) => asked(() => log.extend(lease)),
    clearDeadline: (stream, key) => asked(() => log.clearDeadline(stream, key)),
  };
  const runtime = createService(definitionOf(service, { ...options.parts, timers }), {
    log: reached,
    dead_letters: options.dead_letters,
    holder: `${service}-${number}`,
    slots: SLOTS,
    timers,
    instruments: { ...noInstruments, fault: options.onFault },
  });
  return Object.assign(process, { runtime });
}
