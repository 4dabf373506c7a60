import { parseSync } from 'vite'
import { type ExportedName, exportedBy, type ImportedName, importedBy, type Node, sourceOf } from './read-names.ts'

/** What the rules need to know of a source file, from its syntax tree, so that comments and strings do not count. */
export type SourceReading = {
  readonly imports: readonly string[]
  readonly namesImported: readonly ImportedName[]
  readonly namesExported: readonly ExportedName[]
  /** uses of process-wide facilities: `Date.now`, `new Date()`, `setTimeout`, `process.env` … */
  readonly uses: readonly string[]
  /** the file consists of re-exports */
  readonly onlyExports: boolean
}

const GLOBAL_CALLS = new Set(['setTimeout', 'setInterval'])
const MEMBERS: Readonly<Record<string, RegExp>> = {
  Date: /^now$/,
  performance: /^now$/,
  process: /^(env|exit|hrtime)$/,
  console: /./,
}

export function readSource(path: string, text: string): SourceReading {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`)
  const body = program.body as unknown as Node[]
  const imports: string[] = []
  const uses: string[] = []
  const namesImported: ImportedName[] = []
  visit(program as unknown as Node, undefined, (node, parent) => {
    const source = sourceOf(node)
    if (source !== undefined) imports.push(source)
    namesImported.push(...importedBy(node, parent))
    const use = useOf(node)
    if (use) uses.push(use)
  })
  const namesExported = body.flatMap(exportedBy)
  return { imports, namesImported, namesExported, uses, onlyExports: body.every(isExportFromElsewhere) }
}

/** The parent of an awaited expression is the parent of the `await`. */
function visit(node: Node, parent: Node | undefined, look: (node: Node, parent: Node | undefined) => void): void {
  look(node, parent)
  const from = node.type === 'AwaitExpression' ? parent : node
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, from, look)
  }
}

const isNode = (value: unknown): value is Node => typeof (value as Node | null)?.type === 'string'

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
