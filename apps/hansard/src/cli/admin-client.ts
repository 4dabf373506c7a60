import {
  ADMIN_ROUTES,
  type AdminReplyOf,
  type AdminRequestOf,
  type AdminRouteName,
  adminPath,
  BATCH_MAX,
  OPERATOR_ACCOUNT,
  Problem,
  type RequestState,
  type Route,
} from '@hansard/admin-contract'
import { readDirectory, requireFollowable } from '@hansard/client'
import type { Clock } from '@hansard/clock'
import { z } from 'zod'
import { refused, unreachable } from './command-failure.ts'
import type { Io } from './io.ts'
import { knownDevice } from './known-devices.ts'
import { inOptionNames } from './option-names.ts'
import { type AddressOptions, findPool } from './pool-address.ts'
import { readPassword } from './prompt.ts'

type Deps = Readonly<Record<string, string | number>>
type Ask<N extends AdminRouteName> = {
  readonly parts?: Deps
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
} & (AdminRequestOf<N> extends undefined ? { readonly body?: undefined } : { readonly body: AdminRequestOf<N> })

export type AdminClient = {
  readonly server: string
  ask<N extends AdminRouteName>(route: N, ...args: AskArguments<N>): Promise<AdminReplyOf<N>>
  /** A route outside the catalogue, that takes or answers a stream. What is not a success is thrown. */
  stream(path: string, init: RequestInit & { readonly query: URLSearchParams }): Promise<Response>
}
type AskArguments<N extends AdminRouteName> = AdminRequestOf<N> extends undefined ? [ask?: Ask<N>] : [ask: Ask<N>]

const ANSWER_WITHIN_MS = 60_000

/** The admin API of the pool the options name, as its operator or as whom they name. */
export async function openAdmin(io: Io, options: AddressOptions & { readonly as?: string }): Promise<AdminClient> {
  const address = await findPool(options)
  const account = options.as ?? OPERATOR_ACCOUNT
  // A running pool of this machine serves everything at the address it wrote down.
  if (address.token !== undefined && options.as === undefined) {
    return adminClient(address.server, address.server, address.token)
  }
  const { admin = address.server } = await readDirectory(address.server)
  requireFollowable(address.server, admin)
  const question = options.as === undefined ? "Operator's password: " : `Password of ${account}: `
  const variable = options.as === undefined ? 'HANSARD_ADMIN_PASSWORD' : 'HANSARD_AS_PASSWORD'
  const password = await readPassword(io, { variable, question })
  const anonymous = adminClient(address.server, admin, undefined)
  const known = await knownDevice(io, { server: address.server, account })
  const { token, device } = await anonymous.ask('signIn', { body: { account, password, device: known.device } })
  if (device !== undefined) known.onDevice(device)
  await known.kept()
  return adminClient(address.server, admin, token)
}

/** Typed calls of the admin API; what is not a success is thrown as a `CommandFailure`. */
export function adminClient(server: string, admin: string, token: string | undefined): AdminClient {
  return {
    server,
    async stream(path, { query, headers, ...init }) {
      const url = new URL(`${admin.replace(/\/+$/, '')}${path}?${query}`)
      const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const response = await fetchOrFail(url, {
        ...init,
        headers: { ...(headers as Record<string, string>), ...bearer },
      })
      if (!response.ok) throw problemOf(url, response.status, await response.json().catch(() => undefined))
      return response
    },
    async ask(name, ...[{ parts, query, body } = {} as Ask<typeof name>]) {
      const route = ADMIN_ROUTES[name]
      const url = new URL(`${admin.replace(/\/+$/, '')}${adminPath(name, parts)}`)
      for (const [key, value] of Object.entries(query ?? {})) {
        if (value !== undefined) url.searchParams.set(key, String(value))
      }
      const response = await fetchOrFail(url, {
        method: route.method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      })
      const answer: unknown = await response.json().catch(() => undefined)
      if (!response.ok) throw problemOf(url, response.status, answer, propertiesOf(route))
      const reply = route.reply.safeParse(answer)
      if (reply.success) return reply.data as AdminReplyOf<typeof name>
      throw unreachable(
        `The answer of ${url} was not understood: ${reply.error.issues[0]?.path.join('.')}: ${reply.error.issues[0]?.message}`,
        'Is the pool of another version than this command?',
      )
    },
  }
}

/** All entries of a list that comes in pages, or the first `limit` of them. */
export async function allPages<T>(
  limit: number | undefined,
  ask: (page: { after?: string; limit: number }) => Promise<{ entries: readonly T[]; next: string | null }>,
): Promise<T[]> {
  const found: T[] = []
  let after: string | undefined
  for (;;) {
    const wanted = Math.min(1_000, (limit ?? Number.MAX_SAFE_INTEGER) - found.length)
    if (wanted <= 0) return found
    const { entries, next } = await ask({ ...(after === undefined ? {} : { after }), limit: wanted })
    found.push(...entries)
    if (next === null) return found
    after = next
  }
}

/** Sends what may be more than one request takes, in order; answers all replies together. */
export async function inBatches<T, R>(
  all: readonly T[],
  ask: (batch: readonly T[]) => Promise<readonly R[]>,
): Promise<R[]> {
  const replies: R[] = []
  for (let from = 0; from < all.length; from += BATCH_MAX)
    replies.push(...(await ask(all.slice(from, from + BATCH_MAX))))
  return replies
}

/** Waits until the worker has carried out a request; what it failed with is thrown. */
export async function awaitRequest(
  admin: AdminClient,
  request: string,
  { clock, stop, waiting }: { clock: Clock; stop: AbortSignal; waiting: (state: RequestState) => void },
): Promise<RequestState> {
  for (let pauseMs = 25; ; pauseMs = Math.min(500, pauseMs * 1.5)) {
    const state = await admin.ask('request', { parts: { id: request } })
    if (state.state === 'failed') throw refused(state.reason ?? `The request ${request} failed.`)
    if (state.state === 'done') return state
    waiting(state)
    if (stop.aborted) throw refused(`Not waited for: request ${request} goes on in the pool.`)
    await clock.sleep(pauseMs, stop)
  }
}

async function fetchOrFail(url: URL, init: RequestInit): Promise<Response> {
  try {
    // A redirect would carry the password to an address that nobody has checked.
    return await fetch(url, { ...init, redirect: 'error' })
  } catch (error) {
    const { message, cause } = error as Error
    const { code, message: reason } = (cause ?? {}) as { code?: string; message?: string }
    throw unreachable(`${url.origin} cannot be reached: ${code ?? reason ?? message}`, 'Is the pool running?', error)
  }
}

/** Names of what a route takes. */
function propertiesOf({ body, query }: Route): ReadonlySet<string> {
  const names = (schema: unknown): string[] =>
    schema instanceof z.ZodObject
      ? Object.entries(schema.shape).flatMap(([name, member]) => [name, ...(name === 'settings' ? inner(member) : [])])
      : []
  const inner = (member: unknown) => names(member instanceof z.ZodNullable ? member.unwrap() : member)
  return new Set([body, query].flatMap(names))
}

function problemOf(url: URL, status: number, answer: unknown, properties: ReadonlySet<string> = new Set()): Error {
  const problem = Problem.safeParse(answer)
  if (!problem.success) return unreachable(`${url} answered ${status}.`)
  const { error, message, hint } = problem.data
  if (error === 'try-again') return unreachable(message, hint)
  const aboutOptions = error === 'malformed' || error === 'invalid'
  return refused(aboutOptions ? inOptionNames(message, properties) : message, hint, error)
}
