import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';

import { type TestDatabase, type TestDatabaseOptions, testDatabase } from './database.ts';

const START_MS_MAX = 120_000;

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe('a test database', () => {
  let migrations = 0;
  const databases: TestDatabase[] = [];
  const open = async (template: string, migrate?: TestDatabaseOptions['migrate']) => {
    const counted = async (url: string) => {
      migrations += 1;
      await query(url, 'create table schema_of (name text); insert into schema_of values (current_database())');
    };
    const database = await testDatabase({ template, migrate: migrate ?? counted });
    databases.push(database);
    return database;
  };
  // The first one brings the cluster up.
  beforeAll(() => open('first'), START_MS_MAX);
  afterAll(() => Promise.all(databases.map((database) => database.drop())));

  it('is migrated once, however many ask at once', async () => {
    migrations = 0;
    const opened = await Promise.all([open('at-once'), open('at-once'), open('at-once')]);
    expect(migrations).toBe(1);
    expect(new Set(opened.map(({ name }) => name)).size).toBe(3);
    for (const { superuser_url } of opened)
      expect(await query(superuser_url, 'select count(*)::int as n from schema_of')).toEqual([{ n: 1 }]);
  });

  it('shares nothing with its neighbours', async () => {
    const [one, other] = await Promise.all([open('first'), open('first')]);
    await query(one.superuser_url, 'insert into schema_of values ($$mine$$)');
    expect(await query(other.superuser_url, 'select count(*)::int as n from schema_of')).toEqual([{ n: 1 }]);
  });

  it('is built anew after a migration that failed half way', async () => {
    const half = async (url: string) => {
      await query(url, 'create table schema_of (name text)');
      throw new Error('half way');
    };
    await expect(open('fails-first', half)).rejects.toThrow('half way');
    const { superuser_url } = await open('fails-first');
    expect(await query(superuser_url, 'select count(*)::int as n from schema_of')).toEqual([{ n: 1 }]);
  });

  it('is dropped under those who are still connected', async () => {
    const database = await open('first');
    const client = new pg.Client({ connectionString: database.superuser_url });
    const cut = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await database.drop();
    await cut;
    await expect(query(database.superuser_url, 'select 1')).rejects.toThrow('does not exist');
  });

  it('names no user in its plain url', async () => {
    expect(new URL((await open('first')).url).username).toBe('');
  });
});
