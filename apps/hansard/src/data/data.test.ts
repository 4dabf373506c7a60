import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, readFile, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { silentLog } from '@hansard/log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommandLine } from '../command-line.ts'
import { type StandardEdition, startStandardEdition } from '../standard-edition/standard-edition.ts'

describe('export-data and import-data', () => {
  let directory: string
  const pools: StandardEdition[] = []
  const start = async (name: string) => {
    const data = join(directory, name)
    const options = { data, port: 0, host: '127.0.0.1', runIntervalMs: 3_600_000, domain: 'example.com', pool: name }
    const more = {
      operatorPassword: 'the operator of these tests',
      logLevel: 'silent' as const,
      complianceThread: false,
    }
    pools.push(await startStandardEdition({ ...options, ...more }, { clock: systemClock, log: silentLog }))
    return data
  }
  const hansard = async (...args: string[]) => {
    const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()]
    stdin.end('')
    const stop = new AbortController().signal
    const exitCode = await runCommandLine(args, { stdin, stdout, stderr, env: new Env({}), stop })
    return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
  }
  let one: string
  let two: string
  let zip: string
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-'))
    zip = join(directory, 'one.zip')
    one = await start('one')
    two = await start('two')
    await hansard('users', 'add', 'alice', '--data', one)
    await hansard('rooms', 'add', 'desk', '--data', one)
  })
  afterAll(async () => {
    for (const pool of pools) await pool.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  it('takes a pool out into a file that only its owner reads, and says what was left out', async () => {
    const page = join(directory, 'report.html')
    const { exitCode, stdout, stderr } = await hansard('export-data', zip, '--files', '--report', page, '--data', one)

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/principals +\d/)
    expect(stdout).toMatch(/nobody’s secret leaves a pool/)
    expect((await stat(zip)).mode & 0o777).toBe(0o600)
    expect(await readFile(page, 'utf8')).toContain('<h1>Export of pool data: one</h1>')
  })

  it('brings it into another, after saying what that would do', async () => {
    const rooms = async () => (await hansard('rooms', 'list', '--data', two)).stdout
    const tried = await hansard('import-data', zip, '--dry-run', '--json', '--data', two)
    expect(tried).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(tried.stdout)).toMatchObject({ report: { what: 'dry-run', counts: { rooms: { made: 1 } } } })
    expect(await rooms()).not.toContain('desk')

    const report = join(directory, 'report.json')
    const done = await hansard('import-data', zip, '--report', report, '--data', two)
    expect(done).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await rooms()).toContain('desk')
    expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({ what: 'import', counts: { rooms: { made: 1 } } })
    expect((await readdir(two)).filter((name) => name.includes('import'))).toEqual([])
  })

  it('writes over nothing, and leaves no half of a file', async () => {
    const again = await hansard('export-data', zip, '--data', one)
    expect(again).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is there already') })
    const other = join(directory, 'other.zip')
    const refused = await hansard('export-data', other, '--scope', 'Nowhere', '--data', one)
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no category "Nowhere"') })
    expect((await readdir(directory)).filter((name) => name.startsWith('other'))).toEqual([])
    await truncate(zip, 200)
    const cut = await hansard('import-data', zip, '--data', two)
    expect(cut).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no zip file') })
    const missing = await hansard('import-data', join(directory, 'missing.zip'), '--data', two)
    expect(missing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('It cannot be read: ENOENT.') })
  })

  it('counts a single room that it disabled as one', async () => {
    const options = ['--disable-exported-rooms', '--level', 'room-directory']
    const { stdout } = await hansard('export-data', join(directory, 'frozen.zip'), ...options, '--data', one)
    expect(stdout).toContain('1 room was disabled for this export; it is in it as it was before.')
  })
})
