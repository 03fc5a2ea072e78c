// Fails, and names the files, while anything under packages/ or the README still mentions a word: node scripts/mentions.mjs WORD
import { existsSync, readFileSync, readdirSync } from 'node:fs';

const word = process.argv[2];
if (!word) throw new Error('name the word: node scripts/mentions.mjs WORD');

const files = readdirSync('packages', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`);
const mentioning = [...files, 'README.md'].filter(
  (file) => file.includes(word) || (existsSync(file) && readFileSync(file, 'utf8').includes(word)),
);

if (mentioning.length > 0) {
  process.stdout.write(`${word} is still mentioned in:\n${mentioning.map((file) => `  ${file}\n`).join('')}`);
  process.exit(1);
}
