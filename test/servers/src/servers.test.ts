import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { startPostgres, startRedis } from './index.ts'

describe('a PostgreSQL of one’s own', () => {
  it('keeps what was committed through a kill and a restart', async () => {
    await using postgres = await startPostgres()
    const url = await postgres.createDatabase('pool')
    await query(url, 'create table kept as select 42 as answer')
    const before = postgres.pid

    await postgres.kill()
    await expect(query(url, 'select 1')).rejects.toThrow(/ECONNREFUSED/)
    await postgres.restart()

    expect(postgres.pid).not.toBe(before)
    expect(await query(url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('is version 15 or later and speaks UTF-8', async () => {
    await using postgres = await startPostgres()

    const [row] = await query(
      postgres.url,
      "select current_setting('server_version_num')::int as version, pg_encoding_to_char(encoding) as encoding from pg_database where datname = 'postgres'",
    )

    expect(row).toMatchObject({ encoding: 'UTF8' })
    expect((row as { version: number }).version).toBeGreaterThanOrEqual(150_000)
  })

  it('leaves no process and no file behind', async () => {
    const postgres = await startPostgres()
    const [row] = await query(postgres.url, 'show data_directory')
    const { pid } = postgres

    await postgres.stop()
    await postgres.stop()

    expect(existsSync((row as { data_directory: string }).data_directory)).toBe(false)
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  })
})

describe('a Redis of one’s own', () => {
  it('keeps what it acknowledged through a kill and a restart', async () => {
    await using redis = await startRedis()
    expect(await command(redis.port, 'SET kept 42')).toBe('+OK')

    await redis.kill()
    await expect(command(redis.port, 'PING')).rejects.toThrow(/ECONNREFUSED/)
    await redis.restart()

    expect(await command(redis.port, 'GET kept')).toContain('42')
  })
})

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** One inline command, the whole answer. */
function command(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${text}\r\nQUIT\r\n`))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer.split('\r\n+OK')[0]!.trim()))
  })
}
