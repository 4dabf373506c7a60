import { cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const LEFT_OUT = new Set(['node_modules', '.git', '.turbo', 'coverage', 'hansard-data', 'hansard-dev'])
const OWN = '@hansard'

/**
 * A copy of the repository in which code may be changed. The packages of others are those of the repository; our own
 * are those of the copy, so that a test of one package meets what was changed in another.
 */
export function scratchCopy(root: string): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-mutants-'))
  for (const name of readdirSync(root))
    if (!LEFT_OUT.has(name))
      cpSync(join(root, name), join(directory, name), {
        recursive: true,
        filter: (from) => basename(from) !== 'dist' && basename(from) !== '.turbo',
      })
  const modules = join(root, 'node_modules')
  mkdirSync(join(directory, 'node_modules', OWN), { recursive: true })
  for (const name of readdirSync(modules))
    if (name !== OWN && name !== '.cache') symlinkSync(join(modules, name), join(directory, 'node_modules', name))
  for (const name of readdirSync(join(modules, OWN))) {
    const own = join(modules, OWN, name)
    if (lstatSync(own).isSymbolicLink()) symlinkSync(readlinkSync(own), join(directory, 'node_modules', OWN, name))
  }
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
