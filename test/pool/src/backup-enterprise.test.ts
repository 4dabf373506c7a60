import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, it } from 'vitest'
import { openAdmin } from './admin.ts'
import { type EnterprisePool, startEnterprisePool } from './enterprise-pool.ts'
import { hansardCommand } from './hansard-command.ts'
import { nowhere, setBackAlarms, startTalker, verify } from './set-back-pool-in-test.ts'

/** Somewhere without the tools of PostgreSQL. */
const NO_TOOLS = '/nonexistent'

async function sql(pool: EnterprisePool, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: pool.postgres.url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

it('backs up a running pool with the tools of PostgreSQL, and restores it into empty databases', async () => {
  await using pool = await startEnterprisePool({ channelServices: 1, workers: 1 })
  const { admin, lookup, files, channels, relays, workers, logs } = pool
  const services = [admin, lookup, files, ...channels, ...relays, ...workers]
  const env = {
    HANSARD_POOL_DATABASE_URL: pool.poolDatabaseUrl,
    HANSARD_COMPLIANCE_DATABASE_URL: pool.complianceDatabaseUrl,
    HANSARD_FILE_STORE: join(logs, 'files'),
    HANSARD_COMPLIANCE_FILE_STORE: join(logs, 'compliance-files'),
    HANSARD_OUTPUT_DIRECTORY: pool.outputDirectory,
    HANSARD_TOKEN_KEY_FILE: join(logs, 'token-keys.json'),
    HANSARD_SIGNING_KEY_FILE: join(logs, 'signing-keys.json'),
  }
  const alice = await startTalker(await openAdmin(pool.server), () => pool.server)
  await alice.says('before the backup')
  await (await openAdmin(pool.server)).request('seal')
  const backup = join(logs, 'backup')

  expect(await hansardCommand(['backup', backup], { env: { ...env, PATH: NO_TOOLS } })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('pg_dump is not on the PATH'),
  })
  const [made] = await Promise.all([
    hansardCommand(['backup', backup, '--json'], { env }),
    alice.says('while it is made'),
  ])
  expect(made).toMatchObject({ code: 0, stderr: '' })
  await alice.says('after the backup')
  await (await openAdmin(pool.server)).request('seal')

  expect(await hansardCommand(['restore', backup], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/The database compliance is in use by .*worker-1/),
  })
  await Promise.all(services.map((service) => service.stop()))
  expect(await hansardCommand(['restore', backup], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The database compliance is not empty'),
  })
  for (const name of ['pool', 'compliance'])
    await sql(pool, `alter database ${name} rename to ${name}_lost`, `create database ${name}`)
  expect(await hansardCommand(['restore', backup], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not empty, and nothing in it is replaced'),
  })
  for (const store of ['files', 'compliance-files']) {
    await rename(join(logs, store), join(logs, `${store}-lost`))
    await mkdir(join(logs, store))
  }
  const dump = join(backup, 'pool.dump')
  const bytes = await readFile(dump)
  await writeFile(dump, Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]))
  expect(await hansardCommand(['restore', backup], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('pool.dump was altered. Nothing was restored.'),
  })
  await writeFile(dump, bytes)
  await rm(env.HANSARD_TOKEN_KEY_FILE)
  const put = await hansardCommand(['restore', backup], { env })
  expect(put).toMatchObject({ code: 0, stderr: '' })

  await admin.start()
  await Promise.all(services.filter((service) => service !== admin).map((service) => service.start()))
  await alice.says('after the restore')
  const asked = await openAdmin(pool.server)
  await asked.request('seal')
  expect(alice.acknowledged).toHaveLength(4)
  const { acknowledged } = alice
  expect(await nowhere(asked, { acknowledged, exports: pool.outputDirectory })).toEqual([])
  expect((await setBackAlarms(asked)).length).toBeGreaterThan(0)
  expect(await verify(pool.outputDirectory)).toMatchObject({ code: 0, stdout: expect.stringContaining('Good') })
})
