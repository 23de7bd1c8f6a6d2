import { startServer } from './postgres.ts';

/** Run once, before the test processes, which inherit what it puts into the environment. */
export async function globalSetup(): Promise<void> {
  await startServer();
}
