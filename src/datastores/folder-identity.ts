import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Unavailable } from '../matrix/index.ts';

/** Tells the folder of a datastore from what is seen in its place when its disk is not mounted. */
export interface FolderIdentity {
  /**
   * To be asked before it is believed that something is not there.
   * @throws {Unavailable} when the folder is gone, or not the one that it was
   */
  confirm(): Promise<void>;
}

/** @param inner a folder in it that is there as long as its disk is: a disk that is mounted anew may get another number */
export async function rememberFolder(root: string, inner: string): Promise<FolderIdentity> {
  const [rootThen, innerThen] = [await look(root), await look(inner)];
  return {
    async confirm() {
      const now = await look(root).catch((cause: unknown) => {
        throw new Unavailable('The folder is gone', { cause });
      });
      if (now.ino === rootThen.ino && now.dev === rootThen.dev) return;
      const innerNow = await look(inner).catch(() => undefined); // not there, or as good as that
      if (now.ino === rootThen.ino && innerNow?.ino === innerThen.ino) return;
      const cause = new Error(`${root} is another folder than it was. Is its disk mounted?`);
      throw new Unavailable('The media cannot be reached at the moment', { cause });
    },
  };
}

function look(path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true });
}
