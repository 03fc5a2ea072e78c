/** What a simulation ends with where the system does not keep what it promises. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

export function promise(holds: boolean, message: () => string): void {
  if (!holds) throw new BrokenPromise(message());
}
