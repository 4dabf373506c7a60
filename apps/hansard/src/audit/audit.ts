import { openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { counted, table, utc } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'

export type ListAuditOptions = PoolOptions & {
  readonly actor?: string
  readonly action?: string
  readonly object?: string
  readonly from?: number
  readonly to?: number
  readonly after?: number
  readonly limit: number
}
export type Mark = { readonly number: number; readonly head: string }

export async function listAudit(io: Io, options: ListAuditOptions): Promise<ExitCode> {
  const { actor, action, object, from, to, after, limit } = options
  const admin = await openAdmin(io, options)
  const reply = await admin.ask('listAudit', { query: said({ actor, action, object, from, to, after, limit }) })
  answer(
    io,
    options.json,
    reply,
    () =>
      table(
        ['NUMBER', 'TIME', 'ACTOR', 'ACTION', 'OBJECT', 'DETAIL'],
        reply.records.map((one) => [
          one.number,
          utc(one.at),
          one.actor,
          one.action,
          one.object,
          JSON.stringify(one.detail),
        ]),
      ) + (reply.next === null ? '' : `Older records: --after ${reply.next}\n`),
  )
  return 0
}

/** Exit code 1 when a record is altered, missing or not Hansard's. */
export async function verifyAudit(io: Io, options: PoolOptions & { expect?: Mark }): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const verdict = await admin.ask('verifyAudit', { query: said({ ...options.expect }) })
  const { records, head, problem } = verdict
  answer(io, options.json, verdict, () =>
    problem
      ? `${problem.message}\n`
      : `${counted(records, 'record')}, every one as it was written. Note for next time: --expect ${records}:${head}\n`,
  )
  return problem ? 1 : 0
}
