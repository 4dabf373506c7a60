import { CheckResult, RestoreResult } from '@hansard/admin-contract'
import { systemClock } from '@hansard/clock'
import { type AdminClient, awaitRequest, openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import type { AddressOptions } from '../cli/pool-address.ts'
import { startWaiting } from '../cli/progress.ts'
import { counted } from '../cli/table.ts'
import { parse } from './exports.ts'

type Options = AddressOptions & { readonly json: boolean }

/** Compares every sealed file with its hash now. Exit code 1 when one is not as it was sealed. */
export async function checkExports(io: Io, options: Options): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const { request } = await admin.ask('checkExports')
  const result = CheckResult.parse(await done(io, options, admin, request, 'checking the sealed files'))
  answer(io, options.json, result, () =>
    [
      ...result.damaged.map(
        ({ adapter, number, directory, name, problem }) => `${adapter}/${number}: ${directory}/${name} ${problem}\n`,
      ),
      result.damagedCount === 0
        ? `${counted(result.files, 'file')}, all as they were sealed.\n`
        : `${result.damagedCount} of ${counted(result.files, 'file')} are not as they were sealed. \`hansard exports restore ID\` writes the sealed bytes again.\n`,
    ].join(''),
  )
  return result.damagedCount === 0 ? 0 : 1
}

/** Writes the sealed bytes of an export again. */
export async function restoreExport(io: Io, id: string, options: Options): Promise<ExitCode> {
  const parts = parse(id)
  const admin = await openAdmin(io, options)
  const { request } = await admin.ask('restoreExport', { parts })
  const result = RestoreResult.parse(await done(io, options, admin, request, `restoring ${id}`))
  answer(io, options.json, result, () =>
    result.written.length === 0
      ? `${id}: every file is as it was sealed. Nothing was written.\n`
      : [
          ...result.written.map((name) => `${id}: ${name} was written again.\n`),
          ...result.kept.map((name) => `  The damaged file is kept as ${name}.\n`),
        ].join(''),
  )
  return 0
}

async function done(io: Io, { json }: Options, admin: AdminClient, request: string, what: string): Promise<unknown> {
  const progress = startWaiting(io, { what, json })
  try {
    const waiting = () => progress.update(0)
    return (await awaitRequest(admin, request, { clock: systemClock, stop: io.stop, waiting })).result
  } finally {
    progress.end()
  }
}
