export { createLocks, type Locks } from './lock.ts';
export { createUniqueIds } from './unique-id.ts';
