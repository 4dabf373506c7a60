/** URL where test files find the servers of their run; child processes inherit it. Unset: each file starts its own. */
export const RUN_SERVERS = 'HANSARD_TEST_SERVERS'

/** What a test file gets from its run. */
export type Told = {
  readonly postgres: { readonly url: string }
  /** A directory prepared by initdb, to be copied. */
  readonly cluster: { readonly directory: string }
  readonly redis: { readonly url: string }
  /** SQLite templates are stored here. `generation` is part of the name of every template. */
  readonly templates: { readonly directory: string; readonly generation: number }
}

/** Gets the servers from the run; undefined without a run. */
export async function askRun<K extends keyof Told>(topic: K): Promise<Told[K] | undefined> {
  const run = process.env[RUN_SERVERS]
  if (run === undefined) return undefined
  const response = await fetch(`${run}/${topic}`)
  if (!response.ok) throw new Error(`The ${topic} of this test run could not be started: ${await response.text()}`)
  return (await response.json()) as Told[K]
}
