import { openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import type { AddressOptions } from '../cli/pool-address.ts'
import { duration, table, visible } from '../cli/table.ts'

type Options = AddressOptions & { readonly json: boolean }

export async function listLeases(io: Io, options: Options): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const reply = await admin.ask('leases')
  answer(io, options.json, reply, () =>
    table(
      ['LEASE', 'HOLDER', 'TOKEN', 'EXPIRES'],
      reply.leases.map(({ name, holder, token, expiresInMs }) => [
        name,
        holder,
        token,
        expiresInMs > 0 ? `in ${duration(expiresInMs)}` : `expired ${duration(-expiresInMs)} ago`,
      ]),
    ),
  )
  return 0
}

export async function breakLease(io: Io, lease: string, options: Options): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const broken = await admin.ask('breakLease', { parts: { lease } })
  answer(
    io,
    options.json,
    broken,
    () => `The lease ${broken.name} is broken: ${visible(broken.holder)} is fenced, and the next that asks gets it.\n`,
  )
  return 0
}
