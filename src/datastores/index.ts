export type { ByteRange, Datastore, Kind, Location, StoredObject, Temporary } from './datastore.ts';
export { type Datastores, openDatastores } from './datastores.ts';
