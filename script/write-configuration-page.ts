// Writes docs/configuration.md from the schema. Run it after a change of the schema:
//   node script/write-configuration-page.ts
import { writeFileSync } from 'node:fs';
import { renderConfigurationPage } from '../src/config/index.ts';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), renderConfigurationPage());
