/**
 * What agents do outside, counted where no fault reaches: in this process. A sandbox shows an agent a directory it may read, and
 * a pipe in it may be written to all the same; so the sandbox stays on, and a line is here before its agent reports.
 */
import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Effects {
  /** The directory that agents have to be shown. */
  readonly directory: string;
  readonly counter: string;
  /** `<key> <attempt>`, one for each time that an agent began. */
  lines(): readonly string[];
  /** What is counted up to now was counted for a log that may not come back as a whole. */
  mark(): void;
  /** Of what was counted up to the mark, what the log that came back knows, and has not begun anew, stays. */
  rewind(known: (line: string) => boolean): void;
  close(): void;
}

export async function countEffects(directory: string): Promise<Effects> {
  const counter = join(directory, 'counter');
  await mkdir(directory, { recursive: true });
  await run('mkfifo', [counter]);
  // Open for writing as well: it never ends, and no agent waits for a reader.
  const pipe = new Socket({ fd: openSync(counter, constants.O_RDWR | constants.O_NONBLOCK), readable: true, writable: false });
  const lines: string[] = [];
  let begun = '';
  let marked = 0;
  pipe.setEncoding('utf8').on('data', (text) => {
    const parts = (begun + String(text)).split('\n');
    begun = parts.pop() ?? '';
    lines.push(...parts);
  });
  pipe.unref();
  return {
    directory,
    counter,
    lines: () => lines,
    mark: () => {
      marked = lines.length;
    },
    rewind: (known) => {
      const anew = new Set(lines.slice(marked));
      const kept = lines.slice(0, marked).filter((line) => known(line) && !anew.has(line));
      lines.splice(0, marked, ...kept);
      marked = 0;
    },
    close: () => void pipe.destroy(),
  };
}
