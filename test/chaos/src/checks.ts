import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemClock } from '@hansard/clock'
import { allParticipants } from '@hansard/pool-store'
import { type Database, openDatabase } from '@hansard/sql'
import { type Admin, type ExportedMessage, type Random, readExports } from '@hansard/test-pool'
import type { LoggedPost } from './talkers.ts'
import { wallsHeld } from './walls-held.ts'

const VERIFIER = fileURLToPath(new URL('../../../docs/verify.py', import.meta.url))

/**
 * Checks the laws after everything was sealed: against the clients' own logs, with Python's XML parser and a verifier
 * that shares no code with the pool. Returns every breach.
 */
export async function breaches(subject: {
  log: readonly LoggedPost[]
  /** URI of the closed room whose members change */
  walled: string
  misdelivered: readonly string[]
  exports: string
  poolDatabaseUrl: string
  complianceDatabaseUrl: string
  admin: Admin
  random: Random
}): Promise<string[]> {
  const found = [...subject.misdelivered]
  const messages = await readExports(join(subject.exports, 'xml'))
  found.push(...exactlyOnce(subject.log, messages), ...inRoomOrder(messages))
  found.push(...(await verifies(subject.exports)))
  const poolDb = openDatabase({ url: subject.poolDatabaseUrl })
  const complianceDb = openDatabase({ url: subject.complianceDatabaseUrl })
  try {
    found.push(
      ...(await nothingLost(poolDb, complianceDb, messages)),
      ...(await replayEqualsState(poolDb, complianceDb)),
      ...(await nothingInTheFuture(complianceDb)),
      ...(await wallsHeld(poolDb, complianceDb, subject.walled)),
    )
  } finally {
    await poolDb.close()
    await complianceDb.close()
  }
  found.push(...(await rendersTheSame(subject.admin, subject.random)))
  return found
}

/** Every acknowledged chat is exported exactly once, with its text. */
function exactlyOnce(log: readonly LoggedPost[], messages: readonly ExportedMessage[]): string[] {
  const found: string[] = []
  const chats = messages.filter((message) => message.type === 'CHAT')
  const byText = Map.groupBy(chats, (chat) => `${chat.room} ${chat.content}`)
  for (const post of log) {
    const exported = byText.get(`${post.room} ${post.text}`) ?? []
    if (post.chat !== undefined && exported.length === 0) found.push(`acknowledged and not exported: ${post.text}`)
    if (exported.length > 1) found.push(`exported ${exported.length} times: ${post.text}`)
    if (post.chat !== undefined && exported[0] && exported[0].id !== post.chat) {
      found.push(`acknowledged as chat ${post.chat}, exported as ${exported[0].id}: ${post.text}`)
    }
  }
  if (chats.length === 0) found.push('there are no chats in the exports at all')
  return found
}

/** In the exports of a room, chat ids are 1, 2, 3 … in document order. */
function inRoomOrder(messages: readonly ExportedMessage[]): string[] {
  const found: string[] = []
  const rooms = Map.groupBy(
    messages.filter((message) => message.type === 'CHAT'),
    (message) => message.room,
  )
  for (const [room, chats] of rooms) {
    const ids = chats.map((chat) => chat.id)
    const sorted = ids.toSorted((a, b) => a - b)
    const hole = sorted.findIndex((id, index) => id !== index + 1)
    if (hole >= 0) found.push(`${room}: chat ids have a hole or a repetition at ${sorted[hole]}`)
  }
  return found
}

/** The verifier's words for an export whose documents are there and whose manifest is not yet. */
const BEING_WRITTEN = 'if this export is being written just now'
const VERIFICATIONS_MAX = 20

async function verifies(directory: string): Promise<string[]> {
  const { good, said } = await verdict(directory)
  return good ? [] : [`the independent verifier says: ${said.slice(0, 2_000)}`]
}

/**
 * What the independent verifier says of a directory. A scheduled export may be sealed at this moment: what is only
 * being written is verified again.
 */
