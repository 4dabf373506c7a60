import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { RUN_SERVERS } from './ask-run.ts'
import { COMPILE_CACHE, fillCompileCache } from './compile-cache.ts'
import { memoryDirectory } from './memory-directory.ts'
import { startRunServers } from './run-servers.ts'

/** vitest runs this once, before the first file, in the process whose environment the workers inherit. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // A chosen directory is used, and what shall be kept must outlive the run.
  const chosen = process.env['TMPDIR'] ?? process.env['HANSARD_KEEP']
  const memory = chosen === undefined ? await memoryDirectory() : undefined
  if (memory !== undefined) process.env['TMPDIR'] = memory
  const servers = await startRunServers()
  process.env[RUN_SERVERS] = servers.url
  process.env['NODE_COMPILE_CACHE'] ??= COMPILE_CACHE
  // Not awaited: a process started before the cache is full compiles for itself.
  const filling = fillCompileCache().catch(() => {})
  project.onTestsRerun(async () => servers.forgetTemplates())
  return async () => {
    delete process.env[RUN_SERVERS]
    await filling
    await servers.stop()
    if (memory === undefined) return
    delete process.env['TMPDIR']
    await rm(memory, { recursive: true, force: true, maxRetries: 5 })
  }
}
