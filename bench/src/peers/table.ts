/** The figures as one table, and under it what one has to know to read them. */
import type { Load } from '../load.ts';
import type { Figures } from '../measure.ts';
import type { EngineKind } from './engine.ts';

export interface Row {
  readonly kind: EngineKind;
  readonly figures: ReadonlyMap<string, Figures>;
}

const one = (figure: number | undefined): string => (figure === undefined ? '-' : figure.toFixed(1));

export function medianOf(all: readonly Figures[]): Figures {
  const median = (name: keyof Figures): number => {
    const sorted = all.map((figures) => figures[name]).toSorted((a, b) => a - b);
    const middle = sorted.length / 2;
    return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
  };
  return {
    completed_per_s: median('completed_per_s'),
    p50_ms: median('p50_ms'),
    p99_ms: median('p99_ms'),
    cpu_s_per_1000: median('cpu_s_per_1000'),
    driver_cpu_s_per_1000: median('driver_cpu_s_per_1000'),
    memory_mb: median('memory_mb'),
  };
}

export function table(rows: readonly Row[], loads: readonly Load[]): string[] {
  const names = loads.map(({ name }) => name);
  const head = [
    'engine',
    ...loads.map(({ in_flight, every_ms }) =>
      in_flight === undefined
        ? `${String(1_000 / (every_ms ?? 1))}/s: p50/p99 ms`
        : `${String(in_flight)} in flight: /s (p50/p99 ms)`,
    ),
    `CPU s per 1000 (${names.join(' / ')})`,
    'driver CPU',
    'memory MB',
  ];
  const cells = rows.map(({ kind, figures }) => {
    const of = (pick: (figures: Figures) => number): string =>
      names.map((name) => one(figures.has(name) ? pick(figures.get(name) as Figures) : undefined)).join(' / ');
    return [
      kind.name,
      ...loads.map(({ name, in_flight }) => {
        const { completed_per_s, p50_ms, p99_ms } = figures.get(name) ?? {};
        return in_flight === undefined
          ? `${one(p50_ms)} / ${one(p99_ms)}`
          : `${one(completed_per_s)} (${one(p50_ms)}/${one(p99_ms)})`;
      }),
      of(({ cpu_s_per_1000 }) => cpu_s_per_1000),
      kind.driver === 'inside' ? 'inside' : of(({ driver_cpu_s_per_1000 }) => driver_cpu_s_per_1000),
      one(Math.max(...[...figures.values()].map(({ memory_mb }) => memory_mb))),
    ];
  });
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...cells.map(line)];
}

export function notes(rows: readonly Row[], says: ReadonlyMap<string, Readonly<Record<string, string>>>): string[] {
  return [
    'How to read it',
    '- All ran one after the other in this run, each on a fresh store that was thrown away afterwards, on the same disk. Compare nothing else.',
    '- Every step returns 500 bytes; the approval is sent as soon as the workflow waits. All five results of every workflow were checked (of Baton: that',
    '  every mission completed). At the end the store was killed (SIGKILL), started again, and the last workflows were read from it.',
    '- Every commit is synced: Postgres with fsync, full_page_writes and synchronous_commit on and otherwise its defaults, started by the same code for all.',
    '- CPU: user and system seconds of all processes of an engine, its Postgres included. Driver CPU: of the process that drives the load, where that is',
    '  outside of the engine, in the same order; where it is inside, it is in the CPU and the memory already.',
    '- Memory: proportional set size of all processes of the engine after a load, the largest of all loads; the driver only where it is inside.',
    'What differs',
    ...rows.map(({ kind }) => `- ${kind.name} (driver ${kind.driver}): ${kind.differs}`),
    'What ran',
    ...rows.map(
      ({ kind }) =>
        `- ${kind.name}: ${Object.entries(says.get(kind.name) ?? {})
          .map(([name, value]) => `${name} ${value}`)
          .join(', ')}`,
    ),
  ];
}
