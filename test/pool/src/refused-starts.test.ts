import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openDatabase } from '@hansard/sql'
import { type PostgresServer, type RedisServer, startPostgres, startRedis } from '@hansard/test-servers'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeBinary, passedOn, serviceProcess } from './service-process.ts'

const repository = resolve(import.meta.dirname, '../../..')
const SERVICES = [
  'admin-api',
  'channel-service',
  'compliance-worker',
  'file-service',
  'lookup-service',
  'relay',
] as const

let postgres: PostgresServer
let redis: RedisServer
let directory: string
let environment: Record<string, string>
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hansard-refused-'))
  ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
  environment = {
    HANSARD_POOL_DATABASE_URL: await postgres.createDatabase('pool'),
    HANSARD_COMPLIANCE_DATABASE_URL: await postgres.createDatabase('compliance'),
    HANSARD_REDIS_URL: redis.url,
    HANSARD_POOL: 'trading',
    HANSARD_DOMAIN: 'example.com',
    HANSARD_CHANNEL_NAME: 'channel-1',
    HANSARD_FILES_NAME: 'files-1',
    HANSARD_FILE_STORE: join(directory, 'files'),
    HANSARD_COMPLIANCE_FILE_STORE: join(directory, 'compliance-files'),
    HANSARD_TOKEN_KEY_FILE: join(directory, 'token-keys.json'),
    HANSARD_SIGNING_KEY_FILE: join(directory, 'signing-keys.json'),
    HANSARD_OUTPUT_DIRECTORY: join(directory, 'exports'),
  }
})
afterAll(async () => {
  await Promise.all([postgres.stop(), redis.stop()])
  await rm(directory, { recursive: true, force: true })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as { port: number }
  await new Promise((closed) => server.close(closed))
  return port
}

/** Starts a service that is expected to exit. One that becomes ready is asked to stop. */
async function start(service: string, changes: Record<string, string | undefined> = {}) {
  const env = { ...passedOn(), NO_COLOR: '1', ...environment, ...changes }
  const program = join(repository, 'apps', service, 'src/main.ts')
  const child = spawn(nodeBinary(), ['--conditions=@hansard/source', program], { env, cwd: directory })
  let [out, err] = ['', '']
  child.stdout.on('data', (piece) => {
    out += piece
    child.kill('SIGTERM')
  })
  child.stderr.on('data', (piece) => {
    err += piece
  })
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { exitCode, out, err }
}

describe.concurrent('a service that cannot start exits with one sentence', () => {
  it.each(SERVICES)('%s: when a setting is missing', async (service) => {
    const { exitCode, out, err } = await start(service, {
      HANSARD_POOL_DATABASE_URL: '',
      HANSARD_COMPLIANCE_DATABASE_URL: '',
    })

    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' })
    expect(err).toMatch(new RegExp(`^${service}: The settings cannot be used:\n( {2}- HANSARD_\\w+ is not set\\.\n)+$`))
  })

  it('when the log level is invalid', async () => {
    expect(await start('relay', { HANSARD_LOG_LEVEL: 'loud' })).toEqual({
      exitCode: 2,
      out: '',
      err: 'relay: The settings cannot be used:\n  - HANSARD_LOG_LEVEL is "loud"; it takes one of: fatal, error, warn, info, debug, trace, silent.\n',
    })
  })

  it.each(['compliance-worker'])('%s: when a database is unreachable', async (service) => {
    const url = 'postgres://hansard:a-secret@127.0.0.1:1/pool'

    expect(await start(service, { HANSARD_POOL_DATABASE_URL: url, HANSARD_COMPLIANCE_DATABASE_URL: url })).toEqual({
      exitCode: 3,
      out: '',
      err: `${service}: The database at 127.0.0.1:1/pool cannot be used now: connect ECONNREFUSED 127.0.0.1:1.\n`,
    })
  })

  it('when the database does not exist', async () => {
    const { exitCode, err } = await start('lookup-service', {
      HANSARD_POOL_DATABASE_URL: environment['HANSARD_POOL_DATABASE_URL']!.replace(/pool$/, 'none'),
    })

    expect(exitCode).toBe(2)
    expect(err).toMatch(
      /^lookup-service: The database at \S+\/none refuses the connection: database "none" does not exist\.\n$/,
    )
  })

  it.each(['channel-service', 'relay'])('%s: when Redis is unreachable', async (service) => {
    expect(await start(service, { HANSARD_REDIS_URL: 'redis://127.0.0.1:1' })).toEqual({
      exitCode: 3,
      out: '',
      err: `${service}: Redis at 127.0.0.1:1 cannot be reached: ECONNREFUSED.\n`,
    })
  })

  it('when Redis may drop envelopes', async () => {
    await using other = await startRedis()
    const client = new Redis(other.url)
    await client.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    client.disconnect()

    expect(await start('relay', { HANSARD_REDIS_URL: other.url })).toMatchObject({
      exitCode: 2,
      err: 'relay: Redis has the maxmemory-policy allkeys-lru and may drop envelopes; it must be noeviction.\n',
    })
  })

  it('when the database cannot hold every chat', async () => {
    const url = await postgres.createDatabase('latin', { encoding: 'LATIN1' })

    const { exitCode, err } = await start('compliance-worker', { HANSARD_COMPLIANCE_DATABASE_URL: url })

    expect(exitCode).toBe(2)
    expect(err).toMatch(/^compliance-worker: The database latin is encoded in LATIN1; it must be UTF8\. .*\n$/)
  })

  it.each(['lookup-service', 'channel-service'])('%s: when its port is in use', async (service) => {
    const taken = createServer()
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening))
    const { port } = taken.address() as { port: number }

    const { exitCode, out, err } = await start(service, {
      HANSARD_LOOKUP_PORT: String(port),
      HANSARD_CHANNEL_PORT: String(port),
      HANSARD_LOG_LEVEL: 'error',
    })
    taken.close()

    expect({ exitCode, out, err }).toEqual({
      exitCode: 2,
      out: '',
      err: `${service}: 127.0.0.1 port ${port} is in use by another process.\n`,
    })
  })

  it('when its token keys are damaged', async () => {
    const file = join(directory, 'damaged.json')
    await writeFile(file, 'not keys', { mode: 0o600 })

    expect(await start('lookup-service', { HANSARD_TOKEN_KEY_FILE: file, HANSARD_LOG_LEVEL: 'error' })).toEqual({
      exitCode: 2,
      out: '',
      err: `lookup-service: ${file} is not a token key file. \`hansard keys new\` makes one.\n`,
    })
  })

  it('when the password of the first operator is too short for this pool', async () => {
    const changes = { HANSARD_ADMIN_PASSWORD: 'twelve chars', HANSARD_PASSWORD_CHARACTERS_MIN: '15' }

    expect(await start('admin-api', { ...changes, HANSARD_LOG_LEVEL: 'error' })).toEqual({
      exitCode: 2,
      out: '',
      err:
        "admin-api: The operator's password (HANSARD_ADMIN_PASSWORD) is refused: " +
        'A password has at least 15 characters.\n',
    })
  })

  it.each([
    ['admin-api', 'HANSARD_ADMIN_PORT'],
    ['channel-service', 'HANSARD_CHANNEL_PORT'],
    ['file-service', 'HANSARD_FILES_PORT'],
  ])('%s: when a first copy has its port, which lives on', async (service, portSetting) => {
    const name = `twin-${service}`
    const port = String(await freePort())
    const changes = {
      [portSetting]: port,
      HANSARD_ADMIN_NAME: name,
      HANSARD_CHANNEL_NAME: name,
      HANSARD_FILES_NAME: name,
      HANSARD_ADMIN_PASSWORD: 'a password for the operator',
      HANSARD_LOG_LEVEL: 'error',
    }
    const first = serviceProcess({
      name,
      program: `apps/${service}/src/main.ts`,
      env: { ...environment, ...changes },
      logFile: join(directory, `${name}.log`),
    })
    await first.start()

    const second = await start(service, changes)

    expect(second).toEqual({
      exitCode: 2,
      out: '',
      err: `${service}: 127.0.0.1 port ${port} is in use by another process.\n`,
    })
    const db = openDatabase({ url: environment['HANSARD_POOL_DATABASE_URL']! })
    expect(await db.knex('source').where({ name }).select('epoch', 'state')).toEqual([{ epoch: 1, state: 'alive' }])
    await db.close()
    expect(await first.stop()).toBe(0)
  })

  it('when the database belongs to another pool, or has another domain', async () => {
    const started = await start('relay', { HANSARD_LOG_LEVEL: 'error' })
    expect(started).toEqual({ exitCode: 0, out: '{"ready":"relay"}\n', err: '' })

    expect(await start('relay', { HANSARD_POOL: 'tradign' })).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(
        /^relay: The pool database belongs to the pool "trading", and HANSARD_POOL is "tradign"\. .*\n$/,
      ),
    })
    expect(await start('relay', { HANSARD_DOMAIN: 'example.org' })).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(
        /^relay: The pool database has the domain "example.com", and HANSARD_DOMAIN is "example.org"\./,
      ),
    })
    const unnamed = { HANSARD_POOL: undefined, HANSARD_DOMAIN: undefined, HANSARD_LOG_LEVEL: 'error' }
    expect((await start('relay', unnamed)).exitCode).toBe(0)
  })
})
