import type { WireRefusal } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Refusals for lack of rights. */
const ABOUT_RIGHTS: ReadonlySet<WireRefusal> = new Set([
  'no-such-room',
  'not-a-member',
  'not-a-presenter',
  'not-a-manager',
  'not-a-creator',
  'not-an-administrator',
  'not-in-scope',
])

/** Records that a caller lacked the right to a request. Makes no SQL statement, so response time reveals nothing. */
export function recordRefusal(
  { signIn }: Pick<ChannelServiceDeps, 'signIn'>,
  { principal, remote, asked }: Session,
  { re, code }: { re: number | undefined; code: WireRefusal },
): void {
  if (!principal || !ABOUT_RIGHTS.has(code)) return
  const detail = `${code}: ${(re !== undefined && asked.get(re)) || 'a request'}`
  signIn.record.note({ outcome: 'not-allowed', account: principal.account, principalId: principal.id, remote, detail })
}
