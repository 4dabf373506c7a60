import { addInCommands } from './add-in-commands.ts'
import { categoryCommands } from './category-commands.ts'
import { chatCommands } from './chat-commands.ts'
import { complianceConfigurationCommands } from './compliance-configuration-commands.ts'
import { configurationCommands } from './configuration-commands.ts'
import { createContext, type PoolCommandsOptions } from './context.ts'
import { endpointCommands } from './endpoint-commands.ts'
import { groupCommands } from './group-commands.ts'
import { policyCommands } from './policy-commands.ts'
import { poolStateCommands } from './pool-state-commands.ts'
import { preparePool } from './prepare-pool.ts'
import { roomCommands } from './room-commands.ts'
import { userCommands } from './user-commands.ts'

/**
 * Every change to a pool, for every entry point. Each returns a `Result`: an expected refusal is a value. A rejection
 * is a `RecordError` (try again) or a broken database.
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
    ...userCommands(context),
    ...groupCommands(context),
    ...addInCommands(context),
    ...policyCommands(context),
    ...endpointCommands(context),
    ...configurationCommands(context),
    ...poolStateCommands(context),
    ...complianceConfigurationCommands(context),
  }
}
