// npm @openfga/sdk against the authorization API, logged in with its own client credentials: what an application does.
import sdk from '@openfga/sdk'
import { must, run, step } from './talk.mjs'

const { OpenFgaClient, CredentialsMethod } = sdk

function connect(given, issuer, config) {
  return new OpenFgaClient({
    apiUrl: `${given.base}/authz`,
    retryParams: { maxRetry: 2, minWaitInMs: 10 },
    credentials: {
      method: CredentialsMethod.ClientCredentials,
      config: { apiTokenIssuer: issuer, apiAudience: `${given.base}/authz`, ...config },
    },
  })
}

async function refused(call, name, status) {
  try {
    await call()
  } catch (error) {
    must(error.name === name, `${name}, not ${error.name}: ${error.message}`)
    must(!status || error.statusCode === status, `${status}, not ${error.statusCode}`)
    return error
  }
  throw new Error(`not refused: ${name}`)
}

async function use(given, client) {
  const store = await client.createStore({ name: 'smoke' })
  client.storeId = store.id
  must((await client.listStores()).stores.some(({ id }) => id === store.id), 'the store is listed')
  must((await client.getStore()).name === 'smoke', 'the store has its name')
  const { authorization_model_id: model } = await client.writeAuthorizationModel(given.model)
  client.authorizationModelId = model
  must((await client.readLatestAuthorizationModel()).authorization_model.id === model, 'the newest model')
  must((await client.readAuthorizationModels()).authorization_models.length === 1, 'one model')
  step('stores and models')

  await client.write({ writes: given.tuples })
  const asked = (user, object) => ({ user: `user:${user}`, relation: 'viewer', object: `document:${object}` })
  must((await client.check(asked('anne', 1))).allowed === true, 'anne sees 1')
  must((await client.check(asked('bob', 2))).allowed === true, 'bob sees 2')
  must((await client.check(asked('bob', 1))).allowed === false, 'bob does not see 1')
  const lent = { ...asked('bob', 1), contextualTuples: [asked('bob', 1)] }
  must((await client.check(lent)).allowed === true, 'a contextual tuple counts')
  const batch = await client.batchCheck({ checks: [asked('anne', 1), asked('bob', 1)] })
  must(batch.result.length === 2, 'two answers')
  must(batch.result.every((one) => one.allowed === (one.request.user === 'user:anne')), 'a batch')
  const { relations } = await client.listRelations({ user: 'user:anne', object: 'document:1', relations: ['owner', 'viewer'] })
  must(relations.sort().join() === 'owner,viewer', 'relations')
  const expanded = await client.expand({ relation: 'owner', object: 'document:1' })
  must(expanded.tree.root.leaf.users.users.join() === 'user:anne', 'expand')
  step('questions')

  const wanted = { user: 'user:bob', relation: 'viewer', type: 'document' }
  must((await client.listObjects(wanted)).objects.join() === 'document:2', 'objects')
  const streamed = []
  for await (const { object } of client.streamedListObjects(wanted)) streamed.push(object)
  must(streamed.join() === 'document:2', 'streamed objects')
  const { users } = await client.listUsers({
    object: { type: 'document', id: '2' },
    relation: 'viewer',
    user_filters: [{ type: 'user' }],
  })
  must(users.map(({ object }) => object.id).join() === 'bob', 'users')
  step('lists')

  must((await client.read()).tuples.length === given.tuples.length, 'all tuples')
  const page = await client.read(undefined, { pageSize: 1 })
  must(page.tuples.length === 1 && page.continuation_token, 'a page of tuples')
  must((await client.readChanges({ type: 'document' })).changes.length === 2, 'changes of a type')
  await client.deleteTuples([given.tuples[0]])
  must((await client.read()).tuples.length === given.tuples.length - 1, 'one tuple less')
  await client.writeTuples([given.tuples[0]])
  await client.writeAssertions([{ user: 'user:anne', relation: 'owner', object: 'document:1', expectation: true }])
  must((await client.readAssertions()).assertions[0].expectation === true, 'assertions')
  step('tuples and assertions')

  const unknown = () => client.check({ user: 'user:anne', relation: 'flies', object: 'document:1' })
  must((await refused(unknown, 'FgaApiValidationError', 400)).apiErrorCode === 'validation_error', 'its code')
  await refused(() => client.write({ writes: [given.tuples[0]] }), 'FgaApiValidationError', 400)
  await client.deleteStore()
  await refused(() => client.getStore(), 'FgaApiNotFoundError', 404)
  step('errors')
}

await run({
  async with_a_secret(given) {
    for (const issuer of [given.base, `${given.issuer}/oauth/token`]) {
      await use(given, connect(given, issuer, { clientId: 'sdk', clientSecret: given.secret }))
    }
  },
  async with_a_key(given) {
    for (const issuer of [given.base, `${given.issuer}/oauth/token`]) {
      const config = { clientId: 'signer', clientAssertionSigningKey: given.key, clientAssertionSigningAlgorithm: 'ES256' }
      await connect(given, issuer, config).listStores()
    }
    step('private_key_jwt')
  },
  async refusals(given) {
    const reader = connect(given, given.base, { clientId: 'reader', clientSecret: given.reader_secret })
    await refused(() => reader.createStore({ name: 'mine' }), 'FgaApiAuthenticationError')
    const wrong = connect(given, given.base, { clientId: 'sdk', clientSecret: 'wrong' })
    await refused(() => wrong.listStores(), 'FgaApiAuthenticationError')
    step('refusals')
  },
})
