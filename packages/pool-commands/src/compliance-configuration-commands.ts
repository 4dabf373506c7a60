import { hash } from 'node:crypto'
import { type CommandActor, type Context, changeEvents, difference, type Properties } from './context.ts'
import type { Result } from './result.ts'

type Settings = Readonly<Record<string, string | number | boolean | undefined>>

/** What the compliance worker is told is kept in the compliance database; that it was changed belongs on record like the rest. */
export function complianceConfigurationCommands(context: Context) {
  const { poolRoomId } = context
  return {
    /**
     * Puts on record that a compliance configuration was changed. The change itself has been made, and by whom it may be is
     * not asked here again. No transaction spans the two databases: where this fails, the audit records tell of the change
     * and the exports do not.
     */
    tellComplianceConfiguration: (
      by: CommandActor,
      { identity, ...settings }: { identity: string; before: Settings | undefined; after: Settings | undefined },
    ): Promise<Result<undefined>> =>
      context.make(by, async (by) => {
        const subject = {
          type: 'compliance-configuration' as const,
          uri: `compliance-configuration:${identity}`,
          name: identity,
        }
        const common = { roomId: poolRoomId, by, subject }
        const [before, after] = [settings.before, settings.after].map((side) => side && told(side))
        if (!before || !after) {
          const action = after ? 'created' : 'deleted'
          const events = changeEvents({ ...common, action, ...(before ? { before } : {}), ...(after ? { after } : {}) })
          return { events: before || after ? events : [], rights: [], result: undefined }
        }
        // What is not said any more is as a wider configuration says.
        const gone = Object.fromEntries(Object.keys(before).map((name) => [name, null]))
        const change = difference(before, { ...gone, ...after })
        const events = change ? changeEvents({ ...common, action: 'changed', ...change }) : []
        return { events, rights: [], result: undefined }
      }),
  }
}

/** A stylesheet may be a megabyte long: its digest tells which one it was. */
function told(settings: Settings): Properties {
  const entries = Object.entries(settings).flatMap(([name, value]): [string, string | number | boolean][] => {
    if (value === undefined) return []
    return [[name, name === 'customConfiguration' ? `sha256:${hash('sha256', String(value), 'hex')}` : value]]
  })
  return Object.fromEntries(entries)
}
