// The package ships no types; this is the part of it that is used here.
declare module 'picomatch' {
  interface Options {
    /** Also match names that begin with a dot. */
    readonly dot?: boolean;
    /** Take a leading "!" as a character, not as "everything but". */
    readonly nonegate?: boolean;
  }
  export default function picomatch(patterns: readonly string[], options?: Options): (path: string) => boolean;
}
