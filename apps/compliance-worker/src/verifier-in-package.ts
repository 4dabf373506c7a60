import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '@hansard/durable-file'
import { POOL_DIRECTORY } from '@hansard/evidence'

/** The offline verifier and the description that it was written from. */
const FILES = ['verify.py', 'manifest.md'] as const
const DOCS = new URL('../../../docs/', import.meta.url)

/**
 * Puts the verifier beside the pool manifests, so that anybody who receives the output directory can verify it without
 * Hansard. A newer version takes the place of an older one: these files are not part of the record.
 *
 * The danger: anybody who changes exports can change the verifier beside them. So auditors compare its hash with the
 * one that was published with the release, or bring their own copy; the manual says so.
 */
export async function writeVerifier(
  outputDirectory: string,
  { assertMayWrite }: { assertMayWrite: () => Promise<void> },
): Promise<void> {
  for (const name of FILES) {
    const content = await readFile(new URL(name, DOCS))
    await writeDurably(join(outputDirectory, POOL_DIRECTORY), name, content, { beforeRename: assertMayWrite })
  }
}
