/**
 * What a service does with what arrives: react → (look up) → decide → append → work → settle. Free of any framework, over
 * ports, so that production and simulation run the same code.
 */
import { CONSUMERS, SERVICES, type Category } from '@baton/contracts';
import { failpoint, type DeadLetters, type Delivery, type EventLog, type Settlement } from '@baton/ports';
import { askedBy } from './asked.ts';
import { atOnce } from './at-once.ts';
import { decideAndAppend, type Appending } from './decide-and-append.ts';
import type { Decided, Request } from './decided.ts';
import type { ServiceDefinition } from './definition.ts';
import { sweeper } from './due.ts';
import { noInstruments, serviceActor, type Instruments } from './instruments.ts';
import { mailbox } from './mailbox.ts';
import { parkedStreams } from './parked.ts';
import { receiver } from './receiving.ts';
import { settling, type Counts } from './settling.ts';
import { slots } from './slots.ts';
import { knownStreams } from './streams.ts';
import { systemTimers, type Timers } from './timers.ts';
import { workers } from './work.ts';

export interface ServicePorts {
  readonly log: EventLog;
  readonly dead_letters: DeadLetters;
  readonly instruments?: Instruments;
  readonly timers?: Timers;
  /** Name of this process, different after each start. */
  readonly holder: string;
  /** How many pieces of work run side by side. */
  readonly slots: number;
}

export interface ServiceRuntime {
  /** Settles one delivery; never rejects. */
  receive(delivery: Delivery): Promise<Settlement>;
  /** Decides a command from an edge on a stream this service owns; committed when it resolves. */
  submit(request: Request): Promise<Decided>;
  /** Takes over what is due, once; resolves to how many. */
  sweep(): Promise<number>;
  freeSlots(): number;
  onSlotFree(listener: () => void): () => void;
  stop(grace_ms: number): Promise<void>;
  stats(): { readonly running_work: number; readonly handled: number; readonly dead_lettered: number };
}

/** By then whoever has a slot has asked for more. */
const NO_SLOT_DELAY_MS = 200;
const SWEEP_MAX = 100;

export function createService(definition: ServiceDefinition, ports: ServicePorts): ServiceRuntime {
  const { name, prepare = {}, perform: performers = {}, at_once = {} } = definition;
  const { log, holder, dead_letters, instruments = noInstruments, timers = systemTimers } = ports;
  const categories: readonly Category[] = SERVICES[name].appends;
  const streams = knownStreams(log, categories);
  const self = serviceActor(name);
  const appending: Appending = {
    log,
    streams,
    instruments,
    holder,
    atOnce: atOnce({ performers, at_once, instruments, timers }),
    self,
  };
  const perStream = mailbox();
  const stopped = new AbortController();
  const counts: Counts = { handled: 0, dead_lettered: 0 };

  const decide = async (request: Request): Promise<Decided> => {
    const completes = prepare[(request.command as { type: string }).type];
    const command = completes ? await completes(request.command as never) : request.command;
    return perStream.run(request.stream, () => decideAndAppend(appending, { ...request, command }));
  };

  const team = workers({
    slots: ports.slots,
    holder,
    log,
    instruments,
    timers,
    performers,
    current: async (stream) => {
      const known = await streams.get(stream);
      return { ...known, waiting: streams.deciderFor(stream).waitingOn(known.state) };
    },
    submit: async (stream, command, traceparent) => {
      // The stream's last event is what this work answers: whoever reports for the same state reports the same event id.
      const { last_event_id, correlation_id } = await streams.get(stream);
      return decide({ stream, command, causation_id: last_event_id, correlation_id, actor: self, traceparent });
    },
  });

  /** Whoever decides but the work itself: what the new state asks for is begun, and what it no longer asks for ends. */
  const submit = async (request: Request): Promise<Decided> => {
    const decided = await decide(request);
    if (decided.status === 'appended') {
      team.changed(request.stream, decided.waiting);
      if (decided.waiting?.work) await team.start(request.stream, decided.waiting.key);
    }
    return decided;
  };

  const handle = async (delivery: Delivery): Promise<void> => {
    const { requests, correlation_id, traceparent, label } = askedBy(definition, delivery);
    failpoint('handle', correlation_id);
    if (requests.length === 0) return;
    await instruments.span(
      `process ${label}`,
      { mission_id: correlation_id, consumer: delivery.consumer, position: delivery.sequence, event_type: label },
      traceparent,
      async (own) => {
        for (const request of requests) {
          const decided = await submit({ ...request, traceparent: own });
          if (delivery.kind === 'inbound' && decided.status === 'refused')
            instruments.requestRefused({ name: label, id: delivery.id, stream: request.stream, reason: decided.reason });
        }
      },
    );
  };

  const settle = settling({
    handle,
    parked: parkedStreams(dead_letters, timers),
    perStream,
    counts,
    instruments,
    dead_letters,
  });
  const receive = receiver({ settle, counts, instruments, timers, stopped: stopped.signal });
  const sweepUpTo = sweeper({ name, log, holder, streams, team, submit, instruments });
  const room = slots(team.freeSlots);

  return {
    async receive(delivery) {
      if (CONSUMERS[delivery.consumer].pull !== 'start') return receive(delivery);
      return (await room.take(() => receive(delivery))) ?? { ack: false, nak_delay_ms: NO_SLOT_DELAY_MS };
    },
    submit,
    async sweep() {
      if (stopped.signal.aborted) return 0;
      return definition.perform ? room.sweep((free) => sweepUpTo(Math.min(SWEEP_MAX, free))) : sweepUpTo(SWEEP_MAX);
    },
    freeSlots: team.freeSlots,
    onSlotFree: team.onSlotFree,
    async stop(grace_ms) {
      stopped.abort();
      await team.stop(grace_ms);
    },
    stats: () => ({ running_work: team.running(), ...counts }),
  };
}
