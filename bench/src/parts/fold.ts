/** Reading the log back: pages out of Postgres, and the real deciders folding what real missions left there. */
import { categoryOf, parseStored, type Category, type EventRecord, type StoredEvent } from '@baton/contracts';
import { deciderOf } from '@baton/domain';
import { fold, type Known } from '@baton/handling';
import type { EventLog } from '@baton/ports';
import { perSecond, sized, type Figure, type Part } from './figure.ts';
import { copies, fill, NOWHERE } from './fill.ts';
import { onGround, withClient } from './ground.ts';
import { recordedMissions } from './recorded.ts';

const EVENTS = 100_000;
const EVENTS_PER_S_MIN = 100_000;
const PAGES = [500, 1_000, 5_000] as const;
const NOTHING = { version: 0, last_event_id: '', correlation_id: '', traceparent: undefined };

const limit = {
  unit: 'events/s',
  limit: EVENTS_PER_S_MIN,
  better: 'more',
  limit_is: 'of the issue: a million events in ten seconds',
} as const;

export const foldReplay: Part = {
  name: 'fold',
  run: async (options) => {
    const stored = [...copies(await recordedMissions(), sized(EVENTS, options), NOWHERE)];
    // Once for the compiler of the engine, as any service has run before it replays.
    foldAll(stored.slice(0, stored.length / 4).map(parseStored));
    const records: EventRecord[] = [];
    const parsed = await perSecond(stored.length, async () => void records.push(...stored.map(parseStored)));
    const folded = await perSecond(records.length, async () => foldAll(records));
    return [
      { scenario: 'fold, parsed events', figure: folded, ...limit },
      { scenario: 'parse and check events', figure: parsed, ...limit },
      { scenario: 'replay: parse, check and fold', figure: 1 / (1 / parsed + 1 / folded), ...limit },
    ];
  },
};

/** Stream by stream in the order of the log, as a service meets them. */
function foldAll(records: readonly EventRecord[]): void {
  const known = new Map<string, Known>();
  for (const record of records) {
    const decider = deciderOf(categoryOf(record.stream) as Category);
    const before = known.get(record.stream) ?? { state: decider.initial, ...NOTHING };
    known.set(record.stream, fold(decider, before, [record]));
  }
}

export const readAfter: Part = {
  name: 'read-after',
  run: async (options) => {
    const recorded = await recordedMissions();
    return onGround('read', async (ground) => {
      const { position: end } = await withClient(ground.superuser_url, (client) =>
        fill(client, recorded, sized(EVENTS, options)),
      );
      const { log } = ground.open('relay');
      await readAll(log, end, PAGES[0]);
      const figures: Figure[] = [];
      for (const page of PAGES) {
        const figure = await perSecond(end, () => readAll(log, end, page));
        figures.push({ scenario: `readAfter, pages of ${String(page)}`, figure, ...limit });
      }
      return figures;
    });
  },
};

async function readAll(log: Pick<EventLog, 'readAfter'>, end: number, page: number): Promise<void> {
  // The next page is under way while one is looked at, as the relay reads.
  let ahead: Promise<readonly StoredEvent[]> = log.readAfter(0, page);
  for (let read = 0; read < end;) {
    const events = await ahead;
    read += events.length;
    if (events.at(-1)?.position !== read) throw new Error(`the page up to ${String(read)} has a gap`);
    ahead = read < end ? log.readAfter(read, page) : Promise.resolve([]);
  }
}
