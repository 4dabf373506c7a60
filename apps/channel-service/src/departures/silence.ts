import type { SourceReportSeen } from '@hansard/pool-store'

/**
 * Finds the sources whose report has not changed for `deadAfterMs`.
 *
 * A source's time stamps are compared only with its own earlier ones, so clock differences do not matter: a source is
 * silent while its row does not change. An observation counts only if the observer's own report has advanced since
 * the last one, and the last one was a moment ago. An observer that was paused or cut off, or whose database accepts
 * no writes, starts again. So after an outage every source has the whole time to report.
 */
type Silence = {
  observe(reports: readonly SourceReportSeen[], now: number): SourceReportSeen[]
}

/** Observations are made every few seconds; after a longer pause it is unknown what happened in between. */
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
