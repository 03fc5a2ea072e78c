import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { redactor } from './redact.ts';

const none = { environment: {}, names: [], values: [] };
const { text: shapes } = redactor(none);
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const some = (count: number): string => letters.repeat(5).slice(3, 3 + count);

describe('redaction', () => {
  const environment = {
    API_TOKEN: 'canary-token-1',
    DB: 'postgres://user:canary%2Fpassword@host/db',
    ODDLY_NAMED: 'canary-odd-1',
    MODE: 'production',
    SIGNING_KEY: '-----BEGIN X-----\nAAAAcanaryline1\nBBBBcanaryline2\n-----END X-----',
    KEY_FILE: '/etc/keys/one',
    SHORT_SECRET: 'abc',
  };
  const known = redactor({ environment, names: ['ODDLY_NAMED'], values: ['SUcanaryseed', undefined] });

  it.each([
    'canary-token-1',
    'canary/password',
    'canary%2Fpassword',
    'canary-odd-1',
    'AAAAcanaryline1',
    'BBBBcanaryline2',
    'SUcanaryseed',
  ])('takes a known value out, however it is written: %s', (secret) => {
    const written = [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      Buffer.from(secret).toString('base64url'),
      Buffer.from(secret).toString('hex'),
    ];
    for (const form of written) {
      expect(known.text(`before ${form} after`)).toBe('before [redacted] after');
      expect(known.knownAt(Buffer.from(`before ${form} after`))).toBe(7);
    }
  });

  it('leaves alone what is no secret', () => {
    const harmless =
      'in production, /etc/keys/one, abc; a bearer of responsibilities, basic understanding, sk-learn, https://host/path@2';
    expect(known.text(harmless)).toBe(harmless);
    expect(known.knownAt(Buffer.from(harmless))).toBe(-1);
  });

  it.each([
    ['a GitHub token', `ghp_${some(36)}`],
    ['a GitHub token of the newer kind', `github_pat_${some(60)}`],
    ['a GitLab token', `glpat-${some(20)}`],
    ['an AWS key id', 'AKIAIOSFODNN7EXAMPLE'.replace('7', 'Q')],
    ['an AWS secret', `aws_secret_access_key = ${some(40)}`],
    ['a Slack token', `xoxb-123456789012-${some(24)}`],
    ['a Slack webhook', `hooks.slack.com/services/T000/B000/${some(24)}`],
    ['a Google key', `AIza${some(35)}`],
    ['a Stripe key', `sk_live_${some(24)}`],
    ['an npm token', `npm_${some(36)}`],
    ['a model provider key', `sk-ant-api03-${some(60)}`],
    ['an nkey seed', `SU${'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.repeat(2).slice(0, 56)}`],
    ['a JSON web token', `eyJ${some(20)}.eyJ${some(40)}.${some(30)}`],
    ['a private key', `-----BEGIN OPENSSH PRIVATE KEY-----\n${some(60)}\n-----END OPENSSH PRIVATE KEY-----`],
    ['a private key that was cut off', `-----BEGIN RSA PRIVATE KEY-----\n${some(60)}`],
  ])('takes out %s, which it has never seen before', (_, secret) => {
    const redacted = shapes(`before\n${secret}`);
    expect(redacted).toContain('before\n');
    expect(redacted).toContain('[redacted]');
    expect(redacted).not.toContain(secret.slice(-12));
  });

  it('keeps what a secret belonged to', () => {
    expect(shapes('Authorization: Bearer abcdef0123456789')).toBe('Authorization: Bearer [redacted]');
    expect(shapes('postgres://ada:hunter2@host/db')).toBe('postgres://[redacted]@host/db');
  });

  it('leaves nothing of a known secret in any text, and nothing else out', () => {
    const secret = fc
      .string({ minLength: 8, maxLength: 40 })
      .filter((text) => text.trim() === text && !/^[/-]|[\r\n]/.test(text));
    fc.assert(
      fc.property(secret, fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (value, parts) => {
        const { text } = redactor({ ...none, environment: { A_TOKEN: value } });
        expect(text(parts.join(value))).not.toContain(value);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'B', '1', ' ', '/', '\n', '.', '-') }), (text) => {
        expect(shapes(text)).toBe(text);
      }),
    );
  });

  it.each([
    ['written on to a word', `session-eyJ${some(20)}.eyJ${some(40)}.${some(30)}`],
    ['with dashes that look like beginnings', `eyJ-eyJ-${some(20)}.eyJ-eyJ-${some(40)}.eyJ-${some(30)}`],
  ])('takes out a JSON web token %s', (_, token) => {
    expect(shapes(`before ${token} after`)).toBe('before [redacted] after');
  });

  it.each([
    // A beginning, and what ends it only just too late, as often as an agent can write it.
    ...['eyJ-', '-eyJ', 'eyJaaaaaaaaaa.', 'glpat-', 'xoxb-', 'xapp-1-', 'hooks.slack.com/services/', 'AKIA', 'aws_secret'],
    ...['aws_secret_________ ', 'AIza-', 'sk_live_', 'npm_', 'pypi-', 'sk-', 'SU', 'bearer ', 'Basic a', 'Basic   -', 'ab://'],
    ...['ab://x:a', 'a.', '://:', '-----BEGIN ', '-----BEGIN PRIVATE KEY-----', 'ghp_', 'github_pat_', '-', 'a'],
  ])('reads text that is made to be slow once: %j', (unit) => {
    const run = unit.repeat(RUN_CHARS / unit.length);
    const all_in_one = unit.repeat(HOSTILE_CHARS / unit.length);
    const up_to_the_limits = [' ', '.', '.eyJ'].map((end) => `${run}${end}`.repeat(HOSTILE_CHARS / run.length));
    const began = performance.now();
    for (const text of [all_in_one, ...up_to_the_limits]) shapes(text);
    // About a hundred milliseconds. A shape that begins anew at each dash, and reads to its limit each time, takes more than fifteen seconds.
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

const HOSTILE_CHARS = 2 * 1024 * 1024;
/** About as long as the longest part of a shape. */
const RUN_CHARS = 4_000;
