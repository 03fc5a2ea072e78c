import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GateInput } from '@baton/ports';
import { policyRefSchema } from '@baton/contracts';
import { cedarPolicy, DEFAULT_BUNDLE } from './index.ts';

const input: GateInput = {
  risk: 'low',
  repository_host: 'git.example.org',
  repository_url: 'https://git.example.org/team/shop.git',
  target: 'main',
  files: ['src/cart.ts', 'src/cart.spec.ts'],
  insertions: 12,
  deletions: 3,
  requested_by: 'ada',
  checks_failed: 0,
};

describe('the default bundle', () => {
  const policy = cedarPolicy(DEFAULT_BUNDLE);

  it.each<[string, Partial<GateInput>, string, boolean, string]>([
    ['low risk passes', {}, 'autonomous', false, 'low-risk-passes'],
    [
      'so does a mission without a repository',
      { repository_host: null, repository_url: null, target: null, files: [] },
      'autonomous',
      false,
      'low-risk-passes',
    ],
    [
      'medium risk asks, and whoever asked may approve',
      { risk: 'medium' },
      'gate',
      true,
      'medium-risk-may-be-approved-by-its-requester',
    ],
    ['high risk asks somebody else', { risk: 'high' }, 'gate', false, 'default'],
    [
      'a migration asks',
      { files: ['src/a.ts', 'apps/shop/migrations/7-orders.ts'] },
      'gate',
      true,
      'sensitive-paths-need-a-person',
    ],
    ['a migration at the root asks', { files: ['migrations/7.ts'] }, 'gate', true, 'sensitive-paths-need-a-person'],
    ['a pipeline asks', { files: ['.github/workflows/ci.yml'] }, 'gate', true, 'sensitive-paths-need-a-person'],
    ['whatever the case of its letters', { files: ['.GitHub/workflows/ci.yml'] }, 'gate', true, 'sensitive-paths-need-a-person'],
    ['infrastructure asks', { files: ['deploy/prod/values.yaml'] }, 'gate', true, 'sensitive-paths-need-a-person'],
    ['a path with a line break in it still asks', { files: ['deploy/\nx'] }, 'gate', true, 'sensitive-paths-need-a-person'],
    [
      'a name that only looks like it passes',
      { files: ['docs/deploying.md', 'src/migrations.ts', 'xdeploy/a'] },
      'autonomous',
      false,
      'low-risk-passes',
    ],
    [
      'sensitive paths of medium risk name the path rule',
      { risk: 'medium', files: ['infra/main.tf'] },
      'gate',
      true,
      'sensitive-paths-need-a-person',
    ],
    ['a failed check needs a second person', { checks_failed: 1 }, 'gate', false, 'failed-checks-need-a-second-person'],
    [
      'both reasons are named, in order',
      { checks_failed: 1, files: ['a.sql'] },
      'gate',
      false,
      'failed-checks-need-a-second-person,sensitive-paths-need-a-person',
    ],
  ])('%s', (_name, change, tier, self_approval, rule) => {
    const decision = policy.evaluate({ ...input, ...change });
    expect({ tier: decision.tier, self_approval: decision.self_approval, rule: decision.policy.rule }).toEqual({
      tier,
      self_approval,
      rule,
    });
  });

  it('says which policy, which content and which question it was', () => {
    const { policy: ref } = policy.evaluate(input);
    expect(policyRefSchema.parse(ref)).toMatchObject({ id: 'default', version: '1.0.0' });
    const reordered = Object.fromEntries(Object.entries(input).toReversed()) as unknown as GateInput;
    expect(policy.evaluate(reordered)).toEqual(policy.evaluate(input));
    expect(policy.evaluate({ ...input, insertions: 13 }).policy.input_digest).not.toBe(ref.input_digest);
    expect(cedarPolicy(DEFAULT_BUNDLE).evaluate(input)).toEqual(policy.evaluate(input));
  });
});

