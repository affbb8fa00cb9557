import { AgentNetwork } from './agent-network.js'

/** The network in which agents can be cut off, or undefined where it cannot be made, with the reason on the console. */
export async function chaosNetwork(): Promise<AgentNetwork | undefined> {
  try {
    return await AgentNetwork.create()
  } catch (error) {
    console.log(`No agent can be cut off here: ${(error as Error).message.trim()}`)
    return undefined
  }
}
