import type { Command } from 'commander'
import { COMPLIANCE_SETTINGS, CONFIG_SETTINGS } from '../cli/option-names.ts'
import { between, choice, onOff, type PoolOptions, poolVerb, several, type Verbs } from '../cli/verb.ts'
import type { ConfigOptions } from '../config/config.ts'
import type { ComplianceConfigOptions } from './compliance-config.ts'

export function addSettingsVerbs(program: Command, verbs: Verbs): void {
  addAddInVerbs(program, verbs)
  addPolicyVerbs(program, verbs)
  addEndpointVerbs(program, verbs)
  addConfigVerbs(program, verbs)
  addPoolVerbs(program, verbs)
  addComplianceConfigVerbs(program, verbs)
}

function addAddInVerbs(program: Command, { io, run }: Verbs): void {
  const addIns = program.command('add-ins').description('web pages that clients show beside a room')
  poolVerb(addIns, 'list', 'all add-ins').action(
    run(async (options: PoolOptions) => {
      const { listAddIns } = await import('../add-ins/add-ins.ts')
      return listAddIns(io, options)
    }),
  )
  poolVerb(addIns, 'add', 'register an add-in')
    .argument('<name>')
    .argument('<url>', 'http or https')
    .action(
      run(async (name: string, url: string, options: PoolOptions) => {
        const { addAddIn } = await import('../add-ins/add-ins.ts')
        return addAddIn(io, { name, url }, options)
      }),
    )
  poolVerb(addIns, 'set', 'change an add-in')
    .argument('<name>')
    .option('--name <name>', 'call it so')
    .option('--url <url>')
    .action(
      run(async (addIn: string, options: PoolOptions & { name?: string; url?: string }) => {
        const { setAddIn } = await import('../add-ins/add-ins.ts')
        return setAddIn(io, addIn, options)
      }),
    )
  poolVerb(addIns, 'remove', 'remove an add-in, also from the rooms that show it')
    .argument('<name>')
    .action(
      run(async (addIn: string, options: PoolOptions) => {
        const { removeAddIn } = await import('../add-ins/add-ins.ts')
        return removeAddIn(io, addIn, options)
      }),
    )
}

type PolicyOptions = PoolOptions & { description?: string; enabled?: boolean; disabled?: boolean }

function addPolicyVerbs(program: Command, { io, run }: Verbs): void {
  const policies = program.command('policies').description('who may use the pool; the most specific policy counts')
  poolVerb(policies, 'list', 'all policies').action(
    run(async (options: PoolOptions) => {
      const { listPolicies } = await import('../policies/policies.ts')
      return listPolicies(io, options)
    }),
  )
  const states = (command: Command) =>
    command
      .argument('<identity>', 'global, site:<name>, pool:<name>, or a name to grant it by')
      .option('--description <text>')
      .option('--enabled', 'whom it counts for may use the pool')
      .option('--disabled', 'whom it counts for may not')
  states(poolVerb(policies, 'add', 'add a policy')).action(
    run(async (identity: string, options: PolicyOptions) => {
      const { addPolicy } = await import('../policies/policies.ts')
      return addPolicy(io, identity, options)
    }),
  )
  states(poolVerb(policies, 'set', 'change a policy')).action(
    run(async (identity: string, options: PolicyOptions) => {
      const { setPolicy } = await import('../policies/policies.ts')
      return setPolicy(io, identity, options)
    }),
  )
  poolVerb(policies, 'remove', 'remove a policy')
    .argument('<identity>')
    .action(
      run(async (identity: string, options: PoolOptions) => {
        const { removePolicy } = await import('../policies/policies.ts')
        return removePolicy(io, identity, options)
      }),
    )
  poolVerb(policies, 'grant', 'grant a policy to a user, or take it away')
    .argument('<account>')
    .argument('[identity]')
    .option('--none', 'let a wider policy count again', false)
    .action(
      run(async (account: string, identity: string | undefined, options: PoolOptions & { none: boolean }) => {
        const { grantPolicy } = await import('../policies/policies.ts')
        return grantPolicy(io, account, identity, options)
      }),
    )
}

