import { join } from 'node:path'
import { type ExportDetail, exportId, parseExportId, ReplayResult } from '@hansard/admin-contract'
import { systemClock } from '@hansard/clock'
import { type AdminClient, awaitRequest, openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import type { AddressOptions } from '../cli/pool-address.ts'
import { startWaiting } from '../cli/progress.ts'
import { counted, table, utc, visible } from '../cli/table.ts'

type Options = AddressOptions & { readonly json: boolean }

/** Newest first. */
export async function listExports(
  io: Io,
  options: Options & { adapter?: string | undefined; limit: number },
): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const query = { adapter: options.adapter, limit: options.limit }
  const { exports } = await admin.ask('listExports', { query })
  answer(io, options.json, { exports }, () =>
    table(
      ['EXPORT', 'KIND', 'STATE', 'FROM', 'TO', 'ACCEPTED', 'WRITTEN', 'FILES', 'SEALED'],
      exports.map((one) => [
        exportId(one.adapter, one.number),
        one.kind,
        one.incomplete === null ? one.state : 'INCOMPLETE',
        utc(one.start),
        utc(one.end),
        one.events,
        one.written ?? '',
        one.documents,
        one.sealedAt === null ? '' : utc(one.sealedAt),
      ]),
    ),
  )
  return 0
}

export async function showExport(io: Io, id: string, options: Options): Promise<ExitCode> {
  const detail = await find(await openAdmin(io, options), id)
  answer(io, options.json, detail, () =>
    [
      `Export     ${exportId(detail.adapter, detail.number)} (${detail.kind}, ${detail.state})\n`,
      `Interval   ${utc(detail.start)} to ${utc(detail.end)}\n`,
      `Sealed     ${detail.sealedAt === null ? 'not yet' : utc(detail.sealedAt)}\n`,
      `Events     ${eventsOf(detail)}\n`,
      ...(detail.incomplete === null ? [] : [`INCOMPLETE ${visible(detail.incomplete)}\n`]),
      `Directory  ${detail.directory}\n`,
      `Manifest   ${detail.manifest ?? 'not yet'}\n`,
      ...(detail.manifestSha256 === null ? [] : [`           SHA-256 ${detail.manifestSha256}\n`]),
      '\n',
      table(
        ['FILE', 'ROLE', 'BYTES', 'EVENTS', 'SHA-256'],
        detail.files.map(({ name, role, size, events, sha256 }) => [name, role, size, events, sha256]),
      ),
    ].join(''),
  )
  return 0
}

/** What was accepted is not all written: a format has no place for some kinds of events, and none of them is lost. */
function eventsOf({ events, written, documents, adapter }: ExportDetail): string {
  if (written === null) return `${counted(events, 'event')} accepted, not written yet`
  const all = `${counted(events, 'event')} accepted, ${written.toLocaleString('en-US')} written in ${counted(documents, 'document')}`
  return written === events ? all : `${all}; the format of ${visible(adapter)} has no place for the others`
}

/** One path a line, for other programs. */
export async function exportFiles(io: Io, id: string, options: Options): Promise<ExitCode> {
  const { directory, files } = await find(await openAdmin(io, options), id)
  const paths = files.map(({ name, ...rest }) => ({ path: join(directory, name), ...rest }))
  answer(io, options.json, { files: paths }, () => paths.map(({ path }) => `${path}\n`).join(''))
  return 0
}

/** Renders an export again from what is staged, and compares it with the sealed bytes. */
export async function replayExport(io: Io, id: string, options: Options): Promise<ExitCode> {
  const parts = parse(id)
  const admin = await openAdmin(io, options)
  const { request } = await admin.ask('replayExport', { parts })
  const progress = startWaiting(io, { what: `rendering ${id} again`, json: options.json })
  try {
    const done = await awaitRequest(admin, request, {
      clock: systemClock,
      stop: io.stop,
      waiting: () => progress.update(0),
    })
    progress.end()
    const result = ReplayResult.parse(done.result)
    answer(io, options.json, result, () => describeReplay(id, result))
    return result.identical && result.onDisk.length === 0 ? 0 : 1
  } finally {
    progress.end()
  }
}

/** "Identical" only when both the rendered bytes and the files on disk are what was sealed. */
function describeReplay(id: string, { identical, files, differences, onDisk }: ReplayResult): string {
  if (identical && onDisk.length === 0) return `${id}: ${counted(files, 'file')}, identical to what was sealed.\n`
  return [
    identical
      ? `${id}: the record gives the sealed bytes, but the files on disk are NOT what was sealed:\n`
      : `${id}: NOT identical to what was sealed.\n`,
    ...differences.map(
      ({ name, sealedSha256, renderedSha256 }) =>
        `  ${name}\n    sealed   ${sealedSha256 ?? 'missing'}\n    rendered ${renderedSha256 ?? 'missing'}\n`,
    ),
    ...onDisk.map(({ name, problem }) => `  on disk: ${name} ${problem}\n`),
    ...(identical ? [`\`hansard exports restore ${id}\` writes the sealed bytes again.\n`] : []),
  ].join('')
}

function find(admin: AdminClient, id: string): Promise<ExportDetail> {
  return admin.ask('showExport', { parts: parse(id) })
}

/** @internal */
export function parse(id: string): { adapter: string; number: number } {
  const parts = parseExportId(id)
  if (parts) return parts
  throw misused(
    `"${id}" is not the name of an export.`,
    'It looks like xml/12: adapter and number, as `exports list` shows.',
  )
}
