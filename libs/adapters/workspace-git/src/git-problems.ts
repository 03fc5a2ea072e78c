/** What git said on standard error, turned into what a person or a retry can do about it. */
import type { WorkspaceProblem } from '@baton/ports';
import { tailOf, workspaceProblem } from '@baton/workbench';
import { GitFailure, withoutSecrets } from './git.ts';

const SAID_CHARS_MAX = 600;
const ACCESS =
  /authentication failed|could not read (username|password)|permission denied \(|terminal prompts disabled|host key verification failed|returned error: 40[13]|invalid (username|credentials)|access denied/i;
const NETWORK =
  /could not resolve host|couldn't connect|connection (timed out|refused|reset|closed)|operation timed out|network is unreachable|returned error: (5\d\d|429)|early eof|hung up unexpectedly|rpc failed|ssl_|tls|no route to host/i;
const ABSENT =
  /does not appear to be a git repository|repository '?[^']*'? ?(does not exist|not found)|repository not found|not a git repository|no such file or directory|returned error: 404|unable to find remote helper|transport '[^']*' not allowed|invalid refspec|mismatched algorithms/i;
/** Git's own refusals of what would be obeyed or written outside where it is checked out, and of objects that no git makes. */
const UNSAFE =
  /invalid path '|malformed mode|too-short tree|empty filename in tree|malformed tree|unable to checkout|is beyond a symbolic link|nul byte in (the )?commit|bad tree object|unable to read tree |unable to write (new )?index|is a directory$/im;

/** `doing` completes "could not": e.g. `fetch branch "main" of …`. Other errors are passed on as they are. */
export function problemOf(error: unknown, doing: string, url: string): unknown {
  if (!(error instanceof GitFailure)) return error;
  const where = `repository ${withoutSecrets(url)}`;
  const said = error.stderr === '' ? '' : `; git says: ${tailOf(error.stderr, SAID_CHARS_MAX)}`;
  const [failure_class, explanation] = explain(error, where);
  return workspaceProblem(failure_class, `could not ${doing} (${where}): ${explanation}${said}`, error);
}

function explain(error: GitFailure, where: string): [WorkspaceProblem['failure_class'], string] {
  switch (error.reason) {
    case 'not-installed':
      return [
        'semantic',
        'git is not installed on this machine or not on PATH; install it, for example with: apt-get install git',
      ];
    case 'timed-out':
      return ['transient', `git ${error.verb} took longer than git_timeout_ms and was stopped`];
    case 'aborted':
      return ['transient', 'it was stopped before it was done'];
    case 'too-much-output':
      return ['semantic', 'the change is too large to be handed on as a patch; split the task'];
    case 'exit-code':
      break;
  }
  if (ACCESS.test(error.stderr))
    return ['policy', `access to ${where} was refused; give this service a key or token that may read and push`];
  if (NETWORK.test(error.stderr)) return ['transient', 'the network or the server did not answer'];
  if (ABSENT.test(error.stderr)) return ['semantic', `there is no readable git repository at this place; correct repository.url`];
  if (UNSAFE.test(error.stderr)) return ['policy', 'git refuses what it holds, for it would not be safe to check out'];
  // A full disk, a lock of another process, and all that is not known better: trying again is the safe answer.
  return ['transient', `git ${error.verb} failed`];
}
