import type { TestProject } from 'vitest/node'
import { RUN_SERVERS } from './ask-run.ts'
import { startRunServers } from './run-servers.ts'

/** vitest runs this once, before the first file, in the process whose environment the workers inherit. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await startRunServers()
  process.env[RUN_SERVERS] = servers.url
  project.onTestsRerun(async () => servers.forgetTemplates())
  return async () => {
    delete process.env[RUN_SERVERS]
    await servers.stop()
  }
}
