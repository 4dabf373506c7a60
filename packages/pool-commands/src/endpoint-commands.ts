import { endpointUriProblem, isKeepable, quoted } from '@hansard/rooms'
import { type CommandActor, type Context, changeEvents, requireAdministrator } from './context.ts'
import { requireText } from './locked.ts'
import { ChangeRefused, type Result } from './result.ts'

/** Endpoints: addresses at which clients of the original look for the pool. */
export function endpointCommands(context: Context) {
  const { poolRoomId } = context
  return {
    createEndpoint: (
      by: CommandActor,
      { uri, displayName }: { uri: string; displayName?: string | undefined },
    ): Promise<Result<{ uri: string; displayName: string }>> =>
      context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const problem = endpointUriProblem(uri)
        if (problem) throw new ChangeRefused('invalid', problem)
        requireText('A display name', displayName, 256)
        if (await tx('endpoint').where({ uri }).first('id')) {
          throw new ChangeRefused('duplicate-name', `An endpoint ${quoted(uri)} already exists.`)
        }
        const name = displayName ?? uri
        await tx('endpoint').insert({ uri, display_name: name })
        const subject = { type: 'endpoint' as const, uri, name }
        const after = { displayName: name }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'created', subject, after })
        return { events, rights: [], result: { uri, displayName: name } }
      }),

    deleteEndpoint: (by: CommandActor, { endpoint }: { endpoint: string }): Promise<Result<{ uri: string }>> =>
      context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const row: { display_name: string } | undefined = isKeepable(endpoint)
          ? await tx('endpoint').where({ uri: endpoint }).first()
          : undefined
        if (!row) throw new ChangeRefused('no-such-endpoint', `There is no endpoint ${quoted(endpoint)}.`)
        await tx('endpoint').where({ uri: endpoint }).delete()
        const subject = { type: 'endpoint' as const, uri: endpoint, name: row.display_name }
        const before = { displayName: row.display_name }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'deleted', subject, before })
        return { events, rights: [], result: { uri: endpoint } }
      }),
  }
}
