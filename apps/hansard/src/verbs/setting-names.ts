import { misused } from '../command-failure.ts'

/** Settings by the names of their options. */
export const CONFIG_SETTINGS = {
  'default-chat-history': 'defaultChatHistory',
  'max-file-size-kb': 'maxFileSizeKb',
  'participant-update-limit': 'participantUpdateLimit',
  'room-management-url': 'roomManagementUrl',
  'chat-bytes': 'chatBytesMax',
  'story-bytes': 'storyBytesMax',
  'search-limit': 'searchLimit',
  'managers-may-edit-chats': 'managersMayEditChats',
} as const
export const COMPLIANCE_SETTINGS = {
  'adapter-name': 'adapterName',
  'adapter-type': 'adapterType',
  'output-directory': 'adapterOutputDirectory',
  'run-interval': 'runIntervalMs',
  stylesheet: 'customConfiguration',
  'events-per-file': 'eventsPerFileMax',
  'add-chat-room-details': 'addChatRoomDetails',
  'add-user-details': 'addUserDetails',
  'create-file-attachments-manifest': 'createFileAttachmentsManifest',
  'one-chat-room-per-output-file': 'oneChatRoomPerOutputFile',
} as const

/** What the API calls the settings that were named like options, with or without their dashes. */
export function settingsNamed<K extends string, V extends string>(
  known: Readonly<Record<K, V>>,
  named: readonly string[],
): V[] {
  return named.map((name) => {
    const setting = known[name.replace(/^--/, '') as K]
    if (setting === undefined)
      throw misused(`There is no setting ${name}.`, `There are ${Object.keys(known).join(', ')}.`)
    return setting
  })
}

/** What the API calls things that options set or filter by. */
const OPTIONS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [...Object.entries(CONFIG_SETTINGS), ...Object.entries(COMPLIANCE_SETTINGS)].map(([option, name]) => [
      name,
      option,
    ]),
  ),
  displayName: 'name',
  addIn: 'add-in',
  fileUpload: 'file-upload',
  chatHistory: 'history',
  chatContentExceedsMb: 'content-exceeds',
  resultSize: 'limit',
  roomsInactiveSince: 'inactive-since',
}

/** A refusal of the API in the words of the command line: what was typed is named as it was typed. */
export function inOptionNames(message: string): string {
  return message.replace(/(?<![\w"'.-])[a-z]+[A-Z][A-Za-z]*(?![\w"'])/g, (name) => {
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
    return option === undefined ? name : `--${option}`
  })
}
