import { join } from 'node:path'
import { RECORD_SERIES } from '@hansard/adapter'
import { SealResult } from '@hansard/admin-contract'
import { systemClock } from '@hansard/clock'
import { type AdminClient, awaitRequest, openAdmin } from '../cli/admin-client.ts'
import { CommandFailure } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import type { AddressOptions } from '../cli/pool-address.ts'
import { startWaiting } from '../cli/progress.ts'
import { table, utc } from '../cli/table.ts'

const LOOK_BACK = 1_000

/** Ends the open interval now, and waits until every adapter has sealed its export of it. */
export async function sealCommand(io: Io, options: AddressOptions & { json: boolean }): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const { request } = await admin.ask('seal')
  const progress = startWaiting(io, { what: 'sealing', json: options.json })
  try {
    const done = await awaitRequest(admin, request, {
      clock: systemClock,
      stop: io.stop,
      waiting: ({ reason }) => progress.update(0, reason ?? ''),
    })
    progress.end()
    const sealed = SealResult.parse(done.result)
    const document = await newestDocument(admin).catch((error: unknown) => {
      // An operator may seal, and not look at what is in the exports.
      if (error instanceof CommandFailure && error.code === 'not-allowed') return 'unseen' as const
      throw error
    })
    answer(io, options.json, { ...sealed, ...(document === 'unseen' ? {} : { document: document ?? null }) }, () =>
      [
        `Sealed ${utc(sealed.start)} to ${utc(sealed.end)}.\n`,
        table(
          ['EXPORT', 'ACCEPTED'],
          sealed.exports.map(({ adapter, number, events }) => [`${adapter}/${number}`, events]),
        ),
        ...(sealed.exports.some(({ events }) => events > 0) ? [] : ['Nothing happened in it.\n']),
        ...(document === undefined || document === 'unseen'
          ? []
          : [`Newest document: ${document}\nRead it:         less ${shellWord(document)}\n`]),
      ].join(''),
    )
    return 0
  } finally {
    progress.end()
  }
}

/** A path as a shell takes it for one word. */
function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

/** Where to read what was sealed last: now, or when an interval ended by itself a moment ago. */
async function newestDocument(admin: AdminClient): Promise<string | undefined> {
  const { exports } = await admin.ask('listExports', { query: { limit: LOOK_BACK } })
  for (const { adapter, number, events, state } of exports) {
    // Its documents are compressed, and the others show the same events.
    if (events === 0 || state !== 'sealed' || adapter === RECORD_SERIES) continue
    const { directory, files } = await admin.ask('showExport', { parts: { adapter, number } })
    const document = files.findLast((file) => file.role === 'document' && file.events > 0)
    if (document) return join(directory, document.name)
  }
  return undefined
}
