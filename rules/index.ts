export type { CbpfInstruction } from './cbpf/instruction.ts'
export * as cbpf from './cbpf/instruction.ts'
export {
  type ChainsCommand,
  type Command,
  type DeleteNumberCommand,
  type Edit,
  type InformationCommand,
  type InsertCommand,
  type ListCommand,
  type NewChainCommand,
  noSuchRule,
  type PolicyCommand,
  parseCommand,
  type RenameChainCommand,
  type ReplaceCommand,
  type RuleCommand,
  type ZeroRuleCommand,
} from './command.ts'
export { type Counters, noCounters, parseCounters, printCounters } from './counters.ts'
export { applyCommand, withTable } from './edit.ts'
export {
  formatError,
  place,
  printRefusal,
  type Refusal,
  RuleError,
  type RuleErrorCode,
  refusalStatus,
} from './error.ts'
export { type Evaluation, evaluate, ruleMatches, type Step } from './evaluate.ts'
export { EvaluationError } from './evaluation-error.ts'
export type { ListContext, MatchExtension, MatchResult, TableName, TargetExtension } from './extension.ts'
export { type Family, iptablesName } from './family.ts'
export {
  type JsonChain,
  type JsonCount,
  type JsonExtension,
  type JsonOption,
  type JsonRule,
  type JsonRuleset,
  type JsonTerm,
  parseJson,
  ruleToJson,
  toJson,
} from './json.ts'
export { type ListOptions, listRule, listTable } from './list.ts'
export { printCommands } from './list-rules.ts'
export type { AddrtypeMatch } from './match/addrtype.ts'
export type { AhHeader, AhMatch } from './match/ah.ts'
export type { BpfMatch } from './match/bpf.ts'
export type { CgroupMatch } from './match/cgroup.ts'
export type { ClusterMatch } from './match/cluster.ts'
export type { CommentMatch } from './match/comment.ts'
export type { ConnbytesMatch, CountRange } from './match/connbytes.ts'
export type { ConnlabelMatch } from './match/connlabel.ts'
export type { ConnlimitMatch } from './match/connlimit.ts'
export type { ConnmarkMatch } from './match/connmark.ts'
export type { ConntrackMatch } from './match/conntrack.ts'
export type { CpuMatch } from './match/cpu.ts'
export type { DccpMatch, DccpType } from './match/dccp.ts'
export type { DevgroupMatch } from './match/devgroup.ts'
export type { DscpMatch } from './match/dscp.ts'
export type { DstMatch } from './match/dst.ts'
export type { EcnMatch } from './match/ecn.ts'
export type { EspMatch } from './match/esp.ts'
export type { Eui64Match } from './match/eui64.ts'
export type { FragMatch } from './match/frag.ts'
export type { HashlimitKey, HashlimitMatch, HashlimitRate } from './match/hashlimit.ts'
export type { HbhMatch } from './match/hbh.ts'
export type { HelperMatch } from './match/helper.ts'
export type { HlMatch } from './match/hl.ts'
export type { IcmpMatch } from './match/icmp.ts'
export type { Icmp6Match } from './match/icmp6.ts'
export type { IpcompMatch } from './match/ipcomp.ts'
export type { IprangeMatch } from './match/iprange.ts'
export type { Ipv6HeaderName, Ipv6headerMatch } from './match/ipv6header.ts'
export type { IpvsMatch } from './match/ipvs.ts'
export type { LengthMatch } from './match/length.ts'
export type { LimitMatch } from './match/limit.ts'
export type { MacMatch } from './match/mac.ts'
export type { MarkMatch } from './match/mark.ts'
export type { MhMatch } from './match/mh.ts'
export type { MultiportMatch } from './match/multiport.ts'
export type { NfacctMatch } from './match/nfacct.ts'
export type { OsfMatch } from './match/osf.ts'
export type { OwnerMatch } from './match/owner.ts'
export type { PhysdevMatch } from './match/physdev.ts'
export type { PkttypeMatch } from './match/pkttype.ts'
export type { PolicyElement, PolicyMatch, PolicyPath } from './match/policy.ts'
export type { QuotaMatch } from './match/quota.ts'
export type { RateComparison, RateestMatch } from './match/rateest.ts'
export type { RealmMatch } from './match/realm.ts'
export type { RecentCommand, RecentMatch } from './match/recent.ts'
export type { RpfilterMatch } from './match/rpfilter.ts'
export type { RtMatch } from './match/rt.ts'
export type { ChunkTest, SctpMatch } from './match/sctp.ts'
export type { SetCounter, SetLookup, SetMatch } from './match/set.ts'
export type { SocketMatch } from './match/socket.ts'
export type { SrhComparison, SrhMatch } from './match/srh.ts'
export type { StateMatch } from './match/state.ts'
export type { NthMatch, RandomMatch, StatisticMatch } from './match/statistic.ts'
export type { StringMatch } from './match/string.ts'
export type { TcpFlags, TcpMatch } from './match/tcp.ts'
export type { TcpmssMatch } from './match/tcpmss.ts'
export type { TimeMatch } from './match/time.ts'
export type { TosMatch } from './match/tos.ts'
export type { TtlMatch } from './match/ttl.ts'
export type { U32Match } from './match/u32.ts'
export type { UdpMatch } from './match/udp.ts'
export {
  type BridgePorts,
  type Conntrack,
  type ConntrackCounters,
  type ConntrackDirection,
  type ConntrackState,
  type ConntrackStatus,
  type Headers,
  headersOf,
  type Packet,
  type PacketType,
  packetTypes,
  type SocketOwner,
  type Tuple,
  transportHeader,
} from './packet.ts'
export {
  type PrintOptions,
  printAppend,
  printMatch,
  printRule,
  printRuleset,
  printTable,
  printTarget,
} from './print.ts'
export { standsAnywhere } from './reach.ts'
export {
  type ChainTarget,
  type ExtensionMatch,
  type ExtensionTarget,
  type GotoTarget,
  type JumpTarget,
  type Match,
  matchExtensions,
  type Target,
  targetExtensions,
} from './registry.ts'
export type { Rule } from './rule.ts'
export {
  baseChains,
  type Chain,
  chainOf,
  isBaseChain,
  isTableName,
  type Policy,
  type Ruleset,
  type Table,
  tableNames,
  tableOf,
} from './ruleset.ts'
export { type CommandResult, printRuleEdit, runCommand } from './run.ts'
export { sameRule } from './same.ts'
export { type ParseOptions, parseSave, type RestoreOptions, readFewEdits, restoreSave } from './save.ts'
export { commandFamilies, parseRules } from './script.ts'
export { type Located, lineOf, type Position, position, type Source, type Span } from './span.ts'
export type { AuditTarget, AuditType } from './target/AUDIT.ts'
export type { ChecksumTarget } from './target/CHECKSUM.ts'
export type { ClassifyTarget, TrafficClass } from './target/CLASSIFY.ts'
export type { ClusterHashMode, ClusteripTarget, ClusterSetup } from './target/CLUSTERIP.ts'
export type { ConnmarkTarget, CopyConnectionMark, MarkShift, SetConnectionMark } from './target/CONNMARK.ts'
export type { ConnsecmarkTarget } from './target/CONNSECMARK.ts'
export type { ConntrackEvent, ConntrackZone, CtTarget } from './target/CT.ts'
export type { DnatTarget } from './target/DNAT.ts'
export type { DnptTarget } from './target/DNPT.ts'
export type { DscpTarget } from './target/DSCP.ts'
export type { EcnTarget } from './target/ECN.ts'
export type { HlTarget } from './target/HL.ts'
export type { HashedField, HmarkTarget } from './target/HMARK.ts'
export type { IdletimerTarget } from './target/IDLETIMER.ts'
export type { LedTarget } from './target/LED.ts'
export type { LogTarget } from './target/LOG.ts'
export type { MarkTarget } from './target/MARK.ts'
export type { MasqueradeTarget } from './target/MASQUERADE.ts'
export type { NetmapTarget } from './target/NETMAP.ts'
export type { NflogTarget } from './target/NFLOG.ts'
export type { NfqueueTarget } from './target/NFQUEUE.ts'
export type { NotrackTarget } from './target/NOTRACK.ts'
export type { QueueTarget } from './target/QUEUE.ts'
export type { RateestTarget } from './target/RATEEST.ts'
export type { RedirectTarget } from './target/REDIRECT.ts'
export type { RejectReason, RejectTarget } from './target/REJECT.ts'
export type { SecmarkTarget } from './target/SECMARK.ts'
export type { SetAddition, SetMapping, SetReference, SetTarget } from './target/SET.ts'
export type { SnatTarget } from './target/SNAT.ts'
export type { SnptTarget } from './target/SNPT.ts'
export type { SynproxyTarget } from './target/SYNPROXY.ts'
export type { TcpmssTarget } from './target/TCPMSS.ts'
export type { TcpoptstripTarget } from './target/TCPOPTSTRIP.ts'
export type { TeeTarget } from './target/TEE.ts'
export type { TosTarget } from './target/TOS.ts'
export type { TproxyTarget } from './target/TPROXY.ts'
export type { TraceTarget } from './target/TRACE.ts'
export type { TtlTarget } from './target/TTL.ts'
export { type Term, term } from './term.ts'
export type { UnknownMatch, UnknownPolicy, UnknownTarget } from './unknown.ts'
export {
  type AddressMask,
  addressBits,
  addressMatches,
  fullMask,
  parseAddressMask,
  prefixLength,
  printAddress,
  printAddressMask,
} from './value/address.ts'
export type { AddressPrefix } from './value/address-prefix.ts'
export type { AddressType } from './value/address-type.ts'
export { chunkType } from './value/chunk.ts'
export { type ConnectionState, connectionStates } from './value/ctstate.ts'
export type { IcmpType } from './value/icmp.ts'
export { type InterfacePattern, interfaceMatches, parseInterface, printInterface } from './value/interface.ts'
export type { MaskedMark } from './value/mark.ts'
export type { Range } from './value/number.ts'
export type { HeaderOption, OptionHeader } from './value/option-list.ts'
export { parseProtocol, printProtocol, protocols } from './value/protocol.ts'
export type { U32Location, U32Operator, U32Test } from './value/u32.ts'
export { writtenRule } from './written.ts'
export { printXml, type XmlOptions } from './xml.ts'
