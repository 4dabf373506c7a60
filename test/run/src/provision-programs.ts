import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { clamdProgram, postgresBin } from '@hansard/test-servers'

type Program = { readonly name: string; readonly debianPackage: string; found(path: string): boolean }

const onPath = (program: string) => (path: string) =>
  path.split(delimiter).some((directory) => existsSync(join(directory, program)))

const inSystem = (program: string) => (path: string) =>
  onPath(program)([path, '/usr/sbin', '/usr/local/sbin'].join(delimiter))

/** The programs that the tests run besides Node. None of them is a mock. */
const PROGRAMS: readonly Program[] = [
  { name: 'PostgreSQL 15 or later', debianPackage: 'postgresql', found: () => doesNotThrow(postgresBin) },
  { name: 'redis-server', debianPackage: 'redis-server', found: onPath('redis-server') },
  { name: 'xmllint', debianPackage: 'libxml2-utils', found: onPath('xmllint') },
  { name: 'xsltproc', debianPackage: 'xsltproc', found: onPath('xsltproc') },
  { name: 'python3', debianPackage: 'python3', found: onPath('python3') },
  { name: 'clamd', debianPackage: 'clamav-daemon', found: () => clamdProgram() !== undefined },
  // Debian installs both where only root's PATH leads.
  { name: 'pgbouncer', debianPackage: 'pgbouncer', found: inSystem('pgbouncer') },
  { name: 'nginx', debianPackage: 'nginx', found: inSystem('nginx') },
  { name: 'openssl', debianPackage: 'openssl', found: onPath('openssl') },
]

export function findMissingPrograms(path: string): readonly Program[] {
  return PROGRAMS.filter((program) => !program.found(path))
}

/** Installs missing programs where permitted. Returns the names of those still missing. */
export function provisionPrograms(env: NodeJS.ProcessEnv): readonly string[] {
  const path = env['PATH'] ?? ''
  const missing = findMissingPrograms(path)
  if (missing.length > 0 && process.getuid?.() === 0 && onPath('apt-get')(path)) {
    const packages = missing.map((program) => program.debianPackage)
    process.stdout.write(`Installing ${packages.join(', ')} …\n`)
    const options: SpawnSyncOptions = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
    }
    // Package lists may be stale but sufficient: a failed update is no reason to give up yet.
    spawnSync('apt-get', ['update', '-qq'], options)
    spawnSync('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...packages], options)
  }
  return findMissingPrograms(path).map((program) => `${program.name} (Debian: ${program.debianPackage})`)
}

function doesNotThrow(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
