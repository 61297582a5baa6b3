import { globSync, readFileSync } from 'node:fs';
import t from 'tap';
import { dashboardFiles } from '../../deploy/grafana/source/dashboards.ts';

const dir = 'deploy/grafana/dashboards';

t.test('the dashboards are what their sources make (node deploy/grafana/make.ts)', async (t) => {
  t.strictSame(globSync('*.json', { cwd: dir }).toSorted(), Object.keys(dashboardFiles).toSorted());
  for (const [name, text] of Object.entries(dashboardFiles)) {
    t.ok(readFileSync(`${dir}/${name}`, 'utf8') === text, `${name} is up to date`);
  }
});

t.test('dashboards and panels have names of their own, and panels do not overlap', async (t) => {
  const uids = new Set<string>();
  for (const text of Object.values(dashboardFiles)) {
    const { uid, panels } = JSON.parse(text) as {
      readonly uid: string;
      readonly panels: readonly {
        readonly id: number;
        readonly title: string;
        readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
      }[];
    };
    t.notOk(uids.has(uid));
    uids.add(uid);
    t.equal(new Set(panels.map((it) => it.title)).size, panels.length, `${uid}: titles`);
    t.equal(new Set(panels.map((it) => it.id)).size, panels.length, `${uid}: ids`);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    t.equal(new Set(cells).size, cells.length, `${uid}: places`);
    t.ok(
      panels.every(({ gridPos: { x, w } }) => x + w <= 24),
      `${uid}: width`,
    );
  }
});
