import { allPages, openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { table } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'

export async function listEndpoints(io: Io, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const endpoints = await allPages(undefined, async (page) => {
    const reply = await admin.ask('listEndpoints', { query: page })
    return { entries: reply.endpoints, next: reply.next }
  })
  answer(io, options.json, { endpoints }, () =>
    table(
      ['ENDPOINT', 'NAME'],
      endpoints.map(({ uri, displayName }) => [uri, displayName]),
    ),
  )
  return 0
}

export async function addEndpoint(io: Io, uri: string, options: PoolOptions & { name?: string }): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const endpoint = await admin.ask('addEndpoint', { body: { uri, ...said({ displayName: options.name }) } })
  answer(io, options.json, endpoint, () => `${endpoint.uri}  ${endpoint.displayName}\n`)
  return 0
}

export async function removeEndpoint(io: Io, endpoint: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const removed = await admin.ask('removeEndpoint', { parts: { endpoint } })
  answer(io, options.json, removed, () => `${endpoint} has been removed.\n`)
  return 0
}
