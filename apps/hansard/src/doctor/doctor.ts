import { openDatabase } from '@hansard/sql'
import { placesOf } from '../backup/places.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { visible } from '../cli/table.ts'
import { judgeReplication, type Replication, readReplication } from './standbys.ts'

/** What the loss of a machine can take from the pool. Exit code 1 when that includes acknowledged chats. */
export async function doctorCommand(
  io: Io,
  options: { readonly data?: string | undefined; readonly json: boolean },
): Promise<ExitCode> {
  const places = placesOf(io, options)
  if (places.edition === 'standard') {
    const text = 'The databases are SQLite files and have no standby. What is not in a backup is lost with their disk.'
    answer(io, options.json, { edition: 'standard', databases: [] }, () => `${text}\n`)
    return 0
  }
  const databases: (Replication & ReturnType<typeof judgeReplication> & { database: string })[] = []
  for (const [database, url] of [
    ['pool', places.poolDatabase],
    ['compliance', places.complianceDatabase],
  ] as const) {
    const db = openDatabase({ url, connectionsMax: 1, applicationName: 'hansard doctor' })
    try {
      const replication = await readReplication(db)
      databases.push({ database, ...replication, ...judgeReplication(replication) })
    } finally {
      await db.close()
    }
  }
  answer(io, options.json, { edition: 'enterprise', databases }, () =>
    databases
      .flatMap(({ database, sentences }) => [
        `The ${database} database:\n`,
        ...sentences.map((each) => `  ${visible(each)}\n`),
      ])
      .join(''),
  )
  return databases.every(({ safe }) => safe) ? 0 : 1
}
