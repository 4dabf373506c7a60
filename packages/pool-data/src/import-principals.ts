import type { ChangeValue } from '@hansard/compliance-event'
import { keySecret, newKey } from '@hansard/credentials'
import { roomsOfBarred } from '@hansard/pool-store'
import {
  accountNameProblem,
  domainDisplayName,
  domainProblem,
  domainUri,
  groupUri,
  isKeepable,
  keptPrincipalUri,
  principalUri,
  roomNameProblem,
  TEXT_LIMITS,
  textProblem,
} from '@hansard/rooms'
import { entryOf } from './data-format.ts'
import { compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import {
  deleteRows,
  differences,
  type ImportedSubject,
  idsOf,
  insertRows,
  makeRow,
  noteMade,
  tell,
  updateRow,
} from './import-rows.ts'
import { type ImportRun, inBatches, type Step } from './import-run.ts'

type Line = LineOf<'principals'>
type Row = Readonly<Record<string, unknown>> & { readonly id: number }

/** A line as the pool stores it, and as the file has it. */
type Asked = { readonly line: Line; readonly spelt: Line }

/**
 * Imports users, groups and domains by URI, with domains in lower case however they are spelt. An existing user keeps
 * the secret; a new one has none that works. A domain is only a name, so an existing one stays as it is. The importer
 * is neither disabled nor deprived of a role, because they could not undo it.
 */
export async function importPrincipals(run: ImportRun): Promise<void> {
  const kind = 'principals'
  await inBatches(run, entryOf(kind), run.file.lines(kind), LINE_KEYS[kind], compareKeys, async (step, spelt) => {
    const asked = spelt.map((line): Asked => ({ line: asKept(line), spelt: line }))
    const existing: Row[] = await step
      .knex('principal')
      .whereIn('uri', asked.map(({ line }) => line.uri).filter(isKeepable))
    const rows = new Map(existing.map((row) => [row['uri'] as string, row]))
    const holders: { account: string; uri: string }[] = await step
      .knex('principal')
      .whereIn('account', asked.map(({ line }) => line.account).filter(isKeepable))
      .select('account', 'uri')
    const accounts = new Map(holders.map(({ account, uri }) => [account, uri]))
    const policies = await idsOf(step, 'policy', spelt.flatMap((line) => line.policy ?? []).filter(isKeepable))
    for (const each of asked) {
      const { uri, account } = each.line
      const found = { row: rows.get(uri), holder: accounts.get(account), policies }
      const outcome = await importPrincipal(step, each, found)
      if (outcome === 'made') accounts.set(account, uri)
      step.count(kind, outcome)
    }
  })
}

/** A wall around a domain holds however the domain was spelt. */
function asKept(line: Line): Line {
  const uri = keptPrincipalUri(line.uri)
  const account = line.type === 'domain' ? keptPrincipalUri(line.account) : line.account
  const domain = line.type === 'group' ? uri.slice(uri.lastIndexOf('@') + 1) : line.domain.toLowerCase()
  return { ...line, uri, account, domain }
}

type Found = { row: Row | undefined; holder: string | undefined; policies: ReadonlyMap<string, number> }

async function importPrincipal(
  step: Step,
  { line, spelt }: Asked,
  { row, holder, policies }: Found,
): Promise<'made' | 'changed' | 'same' | 'left'> {
  const { run } = step
  const reference = run.isReference('principals')
  const left = (problem: string) => {
    step.problem(line.uri, problem, spelt)
    return 'left' as const
  }
  if (row && row['type'] !== line.type) return left(`It is a ${String(row['type'])} here.`)
  if (row && (reference || line.type === 'domain')) return 'same'
  const problem = principalProblem(line)
  if (problem) return left(problem)
  const planned = run.planned.get(`account ${line.account}`)
  if ((holder !== undefined && holder !== line.uri) || planned !== undefined)
    return left(`The account name ${line.account} is taken here${holder === undefined ? '' : ` by ${holder}`}.`)
  const policyId = line.policy === null ? null : policies.get(line.policy)
  if (policyId === undefined)
    step.problem(line.uri, `Its policy ${line.policy} is not there; it is left as it was.`, spelt)
  const wanted = {
    uri: line.uri,
    account: line.account,
    type: line.type,
    domain: line.domain,
    display_name: line.displayName,
    email: line.email,
    internal: line.internal,
    disabled: line.disabled,
    ...(policyId === undefined ? {} : { policy_id: policyId }),
    created_at: line.createdAt,
    // Invitation ids are never reused.
    last_invitation_id: Math.max(line.lastInvitationId, Number(row?.['last_invitation_id'] ?? 0)),
  }
  const self = row?.id === run.actor.id
  if (self && line.disabled) {
    step.problem(line.uri, 'It is your own account: it is not disabled.', spelt)
    wanted.disabled = false
  }

  const { update, before, after } = differences(row, wanted, PROPERTIES)
  if ('policy_id' in update) await tellPolicy(step, line, row, { before, after })
  if (row) {
    if (update['disabled'] === true) update['credential_version'] = Number(row['credential_version']) + 1
    await updateRow(step, 'principal', { id: row.id }, update)
  }
  const id =
    row?.id ?? (await makeRow(step, 'principal', { ...wanted, secret: line.type === 'user' ? unusableSecret() : '' }))
  if (!row) {
    if (run.dry) run.planned.set(`account ${line.account}`, id)
    if (reference) await noteMade(step, line.uri)
  }
  const roles = await importRoles(step, id, { line, spelt }, { self, known: row !== undefined })
  if (roles.removed.length > 0) before['roles'] = roles.removed
  if (roles.added.length > 0) after['roles'] = roles.added
  const subject: ImportedSubject = {
    type: line.type === 'user' ? 'user' : 'group',
    uri: line.uri,
    name: line.displayName,
  }
  if (!row) {
    // A domain has no effect until a list names it, and that change is recorded.
    if (line.type !== 'domain') tell(step, 'created', subject, { before: {}, after })
    return 'made'
  }
  if (Object.keys(update).length + roles.added.length + roles.removed.length === 0) return 'same'
  tell(step, 'changed', subject, { before, after })
  if ('disabled' in update || 'policy_id' in update || roles.added.length + roles.removed.length > 0)
    for (const room of await roomsOfBarred(step.knex, { principalIds: [id] })) step.rights.add(room)
  step.principals.add(id)
  return 'changed'
}

/** The secret of a random key that nobody knows. */
function unusableSecret(): string {
  return keySecret(newKey())
}

const PROPERTIES = {
  display_name: 'displayName',
  email: 'email',
  internal: 'internal',
  disabled: 'disabled',
  domain: 'domain',
}

async function tellPolicy(
  step: Step,
  line: Line,
  row: Row | undefined,
  told: { before: Record<string, ChangeValue>; after: Record<string, ChangeValue> },
): Promise<void> {
  if (row) {
    const held: { identity: string } | undefined = await step.knex('policy').where({ id: row['policy_id'] }).first()
    told.before['policy'] = held?.identity ?? null
  }
  told.after['policy'] = line.policy
}

async function importRoles(
  step: Step,
  id: number,
  { line, spelt }: Asked,
  { self, known }: { self: boolean; known: boolean },
): Promise<{ added: string[]; removed: string[] }> {
  const rows: { role: string }[] = known ? await step.knex('pool_role').where({ principal_id: id }).select('role') : []
  const held = new Set(rows.map((row) => row.role))
  const wanted = new Set<string>(line.roles)
  const added = [...wanted].filter((role) => !held.has(role))
  let removed = [...held].filter((role) => !wanted.has(role))
  if (self && removed.length > 0) {
    step.problem(line.uri, `It is your own account: it keeps ${removed.join(', ')}.`, spelt)
    removed = []
  }
  for (const role of removed) await deleteRows(step, 'pool_role', { principal_id: id, role })
  await insertRows(
    step,
    'pool_role',
    added.map((role) => ({ principal_id: id, role })),
  )
  return { added, removed }
}

/** Why a command would refuse it. */
function principalProblem({ uri, type, account, domain, displayName, email, ...more }: Line): string | undefined {
  const longest = type === 'domain' ? domainDisplayName(domain).length : 0
  const text =
    textProblem('A display name', displayName, Math.max(TEXT_LIMITS.displayName, longest)) ??
    (email === null ? undefined : textProblem('An address', email, TEXT_LIMITS.address)) ??
    domainProblem(domain)
  if (text) return text
  if (type === 'user')
    return (
      accountNameProblem(account) ??
      (uri === principalUri(account, domain) ? undefined : `It is no URI of the account ${account} of ${domain}.`)
    )
  if (more.roles.length > 0 || more.policy !== null || more.disabled)
    return 'Only users hold roles in the pool and policies, and can be disabled.'
  if (account !== uri) return `The account of a ${type} is its URI.`
  if (type === 'domain') return uri === domainUri(domain) ? undefined : `It is no URI of the domain ${domain}.`
  const name = groupNameOf(uri)
  if (name === undefined || groupUri(name, domain) !== uri) return 'It is no URI of a group.'
  return roomNameProblem(name, 'A group’s name')
}

function groupNameOf(uri: string): string | undefined {
  try {
    return decodeURIComponent(/^ma-grp:(.*)@[^@]*$/s.exec(uri)?.[1] ?? '')
  } catch {
    return undefined
  }
}
