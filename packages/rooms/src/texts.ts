/**
 * Rules for the texts a pool is configured with. Commands and imports both use them, so no entry point accepts what
 * another refuses.
 */

/** Maximum length in UTF-16 units. */
export const TEXT_LIMITS = { description: 256, topic: 256, displayName: 256, address: 320, webAddress: 2_048 } as const

/** Whether a database stores a text unchanged. A text it cannot store can name nothing in it. */
export function isKeepable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000')
}

/** Why a text cannot be stored; undefined when it can. `what` begins the sentence. */
export function textProblem(what: string, text: string, max: number): string | undefined {
  if (text.length > max) return `${what} may have at most ${max} characters; this one has ${text.length}.`
  if (!isKeepable(text)) return `${what} holds characters that no database keeps.`
  return undefined
}

/** Why clients may not be sent to an address; undefined when they may. */
export function webAddressProblem(url: string): string | undefined {
  const good = url.length <= TEXT_LIMITS.webAddress && isKeepable(url) && URL.canParse(url)
  return good && /^https?:$/.test(new URL(url).protocol) ? undefined : `${quoted(url)} is no http or https address.`
}

/** Why old clients cannot look for the pool at an address; undefined when they can. */
export function endpointUriProblem(uri: string): string | undefined {
  return /^sip:[^\s@<>"\p{Cc}\p{Cs}]{1,256}@[a-z0-9.-]{1,253}$/iu.test(uri)
    ? undefined
    : `${quoted(uri)} is no SIP address such as sip:chat@example.com.`
}

/** A name for use in a message, shortened so that the message stays readable. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 128 ? `${name.slice(0, 128)}…` : name)
}
