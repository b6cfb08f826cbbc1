import { detachAll } from '../service/detach.ts'
import { readSettings } from '../service/settings.ts'
import { defineCommand } from './command.ts'
import { exitCode } from './error.ts'
import { parseWait, waitOption } from './wait.ts'

export const command = defineCommand({
  options: yargs =>
    yargs
      .option('force', {
        type: 'boolean',
        default: false,
        describe: "Also where the rules are another namespace's or cannot be read",
      })
      .option('wait', waitOption)
      .example('$0 detach', 'packets are filtered no more'),
  async run({ force, wait }) {
    const found = await detachAll(readSettings(), { force, wait: parseWait(wait) })
    process.stderr.write(found ? 'no longer filtering\n' : 'nothing was loaded\n')
    return exitCode.done
  },
})