describe('a bundle', () => {
  let directory = '';
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const bundle = (rules: string, manifest: unknown = { id: 'team', version: '7', path_sets: { docs: ['docs/**'] } }): string => {
    directory = mkdtempSync(join(tmpdir(), 'baton-policy-'));
    writeFileSync(join(directory, 'policy.cedar'), rules);
    writeFileSync(join(directory, 'manifest.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
    return directory;
  };
  const permit = (id: string, action: string, when: string): string =>
    `@id("${id}") permit (principal, action == Action::"${action}", resource) when { ${when} };`;

  it('lets a rule notify, look at who asked and at the repository', () => {
    const policy = cedarPolicy(
      bundle(`
      ${permit('docs', 'notify', 'context.touches.docs && principal == Person::"ada" && context has target && context.target == "main"')}`),
    );
    const docs = { ...input, files: ['docs/a.md'] };
    expect(policy.evaluate(docs)).toMatchObject({ tier: 'notify', policy: { id: 'team', version: '7', rule: 'docs' } });
    expect(policy.evaluate({ ...docs, requested_by: 'bob' })).toMatchObject({
      tier: 'gate',
      self_approval: false,
      policy: { rule: 'default' },
    });
    expect(policy.evaluate({ ...docs, target: null })).toMatchObject({ tier: 'gate', policy: { rule: 'default' } });
  });

  it('has another digest as soon as one letter of it changes', () => {
    const one = cedarPolicy(bundle(permit('a', 'pass', 'true'))).evaluate(input).policy;
    rmSync(directory, { recursive: true });
    const two = cedarPolicy(bundle(permit('a', 'pass', 'true '))).evaluate(input).policy;
    expect(two).toMatchObject({ rule: 'a', input_digest: one.input_digest });
    expect(two.digest).not.toBe(one.digest);
  });

  it('fails closed, and says so, when a rule cannot be evaluated', () => {
    const failures: Error[] = [];
    // The sum overflows Cedar's 64 bits: the rule that forbids is skipped by Cedar, so its answer alone would be "allow".
    const policy = cedarPolicy(
      bundle(`${permit('all', 'pass', 'true')} ${permit('self', 'self-approve', 'true')}
        @id("huge") forbid (principal, action, resource) when { context.insertions * 9223372036854775807 > 5 };`),
      { onFailure: (error) => failures.push(error) },
    );
    expect(policy.evaluate({ ...input, insertions: 1 })).toMatchObject({ tier: 'gate', policy: { rule: 'huge' } });
    expect(failures).toHaveLength(0);
    expect(policy.evaluate({ ...input, insertions: 2 })).toMatchObject({
      tier: 'gate',
      self_approval: false,
      policy: { rule: 'default' },
    });
    expect(failures.map(String)).toEqual([expect.stringContaining('overflow')]);
    expect(policy.evaluate({ ...input, insertions: 1.5 })).toMatchObject({
      tier: 'gate',
      self_approval: false,
      policy: { rule: 'default' },
    });
  });

  it.each<[string, string, unknown, RegExp]>([
    ['misspells what it asks', permit('a', 'pass', 'context.rsik == "low"'), undefined, /rule "a": .*rsik/],
    ['misspells a path set', permit('a', 'pass', 'context.touches.dcos'), undefined, /rule "a": .*dcos/],
    ['misspells an action', permit('a', 'psas', 'true'), undefined, /rule "a": .*psas/],
    ['is not Cedar', 'allow everything', undefined, /policy\.cedar cannot be parsed/],
    ['has a rule without a name', 'permit (principal, action, resource);', undefined, /no @id/],
    ['has two rules of one name', permit('a', 'pass', 'true') + permit('a', 'notify', 'true'), undefined, /used twice/],
    ['takes the reserved name', permit('default', 'pass', 'true'), undefined, /reserved/],
    ['has no version', permit('a', 'pass', 'true'), { id: 'team' }, /"version" must be/],
    ['has a manifest that is not JSON', permit('a', 'pass', 'true'), '{', /manifest\.json is not JSON/],
    [
      'has an empty path set',
      permit('a', 'pass', 'true'),
      { id: 'team', version: '1', path_sets: { docs: [] } },
      /path_sets\.docs/,
    ],
  ])('is refused at start when it %s', (_name, rules, manifest, message) => {
    expect(() => cedarPolicy(bundle(rules, manifest))).toThrow(message);
  });
});
