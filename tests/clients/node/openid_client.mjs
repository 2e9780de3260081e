// npm openid-client against the issuer: what an application in Node does.
import * as client from 'openid-client'
import { browse, must, run, step } from './talk.mjs'

const insecure = { execute: [client.allowInsecureRequests] }

function discover(given, id, authentication) {
  return client.discovery(new URL(given.issuer), id, undefined, authentication, insecure)
}

const web = (given) => discover(given, 'web', client.ClientSecretBasic(given.secrets.web))

async function key(jwk) {
  return crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
}

async function request(given, scope = given.scope) {
  const verifier = client.randomPKCECodeVerifier()
  const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true }
  const parameters = {
    redirect_uri: given.redirect_uri,
    scope,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  return { checks, parameters }
}

async function signIn(given, config, options) {
  const { checks, parameters } = await request(given)
  const back = await browse(client.buildAuthorizationUrl(config, parameters))
  return client.authorizationCodeGrant(config, back, checks, undefined, options)
}

async function signInWith(given, config, scope) {
  const { checks, parameters } = await request(given, scope)
  return client.authorizationCodeGrant(config, await browse(client.buildAuthorizationUrl(config, parameters)), checks)
}

await run({
  async code_flow(given) {
    const config = await web(given)
    const tokens = await signIn(given, config)
    const claims = tokens.claims()
    must(claims.iss === given.issuer && claims.sub.startsWith('usr_'), 'an ID token of this issuer for a person')
    step('code', { scope: tokens.scope, token_type: tokens.token_type })

    const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
    must(person.email === 'alice@acme.test', 'the address of who signed in')
    step('userinfo')

    const again = await client.refreshTokenGrant(config, tokens.refresh_token)
    must(again.refresh_token !== tokens.refresh_token, 'a new refresh token')
    step('refresh')

    must((await client.tokenIntrospection(config, again.access_token)).active === true, 'an active token')
    step('introspection')

    await client.tokenRevocation(config, again.refresh_token)
    must((await client.tokenIntrospection(config, again.access_token)).active === false, 'a dead token')
    await client.refreshTokenGrant(config, again.refresh_token).then(
      () => must(false, 'a refusal'),
      (error) => must(error.error === 'invalid_grant', 'invalid_grant'),
    )
    step('revocation')

    const end = client.buildEndSessionUrl(config, { post_logout_redirect_uri: given.goodbye, id_token_hint: tokens.id_token, state: 's1' })
    const bye = await browse(end)
    must(bye.href === `${given.goodbye}?state=s1`, `the way back after logout: ${bye.href}`)
    step('logout')
  },

  async client_credentials(given) {
    const config = await discover(given, 'batch', client.ClientSecretPost(given.secrets.batch))
    const tokens = await client.clientCredentialsGrant(config, { scope: 'catalog:read' })
    must(tokens.access_token.split('.').length === 3, 'a JWT')
    step('client_credentials')
  },

  async private_key_jwt(given) {
    const config = await discover(given, 'signer', client.PrivateKeyJwt({ key: await key(given.jwk), kid: given.jwk.kid }))
    await client.clientCredentialsGrant(config, { scope: 'catalog:read' })
    step('private_key_jwt')
    await signIn(given, config)
    step('private_key_jwt code')
  },

  async client_secret_jwt(given) {
    const config = await discover(given, 'secret-signer', client.ClientSecretJwt(given.secrets['secret-signer']))
    await client.clientCredentialsGrant(config, { scope: 'catalog:read' })
    step('client_secret_jwt')
  },

  async public_client(given) {
    const config = await discover(given, 'spa', client.None())
    const { checks, parameters } = await request(given, 'openid catalog:read')
    const back = await browse(client.buildAuthorizationUrl(config, parameters))
    await client.authorizationCodeGrant(config, back, checks)
    step('public client')
  },

  async pushed(given) {
    const config = await web(given)
    const { checks, parameters } = await request(given)
    const url = await client.buildAuthorizationUrlWithPAR(config, parameters)
    must(url.searchParams.has('request_uri') && !url.searchParams.has('scope'), 'a request_uri and nothing else')
    await client.authorizationCodeGrant(config, await browse(url), checks)
    step('PAR')
  },

  async signed_request(given) {
    const config = await discover(given, 'signer', client.PrivateKeyJwt({ key: await key(given.jwk), kid: given.jwk.kid }))
    const { checks, parameters } = await request(given)
    const url = await client.buildAuthorizationUrlWithJAR(config, parameters, { key: await key(given.jwk), kid: given.jwk.kid })
    must(url.searchParams.has('request'), 'a signed request')
    await client.authorizationCodeGrant(config, await browse(url), checks)
    step('JAR')
  },

  async signed_response(given) {
    const config = await web(given)
    client.useJwtResponseMode(config)
    await signIn(given, config)
    step('JARM')
  },

  async sender_constrained(given) {
    const config = await web(given)
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    const tokens = await signIn(given, config, { DPoP })
    must(tokens.token_type === 'dpop', `a DPoP token, not ${tokens.token_type}`)
    await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
    const again = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
    must(again.token_type === 'dpop', 'a DPoP token again')
    await client.fetchUserInfo(config, again.access_token, tokens.claims().sub).then(
      () => must(false, 'a refusal of the token without proof'),
      () => undefined,
    )
    step('DPoP')
  },

  async exchange(given) {
    const config = await discover(given, 'bff', client.ClientSecretBasic(given.secrets.bff))
    const tokens = await signIn(given, config)
    const exchanged = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: tokens.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: given.audience,
    })
    must(exchanged.access_token.split('.').length === 3, 'a JWT for the audience')
    step('token exchange')
  },

  async device(given) {
    const config = await discover(given, 'television', client.None())
    const waiting = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
    await browse(waiting.verification_uri_complete)
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...waiting, interval: 1 })
    must(tokens.access_token, 'a token for the device')
    step('device')
  },

  async registration(given) {
    const metadata = { redirect_uris: [given.redirect_uri], client_name: 'From Node', scope: 'openid email' }
    const options = { ...insecure, initialAccessToken: given.initial_access_token }
    const config = await client.dynamicClientRegistration(new URL(given.issuer), metadata, undefined, options)
    must(config.clientMetadata().client_id.startsWith('cli_'), 'a client of its own')
    const tokens = await signInWith(given, config, 'openid email')
    must(tokens.claims().aud === config.clientMetadata().client_id, 'an ID token for the client that registered')
    step('registration')
  },

  async backchannel(given) {
    const config = await discover(given, 'till', client.ClientSecretBasic(given.secrets.till))
    const waiting = await client.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'alice', binding_message: 'till 7' })
    await fetch(`${given.issuer}/ciba/test?auth_req_id=${waiting.auth_req_id}&action=allow`)
    const tokens = await client.pollBackchannelAuthenticationGrant(config, { ...waiting, interval: 1 })
    must(tokens.claims().aud === 'till', 'an ID token for the till')
    step('CIBA')
  },
})
