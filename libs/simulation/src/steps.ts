/** One thing that can happen next, of all that could: a question or an answer arrives, a message, a timer, a deadline, a person. */
import { CONSUMERS, EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import type { FaultInjection } from './fault-injection.ts';
import type { Message } from './memory-bus.ts';
import type { ServiceProcess } from './service-process.ts';
import { checkHandled, redeliver, type World } from './world.ts';

const SWEEP_MS = 1_000;
/** How late a duplicate may come. */
const LATE_MS_MAX = 120_000;
const OF_EVENTS = (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => CONSUMERS[name].stream === EVENT_STREAM);

export type Failed = (error: unknown) => void;

/** Does one thing; false = nothing can happen now. */
export async function act(world: World, faults: FaultInjection, failed: Failed): Promise<boolean> {
  const { draw, plan } = world;
  const ways = [
    () => arrive(world),
    () => ask(world, faults),
    () => world.relay.act(),
    () => deliver(world, faults, failed),
    () => sweep(world),
    () => world.time.fireOne(),
    () => world.outside.actOne(),
    () => world.operator.act(),
  ];
  if (draw.chance(0.05)) await keepWatermark(world);
  const first = draw.chance(plan.disorder) ? draw.int(ways.length) : 0;
  for (let index = 0; index < ways.length; index++) if (await ways[(first + index) % ways.length]!()) return true;
  return false;
}

const oneOf = <T>({ draw, plan }: World, list: readonly T[]): T | undefined =>
  list.length > 1 && draw.chance(plan.disorder) ? draw.pick(list) : list[0];

function arrive(world: World): boolean {
  const arrival = oneOf(world, world.network.arrivals());
  if (arrival) world.network.deliver(arrival);
  return arrival !== undefined;
}

function ask(world: World, faults: FaultInjection): boolean {
  const question = oneOf(world, world.network.questions);
  if (question) world.network.put(question, faults.fateOf(question));
  return question !== undefined;
}

const able = ({ processes }: World, { service, consumer }: Message): readonly ServiceProcess[] =>
  processes.filter(
    (process) => process.service === service && (CONSUMERS[consumer].pull === 'react' || process.runtime.freeSlots() > 0),
  );

/** Of what cannot be handled alone either, until somebody gives it back. */
const failing = (): never => {
  throw new TypeError('no release can handle this yet');
};

function deliver(world: World, faults: FaultInjection, failed: Failed): boolean {
  const { bus, network, given, tell } = world;
  const message = oneOf(
    world,
    bus.ready((candidate) => able(world, candidate).length > 0),
  );
  if (!message) return false;
  const process = world.draw.pick(able(world, message));
  const killer = faults.killsItsProcess();
  if (killer) message.deliveries = Number.MAX_SAFE_INTEGER / 2;
  const taken = bus.take(message);
  const delivery = killer?.poisons && taken.kind === 'event' ? { ...taken, event: failing } : taken;
  given.push(message);
  tell(() => `${process.name}: is given ${label(message)} (delivery ${delivery.deliveries})`);
  if (faults.losesDelivery()) {
    bus.deliverAgain(message);
    return true;
  }
  process.held.add(message);
  // A process that is stopped gets it all the same, and others get it again meanwhile.
  if (process.paused_until_ms > world.time.now_ms()) bus.deliverAgain(message);
  network.arrive(process, 'a message', () => {
    const receive = async (): Promise<void> => {
      const settlement = await process.runtime.receive(delivery);
      if (!process.alive || !process.held.delete(message)) return;
      await settle(world, faults, process, message, settlement);
    };
    receive().catch(failed);
  });
  if (faults.isTooSlow()) bus.deliverAgain(message, 0);
  return true;
}

async function settle(
  world: World,
  faults: FaultInjection,
  process: ServiceProcess,
  message: Message,
  settlement: Awaited<ReturnType<ServiceProcess['runtime']['receive']>>,
): Promise<void> {
  const { bus, watch, tell, draw } = world;
  tell(() => `${process.name}: ${settlement.ack ? 'acknowledges' : 'gives back'} ${label(message)}`);
  if (message.kind === 'event' && settlement.ack) {
    watch.look();
    await checkHandled(world, process, watch.records[message.sequence - 1]!, message.consumer);
  }
  if (faults.losesSettlement()) return redeliver(world, message);
  bus.settle(message, settlement);
  if (settlement.ack && faults.duplicates()) bus.repeat(message, draw.int(LATE_MS_MAX));
}

const label = ({ consumer, sequence }: Message): string => `${consumer} ${sequence}`;

/** By the clock that processes go by. */
function dueOf({ watch, storeClock }: World, { categories }: ServiceProcess): number | null {
  const due_ms = watch.nextDue(categories);
  return due_ms === null ? null : due_ms - storeClock.ahead_ms;
}

function sweep(world: World): boolean {
  const now = world.time.now_ms();
  const due = world.processes.filter(
    (process) => process.next_sweep_ms <= now && process.paused_until_ms <= now && (dueOf(world, process) ?? Infinity) <= now,
  );
  if (due.length === 0) return false;
  const process = world.draw.pick(due);
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

async function keepWatermark({ bus, draw, network, record, time }: World): Promise<void> {
  if (network.store_away_until_ms > time.now_ms() || bus.lastSequence() === null) return;
  const consumer = draw.pick(OF_EVENTS);
  await record.watermarks.advance(consumer, bus.handledUpTo(consumer));
}

/** To the next moment at which something can happen; false = nothing ever will. */
export function advance(world: World): boolean {
  const { bus, outside, processes, time, relay, operator, network } = world;
  const now = time.now_ms();
  const sweeps = processes.flatMap((process) => {
    const due_ms = dueOf(world, process);
    return due_ms === null ? [] : [Math.max(due_ms, process.next_sweep_ms, process.paused_until_ms)];
  });
  const busy = bus.nextDue() !== null || sweeps.length > 0 || relay.nextDue() !== null;
  const ends = processes.filter(({ paused_until_ms }) => paused_until_ms > now).map(({ paused_until_ms }) => paused_until_ms);
  const away = busy && network.store_away_until_ms > now ? [network.store_away_until_ms] : [];
  const dues = [bus.nextDue(), outside.nextDue(), time.nextTimer(), relay.nextDue(), operator.nextDue()];
  const next = [...dues.filter((due_ms) => due_ms !== null), ...sweeps, ...ends, ...away];
  // What is due and did not happen waits for something else that is due: never for a moment that is over.
  const later = next.filter((due_ms) => due_ms > now);
  if (later.length > 0) time.advance(Math.min(...later));
  return later.length > 0;
}
