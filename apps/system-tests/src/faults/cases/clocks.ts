/** T18: one service lives in another time; what decides is the clock of Postgres. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName } from '@baton/contracts';
import type { Fault } from '../fault.ts';
import { faketimeLibrary } from '../needs.ts';

const EVERY_MS = 150;
const RUN_MS = 4_000;
const MINUTE_MS = 60_000;
const AHEAD_MIN = 10;
const BACK_MIN = -120;

const skewed = (service: ServiceName): Fault => ({
  id: `T18.${service}`,
  broke: `the clock of ${service} is 10 min ahead, then jumps 2 h back`,
  needs: ['linux', 'faketime'],
  ground: 'shared',
  run: async (on) => {
    const { ground } = on;
    const clock = join(ground.baton.directory, 'clock');
    const set = (minutes: number): Promise<void> => writeFile(clock, `${minutes < 0 ? '' : '+'}${minutes}m\n`);
    await set(AHEAD_MIN);
    const env = {
      LD_PRELOAD: (await faketimeLibrary()) ?? '',
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    await ground.settings({ services: { [service]: { env } } });
    ground.cleanup.add(async () => {
      await ground.settings({});
      await ground.restart(service);
      await ground.ready();
    });
    await ground.restart(service);
    await ground.mark();
    const load = ground.missions.keepComing(EVERY_MS, service === 'executor' ? 'working' : 'scripted');
    await delay(RUN_MS);
    const ahead_min = skewOf(await ground.logOf(service));
    if (Math.abs(ahead_min - AHEAD_MIN) > 1) throw new Error(`its clock is ${ahead_min} min ahead: the test shows nothing`);
    await set(BACK_MIN);
    await delay(RUN_MS);
    const since_ms = performance.now();
    await load.stop();
    await on.recovered(since_ms);
    const lost = ground.eventsSince().filter(({ type }) => type === 'AttemptLost').length;
    if (lost > 0) throw new Error(`${lost} attempts lost their lease to a wrong clock`);
  },
});

/** Minutes by which the last line of its log is ahead of us. */
function skewOf(log: string): number {
  const last = JSON.parse(log.trim().split('\n').at(-1) ?? '{}') as { time?: string | number };
  return Math.round((new Date(last.time ?? Number.NaN).getTime() - Date.now()) / MINUTE_MS);
}

export const clockFaults: readonly Fault[] = [skewed('executor'), skewed('approval')];
