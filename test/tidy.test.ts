import test from 'ava';
import type { ExecutionContext } from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { guestTests } from './kernel/guest/list.ts';
import { packageRoot } from './package-root.ts';
import { blocks, cycles, lineAt, readSources, source, type SourceFile } from './tidy-source.ts';

// The repository checks itself. Each rule lists what breaks it as `file:line: what`.

const COLUMNS_MAX = 100;
const LINES_MAX = 400;
const FUNCTION_LINES_MAX = 60;

const sources = readSources(packageRoot);
const paths = new Set(sources.map(({ path }) => path));

/** Fails with a list, one violation a line. */
function none(t: ExecutionContext, violations: readonly string[]): void {
  if (violations.length === 0) t.pass();
  else t.fail(`${violations.length} violations\n${violations.join('\n')}`);
}

/** Where a pattern stands in the code, comments and strings apart. */
function inCode(files: readonly SourceFile[], pattern: RegExp, what: string): string[] {
  return files.flatMap(({ path, code }) =>
    [...code.matchAll(pattern)].map(({ 0: found, index }) =>
      `${path}:${lineAt(code, index)}: ${what} (${found.trim()})`));
}

function under(...folders: string[]): SourceFile[] {
  return sources.filter(({ path }) => folders.some((folder) => path.startsWith(folder)));
}

/** What the files below a path may import: paths begin so, packages are named so. */
interface Layer {
  readonly path: string;
  readonly may: readonly string[];
  readonly packages: readonly string[];
}

const INTERFACE = ['transport/wire/', 'transport/transport.ts', 'transport/truesize.ts'];
const EVERYTHING = [
  'core/', 'transport/', 'reliability/', 'sessions/', 'agents/', 'cli/', 'bench/', 'index.ts',
];

// The first that fits counts. Arrows point down only: house rules, docs/ARCHITECTURE.md.
const layers: readonly Layer[] = [
  { path: 'core/system-', may: ['core/'], packages: ['node:'] },
  // To say whose memory may not be given away is no I/O.
  { path: 'core/copies.ts', may: ['core/'], packages: ['node:worker_threads'] },
  { path: 'core/', may: ['core/'], packages: [] },
  { path: 'transport/wire/', may: ['core/', 'transport/wire/'], packages: ['node:zlib'] },
  { path: 'transport/', may: ['core/', 'transport/'], packages: ['node:', 'koffi'] },
  {
    path: 'reliability/',
    may: ['core/', 'reliability/', ...INTERFACE],
    packages: ['lru-cache/raw', 'denque'],
  },
  {
    path: 'sessions/',
    may: ['core/', 'reliability/', 'sessions/', ...INTERFACE],
    packages: ['p-retry', 'lru-cache/raw', 'denque'],
  },
  { path: 'index.ts', may: EVERYTHING.slice(0, 4), packages: [] },
  {
    path: 'agents/proc/proc.ts',
    may: ['core/', 'transport/netlink/', ...INTERFACE, 'agents/proc/'],
    packages: [],
  },
  { path: 'agents/proc/procfs.ts', may: ['core/', 'agents/proc/'], packages: ['node:fs'] },
  {
    path: 'agents/proc/',
    may: ['core/', 'transport/wire/', 'agents/proc/'],
    packages: ['denque'],
  },
  {
    path: 'agents/', // users of the library: what an agent of somebody's own may import, and core
    may: ['agents/', 'core/', 'index.ts', 'transport/wire/', 'transport/netlink/'],
    packages: ['node:'],
  },
  { path: 'examples/', may: ['examples/'], packages: ['connector-rpc', 'node:'] },
  { path: 'cli/', may: EVERYTHING, packages: ['node:', 'p-retry'] },
  { path: 'bench/', may: EVERYTHING, packages: ['node:', 'benchmark', 'denque', 'lru-cache'] },
  { path: 'test/', may: [...EVERYTHING, 'test/', 'examples/'], packages: [''] },
];

function forbidden({ path, imports }: SourceFile): string[] {
  const layer = layers.find((each) => path.startsWith(each.path))!;
  return imports
    .filter(({ target, relative }) => {
      const allowed = relative ? layer.may : layer.packages;
      return !allowed.some((start) => target.startsWith(start));
    })
    .map(({ target, line }) => `${path}:${line}: ${layer.path} may not import ${target}`);
}

test('imports point down only', (t) => {
  none(t, sources.flatMap(forbidden));
});

