import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'

/** Bytes written per accepted chat: the chat's content, and the event's text in the outbox. */
const CONTENT = 'x'.repeat(202)
const BODY = 'x'.repeat(560)
const HEAD = 'f'.repeat(64)

/** Rows per second that the bare SQLite driver inserts: a chat and an event each, in groups, synchronous=FULL. */
export function rawSqlite({ group, seconds }: { group: number; seconds: number }): number {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-raw-'))
  const db = new Database(join(directory, 'raw.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec('create table chat (room int, id int, at int, who int, post text, content text, primary key (room, id))')
  db.exec('create table outbox (seq integer primary key, at int, body text, head text)')
  const chat = db.prepare('insert into chat values (?, ?, ?, ?, ?, ?)')
  const event = db.prepare('insert into outbox values (?, ?, ?, ?)')
  let n = 0
  const started = performance.now()
  while (performance.now() - started < seconds * 1_000) {
    db.exec('begin immediate')
    for (let i = 0; i < group; i += 1) {
      n += 1
      chat.run(n % 50, n, n, 1, `p${n}`, CONTENT)
      event.run(n, n, BODY, HEAD)
    }
    db.exec('commit')
  }
  const perSecond = n / ((performance.now() - started) / 1_000)
  db.close()
  rmSync(directory, { recursive: true })
  return perSecond
}

/** The same with the bare PostgreSQL driver, one multi-row statement per table and group. */
export async function rawPostgres({
  url,
  group,
  seconds,
}: {
  url: string
  group: number
  seconds: number
}): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    'create table raw_chat (room int, id int8, at int8, who int, post text, content text, primary key (room, id))',
  )
  await client.query('create table raw_outbox (seq int8 primary key, at int8, body text, head text)')
  let n = 0
  const started = performance.now()
  while (performance.now() - started < seconds * 1_000) {
    const ids = Array.from({ length: group }, () => ++n)
    await client.query('begin')
    await client.query({
      name: 'chat',
      text: "insert into raw_chat select id % 50, id, id, 1, 'p' || id, content from unnest($1::int8[], $2::text[]) as u(id, content)",
      values: [ids, ids.map(() => CONTENT)],
    })
    await client.query({
      name: 'event',
      text: 'insert into raw_outbox select id, id, body, head from unnest($1::int8[], $2::text[], $3::text[]) as u(id, body, head)',
      values: [ids, ids.map(() => BODY), ids.map(() => HEAD)],
    })
    await client.query('commit')
  }
  const perSecond = n / ((performance.now() - started) / 1_000)
  await client.end()
  return perSecond
}
