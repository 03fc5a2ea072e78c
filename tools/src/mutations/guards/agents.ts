/** What keeps agents in their place: what they may write, what the host never runs for them, what they reach, what they say. */
import type { Guard } from '../guard.ts';

const GIT = { file: 'libs/adapters/workspace-git/src/git.ts', spec: 'libs/adapters/workspace-git/test/git.spec.ts' };
const CHANGE = { file: 'libs/adapters/workspace-git/src/change.ts', spec: 'libs/adapters/workspace-git/src/change.spec.ts' };
const COLLECT = {
  file: 'libs/adapters/workspace-git/src/git-workspace.ts',
  spec: 'libs/adapters/workspace-git/test/baits.spec.ts',
};
const LAND = 'libs/adapters/workspace-git/src/land.ts';
const BUBBLEWRAP = {
  file: 'libs/workbench/src/bubblewrap.ts',
  spec: 'libs/workbench/src/sandbox.spec.ts',
  needs: 'bwrap' as const,
};
const REDACT = { file: 'libs/workbench/src/redact.ts', spec: 'libs/workbench/src/redact.spec.ts' };
const EXECUTOR = { file: 'apps/executor/src/work.ts', spec: 'apps/executor/test/executor.int.spec.ts' };

export const agentGuards: readonly Guard[] = [
  {
    ...EXECUTOR,
    name: 'what was written outside the write-set is not taken',
    promise: 'G14',
    text: "if (collected.status === 'refused') {",
    off: "if (collected.status === 'never') {",
    test: 'stops a task whose agent wrote outside its write-set, and names the path',
  },
  {
    ...EXECUTOR,
    name: 'an agent that changed nothing is not done',
    promise: 'P7',
    text: "if (collected.status === 'empty') return",
    off: "if (collected.status === 'never') return",
    test: 'does not believe an agent that says done and changed nothing',
  },
  {
    ...EXECUTOR,
    name: 'what an agent says is redacted before it is recorded',
    promise: 'G15',
    text: 'const outcome = redacted(said, parts.redact);',
    off: 'const outcome = said;',
    test: 'keeps no secret that an agent, a check, a file or the name of a file says',
  },
  {
    ...CHANGE,
    name: 'a path outside the write-set is refused',
    promise: 'G14',
    text: '!may(path) || isForbidden(path)',
    off: 'isForbidden(path)',
    test: 'outside the write-set are all refused, dot files included in it',
  },
  {
    file: 'libs/workbench/src/write-set.ts',
    spec: 'libs/workbench/src/write-set.spec.ts',
    name: 'an exclamation mark in a write-set opens nothing',
    promise: 'G14',
    text: 'nonegate: true',
    off: 'nonegate: false',
    test: 'takes an exclamation mark for a character: it neither opens nor closes the rest',
  },
  {
    ...CHANGE,
    name: 'what git itself obeys is refused',
    promise: 'G14',
    text: ' || GIT_CONFIGURATION.has(name)',
    off: '',
    test: 'that git itself obeys, and links to commits, are refused whatever the write-set says',
  },
  {
    ...CHANGE,
    name: 'a symbolic link that leads outside is refused',
    promise: 'G14',
    text: 'else if (new_mode === SYMLINK && leavesTree(',
    off: 'else if (new_mode === GITLINK && leavesTree(',
    test: 'that leaves the tree is refused',
  },
  {
    ...COLLECT,
    name: 'a hard link to a file outside is refused',
    promise: 'G14',
    text: '...(await hardLinks(opened.directory, changed)),',
    off: '',
    test: 'a hard link to a file outside is refused by name, and what it holds is not kept',
  },
  {
    ...COLLECT,
    name: 'a repository inside is refused',
    promise: 'G14',
    text: '...(await insideRepositories(opened.directory, changed)),',
    off: '',
    test: 'a repository without a .git is refused by name: git in a checkout of it would obey it',
  },
  {
    file: 'libs/adapters/workspace-git/src/secrets.ts',
    spec: 'libs/adapters/workspace-git/test/baits.spec.ts',
    name: 'a secret in a binary file is found',
    promise: 'G15',
    text: ' ?? (await inBlobs(git, call, redactor, changed))',
    off: '',
    test: 'a secret of ours is found in %s',
  },
  {
    file: LAND,
    spec: 'libs/adapters/workspace-git/test/landing.spec.ts',
    name: 'a landing writes over nothing that git does not track in a checkout',
    promise: 'G14',
    text: 'if (!isCheckedOut(mirror)) return;',
    off: "if (mirror.url !== '') return;",
    test: 'writes over nothing that git does not track there, and names it: %s',
  },
  {
    file: 'libs/adapters/workspace-git/src/mirror-repair.ts',
    spec: 'libs/adapters/workspace-git/test/damaged-mirror.spec.ts',
    name: 'a spoiled object is written again',
    promise: 'P6',
    text: "  await removeSpoiledObjects(join(git_dir, 'objects'));\n",
    off: '',
    test: 'is rid of what only a workspace has written and a power cut has spoiled: the next one writes it again',
  },
  ...(
    [
      ['hooks', "['core.hooksPath', '/dev/null'],", 'runs no hook of the repository it is in'],
      ['a file system monitor', "['core.fsmonitor', 'false'],", 'runs no file system monitor of the repository it is in'],
      [
        'attributes of a file elsewhere',
        "['core.attributesFile', '/dev/null'],",
        'obeys no attributes that a repository fetches from elsewhere',
      ],
      ['the settings of its user', "GIT_CONFIG_GLOBAL: '/dev/null',", 'reads no settings of its user'],
      [
        'programs as transport',
        "GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',",
        'starts no program for a transport that nobody has named',
      ],
    ] as const
  ).map(([what, text, test]): Guard => ({
    ...GIT,
    name: `git on the host is without ${what}`,
    promise: 'G14',
    text,
    off: '',
    test,
  })),
  {
    file: LAND,
    spec: 'libs/adapters/workspace-git/test/landing.spec.ts',
    name: 'a target that moved is not overwritten',
    promise: 'P9',
    text: '`--force-with-lease=${ref}:${expected}`',
    off: "'--force'",
    test: 'overwrites nothing that somebody else landed after it had looked',
  },
  {
    file: LAND,
    spec: 'libs/adapters/workspace-git/test/workspaces.spec.ts',
    name: 'what is landed has the tree that was tested',
    promise: 'P9',
    text: 'if (tree !== land.tree)',
    off: "if (tree === '')",
    test: 'does not land a tree that the artifact does not make',
  },
  {
    ...BUBBLEWRAP,
    name: 'an agent in the sandbox has no network',
    promise: 'G14',
    text: "...(settings.network === 'none' ? ['--unshare-net'] : []),",
    off: '',
    test: 'reaches no port of this machine, where the databases listen',
  },
  {
    ...BUBBLEWRAP,
    name: 'an agent in the sandbox sees no other process',
    promise: 'G14',
    text: "'--unshare-pid',",
    off: '',
    test: 'sees no other process, let alone its environment',
  },
  {
    ...REDACT,
    name: 'known secrets are taken out',
    promise: 'G15',
    text: 'for (const form of forms) redacted = redacted.replaceAll(form, REPLACEMENT);',
    off: '',
    test: 'takes a known value out, however it is written',
  },
  {
    ...REDACT,
    name: 'what has the shape of a secret is taken out',
    promise: 'G15',
    text: 'for (const shape of SHAPES) redacted = redacted.replaceAll(shape, REPLACEMENT);',
    off: '',
    test: 'takes out %s, which it has never seen before',
  },
];
