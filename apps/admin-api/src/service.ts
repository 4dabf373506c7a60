import {
  ADMIN_ROUTES,
  AddRoomsRequest,
  AddUsersRequest,
  type AdminReplyOf,
  type AdminRouteName,
  AdminSignInRequest,
  DeclareDeadRequest,
  ListExportsQuery,
  OPERATOR_ACCOUNT,
  PageQuery,
  parseExportId,
  SetPasswordRequest,
} from '@hansard/admin-contract'
import type { Clock } from '@hansard/clock'
import { hashPassword, newKey, passwordProblem, TooManySignIns, verifySecret } from '@hansard/credentials'
import type { Log } from '@hansard/log'
import { createPrincipals, findPrincipal, type Principal, type SignIn } from '@hansard/pool-store'
import { type Database, isTransient } from '@hansard/sql'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { request as askWorker, listExports, quarantine, requestState, showExport } from './exports.ts'
import { AdminProblem, parse, sendProblem } from './problems.ts'
import { addRooms, listRooms } from './rooms.ts'
import { declareSourceDead } from './sources.ts'
import { poolStatus } from './status.ts'
import { addUsers, listUsers, setPassword } from './users.ts'

/** What the admin API answers from. */
export type AdminApiParts = {
  readonly poolDb: Database
  readonly complianceDb: Database
  readonly clock: Clock
  readonly log: Log
  readonly signIn: SignIn
  readonly pool: string
  readonly domain: string
  readonly version: string
  readonly runIntervalMs: number
  /** undefined while the queue cannot be reached */
  readonly queueDepth: () => Promise<{ waiting: number; active: number; failed: number } | undefined>
}

const BODY_MAX = 4 * 1_024 * 1_024

/**
 * The admin API: accounts, rooms, status, exports, quarantine. Adds its routes to a Fastify instance that the caller
 * makes, listens with and closes. Everything but signing in takes the token of an operator.
 */
export function addAdminApi(app: FastifyInstance, parts: AdminApiParts): void {
  const answer = <N extends AdminRouteName>(
    name: N,
    handle: (request: FastifyRequest, operator: Principal) => Promise<AdminReplyOf<N>>,
  ) => {
    const { method, path } = ADMIN_ROUTES[name]
    app.route({
      method,
      url: path,
      bodyLimit: BODY_MAX,
      async handler(request, reply) {
        try {
          const operator = name === 'signIn' ? NOBODY : await operatorOf(parts, request)
          return await reply.send(await handle(request, operator))
        } catch (error) {
          return sendProblem(reply, problemOf(parts.log, name, error))
        }
      },
    })
  }

  answer('signIn', async (request) => {
    const credentials = parse(AdminSignInRequest, request.body)
    const result = await parts.signIn.withPassword({ ...credentials, remote: request.ip })
    if (result.outcome === 'refused') {
      const why =
        result.reason === 'too-many-attempts'
          ? 'Too many failed attempts. Wait five minutes.'
          : 'Account or password is wrong.'
      throw new AdminProblem(result.reason, why)
    }
    if (result.principal.role !== 'operator')
      throw new AdminProblem('not-an-operator', 'This account does not run the pool.')
    return { token: result.token, expiresAt: result.expiresAt }
  })
  answer('addUsers', async (request) => addUsers(parts, parse(AddUsersRequest, request.body)))
  answer('listUsers', async (request) => listUsers(parts, parse(PageQuery, request.query)))
  answer('setPassword', async (request) => setPassword(parts, parse(SetPasswordRequest, request.body)))
  answer('addRooms', async (request) => addRooms(parts, parse(AddRoomsRequest, request.body)))
  answer('listRooms', async (request) => listRooms(parts, parse(PageQuery, request.query)))
  answer('status', async () => poolStatus(parts))
  answer('declareDead', async (request) => declareSourceDead(parts, parse(DeclareDeadRequest, request.body)))
  answer('listExports', async (request, { account }) =>
    listExports(parts, account, parse(ListExportsQuery, request.query)),
  )
  answer('showExport', async (request, { account }) => showExport(parts, account, exportOf(request)))
  answer('quarantine', async (_request, { account }) => quarantine(parts, account))
  answer('request', async (request) => requestState(parts, (request.params as { id: string }).id))
  answer('seal', async (_request, { account }) => askWorker(parts, account, { kind: 'seal' }))
  answer('replayExport', async (request, { account }) =>
    askWorker(parts, account, { kind: 'replay', ...exportOf(request) }),
  )
  answer('retryQuarantine', async (_request, { account }) => askWorker(parts, account, { kind: 'quarantine-retry' }))
}

/**
 * `created`: `oneTimePassword` was made up, because the caller chose none. It is stored nowhere else: whoever asks for
 * the account must be certain to tell it.
 * `kept`: the account was there. `passwordDiffers`: the password the caller chose is not its password.
 */
export type OperatorAccount =
  | { readonly outcome: 'created'; readonly oneTimePassword: string | undefined }
  | { readonly outcome: 'kept'; readonly passwordDiffers: boolean }

/** Makes the operator's account on the first start; an account that is there keeps its password. */
export async function createOperator(
  poolDb: Database,
  { domain, password, now }: { domain: string; password: string | undefined; now: number },
): Promise<OperatorAccount> {
  const existing = await findPrincipal(poolDb, { account: OPERATOR_ACCOUNT })
  if (existing) {
    const passwordDiffers = password !== undefined && !(await verifySecret(password, existing.secret))
    return { outcome: 'kept', passwordDiffers }
  }
  const problem = password === undefined ? undefined : passwordProblem(password)
  if (problem) throw new Error(`The operator's password (HANSARD_ADMIN_PASSWORD) is refused: ${problem}`)
  const chosen = password ?? newKey()
  const secret = await hashPassword(chosen)
  const operator = {
    account: OPERATOR_ACCOUNT,
    domain,
    displayName: 'Operator',
    role: 'operator' as const,
    secret,
    now,
  }
  const created = await createPrincipals(poolDb, [operator])
  // Another process on the same database was faster: its password counts.
  if (!created.has(OPERATOR_ACCOUNT)) return { outcome: 'kept', passwordDiffers: password !== undefined }
  return { outcome: 'created', oneTimePassword: password === undefined ? chosen : undefined }
}

const NOBODY = undefined as unknown as Principal

async function operatorOf({ signIn }: AdminApiParts, request: FastifyRequest): Promise<Principal> {
  const bearer = /^Bearer (\S{1,512})$/.exec(request.headers.authorization ?? '')
  const principal = bearer ? await signIn.withToken(bearer[1]!) : undefined
  if (!principal) throw new AdminProblem('not-signed-in', 'Sign in first: the request carries no valid token.')
  if (principal.role !== 'operator') throw new AdminProblem('not-an-operator', 'This account does not run the pool.')
  return principal
}

function exportOf(request: FastifyRequest): { adapter: string; number: number } {
  const { adapter, number } = request.params as { adapter: string; number: string }
  const id = parseExportId(`${adapter}/${number}`)
  if (!id) throw new AdminProblem('not-found', `There is no export ${adapter}/${number}.`)
  return id
}

function problemOf(log: Log, route: string, error: unknown): AdminProblem {
  if (error instanceof AdminProblem) return error
  if (error instanceof TooManySignIns) return new AdminProblem('try-again', error.message)
  log.warn({ err: error, route }, 'an admin request failed')
  if (isTransient(error))
    return new AdminProblem('try-again', 'A database cannot be reached just now. Try again in a moment.')
  return new AdminProblem('failed', 'The request failed; the log says why.')
}
