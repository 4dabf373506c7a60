import { openDatabase } from '@hansard/sql'
import { startPostgres, startPostgresStandby } from '@hansard/test-servers'
import { expect, it } from 'vitest'
import { judgeReplication, readReplication } from './standbys.ts'

async function judged(url: string): Promise<{ safe: boolean; told: string }> {
  const db = openDatabase({ url, connectionsMax: 1, applicationName: 'doctor' })
  try {
    const { safe, sentences } = judgeReplication(await readReplication(db))
    return { safe, told: sentences.join(' ') }
  } finally {
    await db.close()
  }
}

it('says whether a standby is synchronous, and what an asynchronous one can lose', async () => {
  await using primary = await startPostgres()
  const look = () => judged(primary.url)
  const alone = await look()
  expect(alone).toEqual({ safe: false, told: expect.stringContaining('It has no standby that is connected.') })

  await using _ = await startPostgresStandby({ of: primary })
  await expect.poll(look).toEqual({ safe: false, told: expect.stringMatching(/is asynchronous \(async.*is gone from/) })
  await primary.setParameter('synchronous_standby_names', '*')
  await expect.poll(look).toEqual({ safe: true, told: expect.stringContaining('is synchronous (sync)') })
  await primary.setParameter('synchronous_commit', 'local')
  await expect.poll(look).toEqual({ safe: false, told: expect.stringContaining('is local: commits do not wait') })
})

it('does not call standbys safe that it may not see', () => {
  const hidden = { name: 'two', syncState: null, behindBytes: null }
  const told = judgeReplication({ standbys: [hidden], synchronousStandbyNames: '*', synchronousCommit: 'on' })
  expect(told).toEqual({ safe: false, sentences: [expect.stringContaining('grant pg_read_all_stats')] })
})
