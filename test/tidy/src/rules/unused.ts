import { posix } from 'node:path'
import type { Package, Repository, RuleFinding, SourceFile } from '../repository.ts'

/** A package.json names what the package imports, and under `dependencies` nothing that only its tests import. */
export function unusedDependencies({ packages }: Repository): RuleFinding[] {
  return packages.flatMap((each) => {
    const { manifest, folder, layer, sources } = each
    const used = (some: readonly SourceFile[]) =>
      new Set(some.flatMap(({ reading }) => reading.imports).map(dependencyOf))
    const everywhere = used(sources)
    const inCode = layer === 'test' ? everywhere : used(sources.filter(({ isTest }) => !isTest))
    const named = (kind: string) => Object.keys((manifest[kind] as object | undefined) ?? {}).map(codeOf)
    const findings = [
      ...named('dependencies').flatMap((name): [string, string][] => {
        if (!everywhere.has(name)) return [[name, 'depends on it and does not import it']]
        return inCode.has(name) ? [] : [[name, 'imports it only in tests: it belongs under devDependencies']]
      }),
      ...named('devDependencies').flatMap((name): [string, string][] =>
        everywhere.has(name) ? [] : [[name, 'has it under devDependencies and does not import it']],
      ),
    ]
    return findings.map(([subject, problem]) => ({
      rule: 'unused-dependencies',
      path: `${folder}/package.json`,
      subject,
      message: `${subject}: ${folder} ${problem}`,
    }))
  })
}

/**
 * Every export is imported somewhere: from a file by another file, from a package's entry by another package.
 * Otherwise nobody can distinguish a package's promises from its accidents. Entries of published packages are
 * promises to external programs, so they are exempt.
 */
export function unusedExports({ packages }: Repository): RuleFinding[] {
  const entries = new Map(packages.flatMap((each) => entriesOf(each)))
  const published = new Set(
    packages.filter(({ name }) => PUBLISHED.has(name)).flatMap((each) => entriesOf(each).map(([, file]) => file)),
  )
  const used = new Set<string>()
  for (const { sources, name: importer } of packages) {
    for (const { path, reading } of sources) {
      for (const { source, name } of reading.namesImported) {
        const target = source.startsWith('.') ? posix.join(posix.dirname(path), source) : entries.get(source)
        if (target === undefined || (!source.startsWith('.') && dependencyOf(source) === importer)) continue
        // A test inside the package imports its entry by a relative path: this is no use by another package.
        const own = source.startsWith('.') && [...entries.values()].includes(target)
        if (!own) used.add(`${target} ${name}`)
      }
    }
  }
  return packages.flatMap(({ sources }) =>
    sources.flatMap(({ path, reading }) =>
      reading.namesExported
        .filter(
          ({ name }) => name !== '*' && !published.has(path) && !used.has(`${path} ${name}`) && !used.has(`${path} *`),
        )
        .map(({ name }) => {
          const message = `nobody imports ${name}`
          return { rule: 'unused-exports', path, subject: name, message }
        }),
    ),
  )
}

/** The SDK, and what authors of adapters import. */
const PUBLISHED: ReadonlySet<string> = new Set(['@hansard/client', '@hansard/adapter'])

/**
 * One name means one type in the whole repository. Published packages name things for external programs: they are
 * exempt.
 */
export function oneTypeOneName({ packages }: Repository): RuleFinding[] {
  const declared = packages
    .filter(({ name }) => !PUBLISHED.has(name))
    .flatMap(({ sources }) => sources.filter(({ isTest }) => !isTest))
    .flatMap(({ path, reading }) =>
      reading.namesExported
        .filter(({ isType, from }) => isType && from === undefined)
        .map(({ name }) => ({ name, path })),
    )
  return [...Map.groupBy(declared, ({ name }) => name)].flatMap(([name, [first, ...others]]) =>
    others.map(({ path }) => ({
      rule: 'one-type-one-name',
      path,
      subject: name,
      message: `${first!.path} exports another type with the name ${name}`,
    })),
  )
}

/** Specifier → file, for everything in the `exports` of a package. */
function entriesOf({ name, folder, manifest }: Package): [string, string][] {
  const exported = (manifest['exports'] ?? {}) as Record<string, Record<string, string>>
  return Object.entries(exported).flatMap(([key, conditions]): [string, string][] => {
    const file = conditions['@hansard/source']
    return file === undefined ? [] : [[posix.join(name, key), posix.join(folder, file)]]
  })
}

const dependencyOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Types are needed by every package that imports the code they belong to. */
const codeOf = (dependency: string) => dependency.replace(/^@types\//, '')
