/** A name that a file exports itself, or re-exports from another file (`from`). */
export type ExportedName = { readonly name: string; readonly isType: boolean; readonly from: string | undefined }
/** A name that a file imports from another one; `*` when it imports the whole module. */
export type ImportedName = { readonly source: string; readonly name: string }

export type Node = { readonly type: string; readonly [key: string]: unknown }

/** The names that a top-level statement exports. */
export function exportedBy(node: Node): ExportedName[] {
  if (node.type === 'ExportAllDeclaration') return [{ name: '*', isType: false, from: sourceOf(node) }]
  if (node.type !== 'ExportNamedDeclaration') return []
  const declaration = node['declaration'] as Node | null
  if (declaration) {
    const isType = /^TS(TypeAlias|Interface)Declaration$|^ClassDeclaration$/.test(declaration.type)
    return declaredBy(declaration).map((name) => ({ name, isType, from: undefined }))
  }
  const specifiers = node['specifiers'] as Node[]
  return specifiers.map((each) => ({ name: nameOf(each['exported']), isType: false, from: sourceOf(node) }))
}

/** The names that a node imports, if it imports any. `parent` shows what is used of an `import()`. */
export function importedBy(node: Node, parent: Node | undefined): ImportedName[] {
  const source = sourceOf(node)
  if (source === undefined) return []
  if (node.type === 'ImportExpression') return namesTaken(parent).map((name) => ({ source, name }))
  if (node.type === 'TSImportType') {
    const qualifier = node['qualifier'] as Node | null
    return [{ source, name: qualifier?.type === 'Identifier' ? nameOf(qualifier) : '*' }]
  }
  const specifiers = (node['specifiers'] as Node[] | undefined) ?? []
  if (node.type === 'ExportAllDeclaration') return [{ source, name: '*' }]
  return specifiers.map((each) => {
    if (each.type === 'ImportNamespaceSpecifier') return { source, name: '*' }
    return {
      source,
      name: each.type === 'ImportDefaultSpecifier' ? 'default' : nameOf(each['imported'] ?? each['local']),
    }
  })
}

export function sourceOf(node: Node): string | undefined {
  if (!/^(Import|ExportNamed|ExportAll)Declaration$|^ImportExpression$|^TSImportType$/.test(node.type)) return undefined
  const source = (node['source'] ?? node['argument']) as { value?: unknown } | null
  return typeof source?.value === 'string' ? source.value : undefined
}

function declaredBy(declaration: Node): string[] {
  if (declaration.type !== 'VariableDeclaration') return [nameOf(declaration['id'])]
  return (declaration['declarations'] as Node[]).map((each) => nameOf(each['id']))
}

/** `const { a, b } = await import(…)` uses a and b. Any other form may use everything. */
function namesTaken(parent: Node | undefined): string[] {
  const pattern = parent?.type === 'VariableDeclarator' ? (parent['id'] as Node) : undefined
  if (pattern?.type !== 'ObjectPattern') return ['*']
  return (pattern['properties'] as Node[]).map((each) => (each.type === 'Property' ? nameOf(each['key']) : '*'))
}

function nameOf(value: unknown): string {
  const { name, value: literal } = (value ?? {}) as { name?: string; value?: unknown }
  return name ?? String(literal ?? '*')
}
