import type { Database } from '@hansard/sql'
import type { PolicyPlace } from '../access/policies.ts'
import type { Fact } from './facts.ts'
import type { After, SourceCounters } from './number-facts.ts'
import type { Source } from './sources.ts'

/** One dialect's transaction. When it throws, nothing was written, unless the connection broke while committing. */
export type Commit = (
  db: Database,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  facts: readonly Fact[],
  now: number,
  options: CommitOptions,
) => Promise<After>

export type CommitOptions = { readonly findRepeats: boolean; readonly place: PolicyPlace }
