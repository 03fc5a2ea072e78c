/**
 * The relay's rules (`libs/bus/src/relay.ts`) over the bus in memory: two processes, one leads under a lease, publishes what
 * is behind the stream's last sequence, fenced by it, and makes a lost stream anew from the lowest watermark.
 */
import { CONSUMERS, EVENT_STREAM, type ConsumerName, type EventRecord } from '@baton/contracts';
import type { Leases, Watermarks } from '@baton/ports';
import { promise } from './broken-promise.ts';
import type { MemoryBus } from './memory-bus.ts';
import type { MemoryEventLog } from './memory-event-log.ts';
import type { Asker } from './network.ts';

interface RelayProcess extends Asker {
  fence: number | null;
  /** Null = has to look at the stream first. */
  position: number | null;
  /** Read and not published yet. */
  batch: number[];
  until_ms: number;
}

export interface MemoryRelay {
  /** One step of one process that can do something; false = none can. */
  act(): Promise<boolean>;
  nextDue(): number | null;
  crash(n: number): void;
  /** False: none leads. */
  pause(ms: number): boolean;
  /** Nothing is relayed, by nobody. */
  lag(ms: number): void;
}

export interface RelayOptions {
  readonly log: MemoryEventLog;
  readonly records: readonly EventRecord[];
  readonly bus: MemoryBus;
  readonly leases: Leases;
  readonly watermarks: Watermarks;
  readonly now_ms: () => number;
  readonly storeAway: () => boolean;
  readonly relayed: (position: number) => boolean;
  readonly tell: (line: () => string) => void;
  readonly count: (key: string) => void;
}

const LEASE = 'relay-leader';
const LEASE_MS = 3_000;
const PROCESSES = 2;
const BATCH_MAX = 4;
const OF_EVENTS = (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => CONSUMERS[name].stream === EVENT_STREAM);

export function memoryRelay(options: RelayOptions): MemoryRelay {
  const { log, records, bus, leases, watermarks, now_ms, tell, count } = options;
  let number = 0;
  let lags_until_ms = 0;
  const born = (): RelayProcess => ({
    name: `relay-${++number}`,
    alive: true,
    paused_until_ms: 0,
    cut_off_until_ms: 0,
    fence: null,
    position: null,
    batch: [],
    until_ms: 0,
  });
  const processes = Array.from({ length: PROCESSES }, born);
  /** Nobody can know this but the simulation: whether there is anything to do at all. */
  const behind = (): boolean => bus.lastSequence() === null || bus.lastSequence()! < records.length;
  const leading = (): RelayProcess | undefined => processes.find(({ fence }) => fence !== null);

  async function lead(relay: RelayProcess): Promise<boolean> {
    if (relay.fence !== null && relay.until_ms > now_ms()) return true;
    const held =
      relay.fence === null ? null : await leases.renew({ name: LEASE, holder: relay.name, fence: relay.fence, ttl_ms: LEASE_MS });
    if (held !== true) {
      relay.fence = await leases.acquire({ name: LEASE, holder: relay.name, ttl_ms: LEASE_MS });
      relay.position = null;
      relay.batch = [];
    }
    if (relay.fence === null) relay.until_ms = now_ms() + LEASE_MS;
    else relay.until_ms = now_ms() + LEASE_MS / 3;
    return relay.fence !== null;
  }

  async function look(relay: RelayProcess): Promise<void> {
    if (bus.lastSequence() === null) {
      const kept = await watermarks.read();
      const lowest = Math.min(...OF_EVENTS.map((name) => kept.get(name) ?? 0));
      bus.create(lowest, kept);
      tell(() => `${relay.name}: makes the stream anew after ${lowest}`);
    }
    relay.position = bus.lastSequence();
  }

  function read(relay: RelayProcess): void {
    const count = Math.max(0, Math.min(BATCH_MAX, records.length - relay.position!));
    relay.batch = Array.from({ length: count }, (_, index) => relay.position! + index + 1).filter(options.relayed);
    // There is nothing, and yet the stream is behind: it is another one than it was.
    if (relay.batch.length === 0) relay.position = null;
  }

  function publish(relay: RelayProcess): void {
    const position = relay.batch.shift()!;
    const stored = log.events[position - 1]!;
    const outcome = bus.publish(stored, records[position - 1]!, relay.position!);
    if (outcome !== 'stored') {
      tell(() => `${relay.name}: ${outcome} at ${position}`);
      count(`relay:${outcome}`);
      relay.position = null;
      relay.batch = [];
      return;
    }
    relay.position! += 1;
    promise(
      stored.position === bus.lastSequence(),
      () => `the bus has event ${stored.position} of the log under ${bus.lastSequence()}`,
    );
  }

  return {
    async act() {
      const now = now_ms();
      // A relay that went on after a pause still believes what it knew: what it has in hand is published first, and refused.
      const late = processes.find(
        ({ batch, paused_until_ms, until_ms }) => batch.length > 0 && paused_until_ms <= now && until_ms <= now,
      );
      if (late && late.position !== null) return (publish(late), true);
      if (!behind() || options.storeAway() || lags_until_ms > now) return false;
      const relay = processes.find((one) => one.paused_until_ms <= now && (one.fence !== null || one.until_ms <= now));
      if (!relay || !(await lead(relay))) return relay !== undefined;
      if (relay.position === null) await look(relay);
      else if (relay.batch.length > 0) publish(relay);
      else read(relay);
      return true;
    },
    nextDue() {
      if (!behind()) return null;
      return Math.min(
        ...processes.map(({ fence, until_ms, paused_until_ms }) =>
          Math.max(paused_until_ms, lags_until_ms, fence === null ? until_ms : 0),
        ),
      );
    },
    crash(n) {
      const at = processes.indexOf(leading() ?? processes[n % PROCESSES]!);
      processes[at] = born();
      tell(() => `${processes[at]!.name} takes the place of the relay that died`);
    },
    pause(ms) {
      const relay = leading();
      if (relay) relay.paused_until_ms = now_ms() + ms;
      return relay !== undefined;
    },
    lag: (ms) => void (lags_until_ms = now_ms() + ms),
  };
}
