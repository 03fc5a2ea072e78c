/** What of a path pattern is certain: enough to tell that two patterns cannot meet, or that one lies within the other. */

/** The part of a pattern before its first wildcard, in whole path segments. */
export const literalPrefix = (pattern: string): string => {
  const wild = pattern.search(/[*?[{(!]/);
  if (wild === -1) return pattern;
  return pattern.slice(0, pattern.lastIndexOf('/', wild) + 1);
};
