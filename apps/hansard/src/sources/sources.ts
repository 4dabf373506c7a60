import { openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import type { AddressOptions } from '../cli/pool-address.ts'

/** Says that a silent source will not come back: it is fenced, so it cannot, and no longer holds an interval open. */
export async function declareDead(
  io: Io,
  source: string,
  options: AddressOptions & { json: boolean },
): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const declared = await admin.ask('declareDead', { body: { source } })
  answer(
    io,
    options.json,
    declared,
    () => `${declared.source}, epoch ${declared.epoch}, is declared dead and fenced.\n`,
  )
  return 0
}
