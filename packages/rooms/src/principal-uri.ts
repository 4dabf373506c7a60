import { nameProblem } from './room-uri.ts'

/**
 * `sip:<account>@<domain>`. An account name may hold what people really call themselves; what RFC 3261
 * (section 25.1, `user`) does not allow in the user part is percent-escaped, so two accounts never share a URI.
 */
export function principalUri(account: string, domain: string): string {
  return `sip:${encodeURIComponent(account)}@${domain}`
}

/** Why a text cannot name an account, or undefined when it can. Names are compared exactly, case included. */
export function accountNameProblem(account: string): string | undefined {
  if (account !== account.trim()) return 'An account name may not begin or end with a space.'
  return nameProblem('An account name', account)
}