test('every import names a file that exists, or a package of package.json', (t) => {
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    name: string;
    [kind: `${string}ependencies`]: Record<string, string>;
  };
  const known = new Set([manifest.name]);
  for (const kind of ['dependencies', 'optionalDependencies', 'devDependencies'] as const) {
    for (const name of Object.keys(manifest[kind] ?? {})) known.add(name);
  }
  none(t, sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ target, relative }) => {
        if (relative) return !paths.has(target);
        return !target.startsWith('node:') && !known.has(target.split('/')[0]!);
      })
      .map(({ target, line }) => `${path}:${line}: there is no ${target}`)));
});

test('imports of values have no cycles', (t) => {
  // Imports of types alone may: two files that describe each other compile to two that do not.
  const edges = new Map(sources.map(({ path, imports }) => [
    path,
    imports.filter((each) => each.relative && !each.typeOnly).map(({ target }) => target),
  ]));
  none(t, cycles(edges));
});

const GLOBALS = [
  'Date', 'performance', 'Math\\.random', '(?:set|clear)(?:Timeout|Interval|Immediate)',
  'queueMicrotask', 'process', 'crypto', 'globalThis', 'BigInt',
];
const globals = new RegExp(`(?<![.#\\w])(?:${GLOBALS.join('|')})\\b|\\b\\d+n\\b`, 'g');

test('clocks, timers, randomness and bigints come from outside of the machines', (t) => {
  const violations = inCode(
    under('reliability/', 'sessions/', 'transport/wire/', 'agents/'),
    globals,
    'is handed in, never global',
  );
  const driver = /^sessions\/driver\.ts:\d+: .*\((?:queueMicrotask|process)\)$/;
  const agent = /^agents\/proc\/proc\.ts:/; // the driver of that agent
  none(t, violations.filter((each) => !driver.test(each) && !agent.test(each)));
  const others = inCode(under('sessions/driver.ts'), /\bprocess\.(?!nextTick\b)\w+/g, 'is banned');
  none(t, others);
});

test(`no line is longer than ${COLUMNS_MAX} columns`, (t) => {
  none(t, sources.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      [...line].length > COLUMNS_MAX ? `${path}:${index + 1}: ${[...line].length} columns` : [])));
});

test(`no file is longer than ${LINES_MAX} lines`, (t) => {
  none(t, sources.flatMap(({ path, lines }) =>
    lines.length - 1 > LINES_MAX ? `${path}:1: ${lines.length - 1} lines` : []));
});

const FUNCTION = /(?:=>|\)(?:\s*:[^=]*)?)\s*\{[^{}]*$/;
const NO_FUNCTION = /^\s*(?:export\s+)?(?:abstract\s+)?(?:class|interface|type)\b/;

test(`no function takes ${FUNCTION_LINES_MAX} lines`, (t) => {
  none(t, sources.flatMap((file) =>
    blocks(file)
      .filter(({ header, from, to }) =>
        to - from + 1 >= FUNCTION_LINES_MAX && FUNCTION.test(header) && !NO_FUNCTION.test(header))
      .map(({ from, to }) => `${file.path}:${from}: a function of ${to - from + 1} lines`)));
});

test('nothing is left to be done', (t) => {
  const marks = ['TO' + 'DO', 'FIX' + 'ME', 'X'.repeat(3)].join('|'); // not to find itself
  const pattern = new RegExp(`\\b(?:${marks})\\b`);
  none(t, sources.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => {
      const mark = pattern.exec(line)?.[0];
      return mark === undefined ? [] : `${path}:${index + 1}: ${mark}`;
    })));
});

test('no enum, no default export, no any', (t) => {
  none(t, [
    ...inCode(sources, /\benum\s+\w+/g, 'an enum'),
    ...inCode(sources, /\bexport\s+default\b|\bas\s+default\b/g, 'a default export'),
    ...inCode(sources, /(?:[:<|&]|=>|\bas)\s*any\b(?=\s*[;,)>=[\]|&{])|,\s*any\s*>/g, 'any'),
  ]);
});

test('no test is left out or runs alone', (t) => {
  none(t, inCode(sources, /\btest(?:\.\w+)*\.(?:only|skip|todo)\b/g, 'all tests run'));
});

const EXPORTED =
  /^export (?:abstract |async )?(?:const|let|function\*?|class|interface|type) (\w+)/;

/** The exports of a file without a doc comment; one may speak for a run of constants. */
function undocumented({ path, lines, code }: SourceFile): string[] {
  const coded = code.split('\n');
  return lines.flatMap((line, index) => {
    const name = EXPORTED.exec(coded[index]!)?.[1];
    if (name === undefined) return [];
    let above = index - 1;
    while (/^(?:export const \w+.*;|\/\/.*)(?:\s*\/\/.*)?$/.test(lines[above] ?? '')) above -= 1;
    if (/\*\/$/.test(lines[above] ?? '')) return [];
    return `${path}:${index + 1}: ${name} has no doc comment: ${line.trim()}`;
  });
}

