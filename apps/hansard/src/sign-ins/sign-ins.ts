import type { SignInOutcome } from '@hansard/rooms'
import { openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { table, utc } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'

export type ListSignInsOptions = PoolOptions & {
  readonly account?: string
  readonly outcome?: SignInOutcome
  readonly from?: number
  readonly to?: number
  readonly limit: number
}

/** Who signed in and who could not, newest first. */
export async function listSignIns(io: Io, options: ListSignInsOptions): Promise<ExitCode> {
  const { account, outcome, from, to, limit } = options
  const admin = await openAdmin(io, options)
  const { signIns } = await admin.ask('listSignIns', { query: said({ account, outcome, from, to, limit }) })
  answer(io, options.json, { signIns }, () =>
    table(
      ['TIME', 'OUTCOME', 'ACCOUNT', 'FROM', 'DEVICE', 'SERVICE', 'TIMES', 'DETAIL'],
      signIns.map((one) => [
        utc(one.at),
        one.outcome,
        one.account,
        one.remote,
        one.device,
        one.service,
        one.count,
        one.detail,
      ]),
    ),
  )
  return 0
}
