import { fromThousandths } from '@tender/sdk/values'
import type { AllocatorState } from './state.js'
import type { Series } from './types.js'
import { amountOf } from './vectors.js'

/** What `/metrics` shows: amounts as decimal numbers, by name. */
export function seriesOf(state: AllocatorState): Series[] {
  return [...ofResources(state), ...ofRoles(state), ...ofQuotas(state)]
}

function* ofResources({ tree, names }: AllocatorState): Generator<Series> {
  for (const [id, resource] of names.names.entries()) {
    const total = amountOf(tree.totals, id)
    const held = amountOf(tree.root.held, id)
    if (total === 0 && held === 0) continue
    yield { name: 'tender_allocator_resources_total', labels: { resource }, value: fromThousandths(total) }
    yield { name: 'tender_allocator_resources_held', labels: { resource }, value: fromThousandths(held) }
  }
}

function* ofRoles({ tree, claimants }: AllocatorState): Generator<Series> {
  const filters = new Map<string, number>()
  for (const framework of claimants.frameworks.values()) {
    for (const { role, filterCount, isMember } of framework.claimants.values())
      if (isMember || filterCount > 0) filters.set(role, (filters.get(role) ?? 0) + filterCount)
  }
  for (const [role, value] of filters)
    yield { name: 'tender_allocator_filters_active', labels: { role }, value }
  for (const node of tree.roles()) {
    if (!tree.isKnown(node.role)) continue
    yield {
      name: 'tender_allocator_dominant_share',
      labels: { role: node.role },
      value: tree.shareOf(node).value,
    }
  }
}

function* ofQuotas({ tree, names }: AllocatorState): Generator<Series> {
  for (const node of tree.quotaNodes) {
    const { role, guarantee, limit } = node
    for (const [id, resource] of names.names.entries()) {
      const [least, most] = [guarantee[id], limit[id]]
      const labels = { role, resource }
      if (least !== undefined)
        yield { name: 'tender_allocator_quota_guarantee', labels, value: fromThousandths(least) }
      if (most !== undefined)
        yield { name: 'tender_allocator_quota_limit', labels, value: fromThousandths(most) }
      if (least !== undefined || most !== undefined)
        yield { name: 'tender_allocator_quota_held', labels, value: fromThousandths(amountOf(node.held, id)) }
    }
  }
}
