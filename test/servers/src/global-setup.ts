import type { TestProject } from 'vitest/node'
import { RUN_SERVERS } from './ask-run.ts'
import { COMPILE_CACHE, fillCompileCache } from './compile-cache.ts'
import { startRunServers } from './run-servers.ts'

/** vitest runs this once, before the first file, in the process whose environment the workers inherit. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
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
  }
}
