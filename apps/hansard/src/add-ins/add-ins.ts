import { ChangeAddInRequest } from '@hansard/admin-contract'
import { allPages, openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { type GivenOptions, valuesOf } from '../cli/schema-options.ts'
import { table } from '../cli/table.ts'
import { type PoolOptions, somethingNamed } from '../cli/verb.ts'

export async function listAddIns(io: Io, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const addIns = await allPages(undefined, async (page) => {
    const reply = await admin.ask('listAddIns', { query: page })
    return { entries: reply.addIns, next: reply.next }
  })
  answer(io, options.json, { addIns }, () =>
    table(
      ['ADD-IN', 'URL'],
      addIns.map(({ name, url }) => [name, url]),
    ),
  )
  return 0
}

export async function addAddIn(io: Io, body: { name: string; url: string }, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const addIn = await admin.ask('addAddIn', { body })
  answer(io, options.json, addIn, () => `${addIn.name}  ${addIn.url}\n`)
  return 0
}

export async function setAddIn(io: Io, addIn: string, options: PoolOptions & GivenOptions): Promise<ExitCode> {
  const body = somethingNamed(valuesOf(ChangeAddInRequest, options), 'add-ins set')
  const admin = await openAdmin(io, options)
  const changed = await admin.ask('changeAddIn', { parts: { addIn }, body })
  answer(io, options.json, changed, () => `${changed.name}  ${changed.url}\n`)
  return 0
}

export async function removeAddIn(io: Io, addIn: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const removed = await admin.ask('removeAddIn', { parts: { addIn } })
  answer(io, options.json, removed, () => `${addIn} has been removed.\n`)
  return 0
}
