import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Env } from '@hansard/config'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Io } from './io.ts'
import { forgetDevice, knownDevice } from './known-devices.ts'

const POOL = { server: 'http://127.0.0.1:7464', account: 'alice' }
let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'hansard-home-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const ioOf = (env: Record<string, string>): Io => {
  const stream = () => new PassThrough()
  return { stdin: stream(), stdout: stream(), stderr: stream(), env: new Env(env), stop: new AbortController().signal }
}
const give = async (io: Io, pool: typeof POOL, token: string) => {
  const device = await knownDevice(io, pool)
  device.onDevice(token)
  await device.kept()
}

it('keeps a token for each account of each pool, for the owner only, and forgets one', async () => {
  const io = ioOf({ HOME: home })
  expect((await knownDevice(io, POOL)).device).toBeUndefined()
  await give(io, POOL, 'one')
  await give(io, { ...POOL, account: 'bob' }, 'two')
  await give(io, POOL, 'three')
  const file = join(home, '.config', 'hansard', 'devices.json')

  expect((await knownDevice(io, POOL)).device).toBe('three')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readFile(file, 'utf8')).not.toContain('one')

  await forgetDevice(io, POOL)
  expect((await knownDevice(io, POOL)).device).toBeUndefined()
  expect((await knownDevice(io, { ...POOL, account: 'bob' })).device).toBe('two')
})

it('does without a home, without a file that can be read, and says when it cannot write', async () => {
  await give(ioOf({}), POOL, 'one')
  const io = ioOf({ XDG_CONFIG_HOME: home })
  await writeFile(join(home, 'hansard'), 'a file where the directory should be')

  await give(io, POOL, 'one')

  expect(String((io.stderr as PassThrough).read())).toContain('the pool will not know this device again')
  await rm(join(home, 'hansard'))
  await give(io, POOL, 'one')
  await writeFile(join(home, 'hansard', 'devices.json'), '{ not json')
  await chmod(join(home, 'hansard', 'devices.json'), 0o600)
  expect((await knownDevice(io, POOL)).device).toBeUndefined()
})
