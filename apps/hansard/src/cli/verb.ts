import { TIME_MAX } from '@hansard/wire'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { misused } from './command-failure.ts'
import type { ExitCode, Io } from './io.ts'
import { type AddressOptions, DEFAULT_DATA_DIRECTORY } from './pool-address.ts'

/** What a group of verbs needs to be put together. */
export type Verbs = {
  readonly io: Io
  /** Carries a verb out and keeps its exit code. */
  run<A extends unknown[]>(work: (...args: A) => Promise<ExitCode>): (...args: A) => Promise<void>
}

/** Options that every verb has which asks a running pool. */
export type PoolOptions = AddressOptions & { readonly json: boolean }

export function json(command: Command): Command {
  return command.option('--json', 'answer as JSON', false)
}

export function address(command: Command): Command {
  return command
    .addOption(serverOption())
    .addOption(new Option('--data <dir>', `the data directory of a pool on this machine (${DEFAULT_DATA_DIRECTORY})`))
}

/** One pool may be reached at several addresses: the option may be given several times, or name them with commas. */
function serverOption(): Option {
  return new Option('--server <url>', 'a running pool; several addresses of one pool are tried in turn')
    .argParser((value: string, before: string | undefined) => (before === undefined ? value : `${before},${value}`))
    .conflicts('data')
}

/** Who asks, of a verb that asks as somebody. */
export function asked(command: Command): Command {
  return address(command).option(
    '--as <account>',
    'who asks, with the password of this account; the operator when absent',
  )
}

/** A verb that asks a running pool. */
export function poolVerb(parent: Command, usage: string, description: string): Command {
  return asked(json(parent.command(usage))).description(description)
}

export function choice(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices)
}

export function onOff(flags: string, description: string): Option {
  return new Option(flags, description).choices(['on', 'off'])
}

export function isOn(value: 'on' | 'off' | undefined): boolean | undefined {
  return value === undefined ? undefined : value === 'on'
}

/** An option that may be given several times. */
export function several(command: Command, flags: string, description: string): Command {
  return command.option(flags, `${description}; may be given several times`, collect, [])
}

/** The same for an option that takes one of a few words. */
export function severalOf(command: Command, flags: string, description: string, choices: readonly string[]): Command {
  const told = `${description}: ${choices.join(', ')}; may be given several times`
  return command.option(
    flags,
    told,
    (value: string, before: readonly string[]) => {
      if (choices.includes(value)) return collect(value, before)
      throw new InvalidArgumentError(`It takes one of ${choices.join(', ')}.`)
    },
    [],
  )
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

export function positive(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= 1_000) return value
  throw new InvalidArgumentError('It takes a whole number from 1 to 1000.')
}

/** A limit of zero would answer nothing, which is told from an empty list by nobody. */
export function atLeastOne(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value
  throw new InvalidArgumentError('It takes a whole number from 1.')
}

/** A whole number within bounds, which the refusal says. */
export function between(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`)
  }
}

/** How the helps call a date or a time: of a range's start, of an end that belongs to it, and of one that does not. */
export const DATES = {
  from: 'a date such as 2026-11-20 (its midnight UTC), or a time such as 2026-11-20T15:30Z',
  through: 'a date such as 2026-11-20 (to its end, UTC), or a time such as 2026-11-20T15:30Z',
}

const DAY_MS = 86_400_000
const DATE = z.iso.date()
const TIME = z.iso.datetime({ offset: true })

/** `2026-11-20`, `2026-11-20T15:30Z` or milliseconds since 1970: milliseconds since 1970. A date is its midnight UTC. */
export function moment(text: string): number {
  if (/^\d{10,16}$/.test(text) && Number(text) <= TIME_MAX) return Number(text)
  // `Date.parse` alone moves 31 November to 1 December, and 24:00 to the next day.
  const at = isDate(text) || TIME.safeParse(text).success ? Date.parse(text) : NaN
  if (Number.isNaN(at) || at < 0)
    throw new InvalidArgumentError('It takes a date such as 2026-11-20, or a time such as 2026-11-20T15:30Z.')
  return at
}

/** The end of a range that what happened then still belongs to: a date is the last millisecond of its day, UTC. */
export function lastMoment(text: string): number {
  return isDate(text) ? moment(text) + DAY_MS - 1 : moment(text)
}

/** The end of a range that lasts until before it: a date is the whole day, so the midnight after it, UTC. */
export function momentAfter(text: string): number {
  return isDate(text) ? moment(text) + DAY_MS : moment(text)
}

function isDate(text: string): boolean {
  return DATE.safeParse(text).success
}

/** What is undefined or an empty list is not said. */
export function said<T extends Record<string, unknown>>(
  properties: T,
): Partial<{ [K in keyof T]: NonNullable<T[K]> | Extract<T[K], null> }> {
  const given = Object.entries(properties).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  )
  return Object.fromEntries(given) as never
}

/** `--add-x`, `--remove-x` and `--clear-x` as a change to a list, or undefined when none was said. */
export function listChange(
  add: readonly string[],
  remove: readonly string[],
  clear: boolean | undefined,
): { set: string[] } | { add?: string[]; remove?: string[] } | undefined {
  if (clear) return { set: [...add] }
  if (add.length === 0 && remove.length === 0) return undefined
  return said({ add: [...add], remove: [...remove] })
}

/** Adds the three options by which a list is changed. */
export function listOptions(
  command: Command,
  { noun, plural, choices }: { noun: string; plural: string; choices?: readonly string[] | undefined },
): Command {
  const [added, removed] = [`adds to the ${plural}`, `takes from the ${plural}`]
  if (choices) {
    severalOf(command, `--add-${noun} <${noun}>`, added, choices)
    severalOf(command, `--remove-${noun} <${noun}>`, removed, choices)
  } else {
    several(command, `--add-${noun} <principal>`, added)
    several(command, `--remove-${noun} <principal>`, removed)
  }
  return command.option(`--clear-${plural}`, `empties the list of ${plural} first`, false)
}

/** Refuses a verb that changes something when nothing to change was named. */
export function somethingNamed<T extends object>(changes: T, verb: string): T {
  if (Object.keys(changes).length > 0) return changes
  throw misused('Nothing to change was named.', `See \`hansard ${verb} --help\`.`)
}