export async function verdict(directory: string): Promise<{ good: boolean; said: string }> {
  let said = ''
  for (let run = 0; run < VERIFICATIONS_MAX; run++) {
    try {
      const { stdout } = await promisify(execFile)('python3', [VERIFIER, directory], { maxBuffer: 64 * 1_024 * 1_024 })
      return { good: true, said: stdout }
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
      said = `${stdout}${stderr}`
      if (!said.includes(BEING_WRITTEN)) break
    }
  }
  return { good: false, said }
}

/** Everything committed in the pool database is staged, and the outbox is empty. */
async function nothingLost(
  poolDb: Database,
  complianceDb: Database,
  messages: readonly ExportedMessage[],
): Promise<string[]> {
  const count = async (db: Database, table: string) => Number((await db.knex(table).count({ n: '*' }).first())?.['n'])
  const numbered = Number((await poolDb.knex('source').sum({ n: 'last_seq' }).first())?.['n'])
  const chats = await count(poolDb, 'chat')
  const staged = await count(complianceDb, 'staged_event')
  const quarantined = await count(complianceDb, 'quarantined_event')
  const exported = messages.filter((message) => message.type === 'CHAT').length
  const found: string[] = []
  if (staged !== numbered) found.push(`sources numbered ${numbered} events, ${staged} are staged`)
  if (quarantined !== 0) found.push(`${quarantined} events are in quarantine`)
  if (exported !== chats) found.push(`${chats} chats are on record, ${exported} are exported`)
  return found
}

/** A clock that is further off is not believed. */
const CLOCK_BOUND_MS = 60_000

/** No event has a time that has not come, and no interval is sealed before it has ended. */
async function nothingInTheFuture(complianceDb: Database): Promise<string[]> {
  const now = systemClock.now()
  const { stamp } = (await complianceDb.knex('staged_event').max({ stamp: 'at' }).first())!
  const { end } = (await complianceDb.knex('closed_interval').max({ end: 'ends_at' }).first())!
  const found: string[] = []
  if (Number(stamp) > now + CLOCK_BOUND_MS) found.push(`an event is stamped ${Number(stamp) - now} ms ahead`)
  if (Number(end) > now) found.push(`an interval is closed ${Number(end) - now} ms before its end`)
  return found
}

/** Applying every join and part gives the participants that the pool has. */
async function replayEqualsState(poolDb: Database, complianceDb: Database): Promise<string[]> {
  const rows: { body: string }[] = await complianceDb
    .knex('staged_event')
    .whereIn('kind', ['join', 'part'])
    .select('body')
  const events = rows
    .map((row) => JSON.parse(row.body) as { kind: string; session: string; room: { uri: string; seq: number } })
    .sort((a, b) => a.room.seq - b.room.seq)
  const present = new Set<string>()
  const found: string[] = []
  for (const event of events) {
    const key = `${event.room.uri} ${event.session}`
    if (event.kind === 'join' && present.has(key)) found.push(`joined twice: ${key}`)
    if (event.kind === 'part' && !present.has(key)) found.push(`parted without having joined: ${key}`)
    if (event.kind === 'join') present.add(key)
    else present.delete(key)
  }
  const state = new Set(
    (await allParticipants(poolDb)).map((participant) => `${participant.roomUri} ${participant.session}`),
  )
  for (const key of state.symmetricDifference(present))
    found.push(`the record and the participant table disagree about ${key}`)
  return found
}

/** A sealed export, rendered again, gives the sealed bytes. */
async function rendersTheSame(admin: Admin, random: Random): Promise<string[]> {
  const { exports } = await admin.ask('listExports')
  const sealed = exports.filter((entry) => entry.state === 'sealed')
  if (sealed.length === 0) return ['nothing is sealed']
  const { adapter, number } = random.pick(sealed)
  const result = (await admin.request('replayExport', { adapter, number })) as { identical: boolean }
  return result.identical
    ? []
    : [`${adapter}/${number} does not render to the bytes that were sealed: ${JSON.stringify(result)}`]
}
