// `npm run golden`: adds what the corpus lacks. What is in it is what was released and stays; `-- --repin` takes the states anew.
import { mkdir, writeFile } from 'node:fs/promises';
import { argv, stdout } from 'node:process';
import { CATEGORIES, CORPUS, fileOf, readCorpus, replayed, stateHash } from './corpus.ts';
import { lacking } from './make.ts';

const repin = argv.includes('--repin');
await mkdir(CORPUS, { recursive: true });
for (const category of CATEGORIES) {
  const has = await readCorpus(category);
  const lacks = lacking(category, has);
  const kept = has.histories.map((one) => (repin ? { ...one, state: stateHash(replayed(category, one.events)) } : one));
  const lines = [...has.events, ...lacks.events, ...kept, ...lacks.histories].map((line) => `${JSON.stringify(line)}\n`);
  await writeFile(fileOf(category), lines.join(''));
  const changed = kept.filter(({ state }, nth) => state !== has.histories[nth]?.state).length;
  stdout.write(
    `${category}: ${lacks.events.length} events and ${lacks.histories.length} histories added, ${changed} states taken anew\n`,
  );
}
