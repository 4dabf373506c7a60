import { nameProblem } from './room-uri.ts'

/**
 * `sip:<account>@<domain>`. An account name may hold what people really call themselves; what RFC 3261
 * (section 25.1, `user`) does not allow in the user part is percent-escaped, so two accounts never share a URI.
 */
export function principalUri(account: string, domain: string): string {
  return `sip:${encodeURIComponent(account)}@${domain}`
}

/** `ma-grp:<name>@<domain>`: a group of principals, in the original's scheme for everything that is no user. */
export function groupUri(name: string, domain: string): string {
  // A group's name may be an asterisk; a domain's URI has one that is not escaped.
  return `ma-grp:${encodeURIComponent(name).replaceAll('*', '%2A')}@${domain}`
}

/** `ma-grp:*@<domain>`: everybody of a domain. */
export function domainUri(domain: string): string {
  return `ma-grp:*@${domain}`
}

/** Why a text cannot name an account, or undefined when it can. Names are compared exactly, case included. */
export function accountNameProblem(account: string): string | undefined {
  if (account !== account.trim()) return 'An account name may not begin or end with a space.'
  if (/^(ma-grp|sip):/i.test(account)) return 'An account name may not begin like a URI.'
  return nameProblem('An account name', account)
}
