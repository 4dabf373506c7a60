import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startPoolOnTheLine } from '../command-line-in-test.ts'

it('has a token of the operator that is accepted, also after the operator chose another password', async () => {
  await using line = await startPoolOnTheLine()
  const token = () => JSON.parse(readFileSync(join(line.data, 'run.json'), 'utf8')).token as string
  const before = token()

  const changed = await fetch(`${line.pool.urls.admin}/admin/password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${before}` },
    body: JSON.stringify({
      account: 'operator',
      password: 'the operator of these tests',
      newPassword: 'another one for the operator',
    }),
  })
  expect(changed.status).toBe(200)

  await expect.poll(token, { timeout: 20_000 }).not.toBe(before)
  expect(await line.hansard(['status'])).toMatchObject({ exitCode: 0 })
})
