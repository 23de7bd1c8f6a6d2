export { type Bus, createBus } from './bus.ts';
export { type BucketShape, createLeakyBuckets, type LeakyBuckets } from './leaky-buckets.ts';
export { createLocks, type Locks } from './lock.ts';
export { orAborted } from './or-aborted.ts';
export { createSingleFlight, type SingleFlight } from './single-flight.ts';
export { createTurns, type Turns } from './turns.ts';
export { createUniqueIds } from './unique-id.ts';
