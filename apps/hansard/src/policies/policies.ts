import { allPages, openAdmin } from '../cli/admin-client.ts'
import { misused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { table } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'

export async function listPolicies(io: Io, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const policies = await allPages(undefined, async (page) => {
    const reply = await admin.ask('listPolicies', { query: page })
    return { entries: reply.policies, next: reply.next }
  })
  answer(io, options.json, { policies }, () =>
    table(
      ['POLICY', 'MAY USE THE POOL', 'DESCRIPTION'],
      policies.map(({ identity, enabled, description }) => [identity, enabled ? 'yes' : 'no', description]),
    ),
  )
  return 0
}

type Options = PoolOptions & {
  readonly description?: string
  readonly enabled?: boolean
  readonly disabled?: boolean
}

export async function addPolicy(io: Io, identity: string, options: Options): Promise<ExitCode> {
  const enabled = state(options)
  if (enabled === undefined) throw misused('Say --enabled or --disabled.')
  const admin = await openAdmin(io, options)
  const policy = await admin.ask('addPolicy', {
    body: { identity, enabled, ...said({ description: options.description }) },
  })
  answer(io, options.json, policy, () => told(policy))
  return 0
}

export async function setPolicy(io: Io, identity: string, options: Options): Promise<ExitCode> {
  const body = said({ enabled: state(options), description: options.description })
  if (Object.keys(body).length === 0) throw misused('Say --enabled, --disabled or --description.')
  const admin = await openAdmin(io, options)
  const policy = await admin.ask('changePolicy', { parts: { policy: identity }, body })
  answer(io, options.json, policy, () => told(policy))
  return 0
}

export async function removePolicy(io: Io, policy: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const removed = await admin.ask('removePolicy', { parts: { policy } })
  answer(io, options.json, removed, () => `${policy} has been removed.\n`)
  return 0
}

export async function grantPolicy(
  io: Io,
  account: string,
  identity: string | undefined,
  options: PoolOptions & { none: boolean },
): Promise<ExitCode> {
  if ((identity === undefined) !== options.none) throw misused('Name a policy, or say --none.')
  const admin = await openAdmin(io, options)
  const done = await admin.ask('grantPolicy', { body: { users: [account], policy: identity ?? null } })
  answer(io, options.json, done, () => `${account} has ${identity ?? 'no policy of its own'}.\n`)
  return 0
}

function state({ enabled = false, disabled = false }: Options): boolean | undefined {
  if (enabled && disabled) throw misused('Say either --enabled or --disabled.')
  return enabled ? true : disabled ? false : undefined
}

function told({ identity, enabled }: { identity: string; enabled: boolean }): string {
  return `${identity}: whom it counts for ${enabled ? 'may' : 'may not'} use the pool.\n`
}
