/** Tells the process that the log has grown, and goes on telling it after the connection was lost. */
import pg from 'pg';
import { clientConfig, pauseBefore, type ConnectionLimits } from './connections.ts';

export interface Signals<Signal> {
  /**
   * Called after each append by anybody; and with null after each (re)connection, when appends may have gone unnoticed. A
   * hint only: poll as well. Returns how to stop listening.
   */
  listen(listener: (signal: Signal | null) => void): () => void;
  close(): Promise<void>;
}

export interface Channel<Signal> {
  /** Its name, asked for anew with each connection. */
  readonly name: (client: pg.Client) => Promise<string>;
  /** Null = there was something, look what. */
  readonly parse: (payload: string) => Signal | null;
}

/** Makes the wait before each reconnection as long as the longest there is. */
const PAUSES_MAX = 8;

export function signalsOn<Signal>(limits: ConnectionLimits, { name, parse }: Channel<Signal>): Signals<Signal> {
  const listeners = new Set<(signal: Signal | null) => void>();
  let running: Promise<void> | null = null;
  let current: pg.Client | null = null;
  let closing = false;
  const tell = (signal: Signal | null): void => {
    for (const listener of listeners) listener(signal);
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
        client.on('notification', ({ payload = '' }) => {
          tell(parse(payload));
        });
        await client.query(`LISTEN ${client.escapeIdentifier(await name(client))}`);
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
    listen: (listener) => {
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
