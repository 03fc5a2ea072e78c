/** One of the processes of a bare race (`latency.ts`): gets a message, commits one row, sends the message on. Decides nothing. */
import { connectBus } from '@baton/bus';
import { openEventStore } from '@baton/event-store';
import { jetstream } from '@nats-io/jetstream';
import { z } from 'zod';
import { BARE_STREAM, durableOfRunner, HOPS, plainRows, RUNNERS, subjectOfRunner } from './bare-race.ts';
import { quiet } from './quiet.ts';
import { appends } from './sample-events.ts';

const { superuser_url, intake_url, nats_url, nth, race } = z
  .object({
    superuser_url: z.string(),
    intake_url: z.string(),
    nats_url: z.string(),
    nth: z.number().int(),
    race: z.enum(['message', 'kept-message', 'appended']),
  })
  .parse(JSON.parse(process.argv[2] ?? '{}'));

const commit =
  race === 'appended'
    ? appends(openEventStore({ url: intake_url, application_name: 'bench-race' }).log)
    : plainRows(superuser_url).commit;
const { connection } = await connectBus({ servers: nats_url, user: 'relay', logger: quiet });

/** The message is `<id> <hop>`. */
const hop = async (message: string): Promise<void> => {
  const [id = '', hops = ''] = message.split(' ');
  await commit();
  const next = Number(hops) + 1;
  connection.publish(next > HOPS ? `done.${id}` : subjectOfRunner(next % RUNNERS, race), `${id} ${String(next)}`);
};

if (race === 'message') {
  connection.subscribe(subjectOfRunner(nth, race), { callback: (_error, message) => void hop(message.string()) });
} else {
  const consumer = await jetstream(connection).consumers.get(BARE_STREAM, durableOfRunner(nth));
  const messages = await consumer.consume();
  void (async () => {
    for await (const message of messages) void hop(message.string()).then(() => message.ack());
  })();
}
await connection.flush();
process.send?.('ready');
