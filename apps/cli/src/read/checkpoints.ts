/** Which checkpoints a log is held against: those that are named, or those of the stack. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  UnusableKey,
  checkpointPaths,
  readCheckpoints,
  readVerifierKeys,
  type CheckpointPaths,
  type ReadCheckpoints,
} from '@baton/event-store';
import type { Context } from '../context.ts';
import { CliProblem, EXIT } from '../exit-codes.ts';

export const CHECKPOINTS_FIX =
  'find out who changed the log; if an older state was restored on purpose, record it with `baton checkpoints new-start --reason TEXT` (deploy/runbooks/sealer-refuses.md)';

export interface NamedCheckpoints {
  /** False: none are looked at. A text: this file. */
  readonly checkpoints?: string | boolean | undefined;
  readonly key?: string | undefined;
}

export interface FoundCheckpoints extends ReadCheckpoints {
  readonly file: string;
}

export function pathsOf({ config, home }: Context, { checkpoints, key }: NamedCheckpoints = {}): CheckpointPaths {
  const named = typeof checkpoints === 'string' ? resolve(checkpoints) : undefined;
  const directory = named === undefined ? resolve(config.BATON_CHECKPOINTS_DIR ?? home.checkpoints) : dirname(named);
  const usual = checkpointPaths(directory);
  return { checkpoints: named ?? usual.checkpoints, keys: key === undefined ? usual.keys : resolve(key) };
}

/** Null where there are none and nobody has named any: a stack that was never sealed, or one that runs elsewhere. */
export async function findCheckpoints(context: Context, named: NamedCheckpoints): Promise<FoundCheckpoints | null> {
  if (named.checkpoints === false) return null;
  const paths = pathsOf(context, named);
  const asked =
    typeof named.checkpoints === 'string' || named.key !== undefined || context.config.BATON_CHECKPOINTS_DIR !== undefined;
  // Those in our home are of the stack in our home.
  if (!asked && context.config.BATON_AUDITOR_PG_URL !== undefined) return null;
  const text = await readFile(paths.checkpoints, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' && !asked) return null;
    throw new CliProblem(
      EXIT.invalid,
      `the checkpoints cannot be read: ${cause.message}`,
      'name the file with --checkpoints FILE, or look at the log only, with --no-checkpoints',
      { cause },
    );
  });
  if (text === null) return null;
  const keys = await readVerifierKeys(paths.keys).catch((cause: Error) => {
    const fix = 'name a file with the public key, one on each line, with --key FILE';
    throw new CliProblem(
      EXIT.invalid,
      cause instanceof UnusableKey ? `${paths.keys}: ${cause.message}` : `the key cannot be read: ${cause.message}`,
      fix,
      { cause },
    );
  });
  return { file: paths.checkpoints, ...readCheckpoints(text, keys) };
}
