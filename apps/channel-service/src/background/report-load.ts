import type { Source } from '@hansard/pool-store'
import type { ChannelServiceDeps } from '../deps.ts'

/** Reports to the lookup services how many sessions this service has, and its maximum. */
export function reportLoad(
  { bus, config, connections }: Pick<ChannelServiceDeps, 'bus' | 'config' | 'connections'>,
  source: Source,
): void {
  const { endpoint, sessionsMax } = config
  bus.publish({ t: 'load', service: source.name, endpoint, sessions: connections.all.size, sessionsMax })
}
