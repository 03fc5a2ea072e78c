/** What the benchmark and the worker process of a peer say to each other. Imports types only, so that the peers can use it too. */
import type { Load, LoadResult } from './load.ts';

export type ToWorker =
  | { readonly ask: 'run'; readonly load: Load }
  /** The five results of these workflows, read from the engine and not from memory. */
  | { readonly ask: 'results'; readonly ids: readonly string[] };

export type FromWorker =
  | { readonly told: 'ready'; readonly says: Readonly<Record<string, string>> }
  | { readonly told: 'ran'; readonly result: LoadResult }
  | { readonly told: 'results'; readonly results: readonly unknown[] }
  | { readonly told: 'waiting'; readonly id: string; readonly signal: string }
  | { readonly told: 'failed'; readonly message: string };

export const STEPS = ['plan', 'execute', 'review', 'approve', 'finish'] as const;
export type Results = Readonly<Record<(typeof STEPS)[number], string>>;

/** Every step returns that much. */
const STEP_BYTES = 500;

/** Each workflow has content of its own, as each has in life. */
export const resultOf = (step: string, id: string): string => `${step} ${id} `.padEnd(STEP_BYTES, 'x');

/** Throws unless all five steps returned what they should have. */
export function requireResults(id: string, results: unknown): void {
  for (const step of STEPS) {
    const found = (results as Partial<Results> | null | undefined)?.[step];
    if (found !== resultOf(step, id)) {
      throw new Error(`workflow ${id} has no result of step ${step} but ${JSON.stringify(found)?.slice(0, 80) ?? 'nothing'}`);
    }
  }
}
