import { describe, expect, it } from '@jest/globals';

import { mirrorsInDeb822, mirrorsInList } from './debian-package.ts';
import { checksumOf, parseVersion } from './program.ts';

const SUITES = ['bookworm', 'stable'];

describe("the machine's apt sources", () => {
  it('give their mirrors and keys from one-line entries', () => {
    const text = `
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/debian.gpg] http://mirror.example/debian bookworm main contrib # ours
deb http://plain.example/debian stable main
deb http://security.example/debian-security bookworm-security main
deb http://tool.example/apt bookworm tool
`;
    expect(mirrorsInList(text, SUITES)).toEqual([
      { uri: 'http://mirror.example/debian', signed_by: '/keys/debian.gpg' },
      { uri: 'http://plain.example/debian', signed_by: null },
    ]);
  });

  it('give their mirrors and keys from stanzas, key blocks as they stand', () => {
    const text = `Types: deb deb-src
# URIs: http://old.example/debian
URIs: http://one.example/debian http://two.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
`;
    const signed_by = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc';
    expect(mirrorsInDeb822(text, SUITES)).toEqual([
      { uri: 'http://one.example/debian', signed_by },
      { uri: 'http://two.example/debian', signed_by },
    ]);
  });
});

describe('the published checksums', () => {
  const sum = 'a'.repeat(64);
  it('give the one of the named archive and of no other', () => {
    expect(checksumOf(`${sum}  x.zip\n${'b'.repeat(64)}  x.tar.gz\n`, 'x.tar.gz')).toBe('b'.repeat(64));
    expect(() => checksumOf(`${sum}  x.zip\n`, 'x.tar.gz')).toThrow('do not name x.tar.gz');
    expect(() => checksumOf('short  x.tar.gz\n', 'x.tar.gz')).toThrow('do not name x.tar.gz');
  });
  it('may be one checksum alone, in a file of its own', () => {
    expect(checksumOf(`${sum}\n`, 'kubectl')).toBe(sum);
  });
});

describe('the version of nats-server', () => {
  it('is read from what it says', () => {
    expect(parseVersion('nats-server: v2.15.1\n')).toBe('2.15.1');
    expect(parseVersion('usage: …')).toBeNull();
  });
});
