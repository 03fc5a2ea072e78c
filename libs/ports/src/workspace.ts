/**
 * Where a task's change is made, looked at and integrated. Executor, reviewer and release each open their own, possibly on
 * different machines: what one made reaches the other as an artifact only.
 */
import type { Change, Check, Receipt, Repository, WorkspaceBase } from '@baton/contracts';

/** A workspace could not be made or used; `transient` = trying again may help. The message names the thing and the fix. */
export interface WorkspaceProblem extends Error {
  readonly name: 'WorkspaceProblem';
  readonly failure_class: 'transient' | 'semantic' | 'policy';
}

export interface Workspace {
  /** Directory the agent works in; null where there is none (scratch). */
  readonly directory: string | null;
  /** Absolute paths outside of it that whoever works in it has to read: objects that its repository borrows. */
  readonly readable?: readonly string[];
  /** Without a directory: what whoever works in it starts from. */
  readonly inputs?: readonly string[];
  /** The head of the target that it was opened at; what `land` calls `expected_base`. */
  readonly base_commit: string;
  /** The tree with the inputs applied: what the change is measured against. */
  readonly base_tree: string;
  /** Applies another change on top of what is there (integration). Throws WorkspaceProblem (semantic, names the paths) where it does not fit. */
  apply(artifact: string): Promise<void>;
  /**
   * Takes what is there now as the change: stores it as an artifact, computes its tree. `output` is the agent's, for
   * workspaces without a directory. Paths outside the write-set make it a `refused` with every such path.
   */
  collect(collect: {
    readonly write_set: readonly string[];
    readonly write_set_exclude: readonly string[];
    readonly output: string | null;
    readonly message: string;
  }): Promise<
    | { readonly status: 'collected'; readonly change: Change }
    | { readonly status: 'empty' }
    | { readonly status: 'refused'; readonly paths: readonly string[] }
  >;
  /**
   * Runs one check on the collected tree, in a process group of its own, and mints the receipt (its whole output becomes an artifact).
   * A check whose program or directory the tree could not bring along anyway is a semantic problem, not a receipt.
   */
  check(criterion: { readonly id: string; readonly check?: Check | undefined }, signal: AbortSignal): Promise<Receipt>;
  /** Removes it; may be called twice. */
  discard(): Promise<void>;
}

export type Landing =
  | { readonly status: 'landed'; readonly commit: string; readonly tree: string }
  /** The target is not at `expected_base` any more: integrate and test again. */
  | { readonly status: 'moved'; readonly target_commit: string }
  /** Only looked for, and not there. */
  | { readonly status: 'absent' };

export interface WorkspaceProvider {
  readonly kind: 'git' | 'scratch';
  /** A fresh workspace at the head of the target branch with the inputs applied. `name` is unique per piece of work. Throws WorkspaceProblem. */
  open(open: { readonly name: string; readonly base: WorkspaceBase; readonly signal: AbortSignal }): Promise<Workspace>;
  /** The unified diff text of a change (for reviews and decision cards), at most `bytes_max`. */
  diff(artifact: string, bytes_max: number): Promise<string>;
  /** Paths that an artifact touches, read from the artifact itself: not what anybody says it touches. */
  paths(artifact: string): Promise<readonly string[]>;
  /**
   * Makes the target branch point at a commit on top of `expected_base` whose tree is exactly `tree` and whose message
   * carries `trailers`; atomically, or not at all. If a commit with the same trailers is on the target already, that one is the answer.
   * Throws a WorkspaceProblem; one that is not transient only where the target was read and it is not there.
   */
  land(land: {
    readonly repository: Repository | null;
    readonly artifact: string;
    readonly expected_base: string;
    readonly tree: string;
    readonly message: string;
    readonly trailers: Readonly<Record<string, string>>;
    /** Nothing is pushed: says whether it has landed already. */
    readonly look_only?: boolean;
    readonly signal: AbortSignal;
  }): Promise<Landing>;
}
