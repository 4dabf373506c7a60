import { PassThrough } from 'node:stream'
import { Env } from '@hansard/config'
import { startPostgres, startPostgresStandby } from '@hansard/test-servers'
import { expect, it } from 'vitest'
import { runCommandLine } from '../command-line.ts'
import { judgeReplication } from './standbys.ts'

async function doctor(url: string): Promise<{ exitCode: number; stdout: string }> {
  const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const env = new Env({ HANSARD_POOL_DATABASE_URL: url, HANSARD_COMPLIANCE_DATABASE_URL: url })
  const exitCode = await runCommandLine(['doctor'], { stdin, stdout, stderr, env, stop: new AbortController().signal })
  return { exitCode, stdout: String(stdout.read() ?? '') }
}

it('says whether a standby is synchronous, and what an asynchronous one can lose', async () => {
  await using primary = await startPostgres()
  expect(await doctor(primary.url)).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('It has no standby that is connected.'),
  })

  await using _ = await startPostgresStandby({ of: primary })
  await expect.poll(async () => (await doctor(primary.url)).stdout).toContain('is asynchronous (async')
  const asynchronous = await doctor(primary.url)
  expect(asynchronous).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('is gone from the pool') })

  await primary.setParameter('synchronous_standby_names', '*')
  await expect.poll(async () => (await doctor(primary.url)).stdout).toContain('is synchronous (sync)')
  expect(await doctor(primary.url)).toMatchObject({ exitCode: 0 })

  await primary.setParameter('synchronous_commit', 'local')
  await expect.poll(async () => (await doctor(primary.url)).exitCode).toBe(1)
  expect((await doctor(primary.url)).stdout).toContain('synchronous_commit is local: commits do not wait')
  await primary.setParameter('synchronous_commit', 'off')
  await expect.poll(async () => (await doctor(primary.url)).stdout).toContain('synchronous_commit is off')
})

it('does not call standbys safe that it may not see', () => {
  const hidden = { name: 'two', syncState: null, behindBytes: null }
  const told = judgeReplication({ standbys: [hidden], synchronousStandbyNames: '*', synchronousCommit: 'on' })
  expect(told).toEqual({ safe: false, sentences: [expect.stringContaining('grant pg_read_all_stats')] })
})
