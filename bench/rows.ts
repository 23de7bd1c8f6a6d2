// Downloads from a database with one media and from one with a million: the cost must not grow with the rows.
import { DatabaseSync } from 'node:sqlite';
import { makeBenchFolder, SERVER_NAME, TOKEN } from './folder.ts';
import { load } from './load.ts';
import { median, report } from './report.ts';
import { type BenchService, startService } from './service.ts';

const ROWS = 1_000_000;
/** Spread over the rows, and more than are remembered for long. */
const ASKED = 2000;
const SECONDS = 4;
const ROUNDS = 3;

async function uploadOne(service: BenchService): Promise<string> {
  const response = await fetch(`${service.url}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers: { 'x-forwarded-host': SERVER_NAME, authorization: `Bearer ${TOKEN}` },
    body: Buffer.alloc(20_000, 'vitrine'),
  });
  return ((await response.json()) as { content_uri: string }).content_uri.split('/').at(-1) ?? '';
}

/** Copies the one row until there are enough, each with an ID and a hash of its own. */
function multiply(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(`
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${ROWS})
    INSERT INTO media (origin, media_id, upload_name, content_type, user_id, sha256_hash, size_bytes, location, creation_ts, quarantined, datastore_id)
    SELECT origin, 'copy' || n, upload_name, content_type, '@user' || (n % 1000) || ':example.org', sha256_hash, size_bytes, location, creation_ts + n, quarantined, datastore_id
    FROM numbers, (SELECT * FROM media LIMIT 1)`);
  database.close();
}

function loadOf(service: BenchService, mediaIds: readonly string[]): Promise<number> {
  const paths = mediaIds.map((id) => `/_matrix/client/v1/media/download/${SERVER_NAME}/${id}`);
  const headers = { host: SERVER_NAME, authorization: `Bearer ${TOKEN}` };
  return load(service.url, paths, { connections: 50, seconds: SECONDS, status: 200, headers });
}

await using small = await makeBenchFolder();
await using large = await makeBenchFolder();
await using few = await startService(small.configPath, 0);
const only = await uploadOne(few);
{
  await using service = await startService(large.configPath);
  await uploadOne(service);
}
multiply(`${large.path}/vitrine.db`);
await using many = await startService(large.configPath, 0);
const ids = Array.from({ length: ASKED }, (_, at) => `copy${1 + Math.floor((at * ROWS) / ASKED)}`);
const ratios: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const plain = await loadOf(few, Array<string>(ASKED).fill(only));
  ratios.push((await loadOf(many, ids)) / plain);
}
report({
  name: '20 KB with 1,000,000 rows, share of requests/s with 1',
  value: median(ratios),
  unit: '×',
  target: { atLeast: 0.9 },
});
