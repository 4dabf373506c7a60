import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReleaseRefused, release } from './release.ts'

const manifest = (name: string) => `{\n  "name": "${name}",\n  "version": "0.1.0"\n}\n`
const LOCK = {
  name: 'scratch',
  version: '0.1.0',
  packages: {
    '': { name: 'scratch', version: '0.1.0' },
    'apps/a': { name: '@hansard/a', version: '0.1.0' },
    'node_modules/stranger': { version: '0.1.0' },
  },
}
const FILES: Readonly<Record<string, string>> = {
  'package.json': manifest('scratch'),
  'apps/a/package.json': manifest('@hansard/a'),
  'apps/a/src/version.ts': "export const VERSION = '0.1.0'\n",
  'apps/a/src/main.ts': "start({ version: '0.1.0', minimum: '0.1.0' })\n",
  'package-lock.json': `${JSON.stringify(LOCK, null, 2)}\n`,
  'CHANGELOG.md': '# Changes\n\nWhat a user notices.\n\n## 0.1.0, 2026-01-02\n\nThe first one.\n',
  'docs/changes/unreleased/b.md': '**B.** It failed. It works.\n',
  'docs/changes/unreleased/a.md': '**A.** It was slow. It is fast.\n',
}

describe('a release', () => {
  let root: string
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' })
  const read = (file: string) => readFileSync(join(root, file), 'utf8')
  const make = (version: string, dryRun = false) => release({ root, version, date: '2026-11-28', dryRun })

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'hansard-release-'))
    for (const [file, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), text)
    }
    git('init', '--quiet')
    git('config', 'user.name', 'Tester')
    git('config', 'user.email', 'tester@example.com')
    git('add', '--all')
    git('commit', '--quiet', '--message', 'begin')
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  it('moves the fragments into the changelog, the newest release first', () => {
    make('0.2.0')

    expect(read('CHANGELOG.md')).toBe(
      `# Changes

What a user notices.

## 0.2.0, 2026-11-28

**A.** It was slow. It is fast.

**B.** It failed. It works.

## 0.1.0, 2026-01-02

The first one.
`,
    )
    expect(git('ls-files', 'docs').trim()).toBe('docs/changes/unreleased/.gitkeep')
  })

  it('sets the version of all own packages, and of nothing else', () => {
    make('0.2.0')

    for (const file of ['package.json', 'apps/a/package.json']) expect(JSON.parse(read(file)).version).toBe('0.2.0')
    const { version, packages } = JSON.parse(read('package-lock.json')) as typeof LOCK
    expect([version, packages[''].version, packages['apps/a'].version]).toEqual(['0.2.0', '0.2.0', '0.2.0'])
    expect(packages['node_modules/stranger'].version).toBe('0.1.0')
    expect(read('apps/a/src/version.ts')).toBe("export const VERSION = '0.2.0'\n")
    expect(read('apps/a/src/main.ts')).toBe("start({ version: '0.2.0', minimum: '0.1.0' })\n")
  })

  it('is one commit with a tag, and leaves no other trace', () => {
    make('0.2.0')

    expect(git('log', '--format=%s').trim().split('\n')).toEqual(['release: 0.2.0', 'begin'])
    expect(git('tag', '--points-at', 'HEAD').trim()).toBe('v0.2.0')
    expect(git('cat-file', '-t', 'v0.2.0').trim()).toBe('tag')
    expect(git('status', '--porcelain')).toBe('')
  })

  it('changes nothing in a dry run, and reports what it would change', () => {
    const { section, changed, removed } = make('0.2.0', true)

    expect(section).toContain('**A.** It was slow.')
    expect(changed).toEqual([
      'CHANGELOG.md',
      'apps/a/package.json',
      'apps/a/src/main.ts',
      'apps/a/src/version.ts',
      'package-lock.json',
      'package.json',
    ])
    expect(removed).toEqual(['docs/changes/unreleased/a.md', 'docs/changes/unreleased/b.md'])
    expect(git('status', '--porcelain')).toBe('')
    expect(git('tag').trim()).toBe('')
  })

  it.each([
    ['0.1.0', 'not newer'],
    ['0.0.9', 'not newer'],
    ['two', 'three numbers'],
    ['1.0.0-beta', 'three numbers'],
  ])('refuses the version %s', (version, why) => {
    expect(() => make(version)).toThrow(why)
    expect(git('log', '--format=%s').trim()).toBe('begin')
  })

  it('treats 0.10.0 as newer than 0.2.0', () => {
    make('0.2.0')
    writeFileSync(join(root, 'docs/changes/unreleased/c.md'), '**C.** New.\n')
    git('add', '--all')
    git('commit', '--quiet', '--message', 'more')

    expect(make('0.10.0').tag).toBe('v0.10.0')
  })

  it('refuses a tree with changes, an existing tag, and an empty release', () => {
    writeFileSync(join(root, 'left.txt'), 'over')
    expect(() => make('0.2.0')).toThrow(ReleaseRefused)
    expect(() => make('0.2.0')).toThrow('uncommitted changes')
    rmSync(join(root, 'left.txt'))

    git('tag', 'v0.2.0')
    expect(() => make('0.2.0')).toThrow('already')

    make('0.3.0')
    expect(() => make('0.4.0')).toThrow('Nothing is unreleased')
  })
})
