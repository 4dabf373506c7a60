import type { Connection } from './connection.ts'

/** The connection of the moment, if there is one, and what is numbered and announced across all of them. */
export type Line = {
  connection: Connection | undefined
  /** what the pool allows, as it was last announced */
  limits: Readonly<Record<string, number>>
  /** for good */
  closed: boolean
  nextId(): number
}

export function createLine(): Line {
  let last = 0
  return {
    connection: undefined,
    limits: {},
    closed: false,
    nextId() {
      last += 1
      return last
    },
  }
}
