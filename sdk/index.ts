/**
 * All that a framework author needs: `connect` to a cluster, look at offers, launch tasks, hear of them.
 *
 * @packageDocumentation
 */
export type { Constraint, ConstraintGroups } from './protocol/constraint.js'
export type {
  Capability,
  FrameworkInfo,
  LaunchResult,
  OfferConstraints,
  OperationResult,
} from './protocol/framework.js'
export { type ErrorCode, ProtocolError } from './protocol/errors.js'
export type { AgentId, FrameworkId, OfferId, TaskId } from './protocol/ids.js'
export type { InverseOffer, Unavailability } from './protocol/inverse-offer.js'
export type { Filter } from './protocol/offer.js'
export * as schema from './protocol/schema.js'
export type { Infer, JsonSchema, Schema } from './protocol/schema.js'
export type { Container, PortMapping, StatusReason, TaskInfo, TaskStatus } from './protocol/task.js'
export { describeProblems, type Problem, type Validator, validator } from './protocol/validation.js'
export * from './runtime/index.js'
export type {
  Acceptance,
  AcceptResult,
  Demand,
  FrameworkFacts,
  Offer,
  Operation,
  Shape,
  Task,
} from './scheduler/calls.js'
export * from './scheduler/connect.js'
export * from './scheduler/matching.js'
export * from './values/index.js'
