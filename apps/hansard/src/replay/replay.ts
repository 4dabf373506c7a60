import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { systemClock } from '@hansard/clock'
import { decodeText, TextError } from '@hansard/config'
import { roomNameProblem } from '@hansard/rooms'
import { type AdminClient, openAdmin } from '../cli/admin-client.ts'
import { misused, unreachable } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { type AddressOptions, DEFAULT_DATA_DIRECTORY, readRunFile } from '../cli/pool-address.ts'
import { startProgress } from '../cli/progress.ts'
import { counted, duration } from '../cli/table.ts'
import { wsSocket } from '../cli/ws-socket.ts'
import { startEmbeddedPool } from '../standard-edition/embedded-pool.ts'
import { planCorpus } from './corpus-plan.ts'
import { type ReplayFile, type ReplaySummary, replayCorpus } from './replay-corpus.ts'
import { replayInThread } from './replay-in-thread.ts'

export type ReplayCommandOptions = AddressOptions & {
  readonly json: boolean
  readonly speed: string
  readonly filesAtOnce: number
  readonly encoding: string
}

// Of each session two ends may lie in this process (a pool started here), and a process may open 20,000 files.
const SESSIONS_MAX = 7_000
const SIGN_INS_AT_ONCE = 48

export async function replayCommand(
  io: Io,
  paths: readonly string[],
  options: ReplayCommandOptions,
): Promise<ExitCode> {
  const speed = parseSpeed(options.speed)
  const files = await readLogs(paths, options.encoding)
  await using pool = await poolFor(io, options)
  const progress = startProgress(io, {
    total: files.reduce((sum, { plan }) => sum + plan.steps.length, 0),
    what: 'replaying',
    json: options.json,
  })
  const how = {
    files,
    speed,
    filesAtOnce: options.filesAtOnce,
    sessionsMax: SESSIONS_MAX,
    signInsAtOnce: SIGN_INS_AT_ONCE,
    stop: io.stop,
    progress: ({ steps, chats }: { steps: number; chats: number }) => progress.update(steps, `${chats} chats`),
  }
  let summary: ReplaySummary
  try {
    summary =
      pool.kind === 'embedded'
        ? await replayInThread(how, pool.address)
        : await replayCorpus({ ...how, admin: pool.admin, openSocket: wsSocket, clock: systemClock })
  } finally {
    progress.end()
  }
  answer(io, options.json, summary, () => describe(summary))
  return summary.rejected > 0 || summary.interrupted ? 1 : 0
}

type PoolToReplayTo = AsyncDisposable &
  (
    | { readonly kind: 'running'; readonly admin: AdminClient }
    | { readonly kind: 'embedded'; readonly address: { readonly server: string; readonly token: string } }
  )

/** The pool that runs already, or one that lives as long as the replay. */
async function poolFor(io: Io, options: AddressOptions): Promise<PoolToReplayTo> {
  const running = (admin: AdminClient): PoolToReplayTo => ({
    kind: 'running',
    admin,
    [Symbol.asyncDispose]: async () => {},
  })
  if (options.server !== undefined) return running(await openAdmin(io, options))
  const data = resolve(options.data ?? DEFAULT_DATA_DIRECTORY)
  if (await readRunFile(data)) {
    const admin = await openAdmin(io, { ...options, data }).catch((error: unknown) => error)
    // A note without a pool behind it was left by one that was killed; starting one settles the question.
    if (!(admin instanceof Error)) return running(admin as AdminClient)
  }
  const pool = await startEmbeddedPool({ data, io })
  const { server, token } = (await readRunFile(data)) ?? {}
  if (server !== undefined && token !== undefined)
    return { kind: 'embedded', address: { server, token }, [Symbol.asyncDispose]: () => pool.stop() }
  await pool.stop()
  throw unreachable(`The pool started on ${data} did not say where it listens.`)
}

/** `max`, or how many times faster than the logs' own time: `1x`, `60x`, `0.5x`. */
function parseSpeed(text: string): number | undefined {
  if (text === 'max') return undefined
  const match = /^(\d{1,6}(?:\.\d{1,3})?)x$/.exec(text)
  const speed = match ? Number(match[1]) : 0
  if (speed > 0) return speed
  throw misused(`"${text}" is not a speed.`, 'Say max, or how many times faster than in the logs, such as 60x.')
}

/** Files as they are named; of folders every `.log` in them. Rooms are named after files, so names must differ. */
async function readLogs(paths: readonly string[], encoding: string): Promise<ReplayFile[]> {
  const files: ReplayFile[] = []
  const rooms = new Map<string, string>()
  for (const path of (await Promise.all(paths.map(logsAt))).flat()) {
    const room = basename(path).replace(/\.(log|txt)$/, '')
    const problem = roomNameProblem(room)
    if (problem) throw misused(`${path} cannot name a room: ${problem}`)
    const other = rooms.get(room)
    if (other !== undefined) throw misused(`${other} and ${path} would be played in the same room.`)
    rooms.set(room, path)
    const plan = planCorpus(await read(path, encoding))
    if (!plan.isLog)
      throw misused(
        `${path} is no log: none of its ${counted(plan.lines, 'line')} is one of the format of the corpus.`,
        'The format is in fixtures/corpus/README.md. Nothing was made.',
      )
    files.push({ room, plan })
  }
  if (files.length === 0)
    throw misused('There is no log to replay.', 'Name log files, or folders that hold .log files.')
  return files
}

async function logsAt(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const names = (await readdir(path)).filter((name) => name.endsWith('.log')).sort()
    return names.map((name) => join(path, name))
  } catch (error) {
    throw unreachable(`${path} cannot be read: ${(error as Error).message}`, undefined, error)
  }
}

async function read(path: string, encoding: string): Promise<string> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw unreachable(`${path} cannot be read: ${error.message}`, undefined, error)
  })
  try {
    return decodeText(bytes, { what: path, encoding })
  } catch (error) {
    if (!(error instanceof TextError)) throw error
    throw misused(error.message, 'Say how it is encoded, such as --encoding windows-1252. Nothing was made.')
  }
}

function describe(summary: ReplaySummary): string {
  const { files, lines, chats, joins, parts, renames, skipped, rejected, rejectedBy, reconnections, seconds } = summary
  const list = (counts: object) =>
    Object.entries(counts)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ')
  const number = (value: number) => value.toLocaleString('en-US')
  const rate = seconds > 0 ? ` (${number(Math.round(chats / seconds))} a second)` : ''
  return [
    `${number(chats)} chats${rate}, ${number(joins)} joins and ${number(parts)} parts are on record,`,
    `from ${number(lines)} lines of ${number(files)} files with ${number(renames)} renames, in ${duration(seconds * 1_000)}.`,
    `Skipped: ${list(skipped) || 'nothing'}.`,
    ...(rejected > 0 ? [`Rejected: ${number(rejected)} (${list(rejectedBy)}).`] : []),
    ...(reconnections > 0 ? [`Connections lost and made again: ${number(reconnections)}.`] : []),
    ...(summary.interrupted ? ['Interrupted: not everything was played.'] : []),
    '',
  ].join('\n')
}
