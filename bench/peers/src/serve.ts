/** A worker answers the benchmark's questions over the channel to its parent, and ends with it. */
import { STEPS, resultOf, requireResults, type FromWorker, type Results, type ToWorker } from '../../src/peer-messages.ts';
import { runLoad, type Done } from '../../src/load.ts';

export interface Peer {
  /** Versions and settings of what really runs. */
  readonly says: Readonly<Record<string, string>>;
  /** Starts a workflow, sends the approval when it waits, and resolves with what the engine returned; null where the parent drives. */
  readonly workflow: ((id: string) => Promise<unknown>) | null;
  /** The results of an ended workflow, as the engine kept them. */
  results(id: string): Promise<unknown>;
  stop(): Promise<void>;
}

export const tell = (message: FromWorker): void => void process.send?.(message);

export function serve(peer: Peer): void {
  process.on('message', (message: ToWorker) => {
    answer(peer, message).catch((error: Error) => tell({ told: 'failed', message: error.stack ?? error.message }));
  });
  const end = (): void => void peer.stop().finally(() => process.exit());
  process.once('disconnect', end);
  process.once('SIGTERM', end);
  tell({ told: 'ready', says: peer.says });
}

async function answer(peer: Peer, message: ToWorker): Promise<void> {
  if (message.ask === 'results') {
    const results: unknown[] = [];
    for (const id of message.ids) results.push(await peer.results(id));
    return tell({ told: 'results', results });
  }
  const { workflow } = peer;
  if (workflow === null) throw new Error('this peer is driven from outside');
  const one = async (): Promise<Done> => {
    const started = performance.now();
    const id = crypto.randomUUID();
    const results = await workflow(id);
    const took_ms = performance.now() - started;
    requireResults(id, results);
    return { id, took_ms };
  };
  return tell({ told: 'ran', result: await runLoad(one, message.load) });
}

/** The workflow itself, the same for every engine that runs code: `step` makes one result durable, `approved` waits for the signal. */
export async function fiveSteps(
  id: string,
  step: (name: string, work: () => string) => Promise<string>,
  approved: () => Promise<unknown>,
): Promise<Results> {
  const results: Partial<Record<(typeof STEPS)[number], string>> = {};
  for (const name of STEPS) {
    if (name === 'approve') await approved();
    results[name] = await step(name, () => resultOf(name, id));
  }
  return results as Results;
}

export function requireEnv(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set; this worker is started by npm run bench:peers`);
  return value;
}

export { STEPS, resultOf, type Results };
