import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import pg from 'pg'
import { describe, expect, it, vi } from 'vitest'
import { startPostgres, startRedis } from './index.ts'

describe('a private PostgreSQL', () => {
  it('keeps committed data through a kill and a restart', async () => {
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

  it('is version 15 or later and uses UTF-8', async () => {
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

describe('a private Redis', () => {
  it('keeps acknowledged writes through a kill and a restart', async () => {
    await using redis = await startRedis()
    expect(await command(redis.port, 'SET kept 42')).toBe('+OK')

    await redis.kill()
    await expect(command(redis.port, 'PING')).rejects.toThrow(/ECONNREFUSED/)
    await redis.restart()

    expect(await command(redis.port, 'GET kept')).toContain('42')
  })
})

describe('servers of a process that was killed', () => {
  it('end with it, and their directories are removed by the next', async () => {
    const program = `
      import { startPostgres, startRedis } from '@hansard/test-servers'
      const servers = [await startPostgres(), await startRedis()]
      console.log(JSON.stringify(servers.map((server) => server.pid)))
      setInterval(() => {}, 1_000)`
    const args = ['--conditions=@hansard/source', '--input-type=module', '--eval', program]
    const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] })
    const pids: number[] = await new Promise((resolve) =>
      child.stdout.once('data', (text) => resolve(JSON.parse(text))),
    )
    const directories = () => readdirSync(tmpdir()).filter((name) => name.includes(`-${child.pid}-`))
    expect(directories()).toHaveLength(2)

    child.kill('SIGKILL')

    for (const pid of pids) {
      await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(/ESRCH/), { timeout: 60_000, interval: 50 })
    }
    await using _redis = await startRedis()
    await using _postgres = await startPostgres()
    expect(directories()).toEqual([])
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

/** One inline command, the whole reply. */
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
