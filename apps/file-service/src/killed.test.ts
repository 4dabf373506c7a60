import { type ChildProcess, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, statSync, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { systemClock } from '@hansard/clock'
import { findFile } from '@hansard/pool-store'
import { afterEach, describe, expect, it } from 'vitest'
import { type FilesInTest, type Issued, send, sha256Of, startFilesInTest } from './files-in-test.ts'

describe('a file service that is killed', () => {
  let pool: FilesInTest
  const children: ChildProcess[] = []
  let logs = ''
  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child)
    await pool?.close()
  })

  /** The service as operators start it: as its own process, here on the test's database. */
  async function launch(port: number): Promise<ChildProcess> {
    const child = spawn(process.execPath, ['--conditions=@hansard/source', join(import.meta.dirname, 'main.ts')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        HANSARD_FILES_NAME: 'files-killed',
        HANSARD_FILES_PORT: String(port),
        HANSARD_POOL_DATABASE_URL: pool.url,
        HANSARD_FILE_STORE: join(pool.directory, 'files'),
        HANSARD_COMPLIANCE_FILE_STORE: join(pool.directory, 'compliance-files'),
        HANSARD_DOMAIN: 'example.com',
        HANSARD_LOG_LEVEL: 'debug',
      },
    })
    children.push(child)
    child.stderr!.on('data', (text: Buffer) => {
      logs += text
    })
    await once(child.stdout!, 'data')
    return child
  }

  const start = async () => {
    pool = await startFilesInTest(undefined)
    // The child uses the machine's clock.
    pool.clock.advance({ ms: systemClock.now() - pool.clock.now() })
    const port = await freePort()
    return { port, url: `http://127.0.0.1:${port}/files/upload` }
  }
  const at = (offset: number) => ({ 'upload-offset': String(offset) })
  /** Bytes of an upload on the disk. */
  const arrivedOf = (issued: Issued) =>
    statSync(join(pool.directory, 'files', 'incoming', issued.fileId), { throwIfNoEntry: false })?.size
  const offsetOf = async (url: string, issued: Issued) =>
    Number((await send('HEAD', url, issued)).headers['upload-offset'])

  it('resumes an upload after every kill, and logs no token', async () => {
    const { port, url } = await start()
    const content = Buffer.alloc(3_000_000, 'a file that takes a while ')
    const issued = await pool.upload(pool.alice, { size: content.length })
    let offset = 0
    for (const upTo of [700_000, 1_900_000, 2_999_999]) {
      const child = await launch(port)
      const sending = request(url, {
        method: 'PUT',
        agent: false,
        headers: {
          ...at(offset),
          authorization: `Bearer ${issued.token}`,
          'content-length': String(content.length - offset),
        },
      })
      sending.on('error', () => {})
      sending.write(content.subarray(offset, upTo))
      await sees(join(pool.directory, 'files', 'incoming'), () => arrivedOf(issued) === upTo, child)
      await kill(child)
      offset = upTo
    }
    await launch(port)
    const done = await send('PUT', url, { ...issued, body: content.subarray(offset), headers: at(offset) })
    expect(done).toMatchObject({ status: 201, json: { sha256: sha256Of(content) } })
    const download = await pool.download(pool.bob, issued.fileId)
    const got = await send('GET', `http://127.0.0.1:${port}/files/d/${download.token}`)
    expect(sha256Of(got.body)).toBe(sha256Of(content))

    expect(logs).toContain('a file was uploaded')
    for (const token of [issued.token, download.token]) expect(logs).not.toContain(token)
  })

  it.each(['arriving', 'arrived', 'copied', 'in the pool’s store', 'in the compliance store', 'on record'] as const)(
    'when a file is %s has one event for it in the end, and its bytes in both stores',
    async (stage) => {
      const { port, url } = await start()
      const content = Buffer.alloc(20_000_000, stage)
      const issued = await pool.upload(pool.alice, { size: content.length })
      const [own, record] = [join(pool.directory, 'files'), join(pool.directory, 'compliance-files')]
      const name = `${issued.fileId}.txt`
      const kept = join(name.slice(0, 2), name)
      const incoming = join(own, 'incoming')
      for (const root of [own, record]) mkdirSync(dirname(join(root, kept)), { mode: 0o700 })
      /** The directory that changes when the stage is reached, and how to detect it. */
      const [where, reached] = {
        arriving: [incoming, () => arrivedOf(issued) !== undefined],
        arrived: [incoming, () => arrivedOf(issued) === content.length],
        copied: [incoming, () => readdirSync(incoming).some((each) => each.startsWith(`${name}.`))],
        'in the pool’s store': [dirname(join(own, kept)), () => existsSync(join(own, kept))],
        'in the compliance store': [dirname(join(record, kept)), () => existsSync(join(record, kept))],
        // The database writes a log in the same directory.
        'on record': [pool.directory, async () => (await findFile(pool.db.knex, issued.fileId))?.state === 'kept'],
      }[stage] as [string, () => boolean | Promise<boolean>]

      const child = await launch(port)
      const first = send('PUT', url, { ...issued, body: content })
      first.catch(() => {})
      await sees(where, reached, child)
      await kill(child)
      await launch(port)
      const offset = await offsetOf(url, issued)
      const again = await send('PUT', url, { ...issued, body: content.subarray(offset), headers: at(offset) })

      expect(again.json).toMatchObject({ file: issued.fileId, sha256: sha256Of(content) })
      expect(await pool.events()).toMatchObject([{ kind: 'file-upload', storedName: name, sha256: sha256Of(content) }])
      for (const root of [own, record]) expect(sha256Of(await readFile(join(root, kept)))).toBe(sha256Of(content))

      pool.clock.advance({ hours: 3 })
      await pool.service.sweep()
      expect(await pool.filesIn('files')).toEqual([name])
      expect(await pool.filesIn('compliance-files')).toEqual([name])
    },
  )
})

/** Resolves when `look` returns true: checks now, and whenever the directory changes. */
async function sees(directory: string, look: () => boolean | Promise<boolean>, child: ChildProcess): Promise<void> {
  const watcher = watch(directory)
  // A process that ends earlier will not get there.
  const ended = () => watcher.emit('error', new Error('The service ended before it was killed.'))
  child.once('exit', ended)
  try {
    const happenings = on(watcher, 'change')
    if (await look()) return
    for await (const _ of happenings) if (await look()) return
  } finally {
    child.off('exit', ended)
    watcher.close()
  }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
