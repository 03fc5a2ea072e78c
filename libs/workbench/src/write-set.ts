/** Whether a task may write a path: who refuses a change and who reviews it ask the same, and so never disagree about a pattern. */
import { pathMatcher, saysOneThing } from '@baton/contracts';

export interface WriteSet {
  readonly write_set: readonly string[];
  readonly write_set_exclude: readonly string[];
}

/** Of a pattern that can be read in two ways (intake takes none any more) neither lets anything be written. */
export function writable({ write_set, write_set_exclude }: WriteSet): (path: string) => boolean {
  if (!write_set_exclude.every(saysOneThing)) return () => false;
  const inside = pathMatcher(write_set.filter(saysOneThing));
  const excluded = pathMatcher(write_set_exclude);
  return (path) => inside(path) && !excluded(path);
}