function addEndpointVerbs(program: Command, { io, run }: Verbs): void {
  const endpoints = program.command('endpoints').description('addresses under which older clients find the pool')
  poolVerb(endpoints, 'list', 'all endpoints').action(
    run(async (options: PoolOptions) => {
      const { listEndpoints } = await import('../endpoints/endpoints.ts')
      return listEndpoints(io, options)
    }),
  )
  poolVerb(endpoints, 'add', 'add an endpoint')
    .argument('<uri>', 'such as sip:chat@example.com')
    .option('--name <name>', 'display name')
    .action(
      run(async (uri: string, options: PoolOptions & { name?: string }) => {
        const { addEndpoint } = await import('../endpoints/endpoints.ts')
        return addEndpoint(io, uri, options)
      }),
    )
  poolVerb(endpoints, 'remove', 'remove an endpoint')
    .argument('<uri>')
    .action(
      run(async (uri: string, options: PoolOptions) => {
        const { removeEndpoint } = await import('../endpoints/endpoints.ts')
        return removeEndpoint(io, uri, options)
      }),
    )
}

function addConfigVerbs(program: Command, { io, run }: Verbs): void {
  const config = program.command('config').description('limits and settings of the pool, a site or a service')
  poolVerb(config, 'list', 'what has been set').action(
    run(async (options: PoolOptions) => {
      const { listConfig } = await import('../config/config.ts')
      return listConfig(io, options)
    }),
  )
  poolVerb(config, 'show', 'what holds: of the pool, or of a service at a site')
    .option('--site <name>')
    .option('--service <name>')
    .action(
      run(async (options: PoolOptions & { site?: string; service?: string }) => {
        const { showConfig } = await import('../config/config.ts')
        return showConfig(io, options)
      }),
    )
  poolVerb(config, 'set', 'change settings; they hold at once')
    .argument('<identity>', 'global, site:<name> or service:<name>')
    .option('--default-chat-history <n>', 'chats shown when somebody comes in: 1 to 500', between(1, 500))
    .option('--max-file-size-kb <n>', 'largest file, in units of 1,024 bytes', between(0, 4_194_303))
    .option(
      '--participant-update-limit <n>',
      'above so many participants comings and goings are not told',
      between(0, 1_000_000),
    )
    .option('--room-management-url <url>', 'where rooms are managed in a browser')
    .option('--chat-bytes <n>', 'longest chat: 64 to 262144', between(64, 262_144))
    .option('--story-bytes <n>', 'longest story: 64 to 262144', between(64, 262_144))
    .option('--search-limit <n>', 'results of one search at most: 1 to 999', between(1, 999))
    .addOption(onOff('--managers-may-edit-chats <on|off>', 'room managers may replace and delete chats'))
    .addOption(
      choice('--profile <profile>', 'sizes of chats and stories: the original’s, or the default ones', [
        'original',
        'default',
      ]),
    )
    .action(
      run(async (identity: string, options: ConfigOptions) => {
        const { setConfig } = await import('../config/config.ts')
        return setConfig(io, identity, options)
      }),
    )
  poolVerb(config, 'unset', 'give settings back to the wider configuration, or to the defaults')
    .argument('<identity>', 'global, site:<name> or service:<name>')
    .argument('<setting...>', `as the options of set are called: ${Object.keys(CONFIG_SETTINGS).join(', ')}`)
    .action(
      run(async (identity: string, settings: string[], options: PoolOptions) => {
        const { unsetConfig } = await import('../config/config.ts')
        return unsetConfig(io, identity, settings, options)
      }),
    )
  poolVerb(config, 'remove', 'remove a configuration; the global one returns to the defaults')
    .argument('<identity>')
    .action(
      run(async (identity: string, options: PoolOptions) => {
        const { removeConfig } = await import('../config/config.ts')
        return removeConfig(io, identity, options)
      }),
    )
}

