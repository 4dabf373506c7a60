import type { Layer, Package, Repository, RuleFinding } from '../repository.ts'

const LAYERS_OF: Readonly<Record<string, readonly Layer[]>> = {
  apps: ['app'],
  packages: ['platform', 'rules', 'contract', 'edge'],
  adapters: ['adapter'],
  test: ['test', 'harness'],
}
const NAME_OF: Readonly<Record<string, (last: string) => string>> = {
  apps: (last) => `@hansard/${last}`,
  packages: (last) => `@hansard/${last}`,
  adapters: (last) => `@hansard/adapter-${last}`,
  test: (last) => `@hansard/test-${last}`,
}

/** All packages have the same structure, so that a reader of one knows all. */
export function uniformPackages({ files, packages }: Repository): RuleFinding[] {
  return packages.flatMap((each) => {
    const { folder, name, layer, manifest } = each
    const [top, last] = folder.split('/') as [string, string]
    const problems = [
      ...(name === NAME_OF[top]?.(last) ? [] : [`is named ${name}`]),
      ...(layer && LAYERS_OF[top]?.includes(layer) ? [] : [`has the layer ${layer ?? 'nothing'} in turbo.json`]),
      ...(manifest['private'] === true ? [] : ['is not private']),
      ...(manifest['type'] === 'module' ? [] : ['is not of type module']),
      ...(manifest['license'] === 'Apache-2.0' ? [] : ['does not say its licence']),
      ...(manifest['description'] ? [] : ['has no description']),
      ...((manifest['scripts'] as Record<string, string> | undefined)?.['build'] === 'tsc -b'
        ? []
        : ['has no build script']),
      ...(resolvesFromSource(manifest) ? [] : ['does not resolve from source under @hansard/source']),
      ...(/^# .+\n\n\S/.test(files.get(`${folder}/README.md`) ?? '')
        ? []
        : ['has no README.md with a title and a description']),
      ...(files.has(`${folder}/src/index.ts`) ? [] : ['has no src/index.ts']),
      ...referenceProblems(files, each, packages),
    ]
    return problems.map((subject) => ({
      rule: 'uniform-packages',
      path: folder,
      subject,
      message: `${folder} ${subject}`,
    }))
  })
}

/**
 * An app can be started by another program and as a process, and has all its settings in one file. (The settings of a
 * command line, which begins at bin.ts, are its arguments.)
 */
export function headOfApp({ files, packages }: Repository): RuleFinding[] {
  return packages
    .filter(({ folder, layer }) => layer === 'app' && !files.has(`${folder}/src/bin.ts`))
    .flatMap(({ folder }) =>
      ['main.ts', 'config.ts', 'service.ts', 'index.ts']
        .filter((file) => !files.has(`${folder}/src/${file}`))
        .map((file) => ({ rule: 'head-of-app', path: folder, subject: file, message: `${folder} has no src/${file}` })),
    )
}

const INDEX_LINES_MAX = 150

/**
 * `index.ts` is the package's promise: names, no logic, and few enough to read. (An adapter's is the adapter: a
 * stylesheet and three lines.)
 */
export function indexIsAPromise({ packages }: Repository): RuleFinding[] {
  return packages
    .filter(({ layer }) => layer !== 'adapter')
    .flatMap(({ sources }) => sources)
    .filter(({ path }) => path.endsWith('/src/index.ts'))
    .flatMap(({ path, lines, reading }) => [
      ...(reading.onlyExports ? [] : [{ path, subject: 'logic', message: 'index.ts may only re-export' }]),
      ...(lines <= INDEX_LINES_MAX ? [] : [{ path, subject: 'length', message: `index.ts has ${lines} lines` }]),
    ])
    .map((finding) => ({ rule: 'index-is-a-promise', ...finding }))
}

function resolvesFromSource(manifest: Package['manifest']): boolean {
  const main = (manifest['exports'] as Record<string, Record<string, string>> | undefined)?.['.']
  const keys = Object.keys(main ?? {}).join(' ')
  return keys === 'types @hansard/source default' && main?.['@hansard/source'] === './src/index.ts'
}

/** The compiler builds by references, npm links by dependencies: both must name the same packages. */
function referenceProblems(files: Repository['files'], each: Package, packages: readonly Package[]): string[] {
  const text = files.get(`${each.folder}/tsconfig.json`)
  if (!text) return ['has no tsconfig.json']
  const { references = [] } = JSON.parse(text) as { references?: { path: string }[] }
  const dependencies = Object.keys((each.manifest['dependencies'] as object | undefined) ?? {})
  const wanted = packages.filter(({ name }) => dependencies.includes(name)).map(({ folder }) => folder)
  const got = references.map(({ path }) => resolveFrom(each.folder, path))
  return [
    ...wanted
      .filter((folder) => !got.includes(folder))
      .map((folder) => `depends on ${folder} and does not reference it`),
    ...got
      .filter((folder) => !wanted.includes(folder))
      .map((folder) => `references ${folder} and does not depend on it`),
  ]
}

function resolveFrom(folder: string, path: string): string {
  const parts = folder.split('/')
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}
