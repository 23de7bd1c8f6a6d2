// Start to ready on SQLite with a warm disk, and memory when idle.
import { makeBenchFolder } from './folder.ts';
import { median, report } from './report.ts';
import { peakResidentMb, startService } from './service.ts';

await using folder = await makeBenchFolder();
const times: number[] = [];
let idleMb = 0;
for (let run = 0; run < 6; run += 1) {
  await using service = await startService(folder.configPath);
  if (run > 0) times.push(service.readyMs); // the first one makes the database and fills the compile cache
  idleMb = await peakResidentMb(service.pid);
}
report({
  name: 'start to ready, SQLite, warm disk (median of 5)',
  value: median(times),
  unit: 'ms',
  target: { atMost: 1000 },
});
report({ name: 'memory when idle', value: idleMb, unit: 'MB', target: { atMost: 150 } });
