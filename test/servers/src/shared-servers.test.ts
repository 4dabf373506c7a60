import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { askRun, RUN_SERVERS } from './ask-run.ts'
import { copyOfTemplate, sharePostgres, shareRedis, template } from './index.ts'
import { startRunServers } from './run-servers.ts'

const directory = mkdtempSync(join(tmpdir(), 'hansard-shared-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** A template that counts how often it is created. */
function counted() {
  let times = 0
  const open = ({ url }: { url: string }) => ({ url, close: async () => {} })
  const made = template(`counted-${crypto.randomUUID()}`, open, async ({ url }) => {
    times += 1
    const table = 'create table kept as select 42 as answer'
    if (!url.startsWith('sqlite:')) return query(url, table)
    const db = new DatabaseSync(url.slice('sqlite:'.length))
    db.exec(table)
    return db.close()
  })
  return { made, times: () => times }
}

describe('the servers of a run', () => {
  it('are one PostgreSQL and one Redis, with separate databases and pool names', async () => {
    await using here = await sharePostgres()
    await using there = await sharePostgres()
    await using redisHere = await shareRedis()
    await using redisThere = await shareRedis()

    const [one, two] = [await here.createDatabase('pool'), await there.createDatabase('pool')]
    await query(one, 'create table mine (id int)')

    expect(new URL(one).host).toBe(new URL(two).host)
    await expect(query(two, 'select * from mine')).rejects.toThrow(/does not exist/)
    expect(redisHere.url).toBe(redisThere.url)
    expect(redisHere.pool).not.toBe(redisThere.pool)
  })

  it('drop a file’s databases when the file has finished, even with open connections', async () => {
    const shared = await sharePostgres()
    const url = await shared.createDatabase('pool')
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()

    await shared.stop()
    await shared.stop()

    await expect(query(url, 'select 1')).rejects.toThrow(/does not exist/)
    await client.end().catch(() => {})
  })

  it('make a template once for any number of concurrent copies', async () => {
    await using shared = await sharePostgres()
    const { made, times } = counted()

    const urls = await Promise.all(Array.from({ length: 4 }, () => shared.createDatabase('pool', made)))

    expect(times()).toBe(1)
    for (const url of urls) expect(await query(url, 'select answer from kept')).toEqual([{ answer: 42 }])
    await query(urls[0]!, 'drop table kept')
    expect(await query(urls[1]!, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('make a template again after a failure', async () => {
    await using shared = await sharePostgres()
    let works = false
    const open = () => ({ close: async () => {} })
    const shaky = template(`shaky-${crypto.randomUUID()}`, open, async () => {
      if (!works) throw new Error('no such migration')
    })

    await expect(shared.createDatabase('pool', shaky)).rejects.toThrow('no such migration')
    works = true

    expect(await query(await shared.createDatabase('pool', shaky), 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('keep templates of SQLite too', async () => {
    const { made, times } = counted()

    for (const name of ['a.db', 'b.db']) {
      const url = await copyOfTemplate(made, join(directory, name))
      const db = new DatabaseSync(url.slice('sqlite:'.length))
      expect(
        db
          .prepare('select answer from kept')
          .all()
          .map((row) => row['answer']),
      ).toEqual([42])
      db.exec('drop table kept')
      db.close()
    }

    expect(times()).toBe(1)
  })
})

describe('a run', () => {
  it('starts no server that nobody requests, and reports a missing one', async () => {
    const before = process.env[RUN_SERVERS]
    const servers = await startRunServers()
    process.env[RUN_SERVERS] = servers.url
    try {
      const first = await askRun('templates')
      servers.forgetTemplates()

      expect((await askRun('templates'))!.generation).toBe(first!.generation + 1)
      await expect(askRun('mail' as 'redis')).rejects.toThrow('no mail')
    } finally {
      process.env[RUN_SERVERS] = before
      await servers.stop()
    }
  })
})
