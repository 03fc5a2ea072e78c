/** A mission file as it is handed in: read, parsed, and its relative paths made absolute; what it says is for intake to judge. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { CliProblem, EXIT } from '../exit-codes.ts';

const FILE_BYTES_MAX = 1_048_576;

export interface MissionFileOptions {
  /** Instead of the repository that the file names. */
  readonly repository?: string | undefined;
}

export function readMissionFile(file: string, options: MissionFileOptions = {}): unknown {
  const contract = parse(file, readText(file));
  if (!isRecord(contract)) return contract;
  const directory = dirname(resolve(file));
  const repository = isRecord(contract['repository']) ? contract['repository'] : undefined;
  const url =
    options.repository === undefined ? localPath(directory, repository?.['url']) : localPath(process.cwd(), options.repository);
  return {
    ...contract,
    ...(options.repository === undefined && repository === undefined
      ? {}
      : { repository: { ...repository, ...(url === undefined ? {} : { url }) } }),
    ...(isRecord(contract['agent']) ? { agent: withPaths(directory, contract['agent']) } : {}),
  };
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > FILE_BYTES_MAX)
      throw new Error(`it has ${String(bytes.length)} bytes, at most ${String(FILE_BYTES_MAX)} are read`);
    return bytes.toString('utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : message;
    throw new CliProblem(EXIT.invalid, `${file} cannot be read: ${why}`, 'name a mission file in YAML or JSON', { cause });
  }
}

/** YAML, of which JSON is a part; every mistake of syntax is named with its line. */
function parse(file: string, text: string): unknown {
  const document = parseDocument(text, { prettyErrors: true, strict: true, uniqueKeys: true });
  if (document.errors.length === 0) {
    try {
      return document.toJS({ maxAliasCount: 100 }) as unknown;
    } catch (cause) {
      throw new CliProblem(
        EXIT.invalid,
        `${file}: ${(cause as Error).message}`,
        'write repeated parts out instead of using that many aliases',
        { cause },
      );
    }
  }
  const faults = document.errors.map((error) => `  ${error.message.trim().replaceAll('\n', '\n  ')}`);
  throw new CliProblem(EXIT.invalid, `${file} is no YAML or JSON:\n${faults.join('\n')}`, 'mend the lines named above');
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const URL_WITH_SCHEME = /^[a-z][a-z0-9+.-]*:/i;
/** `host:path` and `user@host:path` are ssh to git, unless there is such a path here. */
const SSH_SHORT = /^[^/\s]+@[^/\s]+:/;

/** Relative to the file, as the person who wrote it sees it. What is no text is left to intake to complain about. */
function localPath(directory: string, url: unknown): unknown {
  if (typeof url !== 'string' || url.trim() === '' || url.startsWith('-')) return url;
  if (URL_WITH_SCHEME.test(url) || SSH_SHORT.test(url)) return url;
  return resolve(directory, url);
}

/** `./agent.mjs` in agent.command is beside the mission file: the agent itself runs elsewhere. */
function withPaths(directory: string, agent: Record<string, unknown>): Record<string, unknown> {
  const { command } = agent;
  if (!Array.isArray(command)) return agent;
  const resolved = command.map((part: unknown) =>
    typeof part === 'string' && /^\.\.?\//.test(part) && existsSync(resolve(directory, part)) ? resolve(directory, part) : part,
  );
  return { ...agent, command: resolved };
}
