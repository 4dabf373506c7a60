import { nameProblem } from './room-uri.ts'
import { quoted } from './texts.ts'

/**
 * `sip:<account>@<domain>`. Characters that RFC 3261 (section 25.1, `user`) does not allow in the user part are
 * percent-escaped, so an account may have any name and two accounts never share a URI.
 */
export function principalUri(account: string, domain: string): string {
  return `sip:${encodeURIComponent(account)}@${domain}`
}

/** `ma-grp:<name>@<domain>`: a group of principals, in the original's scheme for everything that is not a user. */
export function groupUri(name: string, domain: string): string {
  // A group may be named `*`. It is escaped here; the asterisk in a domain's URI is not.
  return `ma-grp:${encodeURIComponent(name).replaceAll('*', '%2A')}@${domain}`
}

/** `ma-grp:*@<domain>`: every principal of a domain. */
export function domainUri(domain: string): string {
  return `ma-grp:*@${domain}`
}

/**
 * The stored form of an account's or a domain's URI: the domain in lower case, so that a wall around a domain holds
 * however it was spelt. URIs of groups stay as they are: groups belong to the pool's own domain, and their names are
 * compared exactly.
 */
export function keptPrincipalUri(uri: string): string {
  if (!/^(sip:|ma-grp:\*@)/.test(uri)) return uri
  const at = uri.lastIndexOf('@') + 1
  return uri.slice(0, at) + uri.slice(at).toLowerCase()
}

/** The name of a domain without its scheme. */
export function domainDisplayName(domain: string): string {
  return `Everybody at ${domain}`
}

/** The domain of a domain's URI, in lower case; undefined when the text is not such a URI. */
export function parseDomainUri(uri: string): string | undefined {
  const domain = /^ma-grp:\*@(.*)$/s.exec(uri)?.[1]?.toLowerCase()
  return domain === undefined || domainProblem(domain) ? undefined : domain
}

/** Why a text in lower case is not a domain; undefined when it is one. */
export function domainProblem(domain: string): string | undefined {
  return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(domain) ? undefined : `${quoted(domain)} is no domain.`
}

/** Why a text cannot name an account; undefined when it can. Names are compared exactly, case included. */
export function accountNameProblem(account: string): string | undefined {
  if (account !== account.trim()) return 'An account name may not begin or end with a space.'
  if (/^(ma-grp|sip):/i.test(account)) return 'An account name may not begin like a URI.'
  return nameProblem('An account name', account)
}
