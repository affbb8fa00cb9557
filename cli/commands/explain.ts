import type { Command } from 'commander'
import type { Explanation } from '../../master/core/view.js'
import { requestJson } from '../client.js'
import { addMasterOptions, type MasterOptions } from '../operate.js'
import { explanationText } from '../output/explanation.js'
import { print } from '../output/text.js'

interface ExplainOptions extends MasterOptions {
  readonly role?: string
  readonly agent?: string
}

export function addExplainCommand(program: Command): void {
  addMasterOptions(
    program
      .command('explain')
      .description('why a framework has no more offers, and what would let one through')
      .argument('<framework>', 'its id')
      .option('--role <role>', 'only in this role')
      .option('--agent <id>', 'only of this agent'),
  ).action(async (framework: string, { master, json, ...asked }: ExplainOptions) => {
    const url = new URL('/api/v1/explain', master)
    const query = new URLSearchParams({ framework, ...asked })
    url.search = query.toString()
    const explanation = (await requestJson('master', url)) as Explanation
    print(json ? JSON.stringify(explanation, null, 2) : explanationText(explanation))
  })
}
