import { connectNats, keyPart, NatsStore } from '@tender/sdk/runtime'
import { type AgentRecord, recordVersion } from '../../../master/registry/records.js'
import { playedAgent } from './played-agents.js'

/** Writes the registry as a leader leaves it that has admitted so many agents before. */
export async function makeKnown(nats: string, cluster: string, agents: number): Promise<void> {
  const connection = await connectNats(nats, 'bench')
  const store = await NatsStore.open(connection, { bucket: `tender-${cluster}-registry` })
  const atOnce = 200
  for (let start = 0; start < agents; start += atOnce) {
    const count = Math.min(atOnce, agents - start)
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const agent = playedAgent(start + index)
        const record: AgentRecord = {
          v: recordVersion,
          agent,
          state: 'registered',
          registeredAtMs: Date.now(),
        }
        await store.put(`agent.${keyPart(agent.agentId)}`, JSON.stringify(record))
      }),
    )
  }
  await connection.close()
}
