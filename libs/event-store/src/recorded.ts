/** Whether what came over the bus is in the log: many questions are asked as one, because every answered event asks. */
import { hash } from 'node:crypto';
import type { EventLog, RecordedEvent } from '@baton/ports';
import type { Ask } from './connections.ts';

const ARE_RECORDED = `SELECT baton.are_recorded($1::bigint[], $2::text[]) AS recorded`;

/** Questions in one query; those that come meanwhile form the next. */
const TOGETHER_MAX = 500;

interface Asked {
  readonly event: RecordedEvent;
  readonly resolve: (recorded: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Over the same fields as in the function: names and numbers hold no line break, so nothing can be moved from one to another. */
const digestOf = ({ id, stream, version, type, data }: RecordedEvent): string =>
  hash('sha256', `${id}\n${stream}\n${String(version)}\n${type}\n${data}`, 'hex');

export function recordedEvents(ask: Ask): EventLog['holds'] {
  let waiting: Asked[] = [];
  let asking = false;

  async function answerAll(): Promise<void> {
    while (waiting.length > 0) {
      const together = waiting.slice(0, TOGETHER_MAX);
      waiting = waiting.slice(TOGETHER_MAX);
      try {
        const values = [together.map(({ event }) => event.position), together.map(({ event }) => digestOf(event))];
        const [row] = await ask<{ recorded: readonly boolean[] }>({ name: 'are-recorded', text: ARE_RECORDED, values });
        together.forEach(({ resolve }, at) => resolve(row?.recorded[at] === true));
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    asking = false;
  }

  return (event) =>
    new Promise((resolve, reject) => {
      waiting.push({ event, resolve, reject });
      if (asking) return;
      asking = true;
      void answerAll();
    });
}
