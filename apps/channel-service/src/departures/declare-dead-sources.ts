import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import { aliveReports, declareDead, type Source } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { createSilence } from './silence.ts'

type DeadSourceJudge = { look(): Promise<void> }

/**
 * Declares sources dead that have stopped reporting, so that their participants leave the rosters and intervals
 * close.
 *
 * A mistake is safe for the record, because it fences the source: its next commit fails, and its process ends. But
 * every user of that source has to reconnect, so it must not happen to all sources when the database is down
 * (`silence.ts`).
 */
export function createDeadSourceJudge(deps: {
  db: Database
  clock: Clock
  log: Log
  own: Pick<Source, 'name' | 'epoch'>
  /** 0: never */
  deadAfterMs: number
}): DeadSourceJudge {
  const { db, clock, log, own, deadAfterMs } = deps
  const silence = createSilence({ own, deadAfterMs })
  return {
    async look() {
      if (deadAfterMs === 0) return
      const reports = await aliveReports(db)
      for (const { name, epoch, reportedAt } of silence.observe(reports, clock.now())) {
        // Only if it has not reported since; otherwise it is alive.
        const declared = await declareDead(db, { name, now: clock.now(), seen: { epoch, reportedAt } })
        if (declared !== undefined)
          log.error(
            { source: name, epoch, silentMs: deadAfterMs },
            'a source has stopped reporting and is declared dead',
          )
      }
    },
  }
}