function addPoolVerbs(program: Command, { io, run }: Verbs): void {
  const pool = program.command('pool').description('the pool’s state and its active servers')
  poolVerb(pool, 'state', 'show or say whether the pool runs from its backup site: a note, which switches nothing')
    .argument('[state]', 'normal or failed-over')
    .action(
      run(async (state: string | undefined, options: PoolOptions) => {
        const { poolState } = await import('../pool/pool.ts')
        return poolState(io, state, options)
      }),
    )
  const servers = poolVerb(pool, 'active-servers', 'show or change which channel services clients are sent to')
  several(servers, '--add <name>', 'a channel service')
  several(servers, '--remove <name>', 'a channel service')
  servers
    .option('--all', 'every server is active', false)
    .option('--swap', 'active servers become inactive and the other way round', false)
    .action(
      run(async (options: PoolOptions & { add: string[]; remove: string[]; all: boolean; swap: boolean }) => {
        const { activeServers } = await import('../pool/pool.ts')
        return activeServers(io, options)
      }),
    )
}

function addComplianceConfigVerbs(program: Command, { io, run }: Verbs): void {
  const config = program.command('compliance-config').description('what the compliance worker makes of what was said')
  poolVerb(config, 'list', 'what is configured').action(
    run(async (options: PoolOptions) => {
      const { listComplianceConfig } = await import('./compliance-config.ts')
      return listComplianceConfig(io, options)
    }),
  )
  const set = poolVerb(config, 'set', 'add or change a configuration; it counts from the next interval')
    .argument('<identity>', 'global, adapter:<name>, site:<name> or service:<name>: one adapter each')
    .option('--adapter-name <name>', 'another name begins another series of exports, and ends this one')
    .option('--adapter-type <type>', 'an output format, such as xml')
    .option('--output-directory <dir>')
    .option('--run-interval <time>', 'length of an interval: 1m to 30d')
    .option('--stylesheet <file>', 'an XSLT file for the adapter')
    .option('--no-stylesheet', 'the adapter’s own again')
    .option('--events-per-file <n>', 'events in one document at most: 1 to 100000', between(1, 100_000))
  for (const [name, told] of [
    ['add-chat-room-details', 'more of the room in the documents'],
    ['add-user-details', 'more of people in the documents'],
    ['create-file-attachments-manifest', 'a list of the files that were transferred'],
    ['one-chat-room-per-output-file', 'a document of its own for every room'],
  ] as const) {
    set.addOption(onOff(`--${name} <on|off>`, told))
  }
  set.option('--yes', 'do not ask when a series of exports ends by it', false)
  set.action(
    run(async (identity: string, options: ComplianceConfigOptions) => {
      const { setComplianceConfig } = await import('./compliance-config.ts')
      return setComplianceConfig(io, identity, options)
    }),
  )
  poolVerb(config, 'unset', 'give settings back to the global configuration, or to the defaults')
    .argument('<identity>', 'as list shows it')
    .argument('<setting...>', `as the options of set are called: ${Object.keys(COMPLIANCE_SETTINGS).join(', ')}`)
    .option('--yes', 'do not ask when a series of exports ends by it', false)
    .action(
      run(async (identity: string, settings: string[], options: PoolOptions & { yes: boolean }) => {
        const { unsetComplianceConfig } = await import('./compliance-config.ts')
        return unsetComplianceConfig(io, identity, settings, options)
      }),
    )
  poolVerb(config, 'remove', 'remove an adapter, whose series of exports ends; the global one returns to the defaults')
    .argument('<identity>', 'as list shows it')
    .option('--yes', 'do not ask', false)
    .action(
      run(async (identity: string, options: PoolOptions & { yes: boolean }) => {
        const { removeComplianceConfig } = await import('./compliance-config.ts')
        return removeComplianceConfig(io, identity, options)
      }),
    )
}
