import type { PoolMessage } from '@hansard/bus'
import type { Source } from '@hansard/pool-store'
import { recheckMembers } from '../departures/recheck-members.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import type { BackgroundLoops } from './background-loops.ts'
import { reportLoad } from './report-load.ts'

/** Handles a message that concerns the whole pool, from another service or from a command on this one. */
export function hearPool(
  deps: ChannelServiceDeps,
  message: PoolMessage,
  {
    source,
    loops,
    onError,
  }: { source: Source; loops: BackgroundLoops; onError: (doing: string) => (error: unknown) => void },
): void {
  const { attention, configuration, connections } = deps
  attention.hear(message)
  switch (message.t) {
    case 'load-wanted':
      return reportLoad(deps, source)
    case 'principal-changed':
      for (const session of connections.all) if (session.signingIn) session.doubtful = true
      recheckMembers(deps, connections.all, new Set(message.principals)).catch(onError('rechecking accounts'))
      return
    case 'configuration-changed':
      configuration.reload().catch(onError('reading the configuration'))
      // A policy may have changed; the message does not say for which principals.
      loops.accounts.wake()
  }
}
