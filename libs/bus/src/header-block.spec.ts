import { describe, expect, it } from '@jest/globals';
import { parseHeaderBlock } from './header-block.ts';

describe('a block of headers', () => {
  it('is read as one value per name, the first', () => {
    expect(parseHeaderBlock('NATS/1.0\r\na: 1\r\nb:2\r\na: 3\r\n\r\n')).toEqual({ a: '1', b: '2' });
  });

  it('may have a status and no headers', () => {
    expect(parseHeaderBlock('NATS/1.0 503 No Responders\r\n\r\n')).toEqual({});
    expect(parseHeaderBlock('')).toEqual({});
  });
});
