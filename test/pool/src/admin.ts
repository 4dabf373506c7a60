import {
  ADMIN_ROUTES,
  type AdminReplyOf,
  type AdminRequestOf,
  type AdminRouteName,
  adminPath,
  OPERATOR_ACCOUNT,
} from '@hansard/admin-contract'
import { systemClock } from '@hansard/clock'
import { OPERATOR_PASSWORD } from './enterprise-pool.ts'

/** The admin API for tests: an unsuccessful response is thrown, with its body. */
export type Admin = {
  ask<N extends AdminRouteName>(
    name: N,
    body?: AdminRequestOf<N>,
    parts?: Record<string, string | number>,
  ): Promise<AdminReplyOf<N>>
  /** A page of rooms. */
  list(name: 'listRooms', after: string): Promise<AdminReplyOf<'listRooms'>>
  /** Requests work from the worker and waits until it is done. */
  request(
    name: 'seal' | 'replayExport' | 'retryQuarantine' | 'checkExports' | 'restoreExport',
    parts?: Record<string, string | number>,
    withinMs?: number,
  ): Promise<unknown>
}

export async function openAdmin(
  server: string,
  password = OPERATOR_PASSWORD,
  account: string = OPERATOR_ACCOUNT,
): Promise<Admin> {
  const directory = (await (await fetch(`${server}/directory`)).json()) as { admin: string }
  let token: string | undefined
  const send = async <N extends AdminRouteName>(
    name: N,
    body: unknown,
    parts: Record<string, string | number>,
    query = '',
  ): Promise<AdminReplyOf<N>> => {
    const route = ADMIN_ROUTES[name]
    const response = await fetch(`${directory.admin}${adminPath(name, parts)}${query}`, {
      method: route.method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (!response.ok) throw new AdminRefused(name, response.status, text)
    return route.reply.parse(JSON.parse(text)) as never
  }
  const ask: Admin['ask'] = (name, body, parts = {}) => send(name, body, parts)
  token = (await ask('signIn', { account, password } as never)).token
  return {
    ask,
    list: (name, after) => send(name, undefined, {}, `?limit=1000&after=${encodeURIComponent(after)}`),
    async request(name, parts = {}, withinMs = 180_000) {
      const { request } = await ask(name, undefined as never, parts)
      const deadline = systemClock.now() + withinMs
      for (;;) {
        const state = await ask('request', undefined as never, { id: request })
        if (state.state === 'done') return state.result
        if (state.state === 'failed') throw new Error(`${name} failed: ${state.reason}`)
        if (systemClock.now() > deadline) throw new Error(`${name} is not done: ${state.reason ?? 'no reason given'}`)
        await systemClock.sleep(100)
      }
    },
  }
}

/** An unsuccessful response. `code` is the problem's, when the body is one. */
export class AdminRefused extends Error {
  override name = 'AdminRefused'
  readonly status: number
  readonly code: string | undefined
  readonly body: string
  constructor(route: string, status: number, body: string) {
    super(`${route}: ${status} ${body}`)
    this.status = status
    this.body = body
    this.code = /^\{"error":"([a-z-]+)"/.exec(body)?.[1]
  }
}
