/**
 * JSON from outside means one thing only, and nothing in it can surprise what is written with it: what two parsers may read
 * differently (a name twice, numbers beyond what is exact) and what a store refuses (NUL, half characters) is named and refused.
 */
import type { Fault } from './mission.ts';

/** Nothing that Baton takes is nested half as deep. */
export const JSON_DEPTH_MAX = 64;
const FAULTS_MAX = 20;
const FIELD_CHARS_MAX = 200;
/** Names that are more than a name to a program. */
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export class UnfitJson extends Error {
  override readonly name = 'UnfitJson';
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[], options?: ErrorOptions) {
    super(faults.map(({ field, problem, fix }) => `${field} ${problem}: ${fix}`).join('; '), options);
    this.faults = faults;
  }
}

/** Throws UnfitJson with every fault, up to FAULTS_MAX. */
export function readOutsideJson(text: string): unknown {
  const scanned = scan(text);
  // Before parsing: a parser may have no other way than to recurse.
  if (scanned.too_deep) throw new UnfitJson(scanned.faults);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const problem = `is not JSON (${(cause as Error).message.slice(0, FIELD_CHARS_MAX)})`;
    throw new UnfitJson([{ field: '(body)', problem, fix: 'send one JSON document' }], { cause });
  }
  if (scanned.faults.length > 0) throw new UnfitJson(scanned.faults);
  return value;
}

interface Frame {
  /** Null = a list. */
  readonly names: Set<string> | null;
  name: string | null;
  index: number;
}

interface Scanned {
  readonly faults: Fault[];
  too_deep: boolean;
}

/** Walks the tokens of what may not even be JSON; what it says of such a text is not looked at. */
function scan(text: string): Scanned {
  const scanned: Scanned = { faults: [], too_deep: false };
  const frames: Frame[] = [];
  for (let at = 0; at < text.length && !scanned.too_deep; at++) {
    const char = text[at]!;
    const frame = frames.at(-1);
    if (char === '{' || char === '[') {
      frames.push({ names: char === '{' ? new Set() : null, name: null, index: 0 });
      if (frames.length > JSON_DEPTH_MAX) {
        scanned.too_deep = true;
        scanned.faults.length = 0;
        add(scanned, frames, `is nested deeper than ${String(JSON_DEPTH_MAX)} levels`, 'send a flatter document');
      }
    } else if (char === '}' || char === ']') frames.pop();
    else if (char === ',' && frame) {
      frame.name = null;
      frame.index++;
    } else if (char === '"') {
      const end = endOfString(text, at);
      const string = stringOf(text.slice(at, end + 1));
      if (frame?.names && frame.name === null) takeName(scanned, frames, frame, string);
      else checkText(scanned, frames, string);
      at = end;
    } else if (char === '-' || (char >= '0' && char <= '9')) {
      const end = endOfNumber(text, at);
      checkNumber(scanned, frames, text.slice(at, end));
      at = end - 1;
    }
  }
  return scanned;
}

function takeName(scanned: Scanned, frames: readonly Frame[], frame: Frame, name: string): void {
  frame.name = name;
  if (FORBIDDEN_NAMES.has(name)) add(scanned, frames, 'has a name that may not be used', 'leave it out or rename it');
  if (frame.names?.has(name)) add(scanned, frames, 'is there twice', 'leave one of them out');
  frame.names?.add(name);
  checkText(scanned, frames, name);
}

function checkText(scanned: Scanned, frames: readonly Frame[], text: string): void {
  if (text.includes('\0')) add(scanned, frames, 'has the character NUL in it', 'leave it out, or send bytes as base64');
  if (!text.isWellFormed()) add(scanned, frames, 'has half of a character in it (a lone surrogate)', 'send whole characters');
}

function checkNumber(scanned: Scanned, frames: readonly Frame[], text: string): void {
  const number = Number(text);
  const exact = Number.isFinite(number) && (!/^-?\d+$/.test(text) || Number.isSafeInteger(number));
  if (!exact) add(scanned, frames, 'is a number that cannot be kept exactly', 'use a smaller one, or write it as text');
}

function add({ faults }: Scanned, frames: readonly Frame[], problem: string, fix: string): void {
  if (faults.length < FAULTS_MAX) faults.push({ field: fieldOf(frames), problem, fix });
}

const fieldOf = (frames: readonly Frame[]): string =>
  frames
    .map(({ names, name, index }) => (names ? `.${name ?? ''}` : `[${String(index)}]`))
    .join('')
    .replace(/^\./, '')
    .toWellFormed()
    .replaceAll('\0', '\uFFFD')
    .slice(0, FIELD_CHARS_MAX) || '(body)';

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && /[0-9.eE+-]/.test(text[end]!)) end++;
  return end;
}

function stringOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}
