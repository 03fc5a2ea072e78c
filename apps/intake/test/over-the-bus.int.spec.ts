import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { INBOUND } from '@baton/contracts';
import { missionIdOf } from '@baton/handling';
import { eventually } from '@baton/testing';
import { intakeUnderTest } from './intake-under-test.ts';

const WITHIN = { within_ms: 20_000 };
const EXAMPLE = fileURLToPath(new URL('../../../examples/over-the-bus/', import.meta.url));
const REQUEST = readFileSync(`${EXAMPLE}submit-mission.json`, 'utf8');

describe('a request over the bus', () => {
  const intake = intakeUnderTest({ secured: true });

  /** As the page of requests says it: what `send.mjs` prints. */
  const send = (id: string, body: string): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const servers = intake.servers();
    const env = { PATH: process.env['PATH'], BATON_NATS_URL: servers.nats.url, BATON_NATS_NKEY_SEED: servers.seed('cli') };
    const sender = execFile(
      process.execPath,
      [`${EXAMPLE}send.mjs`, INBOUND.SubmitMission.subject, id],
      { env },
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    );
    // Who ends before it has read says why itself.
    sender.stdin?.on('error', () => undefined);
    sender.stdin?.end(body);
    return promise;
  };

  it('is sent as the example does it, with the key of the user for outsiders, and becomes a mission', async () => {
    const mission_id = missionIdOf('hello-over-the-bus');
    expect(await send('hello-1', REQUEST)).toBe(`kept as BATON_INBOUND 1; nobody has decided yet\nmission ${mission_id}\n`);
    const events = await eventually(async () => {
      const found = await intake.service().platform.store.log.load(`mission-${mission_id}`);
      return found.length > 0 ? found : null;
    }, WITHIN);
    expect(events.map(({ type }) => type)).toEqual(['MissionAccepted']);
    expect(await send('hello-1', REQUEST)).toContain('once more the same');
  }, 60_000);

  it('that is refused is in the log of the service by the id that it was sent with', async () => {
    const { contract, ...asked } = JSON.parse(REQUEST) as { contract: object };
    await send('hello-2', JSON.stringify({ ...asked, contract: { ...contract, title: 'Say something else' } }));
    const refused = await eventually(() => intake.lines.find(({ msg }) => msg === 'request-refused'), WITHIN);
    expect(refused).toMatchObject({
      level: 'warn',
      name: 'SubmitMission',
      id: 'hello-2',
      stream: `mission-${missionIdOf('hello-over-the-bus')}`,
      reason: expect.any(String) as unknown,
    });
  }, 60_000);
});
