import { hash } from 'node:crypto'

/**
 * The hash chain of a source, computed at accept time.
 *
 *     leaf(n) = SHA-256( text of event n, UTF-8 )
 *     head(0) = SHA-256( "hansard-chain-2\n" + source + "\n" + epoch + "\n" + incarnation )
 *     head(n) = SHA-256( head(n-1) + "\n" + leaf(n) )
 *
 * All hashes are written as 64 lowercase hexadecimal digits and hashed as those ASCII digits, so that `sha256sum`, or
 * a page of any language, can compute the chain. With head(n) anybody can detect whether one of events 1 … n was
 * altered, removed, added or moved.
 *
 * A source that started before there were incarnations has the incarnation "" and
 * `head(0) = SHA-256( "hansard-chain-1\n" + source + "\n" + epoch )`.
 */
export type Head = string

export function leafOf(body: string): string {
  return hash('sha256', body, 'hex')
}

export function genesisHead(source: string, epoch: number, incarnation = ''): Head {
  if (incarnation === '') return hash('sha256', `hansard-chain-1\n${source}\n${epoch}`, 'hex')
  return hash('sha256', `hansard-chain-2\n${source}\n${epoch}\n${incarnation}`, 'hex')
}

export function nextHead(head: Head, leaf: string): Head {
  return hash('sha256', `${head}\n${leaf}`, 'hex')
}