test('what is exported is documented', (t) => {
  const library = under('core/', 'transport/', 'reliability/', 'sessions/', 'agents/');
  none(t, library.flatMap(undocumented));
});

test('every requirement of docs/PROTOCOL.md is named by a test', (t) => {
  const file = join(packageRoot, 'docs', 'PROTOCOL.md');
  if (!existsSync(file)) {
    t.pass('there is no protocol to cover yet');
    return;
  }
  const lines = readFileSync(file, 'utf8').split('\n');
  const tests = under('test/').map(({ text }) => text).join('\n');
  const named = new Set(tests.match(/\bP\d+\.\d+\b/g));
  const stated = new Map<string, number>();
  const violations: string[] = [];
  lines.forEach((line, index) => {
    for (const [, id] of line.matchAll(/\*\*(P\d+\.\d+)\*\*/g)) {
      const where = `docs/PROTOCOL.md:${index + 1}: ${id}`;
      if (stated.has(id!)) violations.push(`${where} is stated in line ${stated.get(id!)}, too`);
      else if (!named.has(id!)) violations.push(`${where} is named by no test`);
      stated.set(id!, index + 1);
    }
  });
  for (const id of named) if (!stated.has(id)) violations.push(`test/: ${id} is no requirement`);
  none(t, violations);
});

const REFERENCE = /`((?:test|examples)\/\S+\.ts)?(?: ?› ([^`]+))?`/g;

test('docs/CONNECTOR.md names tests and examples that exist', (t) => {
  const lines = readFileSync(join(packageRoot, 'docs', 'CONNECTOR.md'), 'utf8').split('\n');
  const texts = new Map(sources.map(({ path, text }) => [path, text.replaceAll("\\'", "'")]));
  let named = 0;
  none(t, lines.flatMap((line, index) => {
    let path = ''; // of the file named last in this line: a title may stand without one
    return [...line.matchAll(REFERENCE)].flatMap(([, file = path, title = '']) => {
      path = file;
      named += 1;
      const starts = [`'${title}`, `"${title}`, `\`${title}`];
      if (starts.some((start) => texts.get(path)?.includes(start))) return [];
      return `docs/CONNECTOR.md:${index + 1}: there is no ${path} ${title}`;
    });
  }));
  t.true(named > 60, `${named} references`);
});

test('every program of tests for the guest runs there', (t) => {
  const folder = 'test/kernel/guest/';
  const listed = new Set(guestTests.map(({ file }) => `${folder}${file}.ts`));
  const programs = under(folder).filter(({ code }) => /\bawait check\(/.test(code));
  none(t, [
    ...programs.flatMap(({ path }) => listed.has(path) ? [] : `${path}:1: is not in list.ts`),
    ...[...listed].flatMap((path) => paths.has(path) ? [] : `${folder}list.ts:1: no ${path}`),
  ]);
});

test('the scanner tells code from comments, strings, templates and regular expressions', (t) => {
  const text = [
    'const a = 1; // Date 1',
    "const b = 'Date 2' + \"Date 3\";",
    'const c = `Date 4 ${Date5({ d: `${Date6}` })} Date 7`;',
    "const e = /[/'] Date 8/.test(f) ? 8 / Date9 / 2 : 1; /* Date 10",
    'Date 11 */ Date12;',
  ].join('\n');
  const { code } = source('sample.ts', text);
  t.is(code.length, text.length);
  t.deepEqual(code.match(/Date ?\d+/g), ['Date5', 'Date6', 'Date9', 'Date12']);
  t.is(code.split('\n').length, 5);
});

test('the scanner finds imports of values and of types, and blocks with their headers', (t) => {
  const file = source('sessions/x.ts', [
    "import type { A } from './a.ts';",
    "import { b,",
    "  type C } from '../core/b.ts';",
    "export type { D } from 'denque';",
    "// import './no.ts';",
    "const e = await import('node:fs');",
    'export class F {',
    '  method(',
    '    a: { b: number },',
    '  ): Promise<{ c: 1 }> {',
    '    return a;',
    '  }',
    '}',
  ].join('\n'));
  t.deepEqual(file.imports.map(({ target, typeOnly, line }) => [target, typeOnly, line]), [
    ['sessions/a.ts', true, 1], ['core/b.ts', false, 2], ['denque', true, 4], ['node:fs', false, 6],
  ]);
  const method = blocks(file).find(({ from }) => from === 8)!;
  t.is(method.to, 12);
  t.regex(method.header, FUNCTION);
  t.deepEqual(cycles(new Map([['a', ['b']], ['b', ['c', 'a']], ['c', []]])), ['a -> b -> a']);
});
