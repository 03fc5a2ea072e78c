/** An agent may print anything: what is read out of it is a valid result, a named fault, or nothing; never an accident. */
import { describe, expect, it } from '@jest/globals';
import { agentResultSchema } from '@baton/contracts';
import * as fc from 'fast-check';
import { readResult } from './read-result.ts';

const RUNS = { numRuns: 300 };
const DEPTH = 200_000;
const result = { baton: 'result/v1', status: 'done', summary: 'It is done' };
const RESULT = JSON.stringify(result);

/** Text that breaks parsers: control characters, lone surrogates, NUL, half of an escape, names of the prototype. */
const garbage = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xff_ff })).map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom(
    '\0',
    '\uD800',
    '{',
    '}',
    '{"baton":"result/',
    '{"__proto__":',
    '\\u0000',
    '[[[[',
    '"',
    '1e400',
    '{"a":1}{"a":2}',
  ),
  fc.json({ noUnicodeString: false }),
);
const line = garbage.map((text) => text.replaceAll(/[\n\r\u2028\u2029]/g, ' '));
const lines = fc.array(line, { maxLength: 20 }).map((all) => all.join('\n'));
/** Neither a result nor something that says it is one, so that the real one before it counts. */
const chatter = fc
  .array(
    line.filter((text) => !text.trim().startsWith('{')),
    { maxLength: 20 },
  )
  .map((all) => all.join('\n'));

describe('what is read out of an agent’s output', () => {
  it('is always one of three answers, and a result always fits its schema', () => {
    fc.assert(
      fc.property(lines, (stdout) => {
        const answer = readResult(stdout);
        const fits = answer.status !== 'result' || agentResultSchema.safeParse(answer.result).success;
        expect([answer.status, fits]).toEqual([expect.stringMatching(/^(result|invalid|none)$/), true]);
      }),
      RUNS,
    );
  });

  it('is the result, whatever is printed around it', () => {
    fc.assert(
      fc.property(lines, chatter, (before, after) => {
        expect(readResult(`${before}\n${RESULT}\n${after}`)).toEqual({ status: 'result', result });
      }),
      RUNS,
    );
  });

  it('holds nothing that was not asked for, neither of its own nor by way of its prototype', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (extra) => {
        const claimed = { ...extra, approve: true, verdict: 'accepted', type: 'ApprovalGranted', ...result };
        const answer = readResult(JSON.stringify(claimed));
        const keys = answer.status === 'result' ? Object.keys(answer.result) : [];
        expect(answer.status).not.toBe('none');
        expect(keys.filter((key) => !Object.keys(agentResultSchema.shape).includes(key))).toEqual([]);
      }),
      RUNS,
    );
    const answer = readResult(
      `{"__proto__":{"status":"done","polluted":true},"constructor":{"prototype":{"polluted":true}},${RESULT.slice(1)}`,
    );
    expect(answer).toEqual({ status: 'result', result });
    expect('polluted' in {}).toBe(false);
    expect(Object.getPrototypeOf(answer.status === 'result' ? answer.result : null)).toBe(Object.getPrototypeOf({}));
  });

  it.each([
    ['nested without end', `{"baton":"result/v1","summary":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`],
    ['nested without end, as an object', `{"baton":"result/v1","x":${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}}`],
    ['cut off', RESULT.slice(0, -2)],
    ['too long', JSON.stringify({ ...result, summary: 'x'.repeat(5_000_000) })],
    ['a result of another version', JSON.stringify({ ...result, baton: 'result/v2' })],
    ['with a NUL where a word has to be', JSON.stringify({ ...result, status: 'done\0' })],
    ['with the wrong kinds of values', JSON.stringify({ ...result, summary: { toString: 'x' } })],
    ['a list', `[${RESULT}]`],
  ])('is no result when it is %s, and does not bring the reader down', (_, text) => {
    expect(readResult(text).status).not.toBe('result');
    expect(readResult(`${text}\n${RESULT}`)).toEqual({ status: 'result', result });
  });

  it('keeps NUL and lone surrogates as the text that they are', () => {
    const odd = { ...result, summary: 'a\0b\uD800c' };
    expect(readResult(JSON.stringify(odd))).toEqual({ status: 'result', result: odd });
  });

  it('is found in many megabytes of lines in little time', () => {
    const began = performance.now();
    expect(readResult(`${RESULT}\n${'{"level":"info"\n'.repeat(50_000)}`).status).toBe('result');
    expect(readResult('{'.repeat(5_000_000)).status).toBe('none');
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
