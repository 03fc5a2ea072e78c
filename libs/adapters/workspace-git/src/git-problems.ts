/** What git said on standard error, turned into what a person or a retry can do about it. */
import type { WorkspaceProblem } from '@baton/ports';
import { tailOf, workspaceProblem } from '@baton/workbench';
import { GitFailure, withoutSecrets } from './git.ts';

type Explained = readonly [WorkspaceProblem['failure_class'], string];

const SAID_CHARS_MAX = 600;

/**
 * The first that fits. Names of files and repositories are taken out before, where git quotes them; where it does not, they stand
 * between the words at the beginning of a line and the error at its end, so that each pattern is held to one of the two.
 */
const SAYINGS: readonly (readonly [RegExp, ...Explained])[] = [
  [
    /^(?:error|fatal): .*: (?:no space left on device|disk quota exceeded|read-only file system|input\/output error)$/im,
    'transient',
    'the disk of this service is full or does not work; make room on it',
  ],
  // Git's own refusals of what would be obeyed or written outside where it is checked out, and of objects that no git makes.
  [
    /^(?:error|fatal): (?:invalid path '|malformed mode|too-short tree|empty filename in tree|malformed tree|unable to checkout|nul byte in (?:the )?commit|bad tree object|unable to read tree |unable to write (?:new )?index)|^(?:error|fatal): .*(?:is beyond a symbolic link|is a directory)$/im,
    'policy',
    'git refuses what it holds, for it would not be safe to check out',
  ],
  [
    /^(?:fatal|remote): (?:authentication failed|invalid username)|^remote: (?:.*access denied|permission to .* denied)|^fatal: could not read (?:username|password)|^\S+: permission denied \(|terminal prompts disabled$|^host key verification failed|returned error: 40[13]$/im,
    'policy',
    'access was refused; give this service a key or token that may read and push',
  ],
  [
    /(?:ssl certificate problem|server certificate verification failed)[^']*$/im,
    'policy',
    'the certificate of the server is not one that this service trusts; name its authority in SSL_CERT_FILE or GIT_SSL_CAINFO',
  ],
  [
    /aborting due to possible repository corruption on the remote side\.$/im,
    'transient',
    'the other side could not read it; if that stays so it is damaged: run git fsck there',
  ],
  [
    /^fatal: (?:early eof|the remote end hung up|unable to connect to )|^(?:error|fatal): rpc failed|^fatal: unable to access '': (?:could not resolve|failed to connect|.*couldn't connect|operation timed out|.*(?:ssl_|gnutls|tls connection|connection was reset|empty reply))|^ssh: (?:connect to|could not resolve)|(?:connection (?:timed out|refused|reset)(?: by .*)?|connection closed(?: by .*)?|operation timed out|network is unreachable|no route to host)\.?$|returned error: (?:5\d\d|429)$|^gnutls_handshake|openssl ssl_/im,
    'transient',
    'the network or the server did not answer',
  ],
  [
    /^fatal: mismatched algorithms/im,
    'semantic',
    'its objects are named by sha256, and only repositories with sha1, as git makes them unless told otherwise, are supported; give one in repository.url',
  ],
  [/^fatal: invalid refspec/im, 'semantic', 'no branch can have this name; correct repository.target'],
  [
    /unable to find remote helper|^fatal: transport '' not allowed|^git: '' is not a git command/im,
    'semantic',
    'addresses of this kind are not supported; correct repository.url (https, ssh, file or a path)',
  ],
  // Of the other side: about a directory of ours git says "not a git repository".
  [
    /^fatal: '' does not appear to be a git repository|^(?:fatal|error|remote): repository (?:'' )?(?:does not exist|not found)|^(?:remote|error): the project you were looking for could not be found|returned error: 404$/im,
    'semantic',
    'there is no readable git repository at this place; correct repository.url',
  ],
  [
    /^fatal: not a git repository|^(?:error|fatal): .*: no such file or directory$/im,
    'transient',
    'a file or directory of this service is gone; nothing else may clean or move the directory that it works in',
  ],
];

/** `doing` completes "could not": e.g. `fetch branch "main" of …`. Other errors are passed on as they are. */
export function problemOf(error: unknown, doing: string, url: string): unknown {
  if (!(error instanceof GitFailure)) return error;
  const where = `repository ${withoutSecrets(url)}`;
  const said = error.stderr === '' ? '' : `; git says: ${tailOf(error.stderr, SAID_CHARS_MAX)}`;
  const [failure_class, explanation] = explain(error);
  return workspaceProblem(failure_class, `could not ${doing} (${where}): ${explanation}${said}`, error);
}

/** What git on the other side says is marked, and filled up with spaces. */
export const unnamedIn = (stderr: string): string =>
  stderr
    .replaceAll(/'[^'\n]*'/g, "''")
    .replaceAll(/^remote: (?=(?:fatal|error): )/gm, '')
    .replaceAll(/[ \t]{1,100}$/gm, '');

function explain(error: GitFailure): Explained {
  switch (error.reason) {
    case 'not-installed':
      return [
        'semantic',
        'git is not installed on this machine or not on PATH; install it, for example with: apt-get install git',
      ];
    case 'no-directory':
      return ['transient', 'a directory of this service is gone; nothing else may clean or move the directory that it works in'];
    case 'timed-out':
      return [
        'transient',
        `git ${error.verb} took longer than BATON_GIT_TIMEOUT_MS and was stopped; raise it where the repository is large, for each try begins anew`,
      ];
    case 'aborted':
      return ['transient', 'it was stopped before it was done'];
    case 'too-much-output':
      return ['semantic', 'the change is too large to be handed on as a patch; split the task'];
    case 'exit-code':
      break;
  }
  const unnamed = unnamedIn(error.stderr);
  const fitting = SAYINGS.find(([pattern]) => pattern.test(unnamed));
  // A lock of another process, and all that is not known better: trying again is the safe answer.
  return fitting === undefined ? ['transient', `git ${error.verb} failed`] : [fitting[1], fitting[2]];
}
