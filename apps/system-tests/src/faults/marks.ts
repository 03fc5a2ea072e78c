/**
 * What has been said and recorded since a moment. Many tests share one stack: what an earlier one left in a log must not be taken
 * for what this one shows.
 */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventRecord } from '@baton/contracts';
import type { Ledger } from './ledger.ts';

const LOG = '.log';
/** What the supervisor calls a log that it puts aside because it is long. */
const PUT_ASIDE = '.1';

export interface Marks {
  /** Everything before this moment is forgotten. */
  mark(): Promise<void>;
  /** What a part has said since, also where it was started again or its log was put aside meanwhile; what it said at all without a mark. */
  logOf(part: string): Promise<string>;
  /** What was recorded since, as far as the ledger has read. */
  eventsSince(): readonly EventRecord[];
}

interface Place {
  /** A file keeps it when it is renamed. */
  readonly inode: number;
  readonly bytes: number;
}

export function marksOf(logs: string, ledger: Pick<Ledger, 'events' | 'refresh'>): Marks {
  let places = new Map<string, Place>();
  let position = 0;
  return {
    mark: async () => {
      // A stack that was not started has no log of either kind.
      await ledger.refresh().catch(() => undefined);
      position = ledger.events.at(-1)?.position ?? 0;
      const names = (await readdir(logs).catch(() => [])).filter((name) => name.endsWith(LOG));
      places = new Map(
        await Promise.all(
          names.map(async (name): Promise<[string, Place]> => {
            const { ino, size } = await stat(join(logs, name));
            return [name, { inode: ino, bytes: size }];
          }),
        ),
      );
    },
    logOf: async (part) => {
      const name = `${part}${LOG}`;
      const place = places.get(name) ?? null;
      const now = await readBehind(join(logs, name), place);
      if (now.is_marked) return now.text;
      // Where there was none at the mark, one that was put aside since is all of this moment too.
      const aside = await readBehind(join(logs, `${name}${PUT_ASIDE}`), place).catch(() => ({ text: '' }));
      return aside.text + now.text;
    },
    eventsSince: () => ledger.events.filter((event) => event.position > position),
  };
}

async function readBehind(file: string, place: Place | null): Promise<{ readonly text: string; readonly is_marked: boolean }> {
  const handle = await open(file);
  try {
    const { ino } = await handle.stat();
    const is_marked = place?.inode === ino;
    const text = await handle.readFile();
    return { text: text.subarray(is_marked ? place.bytes : 0).toString(), is_marked };
  } finally {
    await handle.close();
  }
}
