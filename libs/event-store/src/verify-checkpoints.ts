/** Holds a log against checkpoints that were kept outside its database: a cut tail and a rewritten history show only there. */
import type { ReadCheckpoints, FoundCheckpoint } from './checkpoint-file.ts';
import { GENESIS_HASH } from './hash-chain.ts';

/** A checkpoint as it is told. */
export type ToldCheckpoint = Pick<FoundCheckpoint, 'start' | 'position' | 'hash' | 'sealed_at' | 'line'>;

export interface CheckpointsVerified {
  /** Checkpoints that say what the log says. */
  readonly agreeing: number;
  /** Beyond a position of the log that is not right itself. */
  readonly not_compared: number;
  readonly last_agreeing: ToldCheckpoint | null;
  readonly first_disagreeing: ToldCheckpoint | null;
  /** Recorded by operators, with how many earlier checkpoints do not count any more because of it. */
  readonly new_starts: readonly {
    readonly start: number;
    readonly sealed_at: string;
    readonly keeps: number;
    readonly reason: string;
    readonly set_aside: number;
  }[];
  /** Lines of the file where something was cut short. */
  readonly cut_short: readonly number[];
  readonly problem: string | null;
}

export interface CheckpointWatch {
  /** Each event of the log that was proved right, in order. */
  readonly seen: (event: { readonly position: number; readonly hash: string }) => void;
  /** `checked`: events that were proved right; `whole`: those were all there are. */
  readonly result: (log: { readonly checked: number; readonly whole: boolean }) => CheckpointsVerified;
}

/** The checkpoints have to be read before the log, which only grows. */
export function watchCheckpoints({ checkpoints, faults, cut_short }: ReadCheckpoints): CheckpointWatch {
  const positions = new Set(checkpoints.map(({ position }) => position));
  const hashes = new Map([[0, GENESIS_HASH]]);
  const starts = checkpoints.filter(({ begins }) => begins !== null);
  const setAside = (by: FoundCheckpoint): FoundCheckpoint[] =>
    checkpoints.filter(({ start, position }) => start < by.start && position > (by.begins?.keeps ?? 0));
  const aside = new Set(starts.flatMap(setAside));
  // An earlier one of the same position says more about when it went wrong.
  const counting = checkpoints.filter((one) => !aside.has(one)).toSorted((a, b) => a.position - b.position || a.line - b.line);
  return {
    seen: ({ position, hash }) => {
      if (positions.has(position)) hashes.set(position, hash);
    },
    result: ({ checked, whole }) => {
      const compared = counting.filter(({ position }) => whole || position <= checked);
      const index = compared.findIndex(({ position, hash }) => hashes.get(position) !== hash);
      const first = compared[index] ?? null;
      const agreeing = index === -1 ? compared.length : index;
      const last = compared[agreeing - 1] ?? null;
      return {
        agreeing,
        not_compared: counting.length - compared.length,
        last_agreeing: last && told(last),
        first_disagreeing: first && told(first),
        new_starts: starts.map((one) => ({
          start: one.start,
          sealed_at: one.sealed_at,
          keeps: one.begins?.keeps ?? 0,
          reason: one.begins?.reason ?? '',
          set_aside: setAside(one).length,
        })),
        cut_short,
        problem: first
          ? disagreement(first, last, compared.at(-1) ?? first, checked, hashes)
          : faultOf(faults, checkpoints.length),
      };
    },
  };
}

function disagreement(
  first: FoundCheckpoint,
  last: FoundCheckpoint | null,
  newest: FoundCheckpoint,
  head: number,
  hashes: ReadonlyMap<number, string>,
): string {
  if (first.position > head)
    return `the log ends at ${String(head)}, the checkpoint of ${newest.sealed_at} says ${String(newest.position)}: its end was cut off, or an older state was restored`;
  return `position ${String(first.position)} has hash ${hashes.get(first.position) ?? 'none'}, the checkpoint of ${first.sealed_at} says ${first.hash}: history was rewritten between ${String((last?.position ?? 0) + 1)} and ${String(first.position)}`;
}

function faultOf(faults: ReadCheckpoints['faults'], good: number): string | null {
  const [first] = faults;
  if (first === undefined) return null;
  const at = `${faults.length === 1 ? 'line' : `${String(faults.length)} of them, from line`} ${String(first.line)}`;
  if (faults.every(({ fault }) => fault === 'unknown-key') && good === 0) return `no checkpoint is signed with this key (${at})`;
  const says = {
    forged: 'a checkpoint names our key and is not signed with it',
    'unknown-key': 'a checkpoint is signed with another key',
    'no-checkpoint': 'what is signed with our key there is no checkpoint',
  };
  return `${says[faults.find(({ fault }) => fault === 'forged')?.fault ?? first.fault]} (${at}): somebody has written into the file`;
}

const told = ({ start, position, hash, sealed_at, line }: FoundCheckpoint): ToldCheckpoint => ({
  start,
  position,
  hash,
  sealed_at,
  line,
});
