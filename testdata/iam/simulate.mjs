// Reads {policy, requests: [{action, resource, context}]} and writes what AWS IAM
// would say of each request of a user who has this policy and no other: Allowed,
// ImplicitlyDenied or ExplicitlyDenied.
//
// A request that AWS could not get is an error: one of an unknown action, or with
// a condition key that the action does not have.
import { text } from 'node:stream/consumers'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const account = '111122223333'

async function decide(policy, { action, resource, context }) {
  const answer = await runSimulation({
    request: {
      principal: `arn:aws:iam::${account}:user/certctl`,
      action,
      resource: { resource, accountId: account },
      contextVariables: context,
    },
    identityPolicies: [{ name: 'printed', policy }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }, {})
  if (answer.resultType !== 'single') {
    throw new Error(`${action} ${resource}: ${JSON.stringify(answer.errors ?? answer.resultType)}`)
  }
  const ignored = answer.result.ignoredContextKeys ?? []
  if (ignored.length > 0) {
    throw new Error(`${action} has no condition key ${ignored.join(', ')}`)
  }
  return answer.overallResult
}

const { policy, requests } = JSON.parse(await text(process.stdin))
const decisions = []
for (const request of requests) {
  decisions.push(await decide(policy, request))
}
console.log(JSON.stringify(decisions))
