/** What is said on the channels of the log: its newest position to everybody, and the events themselves to the relay. */
import type { ToldEvent } from '@baton/contracts';
import { recordedAt } from './hash-chain.ts';
import type { Channel } from './listen.ts';

/** The position of the newest event. */
export const POSITIONS: Channel<number> = { name: () => Promise.resolve('baton_log'), parse: Number };

/** The events of one append, where a notification can carry them. Only the relay's role may know the channel's name. */
export const NEWS: Channel<readonly ToldEvent[]> = {
  name: async (client) => {
    const { rows } = await client.query<{ channel: string }>('SELECT baton.news_channel() AS channel');
    if (rows[0] === undefined) throw new Error('baton.news has no row: migrate the database first');
    return rows[0].channel;
  },
  parse: eventsIn,
};

/** As they are hashed: no field has a line break. */
const LINES_PER_EVENT = 8;

function eventsIn(payload: string): readonly ToldEvent[] | null {
  if (payload === '') return null;
  const lines = payload.split('\n');
  const events: ToldEvent[] = [];
  for (let at = 0; at < lines.length; at += LINES_PER_EVENT) {
    const [position, stream, version, id, type, recorded_at_us, meta, data] = lines.slice(at, at + LINES_PER_EVENT);
    if (data === undefined) return null;
    events.push({
      position: Number(position),
      stream: stream!,
      version: Number(version),
      id: id!,
      type: type!,
      recorded_at: recordedAt(Number(recorded_at_us)),
      meta: meta!,
      data,
    });
  }
  return events;
}
