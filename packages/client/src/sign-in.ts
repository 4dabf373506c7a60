import { PoolDirectory, SignInReply } from '@hansard/wire'
import { RefusedError, UnreachableError } from './errors.ts'
import { requireFollowable } from './may-follow.ts'

const ANSWER_WITHIN_MS = 15_000

/**
 * Asks a pool where its services answer. Of several addresses the first one that answers counts; when none does, the
 * error is that of the first.
 */
export async function readDirectory(
  server: string | readonly string[],
  fetcher: typeof fetch = fetch,
): Promise<PoolDirectory> {
  return (await findDirectory([server].flat(), fetcher)).directory
}

/** The same, with the address that answered. */
export async function findDirectory(
  servers: readonly string[],
  fetcher: typeof fetch = fetch,
): Promise<{ server: string; directory: PoolDirectory }> {
  let first: unknown
  for (const server of servers) {
    try {
      return { server, directory: await askDirectory(server, fetcher) }
    } catch (error) {
      first ??= error
    }
  }
  throw first ?? new Error('No address of a pool was given.')
}

async function askDirectory(server: string, fetcher: typeof fetch): Promise<PoolDirectory> {
  const url = `${withoutSlash(server)}/directory`
  const response = await ask(url, {}, fetcher)
  if (!response.ok) throw new UnreachableError(url, `it answered ${response.status}`)
  return understand(url, response, PoolDirectory)
}

/** Proves who you are to a lookup service, and is given a token and the channel service to use it at. */
export async function signIn(
  lookup: string,
  credentials: {
    readonly account: string
    readonly password: string
    readonly avoid?: string | undefined
    readonly device?: string | undefined
  },
  fetcher: typeof fetch = fetch,
): Promise<SignInReply> {
  const url = `${withoutSlash(lookup)}/sign-in`
  const { account, password, avoid, device } = credentials
  const body = JSON.stringify({ account, password, avoid, device })
  const response = await ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }, fetcher)
  if (response.ok) {
    const reply = await understand(url, response, SignInReply)
    requireFollowable(lookup, reply.endpoint)
    return reply
  }
  const message = await messageOf(response)
  if (response.status === 401 || response.status === 403)
    throw new RefusedError('wrong-credentials', message ?? 'The account or the password is wrong.')
  if (response.status === 429)
    throw new RefusedError('too-many-attempts', message ?? 'Too many sign-ins failed. Try again later.')
  if (response.status === 400) throw new RefusedError('malformed', message ?? 'The sign-in was not understood.')
  throw new UnreachableError(url, `it answered ${response.status}${message ? `: ${message}` : ''}`, undefined, {
    answered: message !== undefined,
    passing: response.headers.has('retry-after'),
  })
}

async function ask(url: string, init: RequestInit, fetcher: typeof fetch): Promise<Response> {
  try {
    // A redirect would carry the password to an address that nobody has checked.
    return await fetcher(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
  } catch (error) {
    throw new UnreachableError(url, reasonOf(error), error)
  }
}

async function understand<T>(
  url: string,
  response: Response,
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false; error: unknown } },
): Promise<T> {
  const value: unknown = await response.json().catch(() => undefined)
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new UnreachableError(url, 'its answer is not that of a pool', result.error)
}

async function messageOf(response: Response): Promise<string | undefined> {
  const value: unknown = await response.json().catch(() => undefined)
  const message = (value as { message?: unknown } | undefined)?.message
  return typeof message === 'string' ? message : undefined
}

/** `fetch` says "fetch failed" and keeps what happened in the cause. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error
  if (name === 'TimeoutError') return `no answer within ${ANSWER_WITHIN_MS / 1_000} s`
  const { code, message: reason } = (cause ?? {}) as { code?: unknown; message?: unknown }
  return String(code ?? reason ?? message)
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}
