/** What a mission without a repository delivers: the outputs of its tasks, in order, by content. */
import { createHash } from 'node:crypto';
import type { ArtifactStore } from '@baton/ports';
import { workspaceProblem } from '@baton/workbench';

export type Outputs = readonly string[];

export const contentOf = (outputs: Outputs): string => outputs.join('\n\n');
/** The digest that the artifact of these outputs has in any store: a tree needs no hashing of its own where it is stored. */
export const treeOf = (outputs: Outputs): string =>
  outputs.length === 0 ? EMPTY_DIGEST : `sha256:${createHash('sha256').update(encode(outputs)).digest('hex')}`;
export const EMPTY_DIGEST = `sha256:${createHash('sha256').digest('hex')}`;

/** Characters, over all artifacts kept: what one service reads was mostly written or read by it a moment ago. */
const KEPT_CHARS_MAX = 16_000_000;

export interface OutputStore {
  put(outputs: Outputs): Promise<string>;
  get(artifact: string): Promise<Outputs>;
}

/** Artifacts never change, so that the recent ones are kept; the least recently used go first. */
export function outputStore(artifacts: ArtifactStore): OutputStore {
  const recent = new Map<string, Outputs>();
  let kept_chars = 0;
  const keep = (artifact: string, outputs: Outputs): void => {
    if (!recent.has(artifact)) kept_chars += sizeOf(outputs);
    recent.delete(artifact);
    recent.set(artifact, outputs);
    for (const [oldest, its_outputs] of recent) {
      if (kept_chars <= KEPT_CHARS_MAX) break;
      recent.delete(oldest);
      kept_chars -= sizeOf(its_outputs);
    }
  };
  return {
    put: async (outputs) => {
      const known = treeOf(outputs);
      // What was read from the store or put into it is there: a release of one task delivers what that task did.
      const artifact = recent.has(known) ? known : await artifacts.put(encode(outputs));
      keep(artifact, outputs);
      return artifact;
    },
    get: async (artifact) => {
      const outputs = recent.get(artifact) ?? decode(artifact, await artifacts.get(artifact));
      keep(artifact, outputs);
      return outputs;
    },
  };
}

const sizeOf = (outputs: Outputs): number => outputs.reduce((sum, output) => sum + output.length, 100);
const encode = (outputs: Outputs): Buffer => Buffer.from(JSON.stringify({ baton: 'outputs/v1', outputs }));

function decode(artifact: string, bytes: Uint8Array): Outputs {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (
      typeof value === 'object' &&
      value !== null &&
      'outputs' in value &&
      Array.isArray(value.outputs) &&
      value.outputs.every((output) => typeof output === 'string')
    )
      return value.outputs;
  } catch {
    // Reported below, as everything else that is not the outputs of a task.
  }
  throw workspaceProblem(
    'semantic',
    `artifact ${artifact} holds no outputs of a task; apply only artifacts that a mission without a repository collected`,
  );
}
