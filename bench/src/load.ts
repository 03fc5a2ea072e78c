/** One workload for every engine: so many units of work, either a number of them in flight or one at a fixed pace. Imports nothing, so that the peers can run it too. */

export interface Load {
  readonly name: string;
  readonly total: number;
  /** Units in flight at a time; undefined = one is begun every `every_ms`. */
  readonly in_flight?: number;
  readonly every_ms?: number;
}

export interface Done {
  readonly id: string;
  readonly took_ms: number;
}

export interface LoadResult {
  readonly done: readonly Done[];
  readonly seconds: number;
}

export async function runLoad(one: () => Promise<Done>, load: Load): Promise<LoadResult> {
  const started = performance.now();
  const done =
    load.in_flight === undefined
      ? await atRate(one, load.total, load.every_ms ?? 0)
      : await inFlight(one, load.total, load.in_flight);
  return { done, seconds: (performance.now() - started) / 1_000 };
}

async function inFlight(one: () => Promise<Done>, total: number, width: number): Promise<Done[]> {
  const done: Done[] = [];
  let left = total;
  const lane = async (): Promise<void> => {
    while (left-- > 0) done.push(await one());
  };
  await Promise.all(Array.from({ length: width }, lane));
  return done;
}

async function atRate(one: () => Promise<Done>, total: number, every_ms: number): Promise<Done[]> {
  const all: Promise<Done>[] = [];
  const started = performance.now();
  for (let index = 0; index < total; index++) {
    // Against the start, so that one late tick does not make all later ones late.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, started + index * every_ms - performance.now())));
    all.push(one());
  }
  return Promise.all(all);
}

export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
