import { categoryCommands } from './category-commands.ts'
import { chatCommands } from './chat-commands.ts'
import { createContext, type PoolCommandsOptions } from './context.ts'
import { groupCommands, peopleCommands } from './people-commands.ts'
import { preparePool } from './prepare-pool.ts'
import { roomCommands } from './room-commands.ts'
import { addInCommands, configurationCommands, endpointCommands, policyCommands } from './settings-commands.ts'

/**
 * Every change to a pool, for every door. Each answers a `Result`: an expected no is a value. What rejects is a
 * `RecordError` (try again) or a broken database.
 */
export type PoolCommands = ReturnType<typeof createPoolCommands>

export function createPoolCommands(options: PoolCommandsOptions) {
  const context = createContext(options)
  return {
    /** Call once when a service starts. */
    preparePool: () => preparePool(context),
    ...roomCommands(context),
    ...chatCommands(context),
    ...categoryCommands(context),
    ...peopleCommands(context),
    ...groupCommands(context),
    ...addInCommands(context),
    ...policyCommands(context),
    ...endpointCommands(context),
    ...configurationCommands(context),
  }
}
