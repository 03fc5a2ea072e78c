import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeAt } from './home.ts';
import { partSettings } from './part-settings.ts';

describe('parts.json', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'baton-parts-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const written = (text: string) => {
    writeFileSync(join(directory, 'parts.json'), text);
    return partSettings(homeAt(directory));
  };

  it('need not be there', () => {
    expect(partSettings(homeAt(directory))).toEqual({ services: {}, postgres: {} });
  });

  it('gives a service an environment and a command to run under, and the servers their settings', () => {
    const settings = {
      services: { planner: { env: { BATON_FAILPOINT: 'before-ack:1' }, under: ['ip', 'netns', 'exec', 'elsewhere'] } },
      postgres: { synchronous_commit: 'off' },
      nats_sync_interval: 'always',
    };
    expect(written(JSON.stringify(settings))).toEqual(settings);
    expect(written('{"services":{"relay":{}}}').services.relay).toEqual({ env: {}, under: [] });
  });

  it.each(['{"services":{"nobody":{}}}', '{"nats":"always"}', '{"services":', ''])(
    'is refused where it does not fit: %s',
    (text) => {
      expect(() => written(text)).toThrow('is not what baton wrote there');
    },
  );
});
