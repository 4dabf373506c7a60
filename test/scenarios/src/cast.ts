/** The cast. Only the administrator has a role in the pool; the partner's users are federated. */
export const CAST = [
  { account: 'ida', displayName: 'Ida Novak', roles: ['administrator'] as const },
  { account: 'alice', displayName: 'Alice Ciccu' },
  { account: 'bob', displayName: 'Bob Kelly' },
  { account: 'carol', displayName: 'Carol Troup' },
  { account: 'dan', displayName: 'Dan Park' },
  { account: 'erin', displayName: 'Erin Hagens' },
  { account: 'lena', displayName: 'Lena Ehrlich', domain: 'litware.com', internal: false },
  { account: 'lukas', displayName: 'Lukas Keller', domain: 'litware.com', internal: false },
] as const

export type Account = (typeof CAST)[number]['account']

export const DOMAIN = 'fourthcoffee.com'

export function emailOf({ account, ...rest }: { account: string; domain?: string }): string {
  return `${account}@${rest.domain ?? DOMAIN}`
}
