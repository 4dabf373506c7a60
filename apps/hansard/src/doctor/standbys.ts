import type { Database } from '@hansard/sql'

type Standby = {
  readonly name: string
  /** `sync`, `quorum`, `potential` or `async`; null: this account may not see it */
  readonly syncState: string | null
  /** bytes that the primary has written and the standby has not flushed */
  readonly behindBytes: number | null
}

export type Replication = {
  readonly standbys: readonly Standby[]
  readonly synchronousStandbyNames: string
  readonly synchronousCommit: string
}

/** What the primary says of its standbys. */
export async function readReplication({ knex }: Database): Promise<Replication> {
  const one = async (name: string) => (await knex.raw(`select current_setting('${name}') as value`)).rows[0].value
  const { rows } = await knex.raw(
    `select application_name as name, sync_state as "syncState",
       pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)::bigint as "behindBytes"
     from pg_stat_replication where state is null or state <> 'backup' order by application_name limit 100`,
  )
  return {
    standbys: rows,
    synchronousStandbyNames: await one('synchronous_standby_names'),
    synchronousCommit: await one('synchronous_commit'),
  }
}

type Judgement = { readonly safe: boolean; readonly sentences: readonly string[] }

const LOSS =
  'When it is promoted after the primary is lost, what was acknowledged in the last moments is gone from the pool. ' +
  'What was staged by then is in the record, and `hansard status` names the numbers that are lost.'

/** What a promoted standby can lose. `safe`: no acknowledged chat. */
export function judgeReplication({ standbys, synchronousStandbyNames, synchronousCommit }: Replication): Judgement {
  if (synchronousCommit === 'off')
    return {
      safe: false,
      sentences: [
        'synchronous_commit is off: a crash of the server alone loses what was acknowledged in its last moments. Set it to on.',
      ],
    }
  if (standbys.length === 0)
    return {
      safe: false,
      sentences: [
        'It has no standby that is connected. What is not in a backup is lost with its disk.',
        ...(synchronousStandbyNames === ''
          ? []
          : [`synchronous_standby_names is ${synchronousStandbyNames}: commits wait for it.`]),
      ],
    }
  if (standbys.some(({ syncState }) => syncState === null))
    return {
      safe: false,
      sentences: ['Its standbys cannot be judged: grant pg_read_all_stats to the account of these settings.'],
    }
  const waitsForStandby = ['on', 'remote_apply'].includes(synchronousCommit)
  const synchronous = standbys.filter(({ syncState }) => syncState === 'sync' || syncState === 'quorum')
  const sentences = standbys.map((standby) => sentenceOf(standby, { synchronousCommit, waitsForStandby }))
  if (synchronous.length === 0)
    sentences.push('No standby is synchronous: set synchronous_standby_names, if none of it may be lost.')
  return { safe: synchronous.length > 0 && waitsForStandby, sentences }
}

function sentenceOf(
  { name, syncState, behindBytes }: Standby,
  { synchronousCommit, waitsForStandby }: { synchronousCommit: string; waitsForStandby: boolean },
): string {
  if (syncState === 'sync' || syncState === 'quorum')
    return waitsForStandby
      ? `Standby ${name} is synchronous (${syncState}): what is acknowledged is on its disk. Promote only such a one.`
      : `Standby ${name} is synchronous (${syncState}), and synchronous_commit is ${synchronousCommit}: commits do not wait for its disk. ${LOSS}`
  const behind = behindBytes === null ? '' : `, now ${behindBytes} bytes behind`
  return `Standby ${name} is asynchronous (${syncState}${behind}). ${LOSS}`
}
