import type { VerifyAuditReply } from '@hansard/admin-contract'
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
export type VerifyAuditOptions = PoolOptions & {
  readonly expect?: Mark
  /** public keys that pool manifests may be signed with; none: any */
  readonly key: readonly string[]
}

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

/** Exit code 1 when a record is altered, missing or not Hansard's, or a head is not signed with the named key. */
export async function verifyAudit(io: Io, options: VerifyAuditOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const verdict = await admin.ask('verifyAudit', { query: said({ ...options.expect }) })
  const { records, head, problem, signed } = verdict
  const named = options.key.length > 0
  const stranger = named ? signed.keys.find((key) => !options.key.includes(key)) : undefined
  const unsigned = named && signed.newest === null
  answer(io, options.json, verdict, () => {
    if (problem) return `${problem.message}\n`
    const whole = `${counted(records, 'record')}, every one as it was written.`
    const note = `Note for next time: --expect ${records}:${head}\n`
    return `${whole}\n${signedText(signed)}\n${note}`
  })
  if (stranger !== undefined) io.stderr.write(`Heads are signed with ${stranger}, which is not a key that was named.\n`)
  if (unsigned) io.stderr.write('No signed pool manifest holds a head of the audit trail.\n')
  return problem || stranger !== undefined || unsigned ? 1 : 0
}

function signedText({ heads, keys, newest }: VerifyAuditReply['signed']): string {
  if (!newest) return 'No signed pool manifest holds a head of the audit trail yet.'
  const rest = `The newest is that of record ${newest.number}, sealed with the interval that ended at ${newest.at}.`
  return `It agrees with ${counted(heads, 'head')} in signed pool manifests. ${rest}\nSigned with ${keys.join(', ')}`
}
