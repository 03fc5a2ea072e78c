/**
 * Evaluates gate questions with Cedar (https://www.cedarpolicy.com). The rules are parsed once and checked against the
 * schema, so that a rule with a misspelt name is an error at start and not a gate that never closes.
 */
import { createHash } from 'node:crypto';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { GateDecision, GateInput, Policy } from '@baton/ports';
import { readBundle, type Bundle } from './bundle.ts';
import { canonicalJson } from '@baton/contracts';
import { touches } from './path-set.ts';

/** What decides when no rule does, and when a rule cannot be evaluated. */
const DEFAULT_RULE = 'default';

interface Decided extends Omit<GateDecision, 'policy'> {
  readonly rule: string;
}

type Action = 'pass' | 'notify' | 'self-approve';

const schemaOf = (bundle: Bundle): string => `
  entity Person;
  entity Repository;
  action "pass", "notify", "self-approve" appliesTo {
    principal: Person,
    resource: Repository,
    context: {
      risk: String,
      repository_host?: String,
      target?: String,
      files: Long,
      insertions: Long,
      deletions: Long,
      checks_failed: Long,
      touches: { ${Object.keys(bundle.path_sets)
        .map((name) => `${name}: Bool`)
        .join(', ')} },
    },
  };
`;

const messages = (errors: readonly { message: string; help: string | null }[]): string =>
  errors.map((error) => (error.help ? `${error.message} (${error.help})` : error.message)).join('; ');

/** The rules by their @id. */
function rulesById(bundle: Bundle): Record<string, string> {
  const parts = cedar.policySetTextToParts(bundle.rules);
  if (parts.type === 'failure')
    throw new Error(`policy "${bundle.id}": policy.cedar cannot be parsed: ${messages(parts.errors)}`);
  if (parts.policy_templates.length > 0)
    throw new Error(`policy "${bundle.id}": policy.cedar has templates; write each rule out`);
  const rules: Record<string, string> = {};
  for (const text of parts.policies) {
    const parsed = cedar.policyToJson(text);
    const id = parsed.type === 'success' ? parsed.json.annotations?.['id'] : undefined;
    if (!id) throw new Error(`policy "${bundle.id}": a rule has no @id("…"): ${text.slice(0, 120)}`);
    if (id === DEFAULT_RULE || Object.hasOwn(rules, id))
      throw new Error(
        `policy "${bundle.id}": @id("${id}") is ${id === DEFAULT_RULE ? 'reserved' : 'used twice'}; name the rule differently`,
      );
    rules[id] = text;
  }
  return rules;
}

function prepare(bundle: Bundle): void {
  const policies = { staticPolicies: rulesById(bundle) };
  const checked = cedar.validate({ schema: schemaOf(bundle), policies });
  if (checked.type === 'failure') throw new Error(`policy "${bundle.id}" cannot be checked: ${messages(checked.errors)}`);
  if (checked.validationErrors.length > 0) {
    throw new Error(
      `policy "${bundle.id}": ${checked.validationErrors.map(({ policyId, error }) => `rule "${policyId}": ${messages([error])}`).join('; ')}`,
    );
  }
  const parsed = cedar.preparsePolicySet(bundle.digest, policies);
  if (parsed.type === 'failure')
    throw new Error(`policy "${bundle.id}": policy.cedar cannot be parsed: ${messages(parsed.errors)}`);
}

/** Answers kept in memory, the oldest dropped first. */
const ANSWERS_MAX = 1_000;

export interface CedarPolicyOptions {
  /** Told when a question could not be evaluated and was therefore answered with `gate`. */
  readonly onFailure?: (error: Error) => void;
}

/** Reads the bundle in this directory and answers by it from then on. Throws where the bundle is faulty. */
export function cedarPolicy(directory: string, { onFailure }: CedarPolicyOptions = {}): Policy {
  const bundle = readBundle(directory);
  prepare(bundle);
  const pathSets = Object.entries(bundle.path_sets).map(([name, patterns]) => [name, touches(patterns)] as const);

  const contextOf = (input: GateInput): cedar.Context => ({
    risk: input.risk,
    ...(input.repository_host === null ? {} : { repository_host: input.repository_host }),
    ...(input.target === null ? {} : { target: input.target }),
    files: input.files.length,
    insertions: input.insertions,
    deletions: input.deletions,
    checks_failed: input.checks_failed,
    touches: Object.fromEntries(pathSets.map(([name, touched]) => [name, touched(input.files)])),
  });

  /** `rule` names what decided; null = no rule did. Throws where anything about it failed: half an answer is none. */
  const ask = (action: Action, input: GateInput, context: cedar.Context): { allowed: boolean; rule: string | null } => {
    const answer = cedar.statefulIsAuthorized({
      principal: { type: 'Person', id: input.requested_by },
      action: { type: 'Action', id: action },
      resource: { type: 'Repository', id: input.repository_url ?? '' },
      context,
      preparsedPolicySetId: bundle.digest,
      entities: [],
    });
    if (answer.type === 'failure') throw new Error(messages(answer.errors));
    const { reason, errors } = answer.response.diagnostics;
    if (errors.length > 0) throw new Error(messages(errors.map(({ error }) => error)));
    return { allowed: answer.response.decision === 'allow', rule: reason.length === 0 ? null : reason.toSorted().join(',') };
  };

  const decide = (input: GateInput): Decided => {
    const context = contextOf(input);
    const pass = ask('pass', input, context);
    if (pass.allowed) return { tier: 'autonomous', self_approval: false, rule: pass.rule! };
    const notify = ask('notify', input, context);
    if (notify.allowed) return { tier: 'notify', self_approval: false, rule: notify.rule! };
    const self = ask('self-approve', input, context);
    return { tier: 'gate', self_approval: self.allowed, rule: pass.rule ?? notify.rule ?? self.rule ?? DEFAULT_RULE };
  };

  const answers = new Map<string, Decided>();
  /** The same question has the same answer: asking Cedar costs as much as all else that a gate does. */
  const remembered = (input_digest: string, input: GateInput): Decided => {
    const known = answers.get(input_digest);
    if (known) return known;
    const decided = failingClosed(() => decide(input), onFailure);
    if (answers.size >= ANSWERS_MAX) answers.delete(answers.keys().next().value!);
    answers.set(input_digest, decided);
    return decided;
  };

  return {
    evaluate(input) {
      const input_digest = `sha256:${createHash('sha256').update(canonicalJson(input)).digest('hex')}`;
      const decided = remembered(input_digest, input);
      return {
        tier: decided.tier,
        self_approval: decided.self_approval,
        policy: { id: bundle.id, version: bundle.version, digest: bundle.digest, rule: decided.rule, input_digest },
      };
    },
  };
}

/** A question that cannot be answered is one for a person. */
function failingClosed(decide: () => Decided, onFailure: CedarPolicyOptions['onFailure']): Decided {
  try {
    return decide();
  } catch (error) {
    onFailure?.(error as Error);
    return { tier: 'gate', self_approval: false, rule: DEFAULT_RULE };
  }
}
