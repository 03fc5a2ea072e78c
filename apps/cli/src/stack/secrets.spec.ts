import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { homeAt, type Home } from './home.ts';
import { ensureSecrets, keepSecrets } from './secrets.ts';

describe('the secrets of a stack', () => {
  let home: Home;
  beforeEach(() => {
    home = homeAt(mkdtempSync(join(tmpdir(), 'baton-secrets-')));
  });
  afterEach(() => {
    rmSync(home.directory, { recursive: true, force: true });
  });

  it('are made once, for their owner only', () => {
    const secrets = ensureSecrets(home);
    expect(statSync(home.secrets_file).mode & 0o777).toBe(0o600);
    expect(ensureSecrets(home)).toEqual(secrets);
  });

  it('are not made anew where data is that only the old ones open', () => {
    ensureSecrets(home);
    mkdirSync(home.postgres);
    writeFileSync(join(home.postgres, 'PG_VERSION'), '17\n');
    expect(() => ensureSecrets(home)).not.toThrow();
    rmSync(home.secrets_file);
    expect(() => ensureSecrets(home)).toThrow(/secrets\.json is missing, and .*postgres has data/);
    expect(() => statSync(home.secrets_file)).toThrow('ENOENT');
  });

  it('are written again by who still knows them, and never over others', () => {
    const secrets = ensureSecrets(home);
    const text = readFileSync(home.secrets_file, 'utf8');
    rmSync(home.secrets_file);
    keepSecrets(home, secrets);
    expect(readFileSync(home.secrets_file, 'utf8')).toBe(text);
    expect(statSync(home.secrets_file).mode & 0o777).toBe(0o600);
    keepSecrets(home, { ...secrets, postgres_superuser: 'another' });
    expect(readFileSync(home.secrets_file, 'utf8')).toBe(text);
  });
});
