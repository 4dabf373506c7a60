import { parseSync } from 'vite'

/** What the rules want to know of a source file, taken from its syntax tree, so that comments and strings do not count. */
export type Reading = {
  readonly imports: readonly string[]
  /** uses of what belongs to the process, not to the code: `Date.now`, `new Date()`, `setTimeout`, `process.env` … */
  readonly uses: readonly string[]
  /** the file consists of exports from elsewhere */
  readonly onlyExports: boolean
}

const GLOBAL_CALLS = new Set(['setTimeout', 'setInterval'])
const MEMBERS: Readonly<Record<string, RegExp>> = {
  Date: /^now$/,
  performance: /^now$/,
  process: /^(env|exit|hrtime)$/,
  console: /./,
}

type Node = { readonly type: string; readonly [key: string]: unknown }

export function readSource(path: string, text: string): Reading {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`)
  const body = program.body as unknown as Node[]
  const imports: string[] = []
  const uses: string[] = []
  visit(program as unknown as Node, (node) => {
    const source = specifierOf(node)
    if (source !== undefined) imports.push(source)
    const use = useOf(node)
    if (use) uses.push(use)
  })
  return { imports, uses, onlyExports: body.every(isExportFromElsewhere) }
}

function visit(node: Node, look: (node: Node) => void): void {
  look(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, look)
  }
}

const isNode = (value: unknown): value is Node => typeof (value as Node | null)?.type === 'string'

function specifierOf(node: Node): string | undefined {
  if (!/^(Import|ExportNamed|ExportAll)Declaration$|^ImportExpression$|^TSImportType$/.test(node.type)) return undefined
  const source = (node['source'] ?? node['argument']) as { value?: unknown } | null
  return typeof source?.value === 'string' ? source.value : undefined
}

function useOf(node: Node): string | undefined {
  const name = (value: unknown): string => {
    const { type, name: identifier, value: literal } = value as { type?: string; name?: string; value?: unknown }
    return type === 'Identifier' ? String(identifier) : typeof literal === 'string' ? literal : ''
  }
  if (node.type === 'MemberExpression') {
    const object = name(node['object'])
    const property = name(node['property'])
    if (object === 'globalThis' && GLOBAL_CALLS.has(property)) return property
    return Object.hasOwn(MEMBERS, object) && MEMBERS[object]?.test(property) ? `${object}.${property}` : undefined
  }
  if (node.type === 'CallExpression' && GLOBAL_CALLS.has(name(node['callee']))) return name(node['callee'])
  const isNow = node.type === 'NewExpression' && name(node['callee']) === 'Date'
  return isNow && (node['arguments'] as unknown[]).length === 0 ? 'new Date()' : undefined
}

function isExportFromElsewhere(node: Node): boolean {
  if (node.type === 'ExportAllDeclaration') return true
  return node.type === 'ExportNamedDeclaration' && node['declaration'] === null
}
