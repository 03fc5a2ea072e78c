/**
 * What a service does with what arrives: react → (look up) → decide → append → work → settle. Free of any framework, over
 * ports, so that production and simulation run the same code.
 */
import {
  CONSUMERS,
  SERVICES,
  inboundType,
  readOutsideJson,
  type Category,
  type InboundName,
  type ServiceName,
} from '@baton/contracts';
import { LEASE_MS, react, type Waiting } from '@baton/domain';
import { failpoint, type DeadLetters, type EventLog } from '@baton/ports';
import { atOnce } from './at-once.ts';
import { decideAndAppend, type Appending } from './decide-and-append.ts';
import type { Decided, Request } from './decided.ts';
import type { Delivery, InboundDelivery, Settlement } from './delivery.ts';
import { noInstruments, serviceActor, type Instruments } from './instruments.ts';
import { mailbox } from './mailbox.ts';
import { parkedStreams } from './parked.ts';
import { InvalidRequest, settling, type Counts } from './settling.ts';
import { slots } from './slots.ts';
import { knownStreams } from './streams.ts';
import { pause, systemTimers, type Timers } from './timers.ts';
import { workers, type Performer, type Workers } from './work.ts';

export interface ServiceDefinition {
  readonly name: ServiceName;
  /** Completes a command with what only this service can look up, right before deciding; by command type. */
  readonly prepare?: Readonly<Record<string, (command: never) => unknown>>;
  /** Does the work that a state asks for; by `Waiting.work`. */
  readonly perform?: Readonly<Record<string, Performer>>;
  /** Which of it touches nothing outside and takes milliseconds: done before the append, which records its report as well. */
  readonly at_once?: Readonly<Record<string, (state: never) => boolean>>;
  /** Turns a request from outside into commands. Throws InvalidRequest. */
  readonly inbound?: Partial<Readonly<Record<InboundName, (body: unknown, delivery: InboundDelivery) => readonly Request[]>>>;
}

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

const NAK_DELAYS_MS = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000];
const FAULT_PAUSE_MS_MAX = 2_000;
/** By then whoever has a slot has asked for more. */
const NO_SLOT_DELAY_MS = 200;
const SWEEP_MAX = 100;

