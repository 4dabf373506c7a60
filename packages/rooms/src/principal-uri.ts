import { nameProblem } from './room-uri.ts'
import { quoted } from './texts.ts'

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

/**
 * An account's or a domain's URI as pools keep it: the domain in lower case, for a wall around it holds however somebody
 * spelt it. Groups are of the pool's own domain, and their names are compared exactly: theirs stay as they are.
 */
export function keptPrincipalUri(uri: string): string {
  if (!/^(sip:|ma-grp:\*@)/.test(uri)) return uri
  const at = uri.lastIndexOf('@') + 1
  return uri.slice(0, at) + uri.slice(at).toLowerCase()
}

/** What a domain is called by itself. */
export function domainDisplayName(domain: string): string {
  return `Everybody at ${domain}`
}

/** The domain of a domain's URI, in lower case, or undefined when the text is none. */
export function parseDomainUri(uri: string): string | undefined {
  const domain = /^ma-grp:\*@(.*)$/s.exec(uri)?.[1]?.toLowerCase()
  return domain === undefined || domainProblem(domain) ? undefined : domain
}

/** Why a text, in lower case, is no domain, or undefined when it is one. */
export function domainProblem(domain: string): string | undefined {
  return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(domain) ? undefined : `${quoted(domain)} is no domain.`
}

/** Why a text cannot name an account, or undefined when it can. Names are compared exactly, case included. */
export function accountNameProblem(account: string): string | undefined {
  if (account !== account.trim()) return 'An account name may not begin or end with a space.'
  if (/^(ma-grp|sip):/i.test(account)) return 'An account name may not begin like a URI.'
  return nameProblem('An account name', account)
}
