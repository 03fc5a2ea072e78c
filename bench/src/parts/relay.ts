/** How fast the relay copies a log to a bus that has nothing yet, against publishing the same messages with nothing around it. */
import { EVENT_STREAM } from '@baton/contracts';
import { connectBus, encodeEvent, ensureTopology, startRelay, type BusConnection } from '@baton/bus';
import type { EventLog } from '@baton/ports';
import { eventually } from '@baton/tools';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/nats-core';
import { sized, lanes, perSecond, type Part } from './figure.ts';
import { fill } from './fill.ts';
import { onGround, withClient } from './ground.ts';
import { quiet } from './quiet.ts';
import { recordedMissions } from './recorded.ts';

const EVENTS = 50_000;
/** As many as the relay has on their way. */
const IN_FLIGHT = 500;
const PAGE_EVENTS = 1_000;
const COPIED_WITHIN_MS = 120_000;

export const relay: Part = {
  name: 'relay',
  run: async (options) => {
    const recorded = await recordedMissions();
    return onGround('relay', async (ground) => {
      const { position: end } = await withClient(ground.superuser_url, (client) =>
        fill(client, recorded, sized(EVENTS, options)),
      );
      const bus = await connectBus({ servers: await ground.nats(), user: 'relay', logger: quiet });
      try {
        const store = ground.open('relay');
        // On the same server and the same stream, which is made anew for the relay.
        await ensureTopology(bus.connection, { replicas: 1 });
        const bare = await publishedBare(bus, store.log, end);
        await (await jetstreamManager(bus.connection)).streams.delete(EVENT_STREAM);
        return [
          {
            scenario: `relay, ${String(end)} events into an empty bus`,
            figure: await relayed(bus, store, end),
            unit: 'events/s',
            limit: bare,
            better: 'more',
            limit_is: `bare JetStream publisher: the same messages to the same stream, ${String(IN_FLIGHT)} in flight, made beforehand`,
          },
        ];
      } finally {
        await bus.close();
      }
    });
  },
};

async function publishedBare({ connection }: BusConnection, log: EventLog, end: number): Promise<number> {
  const messages: { readonly subject: string; readonly payload: string; readonly headers: ReturnType<typeof headers> }[] = [];
  while (messages.length < end) {
    for (const event of await log.readAfter(messages.length, PAGE_EVENTS)) {
      const encoded = encodeEvent(event);
      const own = headers();
      for (const [name, value] of Object.entries(encoded.headers)) own.set(name, value);
      messages.push({ ...encoded, headers: own });
    }
  }
  const publisher = jetstream(connection);
  return perSecond(messages.length, () =>
    lanes(messages.length, IN_FLIGHT, (nth) => {
      const { subject, payload, headers: own } = messages[nth]!;
      return publisher.publish(subject, payload, { headers: own });
    }),
  );
}

async function relayed(
  bus: BusConnection,
  store: Pick<Parameters<typeof startRelay>[0], 'log' | 'watermarks' | 'leases'>,
  end: number,
): Promise<number> {
  let began_ms = 0;
  let ended_ms = 0;
  const running = startRelay({
    log: store.log,
    watermarks: store.watermarks,
    leases: store.leases,
    bus,
    holder: 'bench',
    replicas: 1,
    logger: quiet,
    // Streams and consumers are made before: from here on it copies.
    on_inspected: () => void (began_ms ||= performance.now()),
    on_published: (events) => void ((events.at(-1)?.position ?? 0) >= end && (ended_ms ||= performance.now())),
  });
  try {
    await eventually(() => ended_ms > 0, { within_ms: COPIED_WITHIN_MS, what: `${String(end)} events are on the bus` });
  } finally {
    await running.close();
  }
  return (end / (ended_ms - began_ms)) * 1_000;
}
