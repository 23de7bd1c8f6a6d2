// The S3 server of a bench, in a process of its own. Arguments: folder, port, bucket.
import S3rver from '@20minutes/s3rver';

const [directory = '', port, name = ''] = process.argv.slice(2);
const configureBuckets = [{ name }];
const place = { directory, address: '127.0.0.1', port: Number(port) };
await new S3rver({ ...place, silent: true, vhostBuckets: false, configureBuckets }).run();
