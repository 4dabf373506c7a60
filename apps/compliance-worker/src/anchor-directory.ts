import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '@hansard/durable-file'
import type { AnchorCargo, AnchorState } from '@hansard/staging'

/**
 * Puts the signature and the checkpoint of the newest pool manifest into a directory. Each names all that came before
 * it, so older ones may be missing.
 *
 * The danger is an unmounted share: its empty mount point would take the files, and nobody could show them later. So
 * the directory is never made, and what was delivered last must still be there.
 */
export async function deliverToDirectory(
  path: string,
  { stem, files }: AnchorCargo,
  { lastDelivered, assertMayWrite }: Pick<AnchorState, 'lastDelivered'> & { assertMayWrite: () => Promise<void> },
): Promise<void> {
  const there = new Set(await readdir(path))
  if (lastDelivered && !there.has(`${lastDelivered.stem}.note`))
    throw new AnchorRefused(
      `${path} lacks ${lastDelivered.stem}.note, which was delivered last. Is its disk or share mounted? If the file is ` +
        'lost, copy it from the directory of the pool manifests, together with the .checkpoint file.',
    )
  for (const { name, content } of files) {
    // Anybody who finds a note finds its checkpoint: the order of the files is the order in which they were made.
    if (name !== `${stem}.checkpoint` && name !== `${stem}.note`) continue
    await writeDurably(path, name, content, {
      async beforeRename() {
        await assertMayWrite()
        // It is called only for bytes that are not there yet.
        if (await lstat(join(path, name)).catch(() => undefined))
          throw new AnchorRefused(
            `${join(path, name)} exists and is another one than this pool has sealed: it is of another pool, or the ` +
              'record was set back. It is not replaced. Give each pool an anchor directory of its own.',
          )
      },
    })
  }
}

/** Needs a person: what the anchor holds does not belong to this record. */
class AnchorRefused extends Error {
  override name = 'AnchorRefused'
}
