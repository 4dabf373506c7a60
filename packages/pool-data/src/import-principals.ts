import type { ChangeValue } from '@hansard/compliance-event'
import { keySecret, newKey } from '@hansard/credentials'
import { entryOf } from './data-format.ts'
import { compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import {
  deleteRows,
  differences,
  idsOf,
  insertRows,
  makeRow,
  noteMade,
  type Subject,
  tell,
  textProblem,
  updateRow,
} from './import-rows.ts'
import { type ImportRun, inBatches, type Step } from './import-run.ts'

type Line = LineOf<'principals'>
type Row = Readonly<Record<string, unknown>> & { readonly id: number }

/**
 * Users, groups and domains, by their URI. Who is there keeps the secret; who is new has none that could be used.
 * Whoever imports is neither disabled nor loses a role by it: they could not put it right again.
 */
export async function importPrincipals(run: ImportRun): Promise<void> {
  const kind = 'principals'
  await inBatches(run, entryOf(kind), run.file.lines(kind), LINE_KEYS[kind], compareKeys, async (step, lines) => {
    const existing: Row[] = await step.knex('principal').whereIn(
      'uri',
      lines.map((line) => line.uri),
    )
    const rows = new Map(existing.map((row) => [row['uri'] as string, row]))
    const holders: { account: string; uri: string }[] = await step
      .knex('principal')
      .whereIn(
        'account',
        lines.map((line) => line.account),
      )
      .select('account', 'uri')
    const accounts = new Map(holders.map(({ account, uri }) => [account, uri]))
    const policies = await idsOf(
      step,
      'policy',
      lines.flatMap((line) => line.policy ?? []),
    )
    for (const line of lines) {
      const row = rows.get(line.uri)
      const outcome = await importPrincipal(step, line, { row, holder: accounts.get(line.account), policies })
      step.count(kind, outcome)
    }
  })
}

type Found = { row: Row | undefined; holder: string | undefined; policies: ReadonlyMap<string, number> }

async function importPrincipal(
  step: Step,
  line: Line,
  { row, holder, policies }: Found,
): Promise<'made' | 'changed' | 'same' | 'left'> {
  const { run } = step
  const reference = run.isReference('principals')
  if (row && reference) return 'same'
  const left = (problem: string) => {
    step.problem(line.uri, problem)
    return 'left' as const
  }
  const policyId = line.policy === null ? null : policies.get(line.policy)
  if (policyId === undefined) step.problem(line.uri, `Its policy ${line.policy} is not there; it is left as it was.`)
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
    // Ids of invitations are never given twice.
    last_invitation_id: Math.max(line.lastInvitationId, Number(row?.['last_invitation_id'] ?? 0)),
  }
  const problem = textProblem(wanted) ?? uriProblem(line)
  if (problem) return left(problem)
  if (row && row['type'] !== line.type) return left(`It is a ${String(row['type'])} here.`)
  const planned = run.planned.get(`account ${line.account}`)
  if ((holder !== undefined && holder !== line.uri) || planned !== undefined)
    return left(`The account name ${line.account} is taken here${holder === undefined ? '' : ` by ${holder}`}.`)
  const self = row?.id === run.actor.id
  if (self && line.disabled) {
    step.problem(line.uri, 'It is your own account: it is not disabled.')
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
  const roles = await importRoles(step, id, line, { self, known: row !== undefined })
  if (roles.removed.length > 0) before['roles'] = roles.removed
  if (roles.added.length > 0) after['roles'] = roles.added
  const subject: Subject = { type: line.type === 'user' ? 'user' : 'group', uri: line.uri, name: line.displayName }
  if (!row) {
    tell(step, 'created', subject, { before: {}, after })
    return 'made'
  }
  if (Object.keys(update).length + roles.added.length + roles.removed.length === 0) return 'same'
  tell(step, 'changed', subject, { before, after })
  step.principals.add(id)
  return 'changed'
}

/** Of a key nobody has been told. */
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
  line: Line,
  { self, known }: { self: boolean; known: boolean },
): Promise<{ added: string[]; removed: string[] }> {
  const rows: { role: string }[] = known ? await step.knex('pool_role').where({ principal_id: id }).select('role') : []
  const held = new Set(rows.map((row) => row.role))
  const wanted = new Set<string>(line.roles)
  const added = [...wanted].filter((role) => !held.has(role))
  let removed = [...held].filter((role) => !wanted.has(role))
  if (self && removed.length > 0) {
    step.problem(line.uri, `It is your own account: it keeps ${removed.join(', ')}.`)
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

function uriProblem({ uri, type, domain }: Line): string | undefined {
  if (type === 'group')
    return uri.startsWith('ma-grp:') && !uri.startsWith('ma-grp:*@') ? undefined : 'It is no URI of a group.'
  if (type === 'domain') return uri === `ma-grp:*@${domain}` ? undefined : `It is no URI of the domain ${domain}.`
  return uri.startsWith('sip:') && uri.endsWith(`@${domain}`) ? undefined : `It is no URI of a user of ${domain}.`
}
