/** What real missions leave in a real log: recorded once in a run, for all scenarios that need many events. */
import type { StoredEvent } from '@baton/contracts';
import { openEventStore } from '@baton/event-store';
import { runLoad } from '../load.ts';
import { startStack, type BenchStack } from '../stack.ts';
import { driving } from './grown.ts';

const MISSIONS = 100;
const PAGE_EVENTS = 1_000;
const READ_MS_MAX = 60_000;

let recording: Promise<readonly StoredEvent[]> | undefined;

export const recordedMissions = (): Promise<readonly StoredEvent[]> => (recording ??= record());

async function record(): Promise<readonly StoredEvent[]> {
  const stack = await startStack();
  try {
    await driving(stack, {}, ({ mission }) => runLoad(mission, { name: 'record', total: MISSIONS, in_flight: 16 }));
    return await readLog(stack);
  } finally {
    await stack.stop();
  }
}

/** Every mission in it has ended. */
export async function readLog({ auditor_url }: Pick<BenchStack, 'auditor_url'>): Promise<readonly StoredEvent[]> {
  const store = openEventStore({ url: auditor_url, application_name: 'bench-reader', statement_timeout_ms: READ_MS_MAX });
  try {
    const events: StoredEvent[] = [];
    for (;;) {
      const page = await store.log.readAfter(events.length, PAGE_EVENTS);
      if (page.length === 0) return events;
      events.push(...page);
    }
  } finally {
    await store.close();
  }
}
