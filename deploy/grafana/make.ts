/** Writes dashboards/*.json from source/: `node deploy/grafana/make.ts`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardFiles } from './source/dashboards.ts';

for (const [name, text] of Object.entries(dashboardFiles)) {
  writeFileSync(join(import.meta.dirname, 'dashboards', name), text);
}
