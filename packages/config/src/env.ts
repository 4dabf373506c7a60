/**
 * Settings are read once, reported once, and passed on as values.
 *
 * Each accessor notes a problem and returns its fallback; `check()` then throws one `ConfigError` that lists every
 * problem, so that an operator fixes the environment in one go.
 */
export class Env {
  readonly #source: Readonly<Record<string, string | undefined>>
  readonly #problems: string[] = []
  readonly #declared = new Map<string, Setting>()

  constructor(source: Readonly<Record<string, string | undefined>>) {
    this.#source = source
  }

  /** Every setting that was asked for, in that order: the settings' table in docs/operating.md is made from it. */
  declared(): readonly Setting[] {
    return [...this.#declared.values()]
  }

  /** A non-empty string. Required unless a fallback is given. */
  string(name: string, { fallback }: { fallback?: string } = {}): string {
    this.#declare({ name, takes: 'text', fallback: fallback ?? 'required' })
    const value = this.#source[name]
    if (value !== undefined && value !== '') return value
    if (fallback !== undefined) return fallback
    this.#problems.push(`${name} is not set.`)
    return ''
  }

  /** A string that may be absent. */
  optional(name: string): string | undefined {
    this.#declare({ name, takes: 'text', fallback: undefined })
    const value = this.#source[name]
    return value === undefined || value === '' ? undefined : value
  }

  /** A whole number within `min` and `max`, both included. */
  integer(name: string, { min, max, fallback }: { min: number; max: number; fallback: number }): number {
    this.#declare({ name, takes: `${grouped(min)} to ${grouped(max)}`, fallback: String(fallback) })
    const value = this.optional(name)
    if (value === undefined) return fallback
    const parsed = Number(value)
    if (/^-?\d+$/.test(value) && parsed >= min && parsed <= max) return parsed
    this.#problems.push(`${name} is "${value}"; it takes a whole number from ${min} to ${max}.`)
    return fallback
  }

  /** `true` or `false`. */
  flag(name: string, { fallback }: { fallback: boolean }): boolean {
    this.#declare({ name, takes: '`true`, `false`', fallback: String(fallback) })
    const value = this.optional(name)
    if (value === undefined) return fallback
    if (value === 'true' || value === 'false') return value === 'true'
    this.#problems.push(`${name} is "${value}"; it takes true or false.`)
    return fallback
  }

  /** One of a few words. */
  choice<T extends string>(name: string, { of, fallback }: { of: readonly T[]; fallback: T }): T {
    this.#declare({ name, takes: of.map((word) => `\`${word}\``).join(', '), fallback })
    const value = this.optional(name)
    if (value === undefined) return fallback
    const chosen = of.find((word) => word === value)
    if (chosen === undefined) this.#problems.push(`${name} is "${value}"; it takes one of: ${of.join(', ')}.`)
    return chosen ?? fallback
  }

  /** A value that the caller's parser understands; the parser throws with the reason when it does not. */
  parsed<T>(name: string, { parse, fallback }: { parse: (text: string) => T; fallback: T }): T {
    this.#declare({ name, takes: 'text', fallback: undefined })
    const value = this.optional(name)
    if (value === undefined) return fallback
    try {
      return parse(value)
    } catch (error) {
      this.#problems.push(`${name} is "${value}"; ${(error as Error).message}`)
      return fallback
    }
  }

  /** The same settings with some given another way, such as on a command line. What is undefined there stays as it is. */
  with(given: Readonly<Record<string, string | undefined>>): Env {
    const set = Object.entries(given).filter(([, value]) => value !== undefined)
    return new Env({ ...this.#source, ...Object.fromEntries(set) })
  }

  /** Notes a problem that lies in several settings together. */
  problem(text: string): void {
    this.#problems.push(text)
  }

  /** The first declaration counts: accessors ask through `optional`. */
  #declare(setting: Setting): void {
    if (!this.#declared.has(setting.name)) this.#declared.set(setting.name, setting)
  }

  /** Throws one `ConfigError` with every problem found so far. */
  check(): void {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems)
  }
}

/** What a setting takes, and its value when it is not set (`required`: there is none). */
export type Setting = { readonly name: string; readonly takes: string; readonly fallback: string | undefined }

const grouped = (value: number) => value.toLocaleString('en')

/** The settings are wrong; nothing was started. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly exitCode = 2
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The settings cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.problems = problems
  }
}
