/** What a program that is not ours may use up; past it, it is ended, and what it ran into is named. */
import process from 'node:process';
import { membersOf, readProcesses } from './process-table.ts';

export interface RunLimits {
  /** At one time, children of children included. */
  readonly processes_max: number;
  /** Resident, all its processes together. */
  readonly memory_bytes_max: number;
  /** Of each file that it writes. */
  readonly file_bytes_max: number;
  /** Printed in all, kept or not. */
  readonly output_bytes_max: number;
}
export const RUN_LIMITS: RunLimits = {
  processes_max: 512,
  memory_bytes_max: 8 * 1024 ** 3,
  file_bytes_max: 1024 ** 3,
  output_bytes_max: 256 * 1024 ** 2,
};

export interface Breach {
  readonly limit: 'processes' | 'memory' | 'file-size' | 'output';
  readonly max: number;
}

/** The setting that raises it, for whoever reads why something failed. */
const SETTINGS: Readonly<Record<Breach['limit'], string>> = {
  processes: 'BATON_RUN_PROCESSES_MAX',
  memory: 'BATON_RUN_MEMORY_BYTES_MAX',
  'file-size': 'BATON_RUN_FILE_BYTES_MAX',
  output: 'BATON_RUN_OUTPUT_BYTES_MAX',
};
const THINGS: Readonly<Record<Breach['limit'], string>> = {
  processes: 'processes',
  memory: 'bytes of memory',
  'file-size': 'bytes in one file',
  output: 'bytes of output',
};
export const breachText = ({ limit, max }: Breach): string =>
  `budget_exceeded (${limit}): more than ${String(max)} ${THINGS[limit]}; do with less, or raise ${SETTINGS[limit]}`;

/** Short enough that a fork bomb has not taken the machine, long enough to cost next to nothing. */
const SAMPLE_MS = 200;

interface Watched {
  readonly limits: RunLimits;
  readonly onBreach: (breach: Breach) => void;
}
/** One look at the system serves all programs that run. */
const watched = new Map<number, Watched>();
let timer: NodeJS.Timeout | null = null;

/** Returns how to stop watching. Only Linux tells cheaply who belongs to whom; elsewhere nothing is watched. */
export function watchLimits(leader: number, watch: Watched): () => void {
  if (process.platform !== 'linux') return () => undefined;
  watched.set(leader, watch);
  timer ??= setInterval(sample, SAMPLE_MS).unref();
  return () => {
    watched.delete(leader);
    if (watched.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

function sample(): void {
  const rows = readProcesses();
  for (const [leader, { limits, onBreach }] of watched) {
    const members = membersOf(rows, leader);
    const memory_bytes = members.reduce((sum, row) => sum + row.memory_bytes, 0);
    if (members.length > limits.processes_max) onBreach({ limit: 'processes', max: limits.processes_max });
    else if (memory_bytes > limits.memory_bytes_max) onBreach({ limit: 'memory', max: limits.memory_bytes_max });
  }
}
