import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import { declareDead, type Source, silentSources } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

/** Declares the sources dead that have not reported for `afterMs`, except this service's own. 0: none. */
export async function declareSilentDead(
  { db, clock, log }: { db: Database; clock: Clock; log: Log },
  { source, afterMs }: { source: Source; afterMs: number },
): Promise<void> {
  if (afterMs === 0) return
  const silentSince = clock.now() - afterMs
  for (const name of await silentSources(db, silentSince)) {
    if (name === source.name) continue
    log.error({ source: name }, 'a source is silent and is declared dead')
    await declareDead(db, { name, now: clock.now(), silentSince })
  }
}
