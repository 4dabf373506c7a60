import type { Layer, Package, Repository, RuleFinding } from '../repository.ts'

/**
 * Which packages may be imported directly. (`turbo boundaries` checks what is reachable, which is wider: an adapter
 * that depends on the contract reaches the rules, but must not import them.)
 */
const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  platform: ['platform'],
  rules: ['rules'],
  contract: ['rules', 'contract'],
  edge: ['platform', 'rules', 'edge'],
  adapter: ['contract'],
  app: ['platform', 'rules', 'contract', 'edge'],
  harness: ['rules'],
  test: ['platform', 'rules', 'contract', 'edge', 'adapter', 'app', 'harness', 'test'],
}

export function directImports({ packages }: Repository): RuleFinding[] {
  const byName = new Map(packages.map((each) => [each.name, each]))
  return everyImport(packages).flatMap(({ from, path, isTest, specifier }) => {
    const target = byName.get(packageNameOf(specifier))
    if (!target || target === from || !from.layer || !target.layer) return []
    const allowed = MAY_IMPORT[from.layer].includes(target.layer) || (isTest && target.layer === 'harness')
    if (allowed) return []
    const message = `${from.name} (${from.layer}) may not import ${target.name} (${target.layer})`
    return [{ rule: 'direct-imports', path, subject: target.name, message }]
  })
}

/** Rules are pure: of Node they may use the hash functions, which only compute. */
export function pureRules({ packages }: Repository): RuleFinding[] {
  return everyImport(packages.filter(({ layer }) => layer === 'rules')).flatMap(({ path, isTest, specifier }) =>
    !isTest && specifier.startsWith('node:') && specifier !== 'node:crypto'
      ? [{ rule: 'pure-rules', path, subject: specifier, message: `a rules package may not import ${specifier}` }]
      : [],
  )
}

/** Code that also runs in a browser uses nothing of Node. */
const IN_BROWSERS = new Set(['packages/client', 'packages/wire', 'packages/admin-contract'])

export function browserSafe({ packages }: Repository): RuleFinding[] {
  return everyImport(packages.filter(({ folder }) => IN_BROWSERS.has(folder))).flatMap(({ path, isTest, specifier }) =>
    !isTest && specifier.startsWith('node:')
      ? [{ rule: 'browser-safe', path, subject: specifier, message: `${specifier} does not exist in a browser` }]
      : [],
  )
}

function everyImport(packages: readonly Package[]) {
  return packages.flatMap((from) =>
    from.sources.flatMap(({ path, isTest, reading }) =>
      reading.imports.map((specifier) => ({ from, path, isTest, specifier })),
    ),
  )
}

const packageNameOf = (specifier: string) => specifier.split('/').slice(0, 2).join('/')
