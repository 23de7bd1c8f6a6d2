import { randomBytes, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createUniqueIds } from '../../cluster/index.ts';
import type { Config, DatastoreConfig } from '../../config/index.ts';
import { type Datastore, openDatastores } from '../../datastores/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { type Diagnosis, ok, problem, reasonOf, warning } from './diagnosis.ts';

export interface DatastoresLook {
  readonly config: Config;
  readonly now: () => number;
  readonly log: Log;
}

/** Stores an object in each, reads it and deletes it. */
export async function lookAtDatastores(parts: DatastoresLook, signal: AbortSignal): Promise<Diagnosis[]> {
  const diagnoses: Diagnosis[] = [];
  for (const configured of parts.config.allDatastores) diagnoses.push(await lookAt(parts, configured, signal));
  return diagnoses;
}

async function lookAt(
  { now, log }: DatastoresLook,
  configured: DatastoreConfig,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const { id, type, opts } = configured;
  const part = `datastore ${id}`;
  const { path = '' } = opts;
  if (type === 'file' && !existsSync(path)) {
    return warning(
      part,
      `the folder ${path} is not there`,
      'The next start makes it. If a disk belongs there, mount it first.',
    );
  }
  try {
    const newUniqueId = createUniqueIds({ machineId: 0, now });
    const machineId = 1024 + randomInt(2 ** 40); // no service has it: nobody's temporaries are swept
    await using opened = await openDatastores([configured], {
      machineId,
      newUniqueId,
      now,
      log,
      measure: async () => new Map(),
    });
    const datastore = opened.find(id);
    if (datastore === undefined) return warning(part, `type ${type} is not opened by this version`, 'Use another one.');
    await tryOut(datastore, signal);
    return ok(part, 'an object was stored, read and deleted');
  } catch (error) {
    const advice =
      type === 'file'
        ? 'The user that runs Vitrine has to be able to read and write the folder and all below it.'
        : 'Look at endpoint, bucketName, key and secret, and at what the key may do: get, put, delete and list.';
    return problem(part, reasonOf(error), advice);
  }
}

async function tryOut(datastore: Datastore, signal: AbortSignal): Promise<void> {
  const bytes = randomBytes(1024);
  const location = await keep(datastore, bytes, signal);
  try {
    await using object = await datastore.open(location, signal);
    if (object === undefined) throw new Error('An object that was stored is not there');
    const chunks: Buffer[] = [];
    for await (const chunk of object.read({ start: 0, end: object.sizeBytes - 1 }, signal)) {
      chunks.push(Buffer.from(chunk));
    }
    if (!Buffer.concat(chunks).equals(bytes)) throw new Error('An object that was stored came back with other bytes');
  } finally {
    await datastore.delete(location, AbortSignal.timeout(10_000));
  }
  await lookForMissing(datastore, location, signal);
}

/** Some services say of what is missing that it is forbidden, to whom may not list. What is lost would never be healed. */
async function lookForMissing(datastore: Datastore, location: string, signal: AbortSignal): Promise<void> {
  try {
    await using _missing = await datastore.open(location, signal);
  } catch (cause) {
    throw new Error('It does not tell that an object is missing: the key has to be allowed to list the bucket', {
      cause,
    });
  }
}

async function keep(datastore: Datastore, bytes: Buffer, signal: AbortSignal): Promise<string> {
  await using temporary = await datastore.createTemporary('application/octet-stream', signal);
  await temporary.write([Buffer.from(bytes)]);
  return await temporary.keep();
}
