/**
 * The one way git is run on the host: no shell, no prompt, no configuration but what is said here.
 *
 * Plain `spawn` rather than simple-git: every call here sets its own index file, work tree and repository, takes binary
 * input or output, and needs its process group killed on time; a wrapper would only pass these through.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface GitCall {
  /** Where it is run; with `git_dir` given nothing there decides what it does. */
  readonly directory: string;
  readonly git_dir?: string;
  readonly work_tree?: string;
  readonly index?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array;
  /** Gets the output as it comes, however long; the answer then has none. */
  readonly output?: (chunk: Buffer) => void;
  /** 0 where absent; any other answer throws a GitFailure. */
  readonly success_exit_codes?: readonly number[];
  readonly signal?: AbortSignal | undefined;
}
export interface GitAnswer {
  readonly exit_code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}
export type Git = (args: readonly string[], call: GitCall) => Promise<GitAnswer>;

export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  constructor(
    readonly verb: string,
    readonly reason: 'exit-code' | 'not-installed' | 'no-directory' | 'timed-out' | 'aborted' | 'too-much-output',
    readonly stderr: string,
    readonly stdout = '',
  ) {
    super(`git ${verb}: ${reason}${stderr === '' ? '' : `: ${stderr}`}`);
  }
}

const OUTPUT_BYTES_MAX = 128 * 1024 * 1024;
const STDERR_CHARS_MAX = 20_000;
/** Asked first, so that git takes its lock files away; killed then. */
const KILL_GRACE_MS = 2_000;

/**
 * Agents share their machine with us and may write configuration, hooks and attributes wherever git looks for them;
 * each of these turns one way of running a program off. Filters and merge drivers exist in configuration files only,
 * of which ours (see `mirror.ts`) is the only one read.
 */
const HARDENING: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.excludesFile', '/dev/null'],
  ['core.attributesFile', '/dev/null'],
  ['core.quotePath', 'false'],
  ['core.autocrlf', 'false'],
  // Other processes may be updating the same ref of a mirror: wait for them instead of failing.
  ['core.filesRefLockTimeout', '10000'],
  ['protocol.ext.allow', 'never'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['push.gpgSign', 'false'],
  ['commit.gpgSign', 'false'],
  ['gc.auto', '0'],
  ['safe.directory', '*'],
];
/**
 * For `info/attributes` of a repository, which outrank any `.gitattributes`: content is taken and written byte by byte. Obeyed, those
 * of a tree would rewrite files that nobody touched, and those that an agent left ignored in its directory what is made of its work.
 * `filter` is left alone: no program is configured for any, and it tells which files cannot be handed on (`unsupported-paths.ts`).
 */
export const ATTRIBUTES = '* -text !eol -ident !working-tree-encoding !diff\n';
const HARDENED_ARGUMENTS = HARDENING.flatMap(([key, value]) => ['-c', `${key}=${value}`]);

/** Needed to reach a remote: where programs and keys are, how to get through proxies. Nothing else is passed on. */
const PASSED_VARIABLES = [
  'PATH',
  'HOME',
  'TMPDIR',
  'SSH_AUTH_SOCK',
  'GIT_SSH_COMMAND',
  'GIT_ASKPASS',
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
] as const;

export function gitRunner(options: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly git_timeout_ms: number;
}): Git {
  const variables = variablesOf(options.environment);
  return (args, call) =>
    new Promise((resolve, reject) => {
      const verb = args.find((argument, index) => !argument.startsWith('-') && args[index - 1] !== '-c') ?? '';
      if (call.signal?.aborted === true) {
        reject(new GitFailure(verb, 'aborted', ''));
        return;
      }
      const child = spawn('git', [...HARDENED_ARGUMENTS, ...args], {
        cwd: call.directory,
        env: { ...variables, ...repositoryVariables(call), ...call.variables },
        // A group of its own: what git starts (ssh, upload-pack) goes with it.
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      const chunks: Buffer[] = [];
      let bytes = 0;
      let stderr = '';
      let stopped: GitFailure['reason'] | null = null;
      let kill_timer: NodeJS.Timeout | undefined;
      const stop = (reason: GitFailure['reason']): void => {
        if (stopped !== null) return;
        stopped = reason;
        signalGroup(child.pid, 'SIGTERM');
        kill_timer = setTimeout(() => {
          signalGroup(child.pid, 'SIGKILL');
        }, KILL_GRACE_MS);
      };
      const timer = setTimeout(() => {
        stop('timed-out');
      }, options.git_timeout_ms);
      const onAbort = (): void => {
        stop('aborted');
      };
      call.signal?.addEventListener('abort', onAbort, { once: true });
      child.stdout.on('data', (chunk: Buffer) => {
        if (call.output === undefined) bytes += chunk.length;
        if (call.output !== undefined) call.output(chunk);
        else if (bytes > OUTPUT_BYTES_MAX) stop('too-much-output');
        else chunks.push(chunk);
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(-STDERR_CHARS_MAX);
      });
      // EPIPE: git may refuse before it has read everything.
      child.stdin.on('error', () => undefined);
      child.stdin.end(call.input);
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        clearTimeout(kill_timer);
        call.signal?.removeEventListener('abort', onAbort);
        finish();
      };
      child.once('error', (error: NodeJS.ErrnoException) => {
        // ENOENT is also what a missing directory gives; EACCES comes where a directory on PATH may not be read.
        const absent = error.code === 'ENOENT' || error.code === 'EACCES';
        const reason = existsSync(call.directory) ? 'not-installed' : 'no-directory';
        settle(() => {
          reject(absent ? new GitFailure(verb, reason, '') : error);
        });
      });
      child.once('close', (code) => {
        settle(() => {
          const exit_code = code ?? 128;
          const said = withoutSecrets(stderr.trim());
          if (stopped !== null) reject(new GitFailure(verb, stopped, said));
          else if ((call.success_exit_codes ?? [0]).includes(exit_code))
            resolve({ exit_code, stdout: Buffer.concat(chunks, bytes), stderr: said });
          else reject(new GitFailure(verb, 'exit-code', said, Buffer.concat(chunks).toString('utf8')));
        });
      });
    });
}

function variablesOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const variables: Record<string, string> = {
    LC_ALL: 'C',
    TERM: 'dumb',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    GIT_AUTHOR_NAME: 'Baton',
    GIT_AUTHOR_EMAIL: 'baton@localhost',
    GIT_COMMITTER_NAME: 'Baton',
    GIT_COMMITTER_EMAIL: 'baton@localhost',
  };
  for (const name of PASSED_VARIABLES) {
    const value = environment[name];
    if (value !== undefined) variables[name] = value;
  }
  return variables;
}

const repositoryVariables = (call: GitCall): Record<string, string> => ({
  ...(call.git_dir === undefined ? {} : { GIT_DIR: call.git_dir }),
  ...(call.work_tree === undefined ? {} : { GIT_WORK_TREE: call.work_tree }),
  ...(call.index === undefined ? {} : { GIT_INDEX_FILE: call.index }),
});

function signalGroup(group: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (group === undefined) return;
  try {
    process.kill(-group, signal);
  } catch {
    // ESRCH: it ended by itself in between.
  }
}

/** URLs may carry a user and a password; neither may reach a log or an event. */
export const withoutSecrets = (text: string): string => text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^/@\s]+@/gi, '$1');
