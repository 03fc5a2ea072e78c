import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EVENTS, INBOUND, inboundType, type Category, type InboundName } from '@baton/contracts';
import { adrOf } from './adr-index.ts';
import { commentsIn } from './doc-comments.ts';
import { explore } from './explore.ts';
import { drifted, pagesOf, writePages, type Pages } from './generate.ts';
import { REQUESTS } from './requests-page.ts';

const REPOSITORY = dirname(dirname(dirname(import.meta.dirname)));
const CATEGORIES = Object.keys(EVENTS) as Category[];

describe('the generated pages', () => {
  let root = '';
  let pages: Pages = new Map();
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'baton-docs-'));
    cpSync(join(REPOSITORY, 'docs/adr'), join(root, 'docs/adr'), { recursive: true });
    mkdirSync(join(root, 'libs'));
    cpSync(join(REPOSITORY, 'libs/contracts/src'), join(root, 'libs/contracts/src'), { recursive: true });
    cpSync(join(REPOSITORY, 'examples/over-the-bus'), join(root, 'examples/over-the-bus'), { recursive: true });
    cpSync(join(REPOSITORY, 'deploy/prometheus/rules'), join(root, 'deploy/prometheus/rules'), { recursive: true });
    pages = pagesOf(root);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('say so when they are missing, and are there after they were written', () => {
    rmSync(join(root, 'docs/adr/README.md'), { force: true });
    expect(drifted(root, pages)).toEqual([...pages.keys()].map((path) => `${path} is missing; run npm run docs`));
    expect(writePages(root, pages)).toEqual([...pages.keys()]);
    expect(drifted(root, pages)).toEqual([]);
    expect(writePages(root, pages)).toEqual([]);
  });

  it.each([
    'docs/events.md',
    'docs/topology.md',
    'docs/requests.md',
    'docs/privileges.md',
    'docs/state-machines.md',
    'docs/adr/README.md',
    'deploy/nats/nats.conf',
    'deploy/kubernetes/base/network-policies.yaml',
    'deploy/kubernetes/components/postgres/network-policy.yaml',
    'deploy/kubernetes/components/monitoring/prometheus-rules.yaml',
  ])('are reported by name, line and fix when %s drifts', (path) => {
    writePages(root, pages);
    const lines = readFileSync(join(root, path), 'utf8').split('\n');
    writeFileSync(join(root, path), lines.with(6, 'by hand').join('\n'));
    expect(drifted(root, pages)).toEqual([`${path} has drifted from the code at line 7; run npm run docs`]);
    writeFileSync(join(root, path), [...lines, 'one line more'].join('\n'));
    expect(drifted(root, pages)).toEqual([`${path} has drifted from the code at line ${lines.length + 1}; run npm run docs`]);
  });

  it('name every event', () => {
    const text = pages.get('docs/events.md') ?? '';
    for (const type of CATEGORIES.flatMap((category) => Object.keys(EVENTS[category]))) expect(text).toContain(`### ${type}\n`);
  });
});

describe('the page of requests from outside', () => {
  const sections = (pagesOf(REPOSITORY).get('docs/requests.md') ?? '').split(/^## /m);

  it.each(Object.keys(INBOUND) as InboundName[])('says of %s where it goes and every field of it', (name) => {
    const section = sections.find((part) => part.startsWith(`${name}\n`)) ?? '';
    expect(section).toContain(`\`${INBOUND[name].subject}\``);
    expect(section).toContain(`\`${inboundType(name)}\``);
    const told = [...section.matchAll(/^\| `(\w+)`( \(optional\))? \| (?:[^|]|\\\|)+ \| .+ \|$/gm)].map(([, field]) => field);
    expect(told).toEqual(Object.keys(REQUESTS[name].schema.shape));
  });

  it('says which fields may be left out', () => {
    const section = sections.find((part) => part.startsWith('AnswerGate\n')) ?? '';
    expect(section).toContain('| `reason` (optional) |');
    expect(section).toContain('| `content_digest` |');
  });
});

describe('exploring a decider', () => {
  it.each(CATEGORIES)('meets every event of %s, and each fits its schema', (category) => {
    const explored = explore(category, Object.keys(EVENTS[category]));
    expect(new Set(explored.events.map(({ type }) => type))).toEqual(new Set(Object.keys(EVENTS[category])));
  });

  it('says which event no command leads to', () => {
    expect(() => explore('gate', Object.keys(EVENTS.gate), () => [{ type: 'SupersedeGate' }])).toThrow(
      /no sample command leads to GateOpened, .* of gate: add one/,
    );
  });
});

describe('a decision record', () => {
  const text =
    '# 0001 A title\n\n- Status: accepted\n- Date: 2026-11-21\n- Decision: Something.\n\n## Context\n\n## Choice\n\n## Cost\n';
  it('is listed by its head', () => {
    expect(adrOf('0001-a-title.md', text)).toEqual({
      number: '0001',
      file: '0001-a-title.md',
      title: 'A title',
      status: 'accepted',
      date: '2026-11-21',
      decision: 'Something.',
    });
  });
  it.each([
    ['a name without number', 'a-title.md', text, /NNNN-title/],
    ['another number in its title', '0002-a-title.md', text, /# 0002 <title>/],
    ['no decision', '0001-a-title.md', text.replace('- Decision: Something.\n', ''), /- Decision: …/],
    ['an unknown status', '0001-a-title.md', text.replace('accepted', 'maybe'), /status "maybe" is not one of/],
    ['no cost', '0001-a-title.md', text.replace('## Cost', ''), /no section "## Cost"/],
  ])('is refused with %s', (_what, file, faulty, message) => expect(() => adrOf(file, faulty)).toThrow(message));
});

it('reads comments above schemas, events and fields', () => {
  const source = `/** The file. */
import { z } from 'zod';

/** A thing. */
export const thingSchema = z.object({
  /** Its name,
   * in full. */
  name: z.string(),
});
const events = {
  /** It is there. */
  ThingMade: z.object({ ...thing, /** Again. */ again: z.boolean() }),
};`;
  expect(Object.fromEntries(commentsIn(source))).toEqual({
    thingSchema: 'A thing.',
    'thingSchema.name': 'Its name, in full.',
    ThingMade: 'It is there.',
    'ThingMade.again': 'Again.',
  });
});
