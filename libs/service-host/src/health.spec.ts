import { describe, expect, it } from '@jest/globals';
import { health } from './health.ts';

describe('readiness', () => {
  it('shows what people should know, and is not changed by it', async () => {
    const probes = health('executor', 'executor-1');
    probes.started();
    const answer = async (): Promise<unknown> => JSON.parse((await probes.operations['/readyz']()).body);
    expect(await answer()).toEqual({ status: 'ready', service: 'executor', instance: 'executor-1', not_ready: {} });
    probes.note('sandbox', 'process-group');
    expect(await answer()).toMatchObject({ status: 'ready', notes: { sandbox: 'process-group' } });
  });

  it('is kept by what is expected and away, and not by what is required and away', async () => {
    const probes = health('intake', 'intake-1');
    probes.started();
    const gone = (): never => {
      throw new Error('gone');
    };
    probes.expect('nats', gone);
    expect(await probes.readiness()).toEqual({ ready: true, faults: {}, away: { nats: 'gone' } });
    expect((await probes.operations['/readyz']()).status).toBe(200);
    probes.require('postgres', gone);
    expect(await probes.readiness()).toEqual({ ready: false, faults: { postgres: 'gone' }, away: { nats: 'gone' } });
    expect((await probes.operations['/readyz']()).status).toBe(503);
  });
});
