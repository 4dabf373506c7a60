import { isAbsolute, relative, resolve } from 'node:path'
import type { Env } from '@hansard/config'

/** Where the newest checkpoint goes after each interval. Plain data: it crosses into a thread. */
export type AnchorSetting =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'time-stamps'; readonly url: string }

/** The settings that name anchors. */
export function anchorSettings(env: Env): AnchorSetting[] {
  const anchors: AnchorSetting[] = []
  const path = env.parsed('HANSARD_ANCHOR_DIRECTORY', { parse: absolutePath, fallback: undefined })
  if (path !== undefined) anchors.push({ kind: 'directory', path })
  const url = env.parsed('HANSARD_ANCHOR_TSA_URL', { parse: httpUrl, fallback: undefined })
  if (url !== undefined) anchors.push({ kind: 'time-stamps', url })
  return anchors
}

/** Why these anchors cannot be used with this output directory, or undefined. */
export function anchorProblem(anchors: readonly AnchorSetting[], outputDirectory: string): string | undefined {
  for (const anchor of anchors) {
    if (anchor.kind !== 'directory') continue
    const within = relative(resolve(outputDirectory), anchor.path)
    if (within === '' || (within.split('/')[0] !== '..' && !isAbsolute(within)))
      return `The anchor directory ${anchor.path} lies in the output directory ${outputDirectory}: anybody who cuts off the end there cuts it off here. Name one on another machine.`
  }
  return undefined
}

/** The name under which status and the record know an anchor. Of a URL it has neither password nor query. */
export function anchorName(anchor: AnchorSetting): string {
  if (anchor.kind === 'directory') return anchor.path
  const { origin, pathname } = new URL(anchor.url)
  return `${origin}${pathname}`
}

function absolutePath(text: string): string {
  if (!isAbsolute(text)) throw new Error('it takes an absolute path.')
  return resolve(text)
}

function httpUrl(text: string): string {
  const url = URL.parse(text)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw new Error('it takes an http or https URL.')
  return url.href
}
