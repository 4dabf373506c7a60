import type { Command } from 'commander'
import { listOptions, onOff, type PoolOptions, poolVerb, several, type Verbs } from '../cli/verb.ts'
import type { AddCategoryOptions, SetCategoryOptions } from './categories.ts'

export function addCategoriesVerbs(program: Command, { io, run }: Verbs): void {
  const categories = program.command('categories').description('categories: the walls around rooms')

  const add = poolVerb(categories, 'add', 'add a category; nobody is allowed in it who is not named')
    .argument('<name>')
    .option('--description <text>')
    .option('--invitations', 'rooms may send invitations', false)
    .option('--file-upload', 'files may be uploaded', false)
    .option('--no-history', 'what is said is recorded and kept for no participant')
  several(add, '--allowed <principal>', 'allowed: an account, a group or a domain')
  several(add, '--denied <principal>', 'denied, whoever else allows them')
  several(add, '--creator <principal>', 'may make rooms')
  add.action(
    run(async (name: string, options: AddCategoryOptions) => {
      const { addCategory } = await import('./categories.ts')
      return addCategory(io, name, options)
    }),
  )

  poolVerb(categories, 'list', 'all categories').action(
    run(async (options: PoolOptions) => {
      const { listCategories } = await import('./categories.ts')
      return listCategories(io, options)
    }),
  )
  poolVerb(categories, 'show', 'a category and its lists')
    .argument('<name>')
    .action(
      run(async (name: string, options: PoolOptions) => {
        const { showCategory } = await import('./categories.ts')
        return showCategory(io, name, options)
      }),
    )

  const set = poolVerb(categories, 'set', 'change a category; a wall holds from the same moment')
    .argument('<name>')
    .option('--name <name>', 'call it so')
    .option('--description <text>')
    .addOption(onOff('--invitations <on|off>', 'rooms may send invitations'))
    .addOption(onOff('--file-upload <on|off>', 'files may be uploaded'))
    .addOption(onOff('--history <on|off>', 'chats are kept for participants'))
  listOptions(set, 'allowed', 'allowed')
  listOptions(set, 'denied', 'denied')
  listOptions(set, 'creator', 'creators')
  set.action(
    run(async (name: string, options: SetCategoryOptions) => {
      const { setCategory } = await import('./categories.ts')
      return setCategory(io, name, options)
    }),
  )

  poolVerb(categories, 'remove', 'remove a category that has no rooms')
    .argument('<name>')
    .action(
      run(async (name: string, options: PoolOptions) => {
        const { removeCategory } = await import('./categories.ts')
        return removeCategory(io, name, options)
      }),
    )
}
