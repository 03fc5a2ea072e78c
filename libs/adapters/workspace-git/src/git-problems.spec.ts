import { describe, expect, it } from '@jest/globals';
import { GitFailure } from './git.ts';
import { problemOf } from './git-problems.ts';

const told = (stderr: string, reason: GitFailure['reason'] = 'exit-code'): unknown =>
  problemOf(new GitFailure('fetch', reason, stderr), 'fetch branch "main"', 'https://ada:hunter2@host/repo.git');

/** What git and servers really say, and what is to be made of it. */
describe('what git said', () => {
  it.each([
    ["error: invalid path 'src/tls/.git'", 'policy', 'not be safe to check out'],
    ["error: invalid path 'docs/ssl_notes/early eof/.git'", 'policy', 'not be safe to check out'],
    ['fatal: too-short tree object', 'policy', 'not be safe to check out'],
    ['remote: fatal: empty filename in tree entry        \nfatal: early EOF', 'policy', 'not be safe to check out'],
    ['remote: aborting due to possible repository corruption on the remote side. \nfatal: early EOF', 'transient', 'git fsck'],
    ["fatal: Authentication failed for 'https://host/repo.git/'", 'policy', 'key or token'],
    ["fatal: could not read Username for 'https://host': terminal prompts disabled", 'policy', 'key or token'],
    ['remote: HTTP Basic: Access denied\nfatal: Authentication failed', 'policy', 'key or token'],
    ['remote: Permission to o/r.git denied to bot.', 'policy', 'key or token'],
    ['git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'policy', 'key or token'],
    ['Host key verification failed.\nfatal: Could not read from remote repository.', 'policy', 'key or token'],
    ["fatal: unable to access 'https://host/repo.git/': The requested URL returned error: 403", 'policy', 'key or token'],
    ["fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate", 'policy', 'SSL_CERT_FILE'],
    ["fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none", 'policy', 'SSL_CERT_FILE'],
    ["fatal: unable to access 'http://h/': Could not resolve host: h", 'transient', 'did not answer'],
    ["fatal: unable to access 'https://h/': Failed to connect to h port 443: Connection refused", 'transient', 'did not answer'],
    ["fatal: unable to access 'https://h/': OpenSSL SSL_read: Connection was reset, errno 10054", 'transient', 'did not answer'],
    [
      "fatal: unable to access 'https://h/': gnutls_handshake() failed: The TLS connection was non-properly",
      'transient',
      'answer',
    ],
    ["fatal: unable to access 'https://h/': The requested URL returned error: 502", 'transient', 'did not answer'],
    ['error: RPC failed; curl 56 GnuTLS recv error (-54)\nfatal: early EOF', 'transient', 'did not answer'],
    ['ssh: connect to host 127.0.0.1 port 1: Connection refused', 'transient', 'did not answer'],
    ['fatal: unable to connect to 127.0.0.1:\n127.0.0.1[0: 127.0.0.1]: errno=Connection refused', 'transient', 'answer'],
    ['Connection closed by 10.0.0.1 port 22\nfatal: Could not read from remote repository.', 'transient', 'did not answer'],
    ["fatal: '/nowhere' does not appear to be a git repository", 'semantic', 'correct repository.url'],
    ["fatal: repository 'https://host/repo.git/' not found", 'semantic', 'correct repository.url'],
    ['ERROR: Repository not found.\nfatal: Could not read from remote repository.', 'semantic', 'correct repository.url'],
    ["fatal: unable to access 'https://host/tls.git/': The requested URL returned error: 404", 'semantic', 'repository.url'],
    ['fatal: mismatched algorithms: client sha1; server sha256', 'semantic', 'sha256'],
    ["fatal: invalid refspec '+refs/heads/a..b:refs/x'", 'semantic', 'correct repository.target'],
    ["fatal: transport 'ext' not allowed", 'semantic', 'https, ssh, file or a path'],
    ["git: 'remote-foo' is not a git command. See 'git --help'.", 'semantic', 'https, ssh, file or a path'],
    ["fatal: not a git repository: '/var/lib/baton/mirrors/x.git'", 'transient', 'directory of this service is gone'],
    ['error: unable to create file docs/x: No such file or directory', 'transient', 'directory of this service is gone'],
    ['error: unable to create file src/tls/x: No space left on device', 'transient', 'make room'],
    ['fatal: sha1 file write error: No space left on device\nfatal: unable to write new index file', 'transient', 'make room'],
    ['error: unable to create file docs/early eof/tls: File name too long', 'transient', 'git fetch failed'],
    ["error: cannot lock ref 'refs/tls/early eof': is at 1 but expected 2", 'transient', 'git fetch failed'],
  ])('%j is told as %s: %s', (stderr, failure_class, message) => {
    expect(told(stderr)).toMatchObject({
      name: 'WorkspaceProblem',
      failure_class,
      message: expect.stringContaining(message),
    });
  });

  it('is handed on, without the password of the address', () => {
    expect(told('fatal: something new')).toMatchObject({
      message:
        'could not fetch branch "main" (repository https://host/repo.git): git fetch failed; git says: fatal: something new',
    });
  });

  it.each([
    ['timed-out', 'transient', 'BATON_GIT_TIMEOUT_MS'],
    ['not-installed', 'semantic', 'apt-get install git'],
    ['no-directory', 'transient', 'a directory of this service is gone'],
    ['too-much-output', 'semantic', 'split the task'],
  ] as const)('is not asked for where it was %s', (reason, failure_class, message) => {
    expect(told('', reason)).toMatchObject({ failure_class, message: expect.stringContaining(message) });
  });

  it('is of no interest where somebody else failed', () => {
    const error = new Error('not of git');
    expect(problemOf(error, 'x', 'y')).toBe(error);
  });
});
