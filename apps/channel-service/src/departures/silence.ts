import type { SourceReportSeen } from '@hansard/pool-store'

/**
 * Finds the sources whose report has not changed for `deadAfterMs`.
 *
 * Times that services wrote are compared only with themselves, so clocks that differ do not matter: a source is silent
 * while its row stays the same. An observation counts only if the observer's own report has moved on since the last one,
 * and if that was a moment ago: an observer that was paused or cut off, or a database that takes no writes, begins again.
 * So after an outage everybody has the whole time to report.
 */
type Silence = {
  observe(reports: readonly SourceReportSeen[], now: number): SourceReportSeen[]
}

/** Observations come every few seconds; after a longer pause nothing is known about what happened in between. */
const GAP_MAX_MS = 10_000

export function createSilence({
  own,
  deadAfterMs,
}: {
  own: { readonly name: string; readonly epoch: number }
  deadAfterMs: number
}): Silence {
  const unchanged = new Map<string, { report: SourceReportSeen; since: number }>()
  let lastAt: number | undefined
  let lastOwn: number | undefined

  return {
    observe(reports, now) {
      const mine = reports.find(({ name, epoch }) => name === own.name && epoch === own.epoch)
      const gap = lastAt === undefined ? Number.POSITIVE_INFINITY : now - lastAt
      const counts = mine !== undefined && mine.reportedAt !== lastOwn && gap >= 0 && gap <= GAP_MAX_MS
      lastAt = now
      lastOwn = mine?.reportedAt
      if (!counts) unchanged.clear()

      const present = new Set(reports.map(({ name }) => name))
      for (const name of unchanged.keys()) if (!present.has(name)) unchanged.delete(name)
      const silent: SourceReportSeen[] = []
      for (const report of reports) {
        if (report === mine) continue
        const before = unchanged.get(report.name)
        const same = before?.report.epoch === report.epoch && before.report.reportedAt === report.reportedAt
        if (!before || !same) unchanged.set(report.name, { report, since: now })
        else if (now - before.since >= deadAfterMs) silent.push(report)
      }
      return silent
    },
  }
}
