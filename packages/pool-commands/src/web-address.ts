import { isKeepable } from './context.ts'
import { quoted } from './named-principals.ts'
import { ChangeRefused } from './result.ts'

/** An address that clients may be sent to. */
export function requireWebAddress(url: string): void {
  const good = url.length <= 2_048 && isKeepable(url) && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  if (!good) throw new ChangeRefused('invalid', `${quoted(url)} is no http or https address.`)
}
