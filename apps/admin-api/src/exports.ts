import {
  type ExportDetail,
  type ExportSummary,
  exportId,
  type ListExportsReply,
  parseExportId,
} from '@hansard/admin-contract'
import { lastReports, newestStamp } from '@hansard/pool-store'
import { databaseNow } from '@hansard/sql'
import {
  addRequest,
  closedThrough,
  countQuarantined,
  type Export,
  filesOf,
  findExport,
  findRequest,
  listExports as listExportsOf,
  listQuarantined,
  type RequestDetail,
} from '@hansard/staging'
import type { Call, Handle } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { AdminProblem } from './problems.ts'

type Deps = Pick<AdminApiDeps, 'complianceDb' | 'clock'>
type ExportName = { readonly adapter: string; readonly number: number }

const QUARANTINE_SHOWN = 200
const BODY_SHOWN = 2_000

export const listExports: Handle<'listExports'> = async (deps, { query }): Promise<ListExportsReply> => {
  const { adapter, after, limit } = query
  const from = after === undefined ? undefined : parseExportId(after)
  if (after !== undefined && !from)
    throw new AdminProblem('malformed', `"${after}" is no export; exports are named like xml/12.`)
  const found = await listExportsOf(deps.complianceDb, {
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

export const showExport: Handle<'showExport'> = async (deps, { path }): Promise<ExportDetail> => {
  const id = exportNamed(path)
  const found = await getExport(deps, id)
  const files = await filesOf(deps.complianceDb, found.id)
  const documents = files.filter((file) => file.role === 'document')
  return {
    ...summaryOf({ ...found, documents: documents.length, written: sum(documents) }),
    directory: found.settings?.directory ?? '',
    manifest: found.manifestName,
    manifestSha256: found.manifestSha256,
    files,
  }
}

/** A source may stamp this much ahead of the database's clock, and be sealed with what it said; milliseconds. */
const STAMPS_AHEAD_MAX = 5_000

/** A database's clock that is further ahead of every source's report is wrong, or no source lives; milliseconds. */
const REPORTS_BEHIND_MAX = 60_000

/**
 * The interval to be sealed contains what was accepted before the request: it ends after the last stamp on record,
 * and after the request by the clock of the database, whatever the clock of this service says.
 */
export const seal: Handle<'seal'> = async (deps, { actor }) => {
  const { poolDb, complianceDb, clock } = deps
  const ahead = await newestStamp(poolDb)
  // Before the time is read: an interval that closes in between contains what was accepted before it closed.
  const through = await closedThrough(complianceDb)
  const now = await databaseNow(complianceDb, clock)
  if (ahead && ahead.at - now > STAMPS_AHEAD_MAX) {
    const seconds = Math.round((ahead.at - now) / 1_000)
    throw new AdminProblem(
      'conflict',
      `Source ${ahead.source}/${ahead.epoch} stamps its events ${seconds} s ahead of the database's clock: an interval that ends now does not contain them.`,
      'Correct the clock of its machine, or wait until that time has come; see `hansard status`.',
    )
  }
  const newest = Math.max(...(await lastReports(poolDb)).map(({ reportedAt }) => reportedAt))
  if (Number.isFinite(newest) && now - newest > REPORTS_BEHIND_MAX) {
    const seconds = Math.round((now - newest) / 1_000)
    throw new AdminProblem(
      'conflict',
      `By the database's clock no source has reported for ${seconds} s: an interval that ends now cannot close.`,
      'Correct the clock of the database, or start the services; see `hansard status`.',
    )
  }
  const requestedAt = Math.max(now, ahead?.at ?? 0)
  const request = { kind: 'seal', closedThrough: through } as const
  return { request: String(await addRequest(complianceDb, { request, requestedBy: actor.account, now: requestedAt })) }
}

export const retryQuarantine: Handle<'retryQuarantine'> = (deps, { actor }) =>
  askWorker(deps, actor.account, { kind: 'quarantine-retry' })

export const checkExports: Handle<'checkExports'> = (deps, { actor }) =>
  askWorker(deps, actor.account, { kind: 'check' })

export const restoreExport: Handle<'restoreExport'> = async (deps, { actor, path }) => {
  const id = exportNamed(path)
  const found = await getExport(deps, id)
  if (found.state !== 'sealed') {
    const name = exportId(id.adapter, id.number)
    throw new AdminProblem('conflict', `${name} is not sealed yet; there is nothing to restore.`)
  }
  return askWorker(deps, actor.account, { kind: 'restore', ...id })
}

export const replayExport: Handle<'replayExport'> = async (deps, { actor, path }) => {
  const id = exportNamed(path)
  const found = await getExport(deps, id)
  if (found.state !== 'sealed') {
    const name = exportId(id.adapter, id.number)
    throw new AdminProblem('conflict', `${name} is not sealed yet; there is nothing to compare with.`)
  }
  return askWorker(deps, actor.account, { kind: 'replay', ...id })
}

/** Records a request to the worker, with its author. */
async function askWorker(
  { complianceDb, clock }: Deps,
  actor: string,
  request: RequestDetail,
): Promise<{ request: string }> {
  return { request: String(await addRequest(complianceDb, { request, requestedBy: actor, now: clock.now() })) }
}

export const requestState: Handle<'request'> = async ({ complianceDb }, { path }) => {
  const id = path['id']!
  const found = /^[1-9][0-9]{0,8}$/.test(id) ? await findRequest(complianceDb, Number(id)) : undefined
  if (!found) throw new AdminProblem('not-found', `There is no request ${JSON.stringify(id)}.`)
  const { kind, state, result, reason } = found
  return { request: id, kind, state, reason, ...(state === 'done' ? { result } : {}) }
}

export const quarantine: Handle<'quarantine'> = async (deps) => {
  const events = await listQuarantined(deps.complianceDb, { limit: QUARANTINE_SHOWN })
  return {
    count: await countQuarantined(deps.complianceDb),
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

function exportNamed(path: Call['path']): ExportName {
  const id = parseExportId(`${path['adapter']}/${path['number']}`)
  if (!id) throw new AdminProblem('not-found', `There is no export ${path['adapter']}/${path['number']}.`)
  return id
}

async function getExport({ complianceDb }: Deps, { adapter, number }: ExportName): Promise<Export> {
  const found = await findExport(complianceDb, { adapter, number })
  if (!found)
    throw new AdminProblem(
      'not-found',
      `There is no export ${exportId(adapter, number)}.`,
      'See `hansard exports list`.',
    )
  return found
}

function sum(documents: readonly { readonly events: number }[]): number {
  return documents.reduce((total, { events }) => total + events, 0)
}

function summaryOf(found: Export & { documents: number; written: number }): ExportSummary {
  return {
    adapter: found.adapter,
    number: found.number,
    kind: found.kind,
    state: found.state === 'sealed' ? 'sealed' : 'planned',
    start: found.startsAt,
    end: found.endsAt,
    sealedAt: found.sealedAt,
    events: found.events,
    written: found.state === 'sealed' ? found.written : null,
    documents: found.documents,
    incomplete: found.incomplete,
  }
}
