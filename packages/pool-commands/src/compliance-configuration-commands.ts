import { hash } from 'node:crypto'
import { type CommandActor, type Context, changeEvents, difference, type Properties } from './context.ts'
import type { Result } from './result.ts'

type Settings = Readonly<Record<string, string | number | boolean | undefined>>

/** The compliance worker's configuration is in the compliance database; its changes are recorded like all others. */
export function complianceConfigurationCommands(context: Context) {
  const { poolRoomId } = context
  return {
    /**
     * Records that a compliance configuration was changed. The change has been made already, and its permission is
     * not checked here again. No transaction spans the two databases: if this fails, the audit records show the
     * change and the exports do not.
     */
    tellComplianceConfiguration: (
      by: CommandActor,
      {
        identity,
        proposedBy,
        ...settings
      }: {
        identity: string
        before: Settings | undefined
        after: Settings | undefined
        /** the account that proposed the change, where another one approved it */
        proposedBy?: string | undefined
      },
    ): Promise<Result<undefined>> =>
      context.make(by, async (by) => {
        const subject = {
          type: 'compliance-configuration' as const,
          uri: `compliance-configuration:${identity}`,
          name: identity,
        }
        const common = { roomId: poolRoomId, by, subject }
        const [before, after] = [settings.before, settings.after].map((side) => side && told(side))
        const proposed: Properties = proposedBy === undefined ? {} : { proposedBy }
        if (!before || !after) {
          const action = after ? 'created' : 'deleted'
          const events = changeEvents({ ...common, action, before: before ?? {}, after: { ...after, ...proposed } })
          return { events: before || after ? events : [], rights: [], result: undefined }
        }
        // A setting that was removed falls back to the wider configuration.
        const gone = Object.fromEntries(Object.keys(before).map((name) => [name, null]))
        const change = difference(before, { ...gone, ...after })
        const tells = change && { before: change.before, after: { ...change.after, ...proposed } }
        const events = tells ? changeEvents({ ...common, action: 'changed', ...tells }) : []
        return { events, rights: [], result: undefined }
      }),
  }
}

/** A stylesheet may be a megabyte long: its digest identifies it. */
function told(settings: Settings): Properties {
  const entries = Object.entries(settings).flatMap(([name, value]): [string, string | number | boolean][] => {
    if (value === undefined) return []
    return [[name, name === 'customConfiguration' ? `sha256:${hash('sha256', String(value), 'hex')}` : value]]
  })
  return Object.fromEntries(entries)
}
