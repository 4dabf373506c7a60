import type { Clock } from '@hansard/clock'

/** The load that a channel service reported, and when. */
type LoadReport = { service: string; endpoint: string; sessions: number; sessionsMax: number }

/**
 * Chooses the least-loaded channel service for a session.
 *
 * Reports arrive every ten seconds. Sessions assigned since a service's last report are added to it, so that a rush
 * of sign-ins is spread over the services. A service that has not reported for three periods is left out, and so is a
 * suspended one: it is known to be unreachable. Assigned sessions are never moved.
 */
export type Assignments = {
  report(load: LoadReport): void
  /** The service is stopping, or has stopped. */
  remove(service: string): void
  /**
   * `active`: names of the services that may get sessions; if empty, all of them. `avoid`: an endpoint that is chosen
   * only if there is no other.
   */
  assign(active?: readonly string[], avoid?: string): { service: string; endpoint: string } | undefined
  suspend(service: string): void
  restore(service: string): void
  suspended(): readonly { service: string; endpoint: string }[]
  known(): number
}

export const REPORT_EXPIRES_MS = 30_000

type Known = LoadReport & { reportedAt: number; assignedSince: number; suspended: boolean }

export function createAssignments({ clock }: { clock: Clock }): Assignments {
  const loads = new Map<string, Known>()
  const current = () => {
    for (const [service, load] of loads) if (clock.uptime() - load.reportedAt > REPORT_EXPIRES_MS) loads.delete(service)
    return [...loads.values()]
  }
  const leastLoaded = (among: readonly Known[]): Known | undefined => {
    let best: { load: Known; share: number } | undefined
    for (const load of among) {
      const sessions = load.sessions + load.assignedSince
      if (sessions >= load.sessionsMax) continue
      const share = sessions / load.sessionsMax
      if (!best || share < best.share) best = { load, share }
    }
    return best?.load
  }
  const setSuspended = (service: string, suspended: boolean) => {
    const load = loads.get(service)
    if (load) load.suspended = suspended
  }
  return {
    report(load) {
      const before = loads.get(load.service)
      // A new address is a new process: state of the old one does not apply to it.
      const suspended = before?.endpoint === load.endpoint && before.suspended
      loads.set(load.service, { ...load, reportedAt: clock.uptime(), assignedSince: 0, suspended })
    },
    remove: (service) => void loads.delete(service),
    assign(active = [], avoid) {
      const usable = current().filter(
        (load) => !load.suspended && (active.length === 0 || active.includes(load.service)),
      )
      const best = leastLoaded(usable.filter(({ endpoint }) => endpoint !== avoid)) ?? leastLoaded(usable)
      if (!best) return undefined
      best.assignedSince += 1
      return { service: best.service, endpoint: best.endpoint }
    },
    suspend: (service) => setSuspended(service, true),
    restore: (service) => setSuspended(service, false),
    suspended: () => current().filter((load) => load.suspended),
    known: () => current().length,
  }
}
