// The dependency table of ARCHITECTURE.md as data, and the dependency-cruiser rules that follow from it.
// A package's kind is the nx tag `kind:<kind>` in its package.json; a new package needs no new rule.
import { readWorkspaces, type Workspace } from './workspaces.ts';

type Kind = {
  /** Kinds whose packages it may import; its own package is always allowed, another of its own kind only if listed. */
  readonly may: readonly string[];
  /** Single packages allowed or refused beyond their kind, by folder. */
  readonly mayAlso?: readonly string[];
  /** The only npm packages it may import; left out: any that its own package.json names. */
  readonly npmOnly?: readonly string[];
  /** npm packages it may never import; a trailing slash means the whole scope. */
  readonly npmNever?: readonly string[];
};

const NEST = '@nestjs/';
const DATABASE = ['pg', 'typeorm'];
const LIBRARIES = ['contracts', 'domain', 'ports', 'handling', 'simulation', 'platform', 'adapter', 'host'];

const KINDS: Record<string, Kind> = {
  contracts: { may: [], npmOnly: ['zod'] },
  domain: { may: ['contracts'], npmOnly: [] },
  ports: { may: ['contracts'], npmOnly: [] },
  handling: { may: ['contracts', 'domain', 'ports'], npmOnly: [] },
  simulation: { may: ['contracts', 'domain', 'ports', 'handling'], npmOnly: [] },
  platform: { may: ['contracts', 'ports', 'platform'] },
  adapter: { may: ['contracts', 'ports'], mayAlso: ['libs/telemetry', 'libs/workbench'], npmNever: [NEST, ...DATABASE] },
  host: { may: ['contracts', 'domain', 'ports', 'handling', 'platform'], npmNever: DATABASE },
  app: { may: LIBRARIES, npmNever: DATABASE },
  tools: { may: LIBRARIES },
  testing: { may: [...LIBRARIES, 'tools'] },
  // It holds the event store against plain Postgres, and the deciders and the runtime against the record in memory.
  bench: { may: ['contracts', 'domain', 'ports', 'platform', 'handling', 'simulation', 'tools'], npmNever: [NEST, 'typeorm'] },
  'system-tests': { may: [...LIBRARIES, 'tools', 'testing', 'app'] },
};

/** What one package may import beyond its kind, each with its reason. */
const EXCEPTIONS: Record<string, Pick<Kind, 'mayAlso' | 'npmNever'>> = {
  // `baton demo` and `baton up` start the local stack, which lives with the tools.
  'apps/cli': { mayAlso: ['tools'] },
  // Only the bus speaks Nest among the platform libraries (it is a Nest transport), only the event store speaks SQL.
  'libs/bus': { npmNever: DATABASE },
  'libs/event-store': { npmNever: [NEST] },
  'libs/telemetry': { npmNever: [NEST, ...DATABASE] },
  'libs/policy': { npmNever: [NEST, ...DATABASE] },
};

/** Every spec may use these beyond its package's table row; they are never part of what is built. */
export const SPECS_MAY = ['testing', 'simulation'];
const SPEC = String.raw`(\.spec\.ts$|/test/)`;
const NPM = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];

type Where = {
  path?: string;
  pathNot?: string | string[];
  dependencyTypes?: string[];
  circular?: boolean;
  couldNotResolve?: boolean;
};
export type Rule = {
  name: string;
  comment: string;
  severity: 'error';
  from: Where;
  to: Where;
};

export function boundaryRules(root: string): Rule[] {
  const workspaces = readWorkspaces(root);
  return [...workspaces.flatMap((workspace) => rulesOf(workspace, workspaces)), ...commonRules(workspaces)];
}

