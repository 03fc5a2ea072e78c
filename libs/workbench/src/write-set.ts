/** Whether a task may write a path: who refuses a change and who reviews it ask the same, and so never disagree about a pattern. */
import picomatch from 'picomatch';

export interface WriteSet {
  readonly write_set: readonly string[];
  readonly write_set_exclude: readonly string[];
}

/** A leading `!` is a character: taken as "everything but", one pattern would open, or close, all the rest. */
const READ_AS = { dot: true, nonegate: true } as const;

export function writable({ write_set, write_set_exclude }: WriteSet): (path: string) => boolean {
  const inside = picomatch([...write_set], READ_AS);
  const excluded = write_set_exclude.length === 0 ? () => false : picomatch([...write_set_exclude], READ_AS);
  return (path) => inside(path) && !excluded(path);
}
