import type { ChangeUserRequest, ListUsersQuery, NewUser } from '@hansard/admin-contract'
import type { Texts } from '../cli/schema-options.ts'

/** What the options of accounts say beyond the contract. `internal` is `--partner` here, the other way round. */
export const NEW_USER_TEXTS = {
  account: 'left out',
  internal: 'left out',
  password: 'left out',
  generateKey: 'left out',
  rotateKey: 'left out',
  displayName: { takes: '<name>' },
  email: { takes: '<address>' },
  domain: { takes: '<domain>' },
} satisfies Texts<typeof NewUser>

export const LIST_USERS_TEXTS = {
  limit: 'left out',
  after: 'left out',
  internal: 'left out',
  name: { option: 'filter', takes: '<wildcard>' },
  domain: { takes: '<domain>' },
  policy: { takes: '<identity>' },
} satisfies Texts<typeof ListUsersQuery>

export const CHANGE_USER_TEXTS = {
  internal: 'left out',
  // `policies grant` says it.
  policy: 'left out',
  displayName: { takes: '<name>' },
  email: { takes: '<address>' },
} satisfies Texts<typeof ChangeUserRequest>
