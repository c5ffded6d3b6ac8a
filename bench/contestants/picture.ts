interface Fields {
  readonly node_fields: readonly string[];
  readonly node_types: readonly [readonly string[], ...unknown[]];
  readonly edge_fields: readonly string[];
  readonly edge_types: readonly [readonly string[], ...unknown[]];
}

interface Snapshot {
  readonly snapshot: { readonly meta: Fields };
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly strings: readonly string[];
}

/** Names of what has none of its own that says what it is for: its holder's is added. */
const COMMON = new Set([
  'Object', 'Array', 'Map', 'Set', 'Denque', 'Promise', 'ArrayBuffer', 'DataView', 'Uint8Array',
  'Uint32Array', 'Float64Array', '(object elements)', '(object properties)', '(internal array)',
  'system / Context', 'system / JSArrayBufferData', '',
]);
/** Types of which the same holds. */
const PLAIN = new Set(['number', 'array', 'string', 'bigint', 'closure', 'native', 'object shape']);
/** Holders are named up to so many steps away. */
const STEPS_MAX = 3;
const NOBODY = -1;

/** What V8 writes down of a heap (`v8.getHeapSnapshot`): its objects, and who holds whom. */
export class Picture {
  readonly size: number;
  readonly #snapshot: Snapshot;
  readonly #width: number;
  readonly #at: Readonly<Record<'type' | 'name' | 'size', number>>;
  /** Of each object, who holds it and by which edge. */
  readonly #holder: Int32Array;
  readonly #edge: Int32Array;

  constructor(text: string) {
    this.#snapshot = JSON.parse(text) as Snapshot;
    const { node_fields: fields } = this.#snapshot.snapshot.meta;
    this.#width = fields.length;
    this.#at = {
      type: fields.indexOf('type'), name: fields.indexOf('name'), size: fields.indexOf('self_size'),
    };
    this.size = this.#snapshot.nodes.length / this.#width;
    this.#holder = new Int32Array(this.size).fill(NOBODY);
    this.#edge = new Int32Array(this.size);
    this.#findHolders(fields.indexOf('edge_count'));
  }

  /** Its own bytes. */
  bytes(node: number): number {
    return this.#field(node, this.#at.size);
  }

  /** What it is, and, where that tells little, by whom it is held. */
  describe(node: number): string {
    let description = this.#label(node);
    let held = node;
    for (let step = 0; step < STEPS_MAX && this.#isCommon(held); step++) {
      const holder = this.#holder[held]!;
      if (holder === NOBODY) break;
      description += ` < ${this.#label(holder)}${this.#edgeName(this.#edge[held]!)}`;
      held = holder;
    }
    return description;
  }

  /** The first edge that keeps an object alive and has a name counts, else the first of all. */
  #findHolders(countAt: number): void {
    const { edges, snapshot: { meta } } = this.#snapshot;
    const width = meta.edge_fields.length;
    const toAt = meta.edge_fields.indexOf('to_node');
    const weak = meta.edge_types[0].indexOf('weak');
    const property = meta.edge_types[0].indexOf('property');
    let edge = 0;
    for (let node = 0; node < this.size; node++) {
      for (let left = this.#field(node, countAt); left > 0; left--, edge += width) {
        const type = edges[edge]!;
        const to = edges[edge + toAt]! / this.#width;
        const first = this.#holder[to] === NOBODY;
        const better = type === property && edges[this.#edge[to]!] !== property;
        if (type === weak || !(first || better)) continue;
        this.#holder[to] = node;
        this.#edge[to] = edge;
      }
    }
  }

  #edgeName(edge: number): string {
    const { edges, strings, snapshot: { meta } } = this.#snapshot;
    const type = meta.edge_types[0][edges[edge]!];
    const name = edges[edge + 1]!;
    return type === 'element' || type === 'hidden' ? '[]' : `.${strings[name]!}`;
  }

  #label(node: number): string {
    const type = this.#type(node);
    if (type === 'string' || type === 'number') return type;
    const name = this.#name(node);
    return type === 'object' ? name : `${type} ${name}`;
  }

  #isCommon(node: number): boolean {
    return PLAIN.has(this.#type(node)) || COMMON.has(this.#name(node));
  }

  #type(node: number): string {
    return this.#snapshot.snapshot.meta.node_types[0][this.#field(node, this.#at.type)]!;
  }

  #name(node: number): string {
    return this.#snapshot.strings[this.#field(node, this.#at.name)]!.slice(0, 60);
  }

  #field(node: number, at: number): number {
    return this.#snapshot.nodes[node * this.#width + at]!;
  }
}
