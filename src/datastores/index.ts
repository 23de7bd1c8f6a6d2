export type { ByteRange, Datastore, Kind, ListedObject, Location, StoredObject, Temporary } from './datastore.ts';
export { type Datastores, openDatastores } from './datastores.ts';
