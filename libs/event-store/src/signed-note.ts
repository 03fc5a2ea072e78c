/**
 * Texts signed with Ed25519 in the form that transparency logs use (c2sp.org/signed-note), so that others' tools can check them:
 * the text, an empty line, and a line of an em dash, the name of the key, and base64 of key id and signature.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';

const ED25519 = 0x01;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
const SIGNATURE_LINE = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/;
/** What stands before the bare key in the DER of PKCS #8 and of SubjectPublicKeyInfo. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

export class UnusableKey extends Error {
  override readonly name = 'UnusableKey';
}

export interface VerifierKey {
  readonly name: string;
  /** Hex; name and id together say which key signed. */
  readonly id: string;
  /** `<name>+<id>+<base64>`: what is published, and what `readVerifierKey` reads. */
  readonly text: string;
  readonly key: KeyObject;
}

export interface SigningKey {
  readonly verifier: VerifierKey;
  readonly key: KeyObject;
}

/** `PRIVATE+KEY+<name>+<id>+<base64>`, to be kept where only the signer can read it. */
export function newSigningKey(name: string): string {
  const seed = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_HEAD.length);
  const { verifier } = signingKey(name, seed);
  return `PRIVATE+KEY+${name}+${verifier.id}+${typed(seed).toString('base64')}`;
}

/** The text of a key is never part of the error. */
export function readSigningKey(text: string): SigningKey {
  const [, name, id, encoded] = /^PRIVATE\+KEY\+([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text.trim()) ?? [];
  const seed = untyped(encoded);
  if (name === undefined || seed === null)
    throw new UnusableKey('the signing key is not of the form PRIVATE+KEY+<name>+<id>+<key>');
  const key = signingKey(name, seed);
  if (key.verifier.id !== id) throw new UnusableKey(`the signing key of ${name} is damaged: its id is not that of its bytes`);
  return key;
}

export function readVerifierKey(text: string): VerifierKey {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text.trim()) ?? [];
  const bytes = untyped(encoded);
  if (name === undefined || bytes === null) throw new UnusableKey(`"${text.trim()}" is not a key of the form <name>+<id>+<key>`);
  const key = verifierKey(name, bytes);
  if (key.id !== id) throw new UnusableKey(`the key of ${name} is damaged: its id is ${key.id}, not ${String(id)}`);
  return key;
}

const typed = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([ED25519]), bytes]);

function untyped(encoded: string | undefined): Buffer | null {
  const bytes = Buffer.from(encoded ?? '', 'base64');
  return bytes.length === KEY_BYTES + 1 && bytes[0] === ED25519 ? bytes.subarray(1) : null;
}

function signingKey(name: string, seed: Buffer): SigningKey {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const bytes = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length);
  return { verifier: verifierKey(name, bytes), key };
}

function verifierKey(name: string, bytes: Buffer): VerifierKey {
  const id = createHash('sha256')
    .update(`${name}\n`)
    .update(typed(bytes))
    .digest('hex')
    .slice(0, KEY_ID_BYTES * 2);
  const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, bytes]), format: 'der', type: 'spki' });
  return { name, id, key, text: `${name}+${id}+${typed(bytes).toString('base64')}` };
}

/** `text` ends in a line break and has no empty line. */
export function signNote(text: string, { key, verifier }: SigningKey): string {
  const signature = Buffer.concat([Buffer.from(verifier.id, 'hex'), sign(null, Buffer.from(text, 'utf8'), key)]);
  return `${text}\n— ${verifier.name} ${signature.toString('base64')}\n`;
}

/** `cut-short`: no line of it is whole. `unknown-key`: by none of these. `forged`: names one of these keys, and is not by it. */
export type NoteSignature = 'good' | 'cut-short' | 'unknown-key' | 'forged';

export function checkNote(text: string, signature_lines: readonly string[], keys: readonly VerifierKey[]): NoteSignature {
  let found: NoteSignature = 'cut-short';
  for (const line of signature_lines) {
    const [, name, encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
    const bytes = Buffer.from(encoded, 'base64');
    // Other kinds of signatures are longer; ours is never shorter.
    if (name === undefined || bytes.length < KEY_ID_BYTES + SIGNATURE_BYTES) continue;
    const id = bytes.subarray(0, KEY_ID_BYTES).toString('hex');
    const known = keys.find((key) => key.name === name && key.id === id);
    if (known === undefined) {
      if (found === 'cut-short') found = 'unknown-key';
      continue;
    }
    if (!verify(null, Buffer.from(text, 'utf8'), known.key, bytes.subarray(KEY_ID_BYTES))) return 'forged';
    found = 'good';
  }
  return found;
}
