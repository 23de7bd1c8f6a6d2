export type { HomeserverAccess } from './call-homeserver.ts';
export {
  createHomeservers,
  type Homeservers,
  type HomeserversParts,
  type LogoutQuestion,
  type Versions,
  type Whoami,
  type WhoamiQuestion,
} from './homeservers.ts';
export { serverNameOfUser } from './user-id.ts';
