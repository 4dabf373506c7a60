import { outboxGaps } from '@hansard/pool-store'
import type { Knex } from '@hansard/sql'
import type { stagedNumbers } from '@hansard/staging'
import { refused } from '../cli/command-failure.ts'

/**
 * Checks that a copy of the compliance database and a later one of the pool database hold every event between them.
 *
 * The order is what makes them one record. The compliance database is copied first, then the pool database: what was
 * staged between the two is still in the outbox of the second, because rows stay there for a day after they were
 * staged, and is staged again after a restore. In the other order the record would know numbers that the restored pool
 * has never given out.
 *
 * It fails where rows are not kept (`HANSARD_RELAY_KEEP_HOURS=0`, or more bytes than are kept) and some were staged
 * and deleted between the two copies.
 */
export async function requireWholePair(staged: Awaited<ReturnType<typeof stagedNumbers>>, pool: Knex): Promise<void> {
  const [gap] = await outboxGaps(pool, staged)
  if (!gap) return
  throw refused(
    `The copies do not fit together: ${gap.missing} events of source ${gap.source}/${gap.epoch} after number ${gap.after} are in neither. They were staged and left the outbox while the backup was made, or do not arrive (see \`hansard status\`).`,
    'Make the backup again, or let the outbox keep its rows for longer: HANSARD_RELAY_KEEP_HOURS.',
  )
}
