import { execFile } from 'node:child_process'
import { globSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const repository = resolve(import.meta.dirname, '../../..')

/**
 * Services that tests start as processes run from TypeScript. Node stores stripped and compiled code here, so a
 * start neither strips nor compiles again.
 */
export const COMPILE_CACHE = join(repository, 'node_modules/.cache/hansard/compile')

/** Its time of change is when the cache was last filled. */
const FILLED = join(COMPILE_CACHE, 'filled')

/**
 * Fills the cache, and again after a source has changed. A process writes the cache only when it exits by itself,
 * which killed processes never do.
 */
export async function fillCompileCache(): Promise<void> {
  const sources = globSync(['{apps,packages,adapters}/*/src/**/*.ts', 'package-lock.json'], { cwd: repository })
  const filled = statSync(FILLED, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (!sources.some((file) => statSync(join(repository, file)).mtimeMs > filled)) return
  const began = new Date()
  const apps = globSync('apps/*/src/index.ts', { cwd: repository }).map((file) => pathToFileURL(join(repository, file)))
  const program = `await Promise.all(${JSON.stringify(apps)}.map((app) => import(app)))`
  await promisify(execFile)(
    process.execPath,
    ['--conditions=@hansard/source', '--input-type=module', '--eval', program],
    { cwd: repository, env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE } },
  )
  mkdirSync(COMPILE_CACHE, { recursive: true })
  writeFileSync(FILLED, '')
  utimesSync(FILLED, began, began)
}
