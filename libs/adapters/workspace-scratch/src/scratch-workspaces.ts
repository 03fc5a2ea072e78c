/** Workspaces of missions without a repository: no directory, the content is what the tasks answered. */
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Receipt } from '@baton/contracts';
import type { ArtifactStore, Workspace, WorkspaceProvider } from '@baton/ports';
import { checkEnvironment, makeRunDirectory, runCheck, workspaceProblem, type Redactor, type Sandbox } from '@baton/workbench';
import { contentOf, EMPTY_DIGEST, outputStore, treeOf, type Outputs, type OutputStore } from './outputs.ts';

export interface ScratchOptions {
  readonly artifacts: ArtifactStore;
  /** PATH and LANG of checks that run a program. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where such checks run; the system's by default. */
  readonly temp_dir?: string;
  /** What such checks run in. Absent: a process group without limits, for specs. */
  readonly sandbox?: Sandbox;
  /** Takes secrets out of what they print. */
  readonly redactor?: Redactor;
}

interface Collected {
  readonly artifact: string;
  readonly tree: string;
  /** Everything there is: inputs, applied, own. */
  readonly outputs: Outputs;
}

export function scratchWorkspaces(options: ScratchOptions): WorkspaceProvider {
  const store = outputStore(options.artifacts);
  return {
    kind: 'scratch',
    open: async ({ base, signal }) => {
      if (signal.aborted) throw workspaceProblem('transient', 'opening the workspace was stopped before it was done');
      const inputs = (await Promise.all(base.inputs.map((input) => store.get(input)))).flat();
      return scratchWorkspace(options, store, inputs);
    },
    diff: async (artifact, bytes_max) => {
      const bytes = Buffer.from(contentOf(await store.get(artifact)));
      // `stream` leaves a character that is cut in two away.
      return new TextDecoder().decode(bytes.subarray(0, bytes_max), { stream: true });
    },
    paths: async (artifact) => pathsOf(await store.get(artifact)),
    // There is no branch that could move: what is landed is the artifact itself.
    land: async ({ artifact, tree, look_only }) => {
      if (look_only === true) return { status: 'absent' };
      const actual = treeOf(await store.get(artifact));
      if (actual !== tree)
        throw workspaceProblem(
          'semantic',
          `artifact ${artifact} makes tree ${actual}, not the tested ${tree}; integrate and test again`,
        );
      return { status: 'landed', commit: artifact, tree };
    },
  };
}

function scratchWorkspace(options: ScratchOptions, store: OutputStore, inputs: Outputs): Workspace {
  let applied: Outputs = [];
  let collected: Collected | null = null;
  return {
    directory: null,
    inputs,
    base_commit: EMPTY_DIGEST,
    base_tree: treeOf(inputs),
    apply: async (artifact) => {
      applied = [...applied, ...(await store.get(artifact))];
      collected = null;
    },
    collect: async ({ output }) => {
      const change = output === null || output === '' ? applied : [...applied, output];
      if (change.length === 0) return { status: 'empty' };
      const artifact = await store.put(change);
      const outputs = [...inputs, ...change];
      const tree = inputs.length === 0 ? artifact : treeOf(outputs);
      collected = { artifact, tree, outputs };
      return {
        status: 'collected',
        change: {
          artifact,
          base_commit: EMPTY_DIGEST,
          base_tree: treeOf(inputs),
          tree,
          files: pathsOf(change),
          insertions: linesOf(change),
          deletions: 0,
        },
      };
    },
    check: async (criterion, signal) => {
      if (collected === null) throw new Error(`check "${criterion.id}" has nothing to look at: collect before check`);
      if (criterion.check === undefined) return notEmpty(criterion.id, collected);
      return runInDirectory(options, collected, { criterion_id: criterion.id, check: criterion.check, signal });
    },
    discard: () => Promise.resolve(),
  };
}

/** The output is its own evidence: the receipt's output is the deliverable that was looked at. */
function notEmpty(criterion_id: string, collected: Collected): Receipt {
  const content = contentOf(collected.outputs);
  const empty = content.trim() === '';
  return {
    criterion_id,
    command: [],
    exit_code: empty ? 1 : 0,
    output_digest: collected.artifact,
    output_tail: empty ? 'the output is empty' : `the output has ${String(content.length)} characters`,
    tree: collected.tree,
    started_at: new Date().toISOString(),
    duration_ms: 0,
  };
}

async function runInDirectory(
  options: ScratchOptions,
  collected: Collected,
  run: Pick<Parameters<typeof runCheck>[0], 'criterion_id' | 'check' | 'signal'>,
): Promise<Receipt> {
  const own = await makeRunDirectory(options.temp_dir ?? tmpdir());
  try {
    const environment = checkEnvironment(options.environment ?? {}, own);
    // Its own directory holds nothing but what is looked at; the home and temp directories are elsewhere.
    const looked_at = join(own.path, 'content');
    await mkdir(looked_at);
    await writeFile(join(looked_at, 'output'), contentOf(collected.outputs));
    const { artifacts, redactor, sandbox } = options;
    const confined = sandbox && { sandbox, writable: [own.path], readable: [] };
    return await runCheck({
      ...run,
      directory: looked_at,
      tree: collected.tree,
      environment,
      confined,
      redact: redactor?.text,
      artifacts,
    });
  } finally {
    await own.remove();
  }
}

const pathsOf = (outputs: Outputs): string[] =>
  outputs.length === 1 ? ['output'] : outputs.map((_, index) => `output-${String(index + 1)}`);

function linesOf(outputs: Outputs): number {
  let lines = 0;
  for (const output of outputs) lines += output.split('\n').length - (output.endsWith('\n') ? 1 : 0);
  return lines;
}
