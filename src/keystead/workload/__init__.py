"""Service identity without a secret: who a local process is, and how that becomes a token.

Flow: a process connects to the agent's unix socket (`agent_server`); `peer` holds on to exactly that process; the
attestors of `attestors/` find facts about it in the kernel; `rules` name the one workload whose rules those facts
satisfy; `tokens` signs a workload assertion (`assertions`) with the agent's key (`agent_key`) and buys a token with it
at the issuer (`issuer_client`), or hands out the assertion itself. `supervisor` starts processes whose identity is
that the agent started them. On the issuer's side `assertions.StoreWorkloadAssertions` verifies what agents sign.
Does not: decide what a workload may do (its record, at the issuer, does), or keep any secret but the agent's own key.
"""
