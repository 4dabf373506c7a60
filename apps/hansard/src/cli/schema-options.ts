import { type Command, Option } from 'commander'
import { z } from 'zod'
import { optionName } from './option-names.ts'
import { between, isOn, listChange, listOptions, onOff, several, severalOf } from './verb.ts'

/** What the command line adds to a property of the contract. Without it the contract alone makes the option. */
type PropertyTexts = {
  /** how the option is called, where neither the property nor `option-names.ts` says it */
  readonly option?: string
  /** what stands behind the option, such as `<time>` */
  readonly takes?: string
  readonly help?: string
  /** turns what was typed into the value; throws an `InvalidArgumentError` */
  readonly parse?: (text: string) => unknown
}
export type Texts<S extends z.ZodObject> = Readonly<
  Partial<Record<Extract<keyof S['shape'], string>, PropertyTexts | 'left out'>>
>

/** What commander hands an action: it depends on the contract, so it is read through `valuesOf`. */
export type GivenOptions = Readonly<Record<string, unknown>>

/**
 * Options of a verb, made from the schema of the request it sends: a property that is added to the contract is an
 * option the same day. A property without a description or text gets none.
 *
 * | the schema | the option |
 * |---|---|
 * | boolean | `--x <on\|off>`; of something new `--x`, or `--no-x` where the default is true |
 * | `flag` of a query | `--x <on\|off>` |
 * | enum, number, string | `--x <…>`, checked before anything is sent |
 * | nullable | also `--no-x` |
 * | array | `--x <…>`, which may be given several times |
 * | change to a list | `--add-x`, `--remove-x`, `--clear-xs` |
 */
export function schemaOptions<S extends z.ZodObject>(
  command: Command,
  schema: S,
  { texts = {} as Texts<S>, bare = false }: { texts?: Texts<S>; bare?: boolean } = {},
): Command {
  for (const property of propertiesOf(schema, texts)) addOption(command, property, bare)
  return command
}

/** The values of a request, from the options that `schemaOptions` made. What was not typed is left out. */
export function valuesOf<S extends z.ZodObject>(
  schema: S,
  options: GivenOptions,
  texts: Texts<S> = {} as Texts<S>,
): Partial<z.output<S>> {
  const values: Record<string, unknown> = {}
  for (const property of propertiesOf(schema, texts)) {
    const value = typedValue(property, options)
    if (value !== undefined) values[property.key] = value
  }
  return values as Partial<z.output<S>>
}

type Property = {
  readonly key: string
  readonly name: string
  readonly text: PropertyTexts
  readonly help: string
  readonly kind: Kind
  readonly nullable: boolean
  readonly defaultsToOn: boolean
}
type Kind =
  | { readonly is: 'boolean' | 'flag' | 'text' }
  | { readonly is: 'list' | 'list-change'; readonly choices: readonly string[] | undefined }
  | { readonly is: 'choice'; readonly choices: readonly string[] }
  | { readonly is: 'number'; readonly min: number; readonly max: number }

function propertiesOf<S extends z.ZodObject>(schema: S, texts: Texts<S>): Property[] {
  return Object.entries<z.core.$ZodType>(schema.shape).flatMap(([key, type]) => {
    const text: PropertyTexts | 'left out' =
      (texts as Readonly<Record<string, PropertyTexts | 'left out' | undefined>>)[key] ?? {}
    if (text === 'left out') return []
    const { inner, nullable } = unwrapped(type as z.ZodType)
    const about = { ...inner.meta(), ...(type as z.ZodType).meta() }
    return [
      {
        key,
        name: text.option ?? optionName(key),
        text,
        help: text.help ?? about.description ?? '',
        kind: kindOf(key, inner),
        nullable,
        defaultsToOn: about['default'] === true,
      },
    ]
  })
}

function unwrapped(type: z.ZodType): { inner: z.ZodType; nullable: boolean } {
  let inner = type
  let nullable = false
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodNullable) {
    nullable ||= inner instanceof z.ZodNullable
    inner = inner.unwrap() as z.ZodType
  }
  return { inner, nullable }
}

