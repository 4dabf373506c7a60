import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openAdmin } from './admin.ts'
import { nowhere, setBackAlarms, startTalker, verify } from './set-back-pool-in-test.ts'
import { startStandardPool } from './standard-pool.ts'

/** The files of the pool database of a stopped pool: the database and what SQLite keeps beside it. */
async function poolFiles(data: string): Promise<string[]> {
  return (await readdir(data)).filter((name) => name.startsWith('pool.db'))
}

it('a pool database restored from yesterday: every acknowledged chat is in an export, and what the pool lost is named', async () => {
  await using pool = await startStandardPool()
  const alice = await startTalker(await openAdmin(pool.server), () => pool.server)
  await alice.says('monday')
  await (await openAdmin(pool.server)).request('seal')
  await pool.process.stop()
  const backup = join(pool.data, 'backup')
  await mkdir(backup)
  for (const name of await poolFiles(pool.data)) await copyFile(join(pool.data, name), join(backup, name))

  await pool.restart()
  await alice.says('tuesday, sealed')
  await (await openAdmin(pool.server)).request('seal')
  await alice.says('tuesday, staged')
  await (await openAdmin(pool.server)).request('seal')
  await pool.process.stop()
  for (const name of await poolFiles(pool.data)) await rm(join(pool.data, name))
  for (const name of await readdir(backup)) await copyFile(join(backup, name), join(pool.data, name))

  await pool.restart()
  await alice.says('wednesday one', 'wednesday two', 'wednesday three')
  const admin = await openAdmin(pool.server)
  await admin.request('seal')

  const { acknowledged } = alice
  expect(acknowledged).toHaveLength(6)
  expect(await nowhere(admin, { acknowledged, exports: pool.exports })).toEqual([])
  const alarms = await setBackAlarms(admin)
  expect(alarms).toContainEqual(expect.stringMatching(/numbers \d+ to \d+ of source channel-1\/2\/[0-9a-f]{32} are no/))
  for (const alarm of alarms) expect(alarm).toContain('0 are lost')
  expect(await verify(pool.exports)).toMatchObject({ code: 0, stdout: expect.stringContaining('Good') })
})
