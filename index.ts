/**
 * connector-rpc: calls that must not be lost and must not happen twice, over netlink and the like.
 */

export { createEndpoint, Endpoint } from './sessions/endpoint.ts';
export type {
  ConnectOptions,
  EndpointOptions,
  EndpointStats,
  ServeOptions,
  Serving,
} from './sessions/endpoint.ts';
export type { Connection } from './sessions/connection.ts';
export type { CallOptions } from './sessions/calling.ts';
export type { CallBack, CallBackOptions } from './sessions/call-back.ts';
export type { ValueSource } from './sessions/values.ts';
export type {
  AllowRule,
  CallContext,
  Handler,
  Handlers,
} from './sessions/service.ts';
export type { Publisher } from './sessions/events/publisher.ts';
export type { SubscribeOptions, Subscription } from './sessions/events/subscription.ts';
export type { EventItem, Gap, GapReason, PublishedEvent } from './sessions/events/item.ts';
export type { BareCallOptions } from './sessions/bare-client.ts';
export type { ReplySize } from './sessions/reply-room.ts';
export type { BareMessage } from './sessions/bare-request.ts';
export type { BareListener } from './sessions/bare.ts';
export { drops, type Counters, type Drop } from './sessions/counters.ts';
export {
  ConnectorError,
  errorCodes,
  isConnectorError,
  type ErrorCode,
  type Outcome,
} from './core/errors.ts';
export { formatId, parseId, type ConnectorId } from './core/id.ts';
export { defaultLimits, type Limits } from './core/limits.ts';
export { sleep, type Clock, type Timer } from './core/clock.ts';
export { SystemClock } from './core/system-clock.ts';
export { VirtualClock } from './core/virtual-clock.ts';
export { SeededRandom, type Random } from './core/random.ts';
export {
  matchRules,
  payload,
  type Genes,
  type Match,
  type MatchRule,
} from './reliability/match.ts';
export {
  decodeDatagram,
  encodeMessage,
  type Decoded,
  type Malformation,
  type Message,
} from './transport/wire/datagram.ts';
export type {
  Credentials,
  Peer,
  SendOutcome,
  Sink,
  Source,
  Traits,
  Transport,
} from './transport/transport.ts';
