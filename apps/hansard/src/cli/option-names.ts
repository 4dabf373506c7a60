import type { z } from 'zod'
import { misused } from './command-failure.ts'

/** Properties of the admin contract whose option is not their own name in kebab case. */
const OPTION_NAMES: Readonly<Record<string, string>> = {
  displayName: 'name',
  chatHistory: 'history',
  chatBytesMax: 'chat-bytes',
  storyBytesMax: 'story-bytes',
  adapterOutputDirectory: 'output-directory',
  runIntervalMs: 'run-interval',
  customConfiguration: 'stylesheet',
  eventsPerFileMax: 'events-per-file',
  exportFrom: 'from',
  chatContentExceedsMb: 'content-exceeds',
  searchDescription: 'in-description',
  resultSize: 'limit',
  roomsInactiveSince: 'inactive-since',
}

/** `fileUpload` is `file-upload` on the command line. */
export function optionName(property: string): string {
  return OPTION_NAMES[property] ?? property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** What the API calls the settings that were named like options, with or without their dashes. */
export function settingsNamed<S extends z.ZodObject>(schema: S, named: readonly string[]): (keyof S['shape'])[] {
  const properties = new Map(Object.keys(schema.shape).map((property) => [optionName(property), property]))
  return named.map((name) => {
    const property = properties.get(name.replace(/^--/, ''))
    if (property === undefined)
      throw misused(`There is no setting ${name}.`, `There are ${[...properties.keys()].join(', ')}.`)
    return property
  })
}

/**
 * A refusal of the API in the words of the command line: what was typed is named as it was typed. `properties` are
 * those of the request that was refused.
 */
export function inOptionNames(message: string, properties: ReadonlySet<string>): string {
  return message.replace(/(?<![\w"'.-])(?:settings\.)?[a-z]+[A-Z][A-Za-z]*(?![\w"'])/g, (found) => {
    const name = found.replace(/^settings\./, '')
    return properties.has(name) ? `--${optionName(name)}` : found
  })
}
