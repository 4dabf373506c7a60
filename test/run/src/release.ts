import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FRAGMENTS = 'docs/changes/unreleased'
const CHANGELOG = 'CHANGELOG.md'
/** The newest release is inserted before the first heading of this kind. */
const FIRST_SECTION = /^## /m
/** Where a program has its version. The text before it must be the old version. */
const VERSION_IN_SOURCE = /\bversion: '(\d+\.\d+\.\d+)'|\bVERSION = '(\d+\.\d+\.\d+)'/g

type Release = {
  readonly section: string
  /** relative to the root of the repository */
  readonly changed: readonly string[]
  readonly removed: readonly string[]
  readonly tag: string
}

/** Problems with the request or the repository. Nothing has been changed. */
export class ReleaseRefused extends Error {
  override name = 'ReleaseRefused'
}

/**
 * Makes a release of the checked-out tree: the fragments become a section of CHANGELOG.md, the version is set in
 * every manifest, in the lock file and in every program, and all of it is one commit with a tag. It pushes nothing. A
 * dry run only reports what would change.
 */
export function release(options: {
  readonly root: string
  readonly version: string
  /** YYYY-MM-DD */
  readonly date: string
  readonly dryRun: boolean
}): Release {
  const { root, version, date, dryRun } = options
  const read = (file: string) => readFileSync(join(root, file), 'utf8')
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' })

  const current = (JSON.parse(read('package.json')) as { version: string }).version
  const tag = `v${version}`
  if (!/^\d+\.\d+\.\d+$/.test(version))
    throw new ReleaseRefused(`A version is three numbers, as in 1.2.3, not ${version}.`)
  if (!isNewer(version, current)) throw new ReleaseRefused(`${version} is not newer than ${current}.`)
  if (git('tag', '--list', tag).trim() !== '') throw new ReleaseRefused(`There is a tag ${tag} already.`)
  if (!dryRun && git('status', '--porcelain').trim() !== '')
    throw new ReleaseRefused('There are uncommitted changes. Commit them, or run git stash.')
  const fragments = existsSync(join(root, FRAGMENTS))
    ? readdirSync(join(root, FRAGMENTS))
        .filter((name) => name.endsWith('.md'))
        .toSorted()
    : []
  if (fragments.length === 0) throw new ReleaseRefused(`Nothing is unreleased: ${FRAGMENTS} has no fragment.`)

  const removed = fragments.map((name) => `${FRAGMENTS}/${name}`)
  const section = [`## ${version}, ${date}`, ...removed.map((file) => read(file).trim())].join('\n\n')
  const writes = new Map<string, string>([[CHANGELOG, withSection(read(CHANGELOG), section)]])
  for (const file of git('ls-files').split('\n')) {
    if (/(^|\/)package\.json$/.test(file)) writes.set(file, inManifest(file, read(file), current, version))
    else if (file === 'package-lock.json') writes.set(file, inLock(read(file), current, version))
    else if (/\/src\/.*\.ts$/.test(file) && !file.endsWith('.test.ts')) {
      const before = read(file)
      const after = before.replace(VERSION_IN_SOURCE, (text, one, two) =>
        (one ?? two) === current ? text.replace(current, version) : text,
      )
      if (after !== before) writes.set(file, after)
    }
  }
  const result = { section, changed: [...writes.keys()].toSorted(), removed, tag }
  if (dryRun) return result

  for (const [file, text] of writes) writeFileSync(join(root, file), text)
  for (const file of removed) rmSync(join(root, file))
  // git keeps no empty directory, and the next change needs it.
  writeFileSync(join(root, FRAGMENTS, '.gitkeep'), '')
  git('add', '--all')
  git('commit', '--quiet', '--message', `release: ${version}`)
  git('tag', '--annotate', tag, '--message', `Hansard ${version}`)
  return result
}

function isNewer(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number)) as [number[], number[]]
  const at = a.findIndex((part, index) => part !== b[index])
  return at !== -1 && a[at]! > b[at]!
}

function withSection(changelog: string, section: string): string {
  const at = changelog.search(FIRST_SECTION)
  return at === -1
    ? `${changelog.trimEnd()}\n\n${section}\n`
    : `${changelog.slice(0, at)}${section}\n\n${changelog.slice(at)}`
}

function inManifest(file: string, text: string, current: string, version: string): string {
  const line = `"version": "${current}"`
  if (!text.includes(line)) throw new ReleaseRefused(`${file} is not at version ${current}.`)
  return text.replace(line, `"version": "${version}"`)
}

function inLock(text: string, current: string, version: string): string {
  const lock = JSON.parse(text) as { version: string; packages: Record<string, { version?: string }> }
  if (lock.version !== current) throw new ReleaseRefused(`package-lock.json is not at version ${current}.`)
  lock.version = version
  // An external dependency may have the same version by chance.
  for (const [path, entry] of Object.entries(lock.packages))
    if (!path.includes('node_modules/') && entry.version === current) entry.version = version
  return `${JSON.stringify(lock, null, 2)}\n`
}