export function createService(definition: ServiceDefinition, ports: ServicePorts): ServiceRuntime {
  const { instruments = noInstruments, timers = systemTimers } = ports;
  const categories: readonly Category[] = SERVICES[definition.name].appends;
  const streams = knownStreams(ports.log, categories);
  const { perform: performers = {}, at_once = {} } = definition;
  const appending: Appending = {
    log: ports.log,
    streams,
    instruments,
    holder: ports.holder,
    atOnce: atOnce({ performers, at_once, instruments, timers }),
    self: serviceActor(definition.name),
  };
  const parked = parkedStreams(ports.dead_letters, timers);
  const perStream = mailbox();
  const stopped = new AbortController();
  const counts: Counts = { handled: 0, dead_lettered: 0 };

  const decide = async (request: Request, by_work = false): Promise<Decided> => {
    const prepare = definition.prepare?.[(request.command as { type: string }).type];
    const command = prepare ? await prepare(request.command as never) : request.command;
    const decided = await perStream.run(request.stream, () => decideAndAppend(appending, { ...request, command }));
    if (decided.status === 'appended' && !by_work) {
      team.changed(request.stream, decided.waiting);
      if (decided.waiting?.work) await team.start(request.stream, decided.waiting.key);
    }
    return decided;
  };

  const team: Workers = workers({
    slots: ports.slots,
    holder: ports.holder,
    log: ports.log,
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
      return decide(
        { stream, command, causation_id: last_event_id, correlation_id, actor: serviceActor(definition.name), traceparent },
        true,
      );
    },
  });

  const requestsOf = (
    delivery: Delivery,
  ): { requests: readonly Request[]; correlation_id: string; traceparent: string | undefined; label: string } => {
    if (delivery.kind === 'inbound') {
      const answer = definition.inbound?.[delivery.name];
      if (!answer) throw new InvalidRequest(`${definition.name} does not take ${delivery.name}`);
      refuseOtherVersion(delivery);
      const requests = answer(parseBody(delivery.body), delivery);
      return {
        requests,
        correlation_id: requests[0]?.correlation_id ?? '',
        traceparent: delivery.headers['traceparent'],
        label: delivery.name,
      };
    }
    const event = delivery.event();
    const { correlation_id, traceparent } = event.meta;
    const requests = react(definition.name, event).map(({ stream, command }): Request => ({
      stream,
      command,
      causation_id: event.id,
      correlation_id,
      actor: serviceActor(definition.name),
      answers: {
        position: delivery.sequence,
        id: event.id,
        stream: event.stream,
        version: event.version,
        type: event.type,
        data: delivery.body,
      },
    }));
    return { requests, correlation_id, traceparent, label: event.type };
  };

  const handle = async (delivery: Delivery): Promise<void> => {
    const { requests, correlation_id, traceparent, label } = requestsOf(delivery);
    failpoint('handle', correlation_id);
    if (requests.length === 0) return;
    await instruments.span(
      `process ${label}`,
      { mission_id: correlation_id, consumer: delivery.consumer, position: delivery.sequence, event_type: label },
      traceparent,
      async (own) => {
        for (const request of requests) await decide({ ...request, traceparent: own });
      },
    );
  };

  const settle = settling({ handle, parked, perStream, counts, instruments, dead_letters: ports.dead_letters });
  const room = slots(team.freeSlots);

  const receive = async (delivery: Delivery): Promise<Settlement> => {
    const started = performance.now();
    // A store that is away is waited for here: a redelivery would only count towards the dead-letter limit.
    for (let tries = 1; ; tries++) {
      try {
        const result = await settle(delivery);
        counts.handled++;
        instruments.handled(delivery.consumer, result, (performance.now() - started) / 1_000);
        if (result !== 'nak') return { ack: true };
        return { ack: false, nak_delay_ms: NAK_DELAYS_MS[Math.min(delivery.deliveries, NAK_DELAYS_MS.length) - 1]! };
      } catch (error) {
        instruments.fault(`${delivery.consumer} at ${delivery.sequence}, try ${tries}`, error);
        if (stopped.signal.aborted) return { ack: false, nak_delay_ms: 1_000 };
        await pause(timers, Math.min(50 * 2 ** tries, FAULT_PAUSE_MS_MAX), stopped.signal);
      }
    }
  };

  const sweepUpTo = async (limit: number): Promise<number> => {
    if (limit === 0 || categories.length === 0 || stopped.signal.aborted) return 0;
    const due = await ports.log.claimDue({ categories, holder: ports.holder, hold_ms: LEASE_MS, limit });
    await Promise.all(
      due.map(async (deadline) => {
        if (team.isWorking(deadline.stream)) return;
        // One stream that cannot be read must not hide the others; it is due again when its hold runs out.
        await takeOver(deadline).catch((error: unknown) => instruments.deadlineFailed(deadline.stream, deadline.key, error));
      }),
    );
    return due.length;
  };

  return {
    async receive(delivery) {
      if (CONSUMERS[delivery.consumer].pull !== 'start') return receive(delivery);
      return (await room.take(() => receive(delivery))) ?? { ack: false, nak_delay_ms: NO_SLOT_DELAY_MS };
    },
    submit: (request) => decide(request),
    sweep: () => (definition.perform ? room.sweep((limit) => sweepUpTo(Math.min(SWEEP_MAX, limit))) : sweepUpTo(SWEEP_MAX)),
    freeSlots: team.freeSlots,
    onSlotFree: team.onSlotFree,
    async stop(grace_ms) {
      stopped.abort();
      await team.stop(grace_ms);
    },
    stats: () => ({ running_work: team.running(), ...counts }),
  };

  async function takeOver({
    stream,
    key,
    last_holder,
  }: {
    stream: string;
    key: string;
    last_holder: string | null;
  }): Promise<void> {
    streams.forget(stream);
    const known = await streams.get(stream);
    const request: Request = {
      stream,
      command: { type: 'DeadlinePassed', key, last_holder },
      causation_id: `deadline\n${key}\n${known.last_event_id}`.replaceAll('\n', ':'),
      correlation_id: known.correlation_id,
      actor: serviceActor(definition.name),
      traceparent: known.traceparent,
    };
    const decided = await decide(request);
    if (decided.status === 'appended') return;
    const waiting: Waiting | null = 'waiting' in decided ? decided.waiting : null;
    if (waiting?.key !== key) await ports.log.clearDeadline(stream, key);
    else if (waiting.work) await team.start(stream, key);
  }
}

/** A request of a newer release may mean something else by the same fields: it is kept for who understands it. */
function refuseOtherVersion({ name, type }: InboundDelivery): void {
  const taken = inboundType(name);
  const unversioned = taken.slice(0, taken.lastIndexOf('.v') + 2);
  if (type?.startsWith(unversioned) === true && type !== taken)
    throw new InvalidRequest(
      `type: is "${type}", and this release takes "${taken}"; send that, or replay this after the upgrade`,
    );
}

function parseBody(body: string): unknown {
  try {
    return readOutsideJson(body);
  } catch (cause) {
    throw new InvalidRequest(`the body cannot be taken: ${(cause as Error).message}`, { cause });
  }
}
