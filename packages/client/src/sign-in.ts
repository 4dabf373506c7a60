import { PoolDirectory, SignInReply } from '@hansard/wire'
import { RefusedError, UnreachableError } from './errors.ts'

const ANSWER_WITHIN_MS = 15_000

/** Asks a pool where its services answer. */
export async function readDirectory(server: string, fetcher: typeof fetch = fetch): Promise<PoolDirectory> {
  const url = `${withoutSlash(server)}/directory`
  const response = await ask(url, {}, fetcher)
  if (!response.ok) throw new UnreachableError(url, `it answered ${response.status}`)
  return understand(url, response, PoolDirectory)
}

/** Proves who you are to a lookup service, and is given a token and the channel service to use it at. */
export async function signIn(
  lookup: string,
  credentials: { readonly account: string; readonly password: string; readonly device?: string | undefined },
  fetcher: typeof fetch = fetch,
): Promise<SignInReply> {
  const url = `${withoutSlash(lookup)}/sign-in`
  const { account, password, device } = credentials
  const body = JSON.stringify({ account, password, device })
  const response = await ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }, fetcher)
  if (response.ok) return understand(url, response, SignInReply)
  const message = await messageOf(response)
  if (response.status === 401 || response.status === 403)
    throw new RefusedError('wrong-credentials', message ?? 'The account or the password is wrong.')
  if (response.status === 429)
    throw new RefusedError('too-many-attempts', message ?? 'Too many sign-ins failed. Try again later.')
  if (response.status === 400) throw new RefusedError('malformed', message ?? 'The sign-in was not understood.')
  throw new UnreachableError(url, `it answered ${response.status}${message ? `: ${message}` : ''}`, undefined, {
    answered: message !== undefined,
  })
}

async function ask(url: string, init: RequestInit, fetcher: typeof fetch): Promise<Response> {
  try {
    return await fetcher(url, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
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
