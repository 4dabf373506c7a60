import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openAdmin } from './admin.ts'
import { hansardCommand } from './hansard-command.ts'
import { nowhere, setBackAlarms, startTalker, verify } from './set-back-pool-in-test.ts'
import { startStandardPool } from './standard-pool.ts'

/** Modes of everything below a directory that others than its owner may read. */
async function readableByOthers(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true })
  const modes = await Promise.all(
    names.map(async (name) => [name, (await stat(join(directory, name))).mode & 0o077] as const),
  )
  return modes.filter(([, mode]) => mode !== 0).map(([name]) => name)
}

it('backs up a running pool, and restores it where nothing is: the record goes on, and verifies', async () => {
  await using pool = await startStandardPool()
  const alice = await startTalker(await openAdmin(pool.server), () => pool.server)
  await alice.says('before the backup')
  await (await openAdmin(pool.server)).request('seal')
  await mkdir(join(pool.data, 'files', 'ab'))
  await writeFile(join(pool.data, 'files', 'ab', 'abc.txt'), 'handed over')
  const backup = join(pool.data, '..', `${crypto.randomUUID()}-backup`)
  const restored = `${backup}-restored`

  const [made] = await Promise.all([
    hansardCommand(['backup', backup, '--data', pool.data, '--json']),
    alice.says('while it is made', 'and on'),
  ])
  expect(made).toMatchObject({ code: 0, stderr: '' })
  expect(await readableByOthers(backup)).toEqual([])
  const manifest = JSON.parse(await readFile(join(backup, 'backup.json'), 'utf8'))
  const names: string[] = manifest.files.map(({ name }: { name: string }) => name)
  for (const name of ['pool.db', 'compliance.db', 'keys/signing-keys.json', 'keys/token-keys.json', 'files/ab/abc.txt'])
    expect(names).toContain(name)
  expect((await readdir(backup)).sort()).toEqual(
    ['backup.json', 'compliance-files', 'compliance.db', 'configuration', 'files', 'keys', 'pool.db'].sort(),
  )
  expect(manifest.outputDirectory.manifests.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^pool\/pool-.*json$/),
      expect.stringMatching(/^xml\/.*manifest.json$/),
    ]),
  )
  expect(await hansardCommand(['backup', backup, '--data', pool.data])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is not empty'),
  })

  await alice.says('after the backup')
  await (await openAdmin(pool.server)).request('seal')
  expect(await hansardCommand(['restore', backup, '--data', pool.data])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('A pool is running on'),
  })
  await pool.process.stop()
  expect(await hansardCommand(['restore', backup, '--data', pool.data])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not empty, and nothing in it is replaced'),
  })

  await mkdir(restored)
  await rename(pool.exports, join(restored, 'exports'))
  const put = await hansardCommand(['restore', backup, '--data', restored])
  expect(put).toMatchObject({ code: 0, stderr: '' })
  expect(put.stdout).toContain('are in the output directory.')
  expect(await readFile(join(restored, 'files', 'ab', 'abc.txt'), 'utf8')).toBe('handed over')
  expect((await readableByOthers(restored)).filter((name) => !name.startsWith('exports'))).toEqual([])

  await using again = await startStandardPool({ data: restored })
  const talking = alice.at(() => again.server)
  await talking.says('after the restore')
  const admin = await openAdmin(again.server)
  await admin.request('seal')
  expect(alice.acknowledged).toHaveLength(5)
  expect(await nowhere(admin, { acknowledged: alice.acknowledged, exports: again.exports })).toEqual([])
  expect((await setBackAlarms(admin)).length).toBeGreaterThan(0)
  expect(await verify(again.exports)).toMatchObject({ code: 0, stdout: expect.stringContaining('Good') })
  const audit = await hansardCommand(['audit', 'list', '--data', restored, '--json'])
  expect(audit.stdout).toContain('"restored-from-backup"')
  expect(audit.stdout).toContain(JSON.parse(made.stdout).sha256)
  expect(audit.stdout).toContain('"backed-up"')
  await again.process.stop()
  for (const directory of [backup, restored]) await rm(directory, { recursive: true })
})
