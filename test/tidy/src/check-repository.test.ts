import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkRepository } from './check-repository.ts'
import { EXCEPTIONS } from './exceptions.ts'
import { type RuleFinding, readRepository, repositoryOf } from './repository.ts'

describe('this repository', () => {
  const repository = readRepository(resolve(import.meta.dirname, '../../..'))

  it('keeps its rules', () => {
    expect(
      checkRepository(repository, EXCEPTIONS).map(({ rule, path, message }) => `${rule}: ${path}: ${message}`),
    ).toEqual([])
  })

  it('was read: a check of nothing would pass', () => {
    expect(repository.packages.length).toBeGreaterThan(25)
    expect(repository.packages.flatMap(({ sources }) => sources).length).toBeGreaterThan(150)
    expect(
      repository.packages.flatMap(({ sources }) => sources.flatMap(({ reading }) => reading.imports)).length,
    ).toBeGreaterThan(500)
  })
})

const EVERYBODY = ['clock', 'conversation', 'wire', 'queue', 'adapter-xml', 'relay', 'worker', 'test-servers'].map(
  (name) => `@hansard/${name}`,
)

/** A small repository that keeps every rule. */
function good(): Map<string, string> {
  return new Map([
    ...packageFiles('packages/clock', 'platform'),
    ...packageFiles('packages/conversation', 'rules'),
    ...packageFiles('packages/wire', 'contract'),
    ...packageFiles('packages/queue', 'edge'),
    ...packageFiles('adapters/xml', 'adapter'),
    ...packageFiles('apps/relay', 'app'),
    ...packageFiles('apps/worker', 'app'),
    ...packageFiles('test/servers', 'harness'),
    ...packageFiles('test/pool', 'test'),
    ...['main', 'config', 'service'].flatMap((file): [string, string][] => [
      [`apps/relay/src/${file}.ts`, 'const x = 1'],
      [`apps/worker/src/${file}.ts`, 'const x = 1'],
    ]),
    // Every package's entry is imported; tests are not.
    ['test/pool/src/index.ts', 'export {}'],
    ['test/pool/src/a.ts', ''],
    ['test/pool/src/all.test.ts', EVERYBODY.map((name) => `import { a } from '${name}'`).join('\n')],
  ])
}

function packageFiles(folder: string, tag: string): [string, string][] {
  const [top, last] = folder.split('/')
  const prefix = { adapters: 'adapter-', test: 'test-' }[top!] ?? ''
  const manifest = {
    name: `@hansard/${prefix}${last}`,
    ...{
      private: true,
      type: 'module',
      license: 'Apache-2.0',
      description: 'What it is.',
      scripts: { build: 'tsc -b' },
    },
    exports: { '.': { types: './dist/index.d.ts', '@hansard/source': './src/index.ts', default: './dist/index.js' } },
  }
  return [
    [`${folder}/package.json`, JSON.stringify(manifest)],
    [`${folder}/turbo.json`, JSON.stringify({ tags: [tag] })],
    [`${folder}/tsconfig.json`, JSON.stringify({ references: [] })],
    [`${folder}/README.md`, `# ${last}\n\nWhat it is.\n`],
    [`${folder}/src/index.ts`, "export { a } from './a.ts'"],
    [`${folder}/src/a.ts`, "// Date.now() and process.env in a comment\nexport const a = 'process.exit()'"],
  ]
}

/** The findings after one file is added or changed. `undefined` removes it. */
function findings(path: string, text: string | undefined): RuleFinding[] {
  const files = good()
  if (text === undefined) files.delete(path)
  else files.set(path, text)
  return checkRepository(repositoryOf(files), [])
}
const rulesBroken = (path: string, text: string | undefined) => findings(path, text).map(({ rule }) => rule)

