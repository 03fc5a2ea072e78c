// Leaves nothing of the run behind: no server, no file.
export default async function teardown() {
  await globalThis.batonTestRun?.close();
}
