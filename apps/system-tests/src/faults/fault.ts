/** What a test of the fault suite is, and how its recovery is measured. */
import type { Expected } from './invariants.ts';
import type { Ground } from './ground.ts';
import type { Need } from './needs.ts';

/**
 * `first_ms`: from the moment at which the fault ends (a process that is started again by itself: from its death) until a
 * mission that was handed in after that moment is completed. `all_ms`: until every mission ever acknowledged has ended.
 */
export interface Recovery {
  readonly first_ms: number;
  readonly all_ms: number;
  /** One process was killed and nothing else happened: these have to be over within ten seconds. */
  readonly single_kill: boolean;
}

export interface Fault {
  /** T1…T32 of the docs/trust.md; what comes after a dot tells variants apart. */
  readonly id: string;
  readonly broke: string;
  readonly needs?: readonly Need[];
  /** `shared` = the stack that others use as well; `own` = one that this test makes, starts and removes. */
  readonly ground: 'shared' | 'own';
  readonly run: (on: FaultRun) => Promise<void>;
}

export interface FaultRun {
  /** For `own`: made, not started. */
  readonly ground: Ground;
  readonly random: () => number;
  /** Part of `npm test`: as few rounds as show the thing. */
  readonly brief: boolean;
  /** Waits until everything is well again and measures from `since_ms` (performance.now()). */
  recovered(since_ms: number, what?: { readonly single_kill?: boolean; readonly within_ms?: number }): Promise<void>;
  /** Asserts every invariant now. Done once more at the end of each test, unless it says that it is done. */
  verify(expected?: Expected): Promise<void>;
  /** The invariants do not apply to how this test leaves its stack. */
  noInvariants(): void;
  note(text: string): void;
}

/** After any single kill; 99 of 100. */
export const RECOVERY_MS_MAX = 10_000;
const FIRST_WITHIN_MS = 90_000;

export async function measure(ground: Ground, since_ms: number, single_kill: boolean, within_ms: number): Promise<Recovery> {
  const { missions } = ground;
  const probe = await missions.submit();
  await missions.ended([probe], FIRST_WITHIN_MS);
  const first_ms = performance.now() - since_ms;
  await missions.ended(undefined, within_ms);
  return { first_ms, all_ms: Math.max(first_ms, performance.now() - since_ms), single_kill };
}

/** Reproducible from its seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
