/** Tells the process that the log has grown, and goes on telling it after the connection was lost. */
import pg from 'pg';
import { clientConfig, pauseBefore, type ConnectionLimits } from './connections.ts';

export interface AppendSignals {
  /**
   * Called with the position of the newest event, after each append by anybody; and with null after each (re)connection,
   * when appends may have gone unnoticed. A hint only: poll as well. Returns how to stop listening.
   */
  onAppended(listener: (position: number | null) => void): () => void;
  close(): Promise<void>;
}

/** Makes the wait before each reconnection as long as the longest there is. */
const PAUSES_MAX = 8;

export function appendSignals(limits: ConnectionLimits): AppendSignals {
  const listeners = new Set<(position: number | null) => void>();
  let running: Promise<void> | null = null;
  let current: pg.Client | null = null;
  let closing = false;
  const tell = (position: number | null): void => {
    for (const listener of listeners) listener(position);
  };

  async function keepListening(): Promise<void> {
    let failures = 0;
    while (!closing) {
      // LISTEN alone never asks anything, so a query timeout would not notice a dead peer: TCP keepalive does.
      const client = new pg.Client(clientConfig(limits));
      current = client;
      const ended = new Promise<void>((resolve) => {
        client
          .on('error', () => {
            resolve();
          })
          .on('end', () => {
            resolve();
          });
      });
      try {
        await client.connect();
        client.on('notification', ({ payload }) => {
          tell(Number(payload));
        });
        await client.query('LISTEN baton_log');
        failures = 0;
        tell(null);
        await ended;
      } catch {
        // The next attempt says the same if it is still so; readiness is told by ping().
      }
      await client.end().catch(() => undefined);
      if (!closing) await pauseBefore(Math.min(++failures, PAUSES_MAX));
    }
  }

  return {
    onAppended: (listener) => {
      listeners.add(listener);
      running ??= keepListening();
      return () => {
        listeners.delete(listener);
      };
    },
    close: async () => {
      closing = true;
      await current?.end().catch(() => undefined);
      await running;
    },
  };
}
