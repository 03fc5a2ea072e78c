/**
 * How long a mission takes at 20 per second, beside what waking that many processes costs on this machine: races of ten hops between six
 * processes, of which each commits a row and sends a message. Milliseconds alone say little: they compare within one run.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { connectBus } from '@baton/bus';
import { jetstreamManager } from '@nats-io/jetstream';
import { percentile, runLoad, type Done, type Load } from '../load.ts';
import { stackHome } from '../stack.ts';
import { BARE_STREAM, durableOfRunner, HOPS, plainRows, RUNNERS, subjectOfRunner, TABLE, type Race } from './bare-race.ts';
import { sized, type Figure, type Options, type Part } from './figure.ts';
import { driving, onHome, settled } from './grown.ts';
import { onGround, withClient, type Ground } from './ground.ts';
import { quiet } from './quiet.ts';

const WARM_UP: Load = { name: 'warm_up', total: 300, in_flight: 16 };
const AT_RATE = { name: 'latency', every_ms: 50 } as const;
const TOTAL = 300;
const P50_MS_MAX = 20;

const RACES: Readonly<Record<Race, string>> = {
  message: 'a plain row and a message that is kept nowhere',
  'kept-message': 'a plain row and a JetStream message',
  appended: 'an event in the log and a JetStream message',
};

export const latency: Part = {
  name: 'latency',
  run: async (options) => {
    const figures: Figure[] = [];
    const ms = { unit: 'ms', better: 'less' } as const;
    for (const race of Object.keys(RACES) as Race[]) {
      figures.push({
        scenario: `${String(HOPS)} hops between ${String(RUNNERS)} processes at 20/s, p50: ${RACES[race]}`,
        figure: await raced(race, options),
        ...ms,
        limit_is: 'none: what a mission is compared with',
      });
    }
    const missions = { scenario: 'missions at 20/s, p50', figure: await missionsAtRate(options), ...ms } as const;
    return [
      ...figures,
      { ...missions, limit: P50_MS_MAX, limit_is: 'what was wished for; machines differ by a factor of three' },
    ];
  },
};

async function medianAtRate(one: () => Promise<Done>, options: Options): Promise<number> {
  const { done } = await runLoad(one, { ...AT_RATE, total: sized(TOTAL, options) });
  return percentile(
    done.map(({ took_ms }) => took_ms),
    0.5,
  );
}

async function raced(race: Race, options: Options): Promise<number> {
  return onGround('latency', async (ground) => {
    const nats_url = await ground.nats();
    await withClient(ground.superuser_url, (client) => client.query(TABLE));
    const { commit, close } = plainRows(ground.superuser_url);
    const bus = await connectBus({ servers: nats_url, user: 'relay', logger: quiet });
    const runners: ChildProcess[] = [];
    try {
      await makeStream(await jetstreamManager(bus.connection), race);
      for (let nth = 0; nth < RUNNERS; nth++) runners.push(await startRunner(ground, { nats_url, nth, race }));
      const arrivals = new Map<string, () => void>();
      bus.connection.subscribe('done.*', { callback: (_error, { subject }) => arrivals.get(subject.slice('done.'.length))?.() });
      const one = async (): Promise<Done> => {
        const id = randomUUID();
        const arrived = new Promise<void>((resolve) => void arrivals.set(id, resolve));
        const started = performance.now();
        await commit();
        bus.connection.publish(subjectOfRunner(1, race), `${id} 1`);
        await arrived;
        arrivals.delete(id);
        return { id, took_ms: performance.now() - started };
      };
      await runLoad(one, WARM_UP);
      return await medianAtRate(one, options);
    } finally {
      for (const runner of runners) runner.kill('SIGKILL');
      await bus.close();
      await close();
    }
  });
}

async function makeStream(manager: Awaited<ReturnType<typeof jetstreamManager>>, race: Race): Promise<void> {
  if (race === 'message') return;
  await manager.streams.add({ name: BARE_STREAM, subjects: [subjectOfRunner('*', race)] });
  for (let nth = 0; nth < RUNNERS; nth++) {
    const durable_name = durableOfRunner(nth);
    await manager.consumers.add(BARE_STREAM, {
      durable_name,
      filter_subject: subjectOfRunner(nth, race),
      ack_policy: 'explicit',
    });
  }
}

async function startRunner({ superuser_url, url }: Ground, settings: object): Promise<ChildProcess> {
  const runner = fork(join(import.meta.dirname, 'bare-hop.js'), [
    JSON.stringify({ ...settings, superuser_url, intake_url: url('intake') }),
  ]);
  await once(runner, 'message');
  return runner;
}

async function missionsAtRate(options: Options): Promise<number> {
  const home = await stackHome();
  return onHome(home, async () => {
    const stack = await home.up();
    return driving(stack, {}, async ({ mission }) => {
      await runLoad(mission, WARM_UP);
      await settled(stack);
      return medianAtRate(mission, options);
    });
  });
}
