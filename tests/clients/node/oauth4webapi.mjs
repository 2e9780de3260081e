// npm oauth4webapi against the issuer: the strict one, that checks each answer against its RFC.
import * as oauth from 'oauth4webapi'
import { browse, must, run, step } from './talk.mjs'

const plain = { [oauth.allowInsecureRequests]: true }

async function server(given) {
  const issuer = new URL(given.issuer)
  for (const algorithm of ['oidc', 'oauth2']) {
    const response = await oauth.discoveryRequest(issuer, { algorithm, ...plain })
    const as = await oauth.processDiscoveryResponse(issuer, response)
    if (algorithm === 'oauth2') return as
  }
}

async function authorize(given, as, client, more = {}) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const url = new URL(as.authorization_endpoint)
  const parameters = {
    client_id: client.client_id,
    redirect_uri: given.redirect_uri,
    response_type: 'code',
    scope: given.scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...more,
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return { verifier, state, nonce, back: await browse(url) }
}

await run({
  async code_flow(given) {
    const as = await server(given)
    step('discovery, both ways')
    const client = { client_id: 'web' }
    const authentication = oauth.ClientSecretBasic(given.secrets.web)
    const { verifier, state, nonce, back } = await authorize(given, as, client, { max_age: '3600' })
    const parameters = oauth.validateAuthResponse(as, client, back, state)
    const response = await oauth.authorizationCodeGrantRequest(as, client, authentication, parameters, given.redirect_uri, verifier, plain)
    const tokens = await oauth.processAuthorizationCodeResponse(as, { ...client, require_auth_time: true }, response, { expectedNonce: nonce, maxAge: 3600, requireIdToken: true })
    await oauth.validateApplicationLevelSignature(as, response, plain)
    step('code, with the signature of the ID token')

    const claims = oauth.getValidatedIdTokenClaims(tokens)
    const info = await oauth.userInfoRequest(as, client, tokens.access_token, plain)
    must((await oauth.processUserInfoResponse(as, client, claims.sub, info)).email === 'alice@acme.test', 'the address')
    step('userinfo')

    const refreshed = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, plain)
    const again = await oauth.processRefreshTokenResponse(as, client, refreshed)
    step('refresh')

    const looked = await oauth.introspectionRequest(as, client, authentication, again.access_token, { requestJwtResponse: true, ...plain })
    must((await oauth.processIntrospectionResponse(as, client, looked)).active === true, 'an active token, in a signed answer')
    await oauth.validateApplicationLevelSignature(as, looked, plain)
    step('signed introspection')

    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, again.refresh_token, plain))
    const dead = await oauth.introspectionRequest(as, client, authentication, again.access_token, plain)
    must((await oauth.processIntrospectionResponse(as, client, dead)).active === false, 'a dead token')
    step('revocation')

    const replayed = await oauth.authorizationCodeGrantRequest(as, client, authentication, parameters, given.redirect_uri, verifier, plain)
    await oauth.processAuthorizationCodeResponse(as, client, replayed, { expectedNonce: nonce }).then(
      () => must(false, 'a refusal'),
      (error) => must(error.error === 'invalid_grant', 'invalid_grant for a code used twice'),
    )
    step('a code works once')
  },

  async client_credentials(given) {
    const as = await server(given)
    const client = { client_id: 'batch' }
    const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretPost(given.secrets.batch), { scope: 'catalog:read' }, plain)
    const tokens = await oauth.processClientCredentialsResponse(as, client, response)
    const shown = new Request(given.audience, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const claims = await oauth.validateJwtAccessToken(as, shown, given.audience, plain)
    must(claims.client_id === 'batch' && claims.scope === 'catalog:read', 'an access token by RFC 9068')
    step('client_credentials, and the JWT by RFC 9068')
  },

  async private_key_jwt(given) {
    const as = await server(given)
    const client = { client_id: 'signer' }
    const key = await crypto.subtle.importKey('jwk', given.jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
    const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.PrivateKeyJwt({ key, kid: given.jwk.kid }), { scope: 'catalog:read' }, plain)
    await oauth.processClientCredentialsResponse(as, client, response)
    step('private_key_jwt')
  },

  async pushed_and_bound(given) {
    const as = await server(given)
    const client = { client_id: 'web' }
    const authentication = oauth.ClientSecretBasic(given.secrets.web)
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const nonce = oauth.generateRandomNonce()
    const pushed = await oauth.pushedAuthorizationRequest(as, client, authentication, {
      redirect_uri: given.redirect_uri,
      response_type: 'code',
      scope: given.scope,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }, { DPoP, ...plain })
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, pushed)
    const url = new URL(as.authorization_endpoint)
    url.searchParams.set('client_id', client.client_id)
    url.searchParams.set('request_uri', request_uri)
    const parameters = oauth.validateAuthResponse(as, client, await browse(url), state)
    const ask = () => oauth.authorizationCodeGrantRequest(as, client, authentication, parameters, given.redirect_uri, verifier, { DPoP, ...plain })
    let response = await ask()
    const process = () => oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce })
    const tokens = await process().catch(async (error) => {
      if (!oauth.isDPoPNonceError(error)) throw error
      response = await ask()
      return process()
    })
    must(tokens.token_type === 'dpop', 'a DPoP token')
    const read = () => oauth.userInfoRequest(as, client, tokens.access_token, { DPoP, ...plain })
    const info = await read()
    await oauth.processUserInfoResponse(as, client, oauth.skipSubjectCheck, info).catch(async (error) => {
      if (!oauth.isDPoPNonceError(error)) throw error
      await oauth.processUserInfoResponse(as, client, oauth.skipSubjectCheck, await read())
    })
    step('PAR and DPoP')
  },

  async signed_response(given) {
    const as = await server(given)
    const client = { client_id: 'web' }
    const { state, back } = await authorize(given, as, client, { response_mode: 'jwt' })
    await oauth.validateJwtAuthResponse(as, client, back, state, plain)
    step('JARM')
  },
})
