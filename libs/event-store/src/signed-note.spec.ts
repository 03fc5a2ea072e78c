import { describe, expect, it } from '@jest/globals';
import { UnusableKey, checkNote, newSigningKey, readSigningKey, readVerifierKey, signNote } from './signed-note.ts';

// The keys, the text and the signature of the example in the documentation of golang.org/x/mod/sumdb/note.
const PRIVATE = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const PUBLIC = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNATURE = '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=';

describe('a signed note', () => {
  it('is what other implementations write and read', () => {
    const key = readSigningKey(PRIVATE);
    expect(key.verifier.text).toBe(PUBLIC);
    expect(signNote(TEXT, key)).toBe(`${TEXT}\n${SIGNATURE}\n`);
    expect(checkNote(TEXT, [SIGNATURE], [readVerifierKey(PUBLIC)])).toBe('good');
  });

  it('tells a wrong text, a wrong key, and a signature that is not whole apart', () => {
    const key = readVerifierKey(PUBLIC);
    const other = readSigningKey(newSigningKey('PeterNeumann')).verifier;
    expect(checkNote(`${TEXT}!\n`, [SIGNATURE], [key])).toBe('forged');
    expect(checkNote(TEXT, [SIGNATURE], [other])).toBe('unknown-key');
    expect(checkNote(TEXT, [SIGNATURE], [other, key])).toBe('good');
    for (const cut of [SIGNATURE.slice(0, -6), SIGNATURE.slice(0, 20), '— ', '\0\0\0'])
      expect(checkNote(TEXT, [cut], [key])).toBe('cut-short');
  });

  it('passes over the signatures of others, but not over a false one of ours', () => {
    const ours = readSigningKey(newSigningKey('ours'));
    const [line = ''] = signNote(TEXT, ours).split('\n').slice(-2);
    const [false_line = ''] = signNote('other\n', ours).split('\n').slice(-2);
    expect(checkNote(TEXT, [SIGNATURE, line], [ours.verifier])).toBe('good');
    expect(checkNote(TEXT, [line, false_line], [ours.verifier])).toBe('forged');
  });

  it('has a new key each time, and says what is wrong with one that cannot be used without showing it', () => {
    expect(newSigningKey('a')).not.toBe(newSigningKey('a'));
    const damaged = newSigningKey('a').replace(/\+[0-9a-f]{8}\+/, '+00000000+');
    expect(() => readSigningKey(damaged)).toThrow('its id is not that of its bytes');
    expect(() => readSigningKey('AAAA secret')).toThrow(UnusableKey);
    expect(() => readSigningKey('AAAA secret')).not.toThrow('secret');
    expect(() => readVerifierKey('name+00000000+AAAA')).toThrow('is not a key');
  });
});
