/** One line of a panel: a value for each step, in one of three colours and one of three styles. */
export interface Line {
  readonly colour: 0 | 1 | 2;
  readonly style: 0 | 1 | 2;
  readonly values: readonly number[];
}

/** One diagram: a quantity and its unit over the steps. */
export interface Panel {
  readonly title: string;
  /** Decades; else from 0 up. */
  readonly logarithmic: boolean;
  readonly lines: readonly Line[];
}

/** A sheet of diagrams: rows with a heading each, all over the same steps. */
export interface Picture {
  readonly title: string;
  /** What the steps are, with its unit. */
  readonly varies: string;
  readonly steps: readonly string[];
  readonly rows: readonly { readonly heading: string; readonly panels: readonly Panel[] }[];
  /** What the colours and the styles mean. */
  readonly colours: readonly string[];
  readonly styles: readonly string[];
}

const PANEL = { width: 290, height: 170 };
const MARGIN = { left: 62, right: 14, top: 40, bottom: 62 };
const CELL = {
  width: MARGIN.left + PANEL.width + MARGIN.right,
  height: MARGIN.top + PANEL.height + MARGIN.bottom,
};
const HEAD = 62;
const ROW_HEAD = 26;

/** Colours that stand out from white and from black alike; shapes for those who see them alike. */
const COLOURS = ['#3b82f6', '#d97706', '#059669'] as const;
const DASHES = ['', '6 3', '1.5 3'] as const;
const STYLE = [
  'text{font:12px system-ui,sans-serif;fill:#767676}',
  '.title{font-size:16px;font-weight:600}.head{font-size:14px;font-weight:600}',
  '.tick{font-size:10px}',
  '.grid{stroke:#808080;stroke-opacity:.25}.axis{stroke:#808080}',
  '@media (prefers-color-scheme:dark){text{fill:#c9d1d9}}',
  '@media (prefers-color-scheme:light){text{fill:#24292f}}',
].join('');

/** Draws a sheet as SVG, readable on light and dark ground. */
export function drawPicture(picture: Picture): string {
  const { title, rows, varies, steps } = picture;
  const columns = Math.max(...rows.map(({ panels }) => panels.length));
  const width = columns * CELL.width;
  const height = HEAD + rows.length * (ROW_HEAD + CELL.height);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}">`,
    `<title>${escape(title)}</title><style>${STYLE}</style>`,
    text(12, 24, title, 'class="title"'),
    ...legend(picture),
  ];
  rows.forEach(({ heading, panels }, row) => {
    const top = HEAD + row * (ROW_HEAD + CELL.height);
    parts.push(text(12, top + 18, heading, 'class="head"'));
    panels.forEach((panel, column) => {
      const [left, down] = [column * CELL.width + MARGIN.left, top + ROW_HEAD + MARGIN.top];
      parts.push(`<g transform="translate(${left} ${down})">`);
      parts.push(...drawPanel(panel, steps, varies), '</g>');
    });
  });
  return `${parts.join('\n')}\n</svg>\n`;
}

function drawPanel(panel: Panel, steps: readonly string[], varies: string): string[] {
  const { title, logarithmic, lines } = panel;
  const { width, height } = PANEL;
  const values = lines.flatMap((line) => line.values);
  const ticks = logarithmic ? decades(values) : even(Math.max(...values));
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const scale = logarithmic ? Math.log : (value: number): number => value;
  const y = (value: number): number =>
    height * (1 - (scale(value) - scale(low)) / (scale(high) - scale(low)));
  const x = (step: number): number => ((step + 0.5) * width) / steps.length;
  const parts = [text(0, -14, title, 'font-weight="600"')];
  for (const tick of ticks) {
    parts.push(`<path class="grid" d="M0 ${fixed(y(tick))}H${width}"/>`);
    parts.push(text(-6, y(tick) + 4, shown(tick), 'class="tick" text-anchor="end"'));
  }
  parts.push(`<path class="axis" fill="none" d="M0 0V${height}H${width}"/>`);
  steps.forEach((step, at) => {
    parts.push(text(x(at), height + 16, step, 'class="tick" text-anchor="middle"'));
  });
  parts.push(text(width / 2, height + 36, varies, 'text-anchor="middle"'));
  for (const { colour, style, values: own } of lines) {
    const points = own.map((value, at) => [x(at), y(value)] as const);
    const way = points.map(([left, top]) => `${fixed(left)} ${fixed(top)}`).join('L');
    parts.push(`<path fill="none" stroke="${COLOURS[colour]}" stroke-width="1.8" ` +
      `stroke-dasharray="${DASHES[style]}" d="M${way}"/>`);
    parts.push(...points.map(([left, top]) => mark(colour, left, top)));
  }
  return parts;
}

function legend({ colours, styles }: Picture): string[] {
  const parts: string[] = [];
  let left = 12;
  const add = (name: string, colour: string, dash: string, sign: string): void => {
    parts.push(`<path stroke="${colour}" stroke-width="1.8" stroke-dasharray="${dash}" ` +
      `d="M${left} 44h34"/>`, sign, text(left + 42, 48, name));
    left += 66 + name.length * 7;
  };
  colours.forEach((name, at) => add(name, COLOURS[at]!, '', mark(at, left + 17, 44)));
  if (styles.length > 1) styles.forEach((name, at) => add(name, '#808080', DASHES[at]!, ''));
  return parts;
}

/** A circle, a square, a triangle. */
function mark(colour: number, x: number, y: number): string {
  const fill = `fill="${COLOURS[colour]}"`;
  if (colour === 0) return `<circle ${fill} cx="${fixed(x)}" cy="${fixed(y)}" r="3.2"/>`;
  const shape = colour === 1 ? 'm-3 -3h6v6h-6z' : 'm0 -4l4 7h-8z';
  return `<path ${fill} d="M${fixed(x)} ${fixed(y)}${shape}"/>`;
}

/** The powers of ten around all values. */
function decades(values: readonly number[]): number[] {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const high = Math.max(Math.ceil(Math.log10(Math.max(...values)) - 1e-9), low + 1);
  return Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
}

/** Four or five round numbers from 0 to what covers the highest value. */
function even(highest: number): number[] {
  const rough = Math.max(highest, 1e-9) / 4;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * unit).find((each) => each >= rough)!;
  const count = Math.ceil(highest / step - 1e-9);
  return Array.from({ length: Math.max(count, 1) + 1 }, (_, at) => at * step);
}

/** A number for an axis: 3 digits, thousands as k, millions as M. */
function shown(value: number): string {
  const [size, unit] = value >= 1e6 ? [1e6, 'M'] : value >= 1000 ? [1000, 'k'] : [1, ''];
  return `${Number((value / size).toPrecision(3))}${unit}`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}
