import type { Clock } from '@hansard/clock'

/** What a channel service said of its load, and when. */
type LoadReport = { service: string; endpoint: string; sessions: number; sessionsMax: number }

/**
 * Chooses the least-loaded channel service for a session.
 *
 * Reports come every ten seconds; sessions assigned since a service's last report are added to it, so that a rush of
 * sign-ins is spread and not all sent to whoever reported first. A service that has not reported for three periods is
 * left out. Sessions once assigned stay where they are.
 */
type Assignments = {
  report(load: LoadReport): void
  /** `active`: names of the services that sessions go to; none named means all of them. */
  assign(active?: readonly string[]): string | undefined
  known(): number
}

export const REPORT_EXPIRES_MS = 30_000

export function createAssignments({ clock }: { clock: Clock }): Assignments {
  const loads = new Map<string, LoadReport & { reportedAt: number; assignedSince: number }>()
  const current = () => {
    for (const [service, load] of loads) if (clock.now() - load.reportedAt > REPORT_EXPIRES_MS) loads.delete(service)
    return [...loads.values()]
  }
  return {
    report(load) {
      loads.set(load.service, { ...load, reportedAt: clock.now(), assignedSince: 0 })
    },
    assign(active = []) {
      let best: { load: { endpoint: string; assignedSince: number }; share: number } | undefined
      for (const load of current()) {
        if (active.length > 0 && !active.includes(load.service)) continue
        const sessions = load.sessions + load.assignedSince
        if (sessions >= load.sessionsMax) continue
        const share = sessions / load.sessionsMax
        if (!best || share < best.share) best = { load, share }
      }
      if (!best) return undefined
      best.load.assignedSince += 1
      return best.load.endpoint
    },
    known: () => current().length,
  }
}