function rulesOf(workspace: Workspace, all: readonly Workspace[]): Rule[] {
  const kind = KINDS[workspace.kind];
  if (kind === undefined) {
    throw new Error(
      `${workspace.folder}: kind "${workspace.kind}" has no row in tools/src/boundaries.ts; add one or use ${Object.keys(KINDS).join(', ')}`,
    );
  }
  const exception = EXCEPTIONS[workspace.folder] ?? {};
  const extra = [...(kind.mayAlso ?? []), ...(exception.mayAlso ?? [])];
  const allowed = all.filter(({ kind: other, folder }) => kind.may.includes(other) || extra.includes(folder));
  const forSpecs = all.filter((other) => allowed.includes(other) || SPECS_MAY.includes(other.kind));
  const code = { path: `^${workspace.folder}/`, pathNot: SPEC };
  const specs = { path: `^${workspace.folder}/.*${SPEC}` };
  return [
    rule(
      `${workspace.kind}-imports`,
      `${workspace.folder} may import ${names(allowed)}`,
      code,
      elsewhere(workspace, allowed, all),
    ),
    rule(
      `${workspace.kind}-spec-imports`,
      `specs may also import ${SPECS_MAY.join(', ')}`,
      specs,
      elsewhere(workspace, forSpecs, all),
    ),
    ...npmRules(workspace, kind, exception, code),
  ];
}

function npmRules(workspace: Workspace, kind: Kind, exception: Pick<Kind, 'npmNever'>, from: Where): Rule[] {
  const never = [...(kind.npmNever ?? []), ...(exception.npmNever ?? [])];
  const rules: Rule[] = [];
  if (kind.npmOnly !== undefined) {
    const pathNot = kind.npmOnly.map(installed);
    const only = kind.npmOnly.join(', ') || 'no npm package';
    rules.push(rule(`${workspace.kind}-npm`, `${workspace.folder} may use ${only}`, from, { dependencyTypes: NPM, pathNot }));
  }
  if (never.length > 0) {
    const path = `(${never.map(installed).join('|')})`;
    rules.push(rule(`${workspace.kind}-npm`, `${workspace.folder} may not use ${never.join(', ')}`, from, { path }));
  }
  return rules;
}

function commonRules(workspaces: readonly Workspace[]): Rule[] {
  const packages = workspaces.map(({ folder }) => folder).join('|');
  const within = { path: `^(${packages})/`, pathNot: SPEC };
  return [
    rule(
      'one-door',
      'a package is entered only through its src/index.ts',
      { path: `^(${packages})/` },
      {
        path: `^(${packages})/`,
        pathNot: ['^$1/', `^(${packages})/src/index\\.ts$`],
      },
    ),
    rule(
      'by-name',
      'another package is imported by its @baton name, never by a relative path',
      { path: `^(${packages})/` },
      {
        path: `^(${packages})/`,
        pathNot: '^$1/',
        dependencyTypes: ['local'],
      },
    ),
    rule('no-cycles', 'modules form no cycle', {}, { circular: true }),
    rule('resolvable', 'every import leads somewhere', {}, { couldNotResolve: true }),
    rule('declared', 'an npm package is named in the importing package.json', within, {
      dependencyTypes: ['npm-no-pkg', 'npm-unknown'],
      // Conformance suites are run by jest, which belongs to the root as a whole.
      pathNot: [installed('@jest/globals')],
    }),
  ];
}

// Anything in the workspace that is neither the package itself nor one of the allowed ones.
function elsewhere(workspace: Workspace, allowed: readonly Workspace[], all: readonly Workspace[]): Rule['to'] {
  return {
    path: `^(${all.map(({ folder }) => folder).join('|')})/`,
    pathNot: [workspace, ...allowed].map(({ folder }) => `^${folder}/`),
  };
}

function installed(name: string): string {
  return `(^|/)node_modules/${name.endsWith('/') ? name : `${name}/`}`;
}

function names(workspaces: readonly Workspace[]): string {
  return workspaces.map(({ name }) => name).join(', ') || 'nothing of ours';
}

function rule(name: string, comment: string, from: Where, to: Rule['to']): Rule {
  return { name, comment, severity: 'error', from, to };
}
