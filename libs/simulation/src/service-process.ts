/** One process of one service: it can die, stop and be cut off between any two of its lines. */
import { SERVICES, type ServiceName } from '@baton/contracts';
import { createService, noInstruments, type ServiceDefinition, type ServiceRuntime } from '@baton/handling';
import type { DeadLetters, EventLog } from '@baton/ports';
import { definitionOf } from './definitions.ts';
import type { LeaseWatch } from './lease-watch.ts';
import type { Message } from './memory-bus.ts';
import type { Asker, Network } from './network.ts';
import type { Parts } from './scripted-work.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface ServiceProcess extends Asker {
  readonly service: ServiceName;
  readonly categories: readonly string[];
  readonly runtime: ServiceRuntime;
  readonly definition: ServiceDefinition;
  /** What it holds of the bus. */
  readonly held: Set<Message>;
  next_sweep_ms: number;
}

/** What a planted bug may take the place of. Nothing in production knows of it. */
export interface Wraps {
  readonly log?: (log: EventLog, holder: string) => EventLog;
  readonly runtime?: (runtime: ServiceRuntime, service: ServiceName) => ServiceRuntime;
  readonly definition?: (definition: ServiceDefinition, log: EventLog) => ServiceDefinition;
  /** False: the message is not delivered again. */
  readonly redelivers?: () => boolean;
  /** What the relay reads of the log. */
  readonly relayed?: (position: number) => boolean;
}

export interface ProcessOptions {
  readonly service: ServiceName;
  readonly number: number;
  /** Answers at once; the way to it is what the network is for. */
  readonly log: EventLog;
  readonly leases: LeaseWatch;
  readonly dead_letters: DeadLetters;
  readonly time: VirtualTime;
  readonly network: Network;
  readonly parts: Pick<Parts, 'scriptOf' | 'targets'>;
  readonly wraps: Wraps;
  readonly onWork: (holder: string, stream: string, key: string) => void;
  readonly onFault: (what: string, error: unknown) => void;
  readonly onRefused: (stream: string, reason: string) => void;
}

const SLOTS = 2;

export function serviceProcess(options: ProcessOptions): ServiceProcess {
  const { service, number, time, network, wraps } = options;
  const asker = {
    name: `${service}-${number}`,
    service,
    categories: SERVICES[service].appends as readonly string[],
    held: new Set<Message>(),
    alive: true,
    paused_until_ms: 0,
    cut_off_until_ms: 0,
    next_sweep_ms: 0,
  };
  const timers = time.timersOf(
    () => asker.alive,
    () => asker.paused_until_ms,
  );
  const ask = <T>(what: string, run: () => T | Promise<T>): Promise<T> => network.ask(asker, what, run);
  // A planted bug lies to the process; what it is told is watched.
  const near = options.leases.as(asker.name, wraps.log?.(options.log, asker.name) ?? options.log);
  const log: EventLog = {
    append: (append) =>
      ask(
        `append ${append.events.map(({ type }) => type).join(' + ')} to ${append.stream} at version ${append.expected_version}`,
        () => near.append(append),
      ),
    load: (stream, after) => ask(`load ${stream}`, () => near.load(stream, after)),
    readAfter: (after, limit) => ask(`read after ${after}`, () => near.readAfter(after, limit)),
    head: () => ask('head', () => near.head()),
    claimDue: (claim) => ask(`claim what is due of ${claim.categories.join(', ')}`, () => near.claimDue(claim)),
    extend: (lease) => ask(`extend ${lease.key} of ${lease.stream} by ${lease.after_ms} ms`, () => near.extend(lease)),
    clearDeadline: (stream, key) => ask(`clear ${key} of ${stream}`, () => near.clearDeadline(stream, key)),
  };
  const letters = options.dead_letters;
  const dead_letters: DeadLetters = {
    park: (letter) => ask(`park ${letter.consumer} ${letter.stream ?? ''}: ${letter.reason}`, () => letters.park(letter)),
    isParked: (consumer, stream) => ask('is parked?', () => letters.isParked(consumer, stream)),
    list: (filter) => ask('list dead letters', () => letters.list(filter)),
    putAside: (consumer) => ask(`what is put aside of ${consumer}?`, () => letters.putAside(consumer)),
    find: (id) => ask('find a dead letter', () => letters.find(id)),
    counts: () => ask('count dead letters', () => letters.counts()),
    settle: (id, status) => ask('settle a dead letter', () => letters.settle(id, status)),
  };
  const unwrapped = definitionOf(service, {
    ...options.parts,
    timers,
    outside: ask,
    begins: (stream, key) => options.onWork(asker.name, stream, key),
  });
  const definition = wraps.definition?.(unwrapped, options.log) ?? unwrapped;
  const runtime = createService(definition, {
    log,
    dead_letters,
    holder: asker.name,
    slots: SLOTS,
    timers,
    instruments: {
      ...noInstruments,
      fault: options.onFault,
      deadlineFailed: (stream, key, error) => options.onFault(`deadline ${key} of ${stream}`, error),
      refused: (stream, _command, reason) => options.onRefused(stream, reason),
    },
  });
  return Object.assign(asker, { definition: unwrapped, runtime: wraps.runtime?.(runtime, service) ?? runtime });
}