describe('the rules', () => {
  it('find nothing in a correct repository', () => {
    expect(checkRepository(repositoryOf(good()), [])).toEqual([])
  })

  it.each([
    ['a rule that imports an edge', 'packages/conversation/src/b.ts', "import { x } from '@hansard/queue'"],
    ['a type is an import too', 'packages/conversation/src/b.ts', "import type { X } from '@hansard/queue'"],
    ['so is a type in passing', 'packages/conversation/src/b.ts', "type X = import('@hansard/queue').X"],
    ['so is a re-export', 'packages/conversation/src/b.ts', "export * from '@hansard/queue'"],
    ['and one that comes late', 'packages/conversation/src/b.ts', "const x = import('@hansard/queue')"],
    ['an edge that imports a contract', 'packages/queue/src/b.ts', "import { x } from '@hansard/wire'"],
    ['a platform that knows of chat', 'packages/clock/src/b.ts', "import { x } from '@hansard/conversation'"],
    ['an adapter that reaches past the contract', 'adapters/xml/src/b.ts', "import { x } from '@hansard/conversation'"],
    ['an app that imports an app', 'apps/relay/src/b.ts', "import { x } from '@hansard/worker'"],
    ['an app that imports an adapter', 'apps/relay/src/b.ts', "import { x } from '@hansard/adapter-xml'"],
    ['code that imports a test', 'apps/relay/src/b.ts', "import { x } from '@hansard/test-pool'"],
    ['code that starts test servers', 'apps/relay/src/b.ts', "import { x } from '@hansard/test-servers'"],
    ['a path into a package', 'packages/conversation/src/b.ts', "import { x } from '@hansard/queue/src/a.ts'"],
  ])('refuse %s', (_, path, text) => {
    expect(rulesBroken(path, text)).toEqual(['direct-imports'])
  })

  it.each([
    ['what only tests use', 'packages/queue/src/queue-in-test.ts', "import { x } from '@hansard/test-servers'"],
    ['a test that starts servers', 'packages/queue/src/b.test.ts', "import { x } from '@hansard/test-servers'"],
    ['a test that holds the whole', 'test/pool/src/b.ts', "import { x } from '@hansard/adapter-xml'"],
    ['an edge that imports rules', 'packages/queue/src/b.ts', "import { x } from '@hansard/conversation'"],
    ['a package of somebody else’s', 'packages/queue/src/b.ts', "import { x } from '@elsewhere/queue'"],
    ['a clock that reads the time', 'packages/clock/src/b.ts', 'const now = Date.now()'],
    ['a date made of a number', 'packages/queue/src/b.ts', 'const d = new Date(0)'],
    ['a test that measures', 'packages/queue/src/b.test.ts', 'const t = performance.now()'],
    ['an exit code', 'apps/relay/src/main.ts', 'process.exitCode = 1'],
    ['an environment read where the process begins', 'apps/relay/src/main.ts', 'const e = process.env'],
  ])('allow %s', (_, path, text) => {
    expect(rulesBroken(path, text)).toEqual([])
  })

  it.each([
    ['pure-rules', 'packages/conversation/src/b.ts', "import { readFileSync } from 'node:fs'"],
    ['browser-safe', 'packages/wire/src/b.ts', "import { hash } from 'node:crypto'"],
    ['clock-reads', 'packages/queue/src/b.ts', 'const now = () => Date.now()'],
    ['clock-reads', 'packages/queue/src/b.ts', 'const now = () => new Date()'],
    ['clock-reads', 'packages/queue/src/b.ts', 'const now = () => performance.now()'],
    ['clock-reads', 'packages/queue/src/b.ts', 'setTimeout(() => {}, 1)'],
    ['clock-reads', 'packages/queue/src/b.ts', 'globalThis.setInterval(() => {}, 1)'],
    ['clock-reads', 'packages/queue/src/b.test.ts', 'await new Promise((r) => setTimeout(r, 1))'],
    ['environment', 'apps/relay/src/b.ts', "const home = process.env['HOME']"],
    ['environment', 'packages/queue/src/main/b.ts', 'const home = process["env"]'],
    ['no-process-exit', 'apps/relay/src/main.ts', 'process.exit(1)'],
    ['no-console', 'packages/queue/src/b.ts', "console.log('here')"],
    ['vague-names', 'packages/queue/src/utils.ts', 'const x = 1'],
    ['vague-names', 'packages/queue/src/helpers/b.ts', 'const x = 1'],
    ['vague-names', 'packages/queue/src/types.test.ts', 'const x = 1'],
    ['decision-names', 'docs/decisions/outbox.md', '# Outbox'],
    ['fixtures-are-data', 'fixtures/people/make.ts', 'const x = 1'],
    ['uniform-packages', 'packages/queue/README.md', undefined],
    ['uniform-packages', 'packages/queue/README.md', '# queue\n'],
    ['uniform-packages', 'packages/queue/turbo.json', undefined],
    ['uniform-packages', 'packages/queue/turbo.json', '{"tags":["test"]}'],
    ['uniform-packages', 'packages/queue/tsconfig.json', '{"references":[{"path":"../clock"}]}'],
    ['head-of-app', 'apps/relay/src/config.ts', undefined],
    ['index-is-a-promise', 'packages/queue/src/index.ts', "export { a } from './a.ts'\nconst x = 1"],
    ['index-is-a-promise', 'packages/queue/src/index.ts', `${'\n'.repeat(200)}export { a } from './a.ts'`],
  ])('hold %s against %s: %s', (rule, path, text) => {
    expect(rulesBroken(path, text)).toEqual([rule])
  })

  it.each([
    ['import-circles', 'packages/queue/src/a.ts', "import './b.ts'\nexport const a = 1"],
    ['import-circles', 'packages/queue/src/a.ts', "import type { A } from './index.ts'\nexport const a: A = 1"],
    ['import-circles', 'packages/queue/src/b.ts', "const x = import('./b.ts')"],
    ['unused-exports', 'packages/queue/src/b.ts', 'export function b() {}'],
    ['unused-exports', 'packages/queue/src/b.ts', 'type B = 1\nexport type { B }'],
    ['unused-exports', 'packages/queue/src/index.ts', "export { a, b } from './a.ts'"],
    ['files-in-prose', 'packages/queue/README.md', '# queue\n\nStart with `gone.ts`.\n'],
    ['files-in-prose', 'docs/operating.md', '# Operating\n\nSee packages/queue/src/gone.ts.\n'],
    ['files-in-prose', 'ARCHITECTURE.md', '# Architecture\n\n`a.ts` is in every package.\n'],
    ['tests-in-threat-model', 'docs/threat-model.md', '| A flood | a limit | an alarm | |\n'],
    [
      'tests-in-threat-model',
      'docs/threat-model.md',
      '| A flood | a limit | | `test/pool/src/all.test.ts` "is survived" |\n',
    ],
    ['short-lines-of-prose', 'ARCHITECTURE.md', `# Architecture\n\n${'many words '.repeat(12)}\n`],
    ['short-lines-of-prose', 'packages/queue/src/a.ts', `// ${'many words '.repeat(12)}\nexport const a = 1`],
  ])('hold %s against %s: %s', (rule, path, text) => {
    const files = good().set('packages/queue/src/b.ts', "import './a.ts'").set(path, text)
    const found = checkRepository(repositoryOf(files), []).map((finding) => finding.rule)

    expect(found).toContain(rule)
    expect(new Set(found).size).toBe(1)
  })

  it('let tables, code and what cannot be wrapped be wide', () => {
    const wide = 'word '.repeat(40)
    const address = `https://example.com/${'x'.repeat(120)}`
    const files = good()
      .set('ARCHITECTURE.md', `# Architecture\n\n| ${wide}|\n\n\`\`\`\n${wide}\n\`\`\`\n\n${address}\n`)
      .set('packages/queue/src/b.ts', `import './a.ts'\n// ${address}\nexport const b = '${wide}'`)
      .set('packages/queue/src/b.test.ts', "import { b } from './b.ts'")

    expect(checkRepository(repositoryOf(files), [])).toEqual([])
  })

  it('find an export used that a test, an `import()` or a whole import uses', () => {
    const files = good()
      .set('packages/queue/src/b.ts', 'export const b = 1\nexport type C = 1\nexport class D {}')
      .set('packages/queue/src/b.test.ts', "const { b } = await import('./b.ts')\ntype X = import('./b.ts').C")
      .set('packages/queue/src/c.ts', "import * as all from './b.ts'")

    expect(checkRepository(repositoryOf(files), [])).toEqual([])
  })

  it('report an export that only the package itself imports from its entry', () => {
    const files = good()
      .set('packages/queue/src/index.ts', "export { a } from './a.ts'\nexport { b } from './b.ts'")
      .set('packages/queue/src/b.ts', 'export const b = 1')
      .set('packages/queue/src/b.test.ts', "import { b } from './index.ts'")

    expect(checkRepository(repositoryOf(files), []).map(({ path, subject }) => [path, subject])).toEqual([
      ['packages/queue/src/index.ts', 'b'],
    ])
  })

  it('report a second type of one name', () => {
    const files = good()
      .set('packages/queue/src/b.ts', 'export type Place = 1')
      .set('packages/clock/src/b.ts', 'export class Place {}')
      .set('packages/queue/src/c.ts', "import type { Place } from './b.ts'")
      .set('packages/clock/src/c.ts', "import { Place } from './b.ts'")

    expect(checkRepository(repositoryOf(files), []).map(({ rule, subject }) => [rule, subject])).toEqual([
      ['one-type-one-name', 'Place'],
    ])
  })

  it('report a dependency that nothing imports, or only tests', () => {
    const manifest = JSON.parse(good().get('packages/queue/package.json')!)
    const found = (changes: object, code: string) => {
      const files = good()
        .set('packages/queue/package.json', JSON.stringify({ ...manifest, ...changes }))
        .set('packages/queue/src/b.test.ts', code)
      return checkRepository(repositoryOf(files), []).map(({ rule, message }) => [
        rule,
        message.split(' ').slice(2).join(' '),
      ])
    }

    expect(found({ dependencies: { ws: '8' } }, '')).toEqual([
      ['unused-dependencies', 'depends on it and does not import it'],
    ])
    expect(found({ dependencies: { '@types/ws': '8' } }, "import { WebSocket } from 'ws'")).toEqual([
      ['unused-dependencies', 'imports it only in tests: it belongs under devDependencies'],
    ])
    expect(found({ devDependencies: { ws: '8' } }, '')).toEqual([
      ['unused-dependencies', 'has it under devDependencies and does not import it'],
    ])
    expect(found({ devDependencies: { ws: '8' } }, "import { WebSocket } from 'ws/client'")).toEqual([])
  })

  it('report a manifest that differs from the others', () => {
    const manifest = JSON.parse(good().get('packages/queue/package.json')!)
    const subjects = (changes: object) =>
      findings('packages/queue/package.json', JSON.stringify({ ...manifest, ...changes }))
        .filter(({ rule }) => rule === 'uniform-packages')
        .map(({ subject }) => subject)

    expect(subjects({ name: '@hansard/line' })).toEqual(['is named @hansard/line'])
    expect(subjects({ private: false })).toEqual(['is not private'])
    expect(subjects({ type: 'commonjs' })).toEqual(['is not of type module'])
    expect(subjects({ license: 'MIT' })).toEqual(['does not say its licence'])
    expect(subjects({ description: '' })).toEqual(['has no description'])
    expect(subjects({ scripts: {} })).toEqual(['has no build script'])
    expect(subjects({ exports: './dist/index.js' })).toEqual(['does not resolve from source under @hansard/source'])
    expect(subjects({ dependencies: { '@hansard/clock': '*' } })).toEqual([
      'depends on packages/clock and does not reference it',
    ])
  })

  it('exempt exactly what an exception names', () => {
    const files = good().set('apps/relay/src/b.ts', "import { x } from '@hansard/adapter-xml'")
    const exception = { rule: 'direct-imports', path: 'apps/relay/', subject: '@hansard/adapter-xml', because: 'so' }

    expect(checkRepository(repositoryOf(files), [exception])).toEqual([])
    expect(checkRepository(repositoryOf(files), [{ ...exception, path: 'apps/worker/' }]).map((f) => f.rule)).toEqual([
      'direct-imports',
      'no-unused-exceptions',
    ])
  })

  it('report a file they cannot parse', () => {
    expect(() => findings('packages/queue/src/b.ts', 'export const = 1')).toThrow(/cannot be parsed/)
  })
})
