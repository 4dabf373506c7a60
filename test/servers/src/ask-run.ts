/** Where test files find the servers of their run; child processes inherit it. Unset, each file starts its own. */
export const RUN_SERVERS = 'HANSARD_TEST_SERVERS'

/** What a test file is told of its run. */
export type Told = {
  readonly postgres: { readonly url: string }
  /** A directory that initdb has filled, to be copied. */
  readonly cluster: { readonly directory: string }
  readonly redis: { readonly url: string }
  /** SQLite templates are kept here. `generation` is part of the name of every template. */
  readonly templates: { readonly directory: string; readonly generation: number }
}

/** Asks the run about its servers; undefined without a run. */
export async function askRun<K extends keyof Told>(topic: K): Promise<Told[K] | undefined> {
  const run = process.env[RUN_SERVERS]
  if (run === undefined) return undefined
  const response = await fetch(`${run}/${topic}`)
  if (!response.ok) throw new Error(`The ${topic} of this test run could not be started: ${await response.text()}`)
  return (await response.json()) as Told[K]
}
