/**
 * Secrets do not get from an agent's or a check's output into the record: values that this process knows, and shapes that are
 * well known. A secret of an unknown shape that nobody declared cannot be told from any other text.
 */

/** Shorter ones would be found in ordinary words. */
const VALUE_CHARS_MIN = 8;
const REPLACEMENT = '[redacted]';
const SECRET_NAME =
  /SECRET|TOKEN|PASSW|PASSPHRASE|CREDENTIAL|PRIVATE|_KEY(?:_|$)|APIKEY|^KEY$|SEED|COOKIE|_AUTH$|DSN$|CONNECTION_STRING/i;

/**
 * Each begins with something that ordinary text does not, so that false alarms are rare. An agent writes what is searched, as much
 * as it likes: no character may be read again for each place before it where a shape could begin, or one output keeps the process busy
 * for minutes. So a shape ends with its repetition, or begins once in what its repetition takes.
 */
const SHAPES: readonly RegExp[] = [
  // A private key in PEM or OpenSSH form; also one that was cut off.
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  // GitHub, GitLab, Slack, AWS, Google, Stripe, npm, PyPI; Anthropic and OpenAI (sk-); nkey seeds; JSON web tokens.
  /\bgh[pousr]_[A-Za-z0-9]{30,255}/g,
  /\bgithub_pat_[A-Za-z0-9_]{22,255}/g,
  /\bglpat-[A-Za-z0-9_-]{20,255}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g,
  /\bxapp-\d-[A-Za-z0-9-]{10,255}/g,
  /\bhooks\.slack\.com\/services\/[A-Za-z0-9_/-]{20,100}/g,
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/g,
  /\baws_?(?:secret|session)[A-Za-z_]{0,20}["']?\s{0,3}[:=]\s{0,3}["']?[A-Za-z0-9/+=]{16,2000}/gi,
  /\bAIza[A-Za-z0-9_-]{35}/g,
  /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}/g,
  /\bnpm_[A-Za-z0-9]{36}/g,
  /\bpypi-[A-Za-z0-9_-]{50,1000}/g,
  /\bsk-[A-Za-z0-9_-]{20,255}/g,
  /\bS[UANCO][A-Z2-7]{56}\b/g,
  // A dash begins a word, and is part of a token: looked at is the whole run, once, with whatever it is written on to.
  /(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]{0,4000}?\beyJ[A-Za-z0-9_-]{10})[A-Za-z0-9_-]{13,8000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{10,2000}/g,
];
/** What comes before the secret stays, so that people see what it was. */
const AFTER: readonly RegExp[] = [
  // With a digit in it: both words are also ordinary ones.
  /(\b(?:Bearer|Basic)\s{1,3})(?=[A-Za-z._~+/=-]{0,8000}\d)[A-Za-z0-9._~+/=-]{12,8000}/gi,
  // User and password of a URL, whatever its scheme.
  /(:\/\/)[^\s/@:"']{0,200}:[^\s/@"']{1,500}(?=@)/g,
];

export interface Redactor {
  /** The text without secrets. */
  readonly text: (text: string) => string;
  /** Where a value begins that is known, or -1. Shapes do not count: a repository may well hold examples of them. */
  readonly knownAt: (bytes: Uint8Array) => number;
  /** Of the longest form of a known value: so much of a stream must be looked at together. 0 = none is known. */
  readonly known_bytes_max: number;
}

export function redactor(options: {
  /** Values of variables whose names say that they are secret, or that `names` declares. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly names: readonly string[];
  readonly values: readonly (string | undefined)[];
}): Redactor {
  const forms = formsOf(options);
  return {
    text: (text) => {
      let redacted = text;
      for (const form of forms) redacted = redacted.replaceAll(form, REPLACEMENT);
      for (const shape of SHAPES) redacted = redacted.replaceAll(shape, REPLACEMENT);
      for (const shape of AFTER) redacted = redacted.replaceAll(shape, `$1${REPLACEMENT}`);
      return redacted;
    },
    knownAt: (bytes) => {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return forms.reduce((found, form) => (found >= 0 ? found : buffer.indexOf(form)), -1);
    },
    known_bytes_max: Math.max(0, ...forms.map((form) => Buffer.byteLength(form))),
  };
}

/** The longest first: one may be a part of another. */
function formsOf({ environment, names, values }: Parameters<typeof redactor>[0]): readonly string[] {
  const declared = new Set(names);
  const secret = Object.entries(environment).filter(([name]) => declared.has(name) || SECRET_NAME.test(name));
  const known = [
    ...secret.map(([, value]) => value),
    ...Object.values(environment).flatMap(passwordsIn),
    ...values,
    ...values.flatMap(passwordsIn),
  ];
  const found = known.flatMap((value) => linesOf(value)).flatMap(encodings);
  return [...new Set(found)].filter((form) => form.length >= VALUE_CHARS_MIN).toSorted((a, b) => b.length - a.length);
}

/** A key of several lines is printed with other line ends or indented: each line of it counts. */
function linesOf(value: string | undefined): readonly string[] {
  if (value === undefined) return [];
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line.length >= VALUE_CHARS_MIN && !line.startsWith('-----') && !line.startsWith('/'));
}

/** `scheme://user:password@host`: the password alone is as secret. */
function passwordsIn(value: string | undefined): readonly string[] {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*:([^\s/@]+)@/i.exec(value ?? '')?.[1];
  if (password === undefined) return [];
  return [password, safely(() => decodeURIComponent(password)) ?? password];
}

function encodings(value: string): readonly string[] {
  const base64 = Buffer.from(value).toString('base64').replace(/=+$/, '');
  return [
    value,
    safely(() => encodeURIComponent(value)) ?? value,
    JSON.stringify(value).slice(1, -1),
    base64,
    base64.replaceAll('+', '-').replaceAll('/', '_'),
    Buffer.from(value).toString('hex'),
  ];
}

function safely(make: () => string): string | null {
  try {
    return make();
  } catch {
    // Neither a percent sign nor a lone surrogate in a password is our business.
    return null;
  }
}
