import { openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { table } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'

type Options = PoolOptions & {
  readonly category?: string
  readonly room?: string
  readonly presenters: boolean
  readonly filter?: string
  readonly limit: number
}

/** Whom the lists of a room, or of the rooms of a category, may name. */
export async function listEligible(io: Io, options: Options): Promise<ExitCode> {
  const { category, room, presenters, filter, limit } = options
  if ((category === undefined) === (room === undefined)) throw misused('Name either --category or --room.')
  if (presenters && room === undefined) throw misused('--presenters takes a --room.')
  const admin = await openAdmin(io, options)
  const query = said({ category, room, presenters: presenters ? ('true' as const) : undefined, filter })
  const found = await admin.ask('eligiblePrincipals', { query: { ...query, resultSize: limit } })
  answer(io, options.json, found, () =>
    [
      table(
        ['PRINCIPAL', 'NAME', 'TYPE'],
        found.principals.map(({ uri, name, type }) => [uri, name, type]),
      ),
      found.more ? 'There are more: say a narrower --filter.\n' : '',
    ].join(''),
  )
  return 0
}
