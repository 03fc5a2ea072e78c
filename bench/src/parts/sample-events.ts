/** Events of the size that real missions have, for parts in which nothing is decided. */
import { randomUUID } from 'node:crypto';
import type { NewEvent } from '@baton/contracts';
import type { EventLog } from '@baton/ports';

/** With position, version and hash such a row has some 765 bytes: the mean of real missions. */
const META_BYTES = 260;
const DATA_BYTES = 340;

const padded = (of: object, bytes: number): string => {
  const text = JSON.stringify({ ...of, pad: '' });
  return JSON.stringify({ ...of, pad: 'x'.repeat(Math.max(0, bytes - text.length)) });
};
export const sampleEvent = (): NewEvent => {
  const id = randomUUID();
  return { id, type: 'MissionAccepted', meta: padded({ id }, META_BYTES), data: padded({ id }, DATA_BYTES) };
};

/** Each to a stream of its own. */
export const appends = (log: EventLog) => async (): Promise<void> => {
  const { status } = await log.append({
    stream: `mission-${randomUUID()}`,
    expected_version: 0,
    events: [sampleEvent()],
    deadline: null,
  });
  if (status !== 'appended') throw new Error(`an append to a stream of its own came back as ${status}`);
};
