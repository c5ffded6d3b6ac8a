import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** One file of this repository, as text and as what a scanner can trust. */
export interface SourceFile {
  /** From the root of the package, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the inside of strings blanked; places stay where they are. */
  readonly code: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
}

export interface Import {
  /** The file from the root of the package, or the name of a package or builtin. */
  readonly target: string;
  readonly relative: boolean;
  /** Left out of the compiled code: `import type` and `export type`. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const FOLDERS = [
  'core', 'transport', 'reliability', 'sessions', 'agents', 'cli', 'bench', 'examples', 'test',
];

/** All TypeScript files of the package. */
export function readSources(root: string): SourceFile[] {
  const files = readdirSync(root, { withFileTypes: true });
  const folders = files.filter((entry) => entry.isDirectory() && FOLDERS.includes(entry.name));
  const paths = folders.flatMap(({ name }) =>
    readdirSync(join(root, name), { recursive: true, encoding: 'utf8' })
      .map((path) => posix.join(name, path.replaceAll('\\', '/'))));
  paths.push('index.ts');
  return paths
    .filter((path) => path.endsWith('.ts') && !path.includes('/node_modules/'))
    .sort()
    .map((path) => source(path, readFileSync(join(root, path), 'utf8')));
}

/** Reads one file. */
export function source(path: string, text: string): SourceFile {
  const code = blanked(text);
  return { path, text, code, lines: text.split('\n'), imports: importsOf(path, text, code) };
}

/** The line, counted from 1, at a place in a text. */
export function lineAt(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

const FROM = /\b(?:(?:import|export)(\s+type)?\b[^;'"()]*?\bfrom\s*|import\s*\(?\s*)'([^']+)'/g;

function importsOf(path: string, text: string, code: string): Import[] {
  const found: Import[] = [];
  for (const match of text.matchAll(FROM)) {
    if (code[match.index] === ' ') continue; // in a comment or a string
    const target = match[2]!;
    const relative = target.startsWith('.');
    found.push({
      target: relative ? posix.join(posix.dirname(path), target) : target,
      relative,
      typeOnly: match[1] !== undefined,
      line: lineAt(text, match.index),
    });
  }
  return found;
}

/** What may stand before a `/` that begins a regular expression and no division. */
const BEFORE_REGEXP = /(?:^|[(,=:[!&|?{};+\-*<>~^%]|\breturn|\btypeof|\bcase|\bof|\bin)\s*$/;

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const REGEXP = /\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//y;
const TEMPLATE = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

/** Blanks comments, strings, regular expressions and the fixed parts of templates. */
function blanked(text: string): string {
  let code = '';
  /** Depth of braces in each template that is open around this place. */
  const templates: number[] = [];
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = code.length;
    return pattern.exec(text)?.[0];
  };
  while (code.length < text.length) {
    const character = text[code.length]!;
    const comment = match(COMMENT);
    const string = match(STRING);
    if (comment !== undefined) {
      code += blank(comment);
    } else if (string !== undefined) {
      code += `'${blank(string.slice(1, -1))}'`;
    } else if (character === '/' && BEFORE_REGEXP.test(code.slice(-40)) && match(REGEXP)) {
      code += blank(match(REGEXP)!);
    } else if (character === '`' || (character === '}' && templates.at(-1) === 0)) {
      const part = match(TEMPLATE) ?? character;
      if (character === '}') templates.pop();
      if (part.endsWith('${')) templates.push(0);
      code += blank(part);
    } else {
      if (templates.length > 0 && character === '{') templates.push(templates.pop()! + 1);
      if (templates.length > 0 && character === '}') templates.push(templates.pop()! - 1);
      code += character;
    }
  }
  return code;
}

export interface Block {
  /** The text from the start of the statement to the opening brace. */
  readonly header: string;
  readonly from: number;
  readonly to: number;
}

/** The blocks in braces that end on a line of their own, with the lines that they take. */
export function blocks({ code }: SourceFile): Block[] {
  const lines = code.split('\n');
  const indents = lines.map((line) => line.search(/\S|$/));
  const found: Block[] = [];
  const open: number[] = [];
  lines.forEach((line, index) => {
    for (const brace of line.replace(/[^{}]/g, '')) {
      if (brace === '{') {
        open.push(index);
        continue;
      }
      const opened = open.pop();
      if (opened === undefined || opened === index) continue;
      let from = opened;
      while (from > 0 && (indents[from]! > indents[index]! || /^\s*[)\]}]/.test(lines[from]!))) {
        from -= 1;
      }
      const header = lines.slice(from, opened + 1).join(' ');
      found.push({ header, from: from + 1, to: index + 1 });
    }
  });
  return found;
}

/** Ways along the edges that come back to their beginning: one for each that a walk runs into. */
export function cycles(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (node: string, way: readonly string[]): void => {
    if (way.includes(node)) {
      found.push([...way.slice(way.indexOf(node)), node].join(' -> '));
      return;
    }
    if (done.has(node)) return;
    for (const next of edges.get(node) ?? []) walk(next, [...way, node]);
    done.add(node);
  };
  for (const node of edges.keys()) walk(node, []);
  return found;
}
