import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { findDirectory } from '@hansard/client'
import { z } from 'zod'
import { misused, unreachable } from './command-failure.ts'

export const DEFAULT_DATA_DIRECTORY = './hansard-data'

/** `--server URL`, or several addresses of one pool separated by commas, or `--data DIR`; the default data directory when neither is given. */
export type AddressOptions = { readonly server?: string | undefined; readonly data?: string | undefined }

/** Where a pool answers. `token`: an operator's, if it was read from the data directory of a running pool. */
type PoolAddress = {
  /** the address that answered */
  readonly server: string
  /** all that were given */
  readonly servers: readonly string[]
  readonly token: string | undefined
}

const RunFile = z.object({ server: z.url(), token: z.string().min(1), pid: z.number().int().positive() })

export async function findPool(options: AddressOptions): Promise<PoolAddress> {
  if (options.server !== undefined && options.data !== undefined)
    throw misused('--server and --data cannot be used together.', 'A running pool is named by one of them.')
  if (options.server !== undefined) {
    const servers = options.server.split(',').map((url) => serverUrl(url.trim()))
    // A single address is not tried here: the caller's first request does that.
    const server = servers.length === 1 ? servers[0]! : (await findDirectory(servers)).server
    return { server, servers, token: undefined }
  }
  const directory = resolve(options.data ?? DEFAULT_DATA_DIRECTORY)
  const running = await readRunFile(directory)
  if (running) return running
  throw unreachable(
    `No pool is running on ${directory}.`,
    'Start one with `hansard start`, or name one with --server URL or --data DIR.',
  )
}

/**
 * What a running pool wrote of itself into its data directory; undefined when there is no such note, or when the
 * process that wrote it is gone. A killed pool leaves its note behind; another program that listens on its port by
 * now must not receive an operator's token.
 */
export async function readRunFile(directory: string): Promise<PoolAddress | undefined> {
  const path = join(directory, 'run.json')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw unreachable(`${path} cannot be read: ${message}`, undefined, error)
  }
  const run = RunFile.safeParse(parsedOrUndefined(text))
  if (!run.success) throw unreachable(`${path} is not what a running pool writes.`, 'Is a pool just being started?')
  if (!isAlive(run.data.pid)) return undefined
  const { server, token } = run.data
  return { server, servers: [server], token }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function serverUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '')
  throw misused(`"${text}" is not the URL of a pool.`, 'It looks like http://localhost:7464')
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
