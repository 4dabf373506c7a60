/** One change to the code, and whether a test noticed it. */
export type TestedMutant = {
  /** path of the file, from the root of the repository */
  readonly file: string
  /** the line that it begins in, without its indent: line numbers move with every edit */
  readonly line: string
  readonly was: string
  readonly becomes: string
  readonly outcome: 'killed' | 'survived'
}

/** A survivor that somebody has looked at. */
export type Explained = Omit<TestedMutant, 'outcome'> & { readonly why: string }

export const KILLED_SHARE_MIN = 0.9
const EXPLANATION_MIN = 20

export type Verdict = {
  readonly tested: number
  readonly killed: number
  /** what has to be done; empty when all is well */
  readonly problems: readonly string[]
}

/**
 * Whether a package passes: at least nine in ten mutants are killed, every survivor is explained, and no explanation
 * is of a mutant that the tests kill by now.
 */
export function judge(name: string, mutants: readonly TestedMutant[], explained: readonly Explained[]): Verdict {
  const problems: string[] = []
  const killed = mutants.filter(({ outcome }) => outcome === 'killed').length
  if (mutants.length === 0) problems.push(`${name}: there was nothing to mutate`)
  else if (killed / mutants.length < KILLED_SHARE_MIN)
    problems.push(`${name}: the tests kill ${killed} of ${mutants.length} mutants, at least 90 % are required`)
  const survivors = new Map(mutants.filter(({ outcome }) => outcome === 'survived').map((each) => [keyOf(each), each]))
  const why = new Map(explained.map((each) => [keyOf(each), each.why]))
  for (const [key, survivor] of survivors) {
    const explanation = why.get(key)
    if (explanation === undefined) problems.push(`${inWords(survivor)} survives, and nothing explains it`)
    else if (explanation.trim().length < EXPLANATION_MIN) problems.push(`${inWords(survivor)} is not explained in full`)
  }
  const files = new Set(mutants.map(({ file }) => file))
  for (const each of explained)
    if (files.has(each.file) && !survivors.has(keyOf(each)))
      problems.push(`${inWords(each)} does not survive: remove its explanation`)
  return { tested: mutants.length, killed, problems }
}

function keyOf({ file, line, was, becomes }: Omit<Explained, 'why'>): string {
  return JSON.stringify([file, line, was, becomes])
}

function inWords({ file, line, was, becomes }: Omit<Explained, 'why'>): string {
  return `${file}: \`${line}\` with \`${becomes}\` for \`${was}\``
}