function kindOf(key: string, type: z.ZodType): Kind {
  if (type instanceof z.ZodBoolean) return { is: 'boolean' }
  if (type instanceof z.ZodEnum) return { is: 'choice', choices: type.options.map(String) }
  if (type instanceof z.ZodNumber) return { is: 'number', min: type.minValue ?? 0, max: type.maxValue ?? 0 }
  if (type instanceof z.ZodString) return { is: 'text' }
  if (type instanceof z.ZodArray) return { is: 'list', choices: choicesOf(type) }
  // `listChange` of the contract: one of its forms sets the whole list.
  if (type instanceof z.ZodUnion) return { is: 'list-change', choices: choicesOf(listOf(type)) }
  // A query is text, so its booleans are the words `true` and `false` turned into one.
  if (type instanceof z.ZodPipe) return { is: 'flag' }
  throw new Error(`The command line has no option for ${key}: a ${type.def.type}`)
}

function listOf(change: z.ZodUnion): z.ZodType | undefined {
  const whole = change.options.find((form) => form instanceof z.ZodObject && 'set' in form.shape)
  return (whole as z.ZodObject | undefined)?.shape['set'] as z.ZodType | undefined
}

function choicesOf(list: z.ZodType | undefined): readonly string[] | undefined {
  if (!(list instanceof z.ZodArray)) return undefined
  return list.element instanceof z.ZodEnum ? list.element.options.map(String) : undefined
}

function addOption(command: Command, property: Property, bare: boolean): void {
  const { name, kind, help, text, nullable } = property
  const single = singular(name)
  const takes = text.takes
  switch (kind.is) {
    case 'boolean':
      if (!bare) command.addOption(onOff(`--${name} <on|off>`, help))
      else if (property.defaultsToOn) command.option(`--no-${name}`, `not: ${help}`)
      else command.option(`--${name}`, help)
      return
    case 'flag':
      if (takes === '') command.option(`--${name}`, help)
      else command.addOption(onOff(`--${name} <on|off>`, help))
      return
    case 'list':
      if (kind.choices) severalOf(command, `--${single} <${single}>`, help, kind.choices)
      else several(command, `--${single} ${takes ?? '<principal>'}`, help)
      return
    case 'list-change':
      listOptions(command, { noun: single, plural: name, choices: kind.choices })
      return
    default:
      command.addOption(optionOf(property))
      if (nullable) command.option(`--no-${name}`, `no ${name} any more`)
  }
}

function optionOf({ name, kind, help, text }: Property): Option {
  const { takes } = text
  if (kind.is === 'choice') return new Option(`--${name} ${takes ?? `<${name}>`}`, help).choices(kind.choices)
  if (kind.is !== 'number') {
    const option = new Option(`--${name} ${takes ?? '<text>'}`, help)
    return text.parse === undefined ? option : option.argParser(text.parse)
  }
  const parse = text.parse ?? between(kind.min, kind.max)
  const range = text.parse === undefined ? `: ${kind.min} to ${kind.max}` : ''
  return new Option(`--${name} ${takes ?? '<n>'}`, `${help}${range}`).argParser(parse)
}

function typedValue({ name, kind, nullable, defaultsToOn }: Property, options: GivenOptions): unknown {
  const given = options[attribute(name)]
  switch (kind.is) {
    case 'boolean':
      if (typeof given !== 'boolean') return isOn(given as 'on' | 'off' | undefined)
      // Commander's value of `--no-x` that was not typed is true, which is what the contract says without a word.
      return given === defaultsToOn ? undefined : given
    case 'flag':
      return given === undefined ? undefined : given === 'on' || given === true
    case 'list': {
      const entries = (options[attribute(singular(name))] ?? []) as readonly string[]
      return entries.length === 0 ? undefined : entries
    }
    case 'list-change': {
      const entries = (verb: string) => (options[attribute(`${verb}-${singular(name)}`)] ?? []) as readonly string[]
      return listChange(entries('add'), entries('remove'), options[attribute(`clear-${name}`)] as boolean | undefined)
    }
    default:
      if (given === false) return nullable ? null : undefined
      return given === true ? undefined : given
  }
}

/** `--add-in` is `addIn` among the options. */
function attribute(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function singular(name: string): string {
  return name.replace(/s$/, '')
}
