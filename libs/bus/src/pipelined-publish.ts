/**
 * Events reach the stream in the order of the log or not at all: each is published with the sequence it expects to follow,
 * hundreds are on their way at once, and the first that is refused takes all behind it with it.
 *
 * Not the library's `publish()`: a timer, a promise and a header multimap per event; here one subscription takes all answers.
 */
import type { ToldEvent } from '@baton/contracts';
import { createInbox, type Msg } from '@nats-io/nats-core';
import { encodeEvent } from './cloud-event.ts';
import type { BusConnection } from './connect.ts';
import { messageHeaders } from './header-block.ts';

export type Published =
  | { readonly status: 'stored' }
  /** Somebody else has published, or the stream is another one by now: look again. */
  | { readonly status: 'wrong-sequence' }
  | { readonly status: 'no-stream' }
  | { readonly status: 'stream-full' }
  | { readonly status: 'unanswered'; readonly cause: string }
  | { readonly status: 'refused'; readonly cause: string };

export interface PipelinedPublish {
  /**
   * Publishes consecutive events; resolves when the last is stored, or as soon as one is known not to be. One call at a time.
   * Only the last asks for an answer: stored after what it expects, it proves all before it. `each` = every one asks, so
   * that the first that is refused says why itself.
   */
  publish(events: readonly ToldEvent[], answers: 'last' | 'each'): Promise<Published>;
  /** The connection is lost: gives up what is unanswered. */
  abort(cause: string): void;
  close(): void;
}

const EXPECTED_SEQUENCE_HEADER = 'Nats-Expected-Last-Sequence';
const NO_RESPONDERS = 503;
const WRONG_LAST_SEQUENCE = [10071, 10164];
const FULL = [10077, 10023, 10047];

interface Batch {
  readonly number: number;
  unanswered: number;
  readonly settle: (published: Published) => void;
}

export function pipelinedPublish(bus: BusConnection, ack_timeout_ms: number): PipelinedPublish {
  const { connection } = bus;
  const inbox = createInbox(bus.inbox_prefix);
  let batch: Batch | null = null;
  let batches = 0;

  const settle = (published: Published): void => {
    const settled = batch;
    batch = null;
    settled?.settle(published);
  };

  const subscription = connection.subscribe(`${inbox}.*.*`, {
    callback: (error, message) => {
      if (error) return settle({ status: 'refused', cause: error.message });
      const [number, position] = message.subject
        .slice(inbox.length + 1)
        .split('.')
        .map(Number);
      if (!batch || number !== batch.number) return;
      const published = answerOf(message, position);
      if (published.status !== 'stored') settle(published);
      else if (--batch.unanswered === 0) settle(published);
    },
  });

  return {
    publish: async (events, answers) => {
      const last = events.at(-1);
      if (!last) return { status: 'stored' };
      const number = ++batches;
      let timer: NodeJS.Timeout | undefined;
      const published = new Promise<Published>((resolve) => {
        batch = { number, unanswered: answers === 'each' ? events.length : 1, settle: resolve };
        timer = setTimeout(() => {
          settle({ status: 'unanswered', cause: `no answer within ${ack_timeout_ms} ms` });
        }, ack_timeout_ms);
      });
      try {
        for (const event of events) {
          const { subject, headers, payload } = encodeEvent(event);
          const fenced = messageHeaders({ ...headers, [EXPECTED_SEQUENCE_HEADER]: String(event.position - 1) });
          const asks = answers === 'each' || event === last;
          connection.publish(subject, payload, {
            headers: fenced,
            ...(asks && { reply: `${inbox}.${number}.${event.position}` }),
          });
        }
      } catch (error) {
        settle({ status: 'refused', cause: error instanceof Error ? error.message : String(error) });
      }
      try {
        return await published;
      } finally {
        clearTimeout(timer);
      }
    },
    abort: (cause) => {
      settle({ status: 'unanswered', cause });
    },
    close: () => {
      settle({ status: 'unanswered', cause: 'closed' });
      subscription.unsubscribe();
    },
  };
}

function answerOf(message: Msg, position: number | undefined): Published {
  if (message.data.length === 0) {
    return message.headers?.code === NO_RESPONDERS
      ? { status: 'no-stream' }
      : { status: 'refused', cause: message.headers?.status ?? 'empty answer' };
  }
  const answer = message.json<{ seq?: number; error?: { err_code?: number; description?: string } }>();
  if (!answer.error) return answer.seq === position ? { status: 'stored' } : { status: 'wrong-sequence' };
  const code = answer.error.err_code ?? 0;
  if (WRONG_LAST_SEQUENCE.includes(code)) return { status: 'wrong-sequence' };
  if (FULL.includes(code)) return { status: 'stream-full' };
  return { status: 'refused', cause: `${code} ${answer.error.description ?? ''}`.trim() };
}
