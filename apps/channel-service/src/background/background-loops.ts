import { type Loop, startLoop } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import type { Source } from '@hansard/pool-store'
import { createDeadSourceJudge } from '../departures/declare-dead-sources.ts'
import { endExpired, findDisabled, recheckMembers } from '../departures/recheck-members.ts'
import { partOrphans } from '../departures/record-departures.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { forgetUnlogged } from './forget-unlogged.ts'
import { keepIndex } from './keep-index.ts'
import { reportLoad } from './report-load.ts'

const ORPHAN_CHECK_MS = 5_000
/** Maximum delay of a chat, or of a removal from a room, if the bus drops everything. */
const ROOM_CHECK_MS = 1_000
const ACCOUNT_CHECK_MS = 2_000
const RECHECK_MS = 10_000

/** The loops of a channel service, by name. */
export type BackgroundLoops = {
  readonly loadReport: Loop
  readonly heartbeat: Loop
  /** Declares silent sources dead and records the departures of their participants. */
  readonly orphans: Loop
  /** Compares rooms with the record: finds what the bus has dropped. */
  readonly rooms: Loop
  /** Ends sessions that have expired, and those of accounts that may not use the pool any more. */
  readonly accounts: Loop
  /** Reads the configuration, the accounts and the participant counts again. */
  readonly recheck: Loop
  readonly searchIndex: Loop
}

export function startBackgroundLoops(
  deps: ChannelServiceDeps,
  { source, log, onError }: { source: Source; log: Log; onError: (doing: string) => (error: unknown) => void },
): BackgroundLoops {
  const { db, clock, config, connections, configuration, rooms, attention, recordPart, writer } = deps
  const judge = createDeadSourceJudge({ db, clock, log, own: source, deadAfterMs: config.declareDeadAfterMs })
  return {
    loadReport: startLoop({
      clock,
      everyMs: config.loadReportMs,
      turn: async () => reportLoad(deps, source),
      onError: onError('reporting the load'),
    }),
    heartbeat: startLoop({
      clock,
      everyMs: config.heartbeatMs,
      turn: () => writer.report(),
      onError: onError('the heartbeat'),
    }),
    orphans: startLoop({
      clock,
      everyMs: ORPHAN_CHECK_MS,
      async turn(signal) {
        await judge.look()
        return (await partOrphans({ db, recordPart }, signal)) > 0 ? 'again' : 'pause'
      },
      onError: onError('recording orphaned departures'),
    }),
    rooms: startLoop({
      clock,
      everyMs: ROOM_CHECK_MS,
      async turn() {
        await rooms.compare()
        await attention.compare()
      },
      onError: onError('comparing rooms with the record'),
    }),
    accounts: startLoop({
      clock,
      everyMs: ACCOUNT_CHECK_MS,
      async turn() {
        endExpired(deps, connections.all)
        await findDisabled(deps, connections.all)
      },
      onError: onError('finding disabled accounts'),
    }),
    recheck: startLoop({
      clock,
      everyMs: RECHECK_MS,
      async turn() {
        await configuration.reload()
        await recheckMembers(deps, connections.all)
        await rooms.recount()
        await forgetUnlogged({ db, clock })
      },
      onError: onError('comparing the service with the record'),
    }),
    searchIndex: keepIndex({ db, clock, onError: onError('indexing chats') }),
  }
}
