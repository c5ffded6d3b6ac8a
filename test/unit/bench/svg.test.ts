import test from 'ava';
import { drawPicture, type Picture } from '../../../bench/svg.ts';

const picture: Picture = {
  title: 'A & B',
  varies: 'size, bytes',
  steps: ['1', '2', '3'],
  rows: [
    {
      heading: 'here < there',
      panels: [
        {
          title: 'time, ms',
          logarithmic: true,
          lines: [{ colour: 0, style: 0, values: [0.05, 5, 1000] }],
        },
        {
          title: 'sent',
          logarithmic: false,
          lines: [
            { colour: 1, style: 1, values: [0, 2, 3.2] },
            { colour: 2, style: 2, values: [0, 0, 0] },
          ],
        },
      ],
    },
  ],
  colours: ['one', 'two', 'three'],
  styles: ['p50', 'p99', 'p99.9'],
};

/** The points of all lines, in the coordinates of their panels. */
function pointsOf(svg: string): (readonly [number, number])[][] {
  return [...svg.matchAll(/fill="none" stroke="#[^>]* d="M([^"]*)"/g)].map(([, way]) =>
    way!.split('L').map((point) => point.split(' ').map(Number) as [number, number]));
}

test('a picture names everything, and escapes what is markup', (t) => {
  const svg = drawPicture(picture);
  for (const name of ['A &amp; B', 'here &lt; there', 'size, bytes', 'time, ms', 'two', 'p99.9']) {
    t.true(svg.includes(`>${name}<`), name);
  }
  t.notRegex(svg, /NaN|Infinity|undefined/);
  t.is(svg.match(/<g /g)?.length, svg.match(/<\/g>/g)?.length);
});

test('a higher value stands higher, and every point within its panel', (t) => {
  const [time, sent, flat] = pointsOf(drawPicture(picture));
  t.is(time!.length, 3);
  t.true(time![0]![1] > time![1]![1] && time![1]![1] > time![2]![1]);
  t.is(sent![0]![1], flat![0]![1], 'zero is the floor of an axis without decades');
  for (const [x, y] of [...time!, ...sent!, ...flat!]) {
    t.true(x > 0 && x < 290 && y >= 0 && y <= 170);
  }
});

test('decades are even steps: 0.05 to 1000 takes the axis from 0.01', (t) => {
  const svg = drawPicture(picture);
  for (const tick of ['0.01', '0.1', '10', '1k']) t.true(svg.includes(`>${tick}<`), tick);
  const even = { ...picture.rows[0]!.panels[0]!, lines: [
    { colour: 0, style: 0, values: [1, 10, 100] },
  ] } as const;
  const [points] = pointsOf(drawPicture({ ...picture, rows: [{ heading: '', panels: [even] }] }));
  t.deepEqual(points!.map(([, y]) => y), [170, 85, 0]);
});
