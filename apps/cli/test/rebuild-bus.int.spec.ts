import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CLI, PROVISIONER } from '@baton/bus';
import { EVENT_STREAM, INBOUND_STREAM, type StreamName } from '@baton/contracts';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { nkeySeedVariable } from '../src/config.ts';
import { EXIT } from '../src/exit-codes.ts';
import { elsewhere, type Elsewhere } from './elsewhere.ts';

jest.setTimeout(120_000);

interface StreamInfo {
  readonly created: string;
  readonly config: Readonly<Record<string, unknown>>;
}

describe('baton rebuild bus, of a stack that runs elsewhere', () => {
  let stack: Elsewhere;
  beforeAll(async () => {
    stack = await elsewhere();
    await stack.append(5);
  }, 180_000);
  afterAll(() => stack?.close());

  const ask = async (what: string, body?: object): Promise<StreamInfo> => {
    const { connection } = await stack.bus(PROVISIONER);
    return (await connection.request(`$JS.API.STREAM.${what}`, body && JSON.stringify(body))).json<StreamInfo>();
  };
  const infoOf = (name: StreamName): Promise<StreamInfo> => ask(`INFO.${name}`);

  it('throws the bus away for no log of which nobody knows that it is the true one', async () => {
    const { created } = await infoOf(EVENT_STREAM);
    const refused = await stack.baton(['rebuild', 'bus']);
    expect(refused).toMatchObject({
      exit: EXIT.refused,
      stderr: expect.stringMatching(/no checkpoints.*left as it is.*BATON_CHECKPOINTS_DIR.*--no-checkpoints/s),
    });
    // Named, and not there.
    const BATON_CHECKPOINTS_DIR = join(stack.directory, 'checkpoints');
    await mkdir(BATON_CHECKPOINTS_DIR);
    expect((await stack.baton(['rebuild', 'bus'], { BATON_CHECKPOINTS_DIR })).exit).toBe(EXIT.invalid);
    expect((await infoOf(EVENT_STREAM)).created).toBe(created);
  });

  it('makes the events anew and leaves the requests from outside as they are, which are a copy of nothing', async () => {
    const { created, config } = await infoOf(INBOUND_STREAM);
    const max_bytes = 2 ** 20;
    await ask(`UPDATE.${INBOUND_STREAM}`, { ...config, max_bytes });
    const events = await infoOf(EVENT_STREAM);

    expect(await stack.baton(['rebuild', 'bus', '--no-checkpoints'])).toMatchObject({ exit: EXIT.ok });

    expect(await infoOf(INBOUND_STREAM)).toMatchObject({ created, config: { max_bytes } });
    expect((await infoOf(EVENT_STREAM)).created).not.toBe(events.created);
    // The same environment serves both users of the bus.
    expect(await stack.baton(['verify'])).toMatchObject({
      exit: EXIT.ok,
      stdout: expect.stringContaining('5 messages from 1 to 5'),
    });
  });

  it('says which seed the bus does not know, and that verify can do without', async () => {
    const variable = nkeySeedVariable(CLI);
    const { exit, stderr } = await stack.baton(['verify'], { [variable]: stack.environment[nkeySeedVariable(PROVISIONER)] });
    expect({ exit, stderr }).toMatchObject({ exit: EXIT.unreachable, stderr: expect.stringContaining(variable) });
    expect(stderr).toContain('--no-bus');
    expect((await stack.baton(['verify', '--no-bus'])).exit).toBe(EXIT.ok);
  });

  it('holds no log elsewhere against the bus of this machine', async () => {
    const { exit, stderr } = await stack.baton(['rebuild', 'bus', '--no-checkpoints'], { BATON_NATS_URL: '' });
    expect(exit).toBe(EXIT.invalid);
    expect(stderr).toContain('set BATON_NATS_URL as well');
  });
});
