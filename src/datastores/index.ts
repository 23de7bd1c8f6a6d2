export type {
  ByteRange,
  Datastore,
  Kind,
  KnownContent,
  ListedObject,
  Location,
  Redirect,
  StoredObject,
  Temporary,
  UnreadableEntry,
} from './datastore.ts';
export { type Datastores, openDatastores } from './datastores.ts';
