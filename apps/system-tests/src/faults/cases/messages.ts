/** T19, T24: everything is delivered once more, consumers vanish, the stream is full. */
import { setTimeout as delay } from 'node:timers/promises';
import { CONSUMERS, EVENT_STREAM, type ConsumerName } from '@baton/contracts';
import type { Fault } from '../fault.ts';
import { asAdministrator } from '../provisioner.ts';

const EVERY_MS = 100;
const FULL_MS = 5_000;
const REPLAYED_WITHIN_MS = 60_000;
const CONSUMERS_OF_EVENTS = (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => CONSUMERS[name].stream === EVENT_STREAM);

/** Old events after new ones, interleaved over all missions: duplicates and reordering at once, for every service. */
const replayed: Fault = {
  id: 'T19',
  broke: 'everything on the bus is delivered again, to every service, under load',
  ground: 'shared',
  run: async (on) => {
    const { ground, brief } = on;
    await ground.missions.ended(await ground.missions.wave(10));
    const { ledger } = ground.missions;
    await ledger.refresh();
    const before = ledger.events.length;
    const load = ground.missions.keepComing(EVERY_MS);
    await asAdministrator(ground, async ({ replayAll }) => {
      for (let times = 0; times < (brief ? 1 : 3); times++) for (const name of CONSUMERS_OF_EVENTS) await replayAll(name);
    });
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms, { within_ms: REPLAYED_WITHIN_MS });
    on.note(`${before} events, ${CONSUMERS_OF_EVENTS.length} consumers`);
  },
};

const deletedConsumers: Fault = {
  id: 'T24.deleted',
  broke: 'every consumer is deleted by hand under load',
  ground: 'shared',
  run: async (on) => {
    const load = on.ground.missions.keepComing(EVERY_MS);
    await delay(FULL_MS / 4);
    await asAdministrator(on.ground, async ({ deleteConsumer }) => {
      for (const name of CONSUMERS_OF_EVENTS) await deleteConsumer(name);
    });
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms);
  },
};

const fullStream: Fault = {
  id: 'T24.full',
  broke: 'the event stream takes no more (10077) for 5 s',
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    await asAdministrator(ground, async ({ limitMessages }) => {
      await limitMessages('now');
      ground.cleanup.add(() => asAdministrator(ground, (again) => again.limitMessages(null)));
      const load = ground.missions.keepComing(EVERY_MS);
      await delay(FULL_MS);
      const { status } = await ground.missions.ask();
      if (status !== 201) throw new Error(`with a full stream intake answered ${status} instead of 201`);
      await limitMessages(null);
      const since_ms = performance.now();
      await load.stop();
      await on.recovered(since_ms);
    });
    if (!(await ground.logOf('relay')).includes('stream-full'))
      throw new Error('the relay never met a full stream: nothing was tested');
  },
};

export const messageFaults: readonly Fault[] = [replayed, deletedConsumers, fullStream];
