import {
  type ExportDetail,
  type ExportSummary,
  exportId,
  type ListExportsQuery,
  type ListExportsReply,
  parseExportId,
  type QuarantineReply,
  type RequestState,
} from '@hansard/admin-contract'
import {
  addRequest,
  appendAudit,
  countQuarantined,
  type Export,
  filesOf,
  findExport,
  findRequest,
  listExports as listExportsOf,
  listQuarantined,
  type RequestDetail,
} from '@hansard/staging'
import { AdminProblem } from './problems.ts'
import type { AdminApiParts } from './service.ts'

type Parts = Pick<AdminApiParts, 'complianceDb' | 'clock'>

const QUARANTINE_SHOWN = 200
const BODY_SHOWN = 2_000

/** Every look at the exports is on record before it is answered. */
async function audit({ complianceDb, clock }: Parts, actor: string, action: string, object: string): Promise<void> {
  await appendAudit(complianceDb.knex, { at: clock.now(), actor, action, object, detail: {} })
}

export async function listExports(
  parts: Parts,
  actor: string,
  { adapter, after, limit }: ListExportsQuery,
): Promise<ListExportsReply> {
  const from = after === undefined ? undefined : parseExportId(after)
  if (after !== undefined && !from)
    throw new AdminProblem('malformed', `"${after}" is no export; exports are named like xml/12.`)
  await audit(parts, actor, 'list-exports', adapter ?? 'all adapters')
  const found = await listExportsOf(parts.complianceDb, {
    adapter: adapter ?? from?.adapter,
    before: from?.number,
    limit: limit + 1,
  })
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return {
    exports: page.map(summaryOf),
    next: found.length > limit && last ? exportId(last.adapter, last.number) : null,
  }
}

export async function showExport(
  parts: Parts,
  actor: string,
  id: { adapter: string; number: number },
): Promise<ExportDetail> {
  const found = await getExport(parts, id)
  await audit(parts, actor, 'show-export', exportId(id.adapter, id.number))
  const files = await filesOf(parts.complianceDb, found.id)
  return {
    ...summaryOf({ ...found, documents: files.filter((file) => file.role === 'document').length }),
    directory: found.settings?.directory ?? '',
    manifest: found.manifestName,
    manifestSha256: found.manifestSha256,
    files,
  }
}

/** Puts a request to the worker on record, with who asked. */
export async function request(
  { complianceDb, clock }: Parts,
  actor: string,
  detail: RequestDetail,
): Promise<{ request: string }> {
  if (detail.kind === 'replay') {
    const found = await getExport({ complianceDb, clock }, detail)
    if (found.state !== 'sealed') {
      throw new AdminProblem(
        'conflict',
        `${exportId(detail.adapter, detail.number)} is not sealed yet; there is nothing to compare with.`,
      )
    }
  }
  return { request: String(await addRequest(complianceDb, { request: detail, requestedBy: actor, now: clock.now() })) }
}

export async function requestState({ complianceDb }: Parts, id: string): Promise<RequestState> {
  const found = /^[1-9][0-9]{0,9}$/.test(id) ? await findRequest(complianceDb, Number(id)) : undefined
  if (!found) throw new AdminProblem('not-found', `There is no request ${JSON.stringify(id)}.`)
  const { kind, state, result, reason } = found
  return { request: id, kind, state, reason, ...(state === 'done' ? { result } : {}) }
}

export async function quarantine(parts: Parts, actor: string): Promise<QuarantineReply> {
  await audit(parts, actor, 'list-quarantine', 'pool')
  const events = await listQuarantined(parts.complianceDb, { limit: QUARANTINE_SHOWN })
  return {
    count: await countQuarantined(parts.complianceDb),
    events: events.map(({ source, epoch, seq, at, reason, quarantinedAt, body }) => ({
      source,
      epoch,
      seq,
      at,
      reason,
      quarantinedAt,
      body: body.slice(0, BODY_SHOWN),
    })),
  }
}

async function getExport(
  { complianceDb }: Parts,
  { adapter, number }: { adapter: string; number: number },
): Promise<Export> {
  const found = await findExport(complianceDb, { adapter, number })
  if (!found)
    throw new AdminProblem(
      'not-found',
      `There is no export ${exportId(adapter, number)}.`,
      'See `hansard exports list`.',
    )
  return found
}

function summaryOf(found: Export & { documents: number }): ExportSummary {
  return {
    adapter: found.adapter,
    number: found.number,
    kind: found.kind,
    state: found.state === 'sealed' ? 'sealed' : 'planned',
    start: found.startsAt,
    end: found.endsAt,
    sealedAt: found.sealedAt,
    events: found.events,
    documents: found.documents,
  }
}
