import { ADMIN_ROUTES, type AdminRouteName, openApiDocument, type Route } from '@hansard/admin-contract'

/** What the hostile caller knows, or may have guessed. */
type Known = { readonly names: readonly string[]; readonly times: readonly number[] }
export type HostileRequest = {
  readonly route: AdminRouteName
  readonly method: string
  readonly url: string
  readonly contentType: string | undefined
  readonly payload: string | undefined
}

/** Numbers from a seed: the same seed, the same numbers (mulberry32). */
type Dice = { below(n: number): number; pick<T>(from: readonly T[]): T }

export function createDice(seed: number): Dice {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number) => Math.floor(next() * n)
  return { below, pick: (from) => from[below(from.length)]! }
}

const TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e\u2066evil',
  "'; drop table room; --",
  '" or 1=1 --',
  '%_%',
  '\\',
  '*',
  '**********************************************',
  '({[<',
  '../../etc/passwd',
  '..',
  '.',
  '/',
  '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'NaN',
  '1e309',
  '-0',
  'sip:',
  'sip:@',
  'ma-grp:*@',
  'ma-grp:%@example.com',
  'ma-grp:*@example.com',
  'ma-chan://example.com/00000000-0000-0000-0000-000000000000',
  'ma-cat:',
  'global',
  'site:x',
  'service:',
  'adapter:../x',
  'xml/99999999999',
  '🏇'.repeat(60),
  'ﷺ'.repeat(256),
  'x'.repeat(300),
  'x'.repeat(20_000),
]
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e308,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  [],
  {},
  [[]],
  [null],
  { length: 1e9 },
  { toString: 'x' },
  ['a', 1, null, {}],
  Array(20_000).fill('x'),
]

type Schema = {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly maximum?: number
}
type Operation = {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}
const DOCUMENT = openApiDocument({ version: '1' }) as unknown as {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

/** A hostile request: sometimes valid except for the caller, mostly almost valid, sometimes nonsense. */
export function hostileRequest(dice: Dice, known: Known): HostileRequest {
  const route = dice.pick(Object.keys(ADMIN_ROUTES) as AdminRouteName[])
  const { method, path }: Route = ADMIN_ROUTES[route]
  const operation = DOCUMENT.paths[path.replace(/:([A-Za-z]+)/g, '{$1}')]![method.toLowerCase()]!
  const text = () => (dice.below(3) === 0 ? dice.pick(TEXTS) : dice.pick(known.names))
  const url = path.replace(/:([A-Za-z]+)/g, () => partOfPath(dice, text()))
  const schema = operation.requestBody?.content['application/json']?.schema
  const spoiled = dice.below(4) > 0
  const body = schema ? plausible(schema) : dice.pick([undefined, undefined, undefined, {}])
  const payload = body === undefined ? undefined : textOf(dice, spoiled ? spoil(body) : body)
  return {
    route,
    method: dice.below(50) === 0 ? dice.pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) : method,
    url: `${url}${queryOf(operation)}`,
    contentType: payload === undefined ? undefined : dice.below(40) === 0 ? dice.pick(TYPES) : 'application/json',
    payload,
  }

  function queryOf({ parameters = [] }: Operation): string {
    const query = new URLSearchParams()
    for (const parameter of parameters.filter((candidate) => candidate.in === 'query')) {
      if (dice.below(3) > 0) continue
      const value = dice.below(3) === 0 ? text() : plausible(parameter.schema)
      query.append(parameter.name, String(value))
      if (dice.below(20) === 0) query.append(parameter.name, text())
    }
    if (dice.below(30) === 0) query.append(dice.pick(['__proto__', 'x', 'limit', 'constructor']), text())
    const written = query.toString()
    return written === '' ? '' : `?${dice.below(40) === 0 ? written.replaceAll('%', '%2') : written}`
  }

  function plausible(schema: Schema): unknown {
    if (schema.$ref) return plausible(DOCUMENT.components.schemas[schema.$ref.split('/').at(-1)!]!)
    if (schema.const !== undefined) return schema.const
    if (schema.enum) return dice.pick(schema.enum)
    const any = schema.anyOf ?? schema.oneOf
    if (any) return plausible(dice.pick(any))
    if (schema.type === 'object') {
      const entries = Object.entries(schema.properties ?? {})
      const wanted = entries.filter(([name]) => (schema.required ?? []).includes(name) || dice.below(2) === 0)
      return Object.fromEntries(wanted.map(([name, property]) => [name, valueFor(name, property)]))
    }
    if (schema.type === 'array') return Array.from({ length: dice.below(4) }, () => plausible(schema.items ?? {}))
    if (schema.type === 'integer' || schema.type === 'number')
      return dice.pick([0, 1, 10, 100_000, ...known.times, schema.maximum ?? Number.MAX_SAFE_INTEGER])
    if (schema.type === 'boolean') return dice.below(2) === 0
    return schema.type === 'null' ? null : text()
  }

  // Hashing a password takes a while and is not under test here.
  function valueFor(name: string, schema: Schema): unknown {
    return name === 'password' && dice.below(20) > 0 ? dice.pick(VALUES) : plausible(schema)
  }

  function spoil(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || dice.below(8) === 0)
      return dice.below(2) ? text() : dice.pick(VALUES)
    const copy = structuredClone(value) as Record<string, unknown>
    const keys = Object.keys(copy)
    const key = keys.length > 0 ? dice.pick(keys) : 'x'
    const choice = dice.below(4)
    if (choice === 0) delete copy[key]
    else if (choice === 1) copy[dice.pick(['x', 'constructor', 'toString', ''])] = dice.pick(VALUES)
    else copy[key] = spoil(copy[key])
    return copy
  }
}

const TYPES = [
  'text/plain',
  'application/xml',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'x',
]

function partOfPath(dice: Dice, text: string): string {
  if (dice.below(60) === 0) return dice.pick(['%', '%zz', '%00', '%E0%A4%A', '%ff', '..', '%2e%2e', '%2F', ';a=b'])
  return encodeURIComponent(text.toWellFormed())
}

function textOf(dice: Dice, body: unknown): string {
  const text = JSON.stringify(body)
  if (dice.below(25) > 0) return text
  return dice.pick([
    '',
    '{',
    'null',
    '"',
    '[1,]',
    `{"__proto__":${text}}`,
    `{"constructor":{"prototype":${text}}}`,
    `${text}${text}`,
    text.replaceAll('"', "'"),
    `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
    `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
    text.slice(0, dice.below(text.length + 1)),
  ])
}
