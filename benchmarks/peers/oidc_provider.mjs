// npm oidc-provider with its store in memory: JWT and opaque client_credentials, introspection, rotating refresh.
// Usage: node oidc_provider.mjs PORT. `GET /seed?n=16` makes refresh tokens without a browser.
import { Provider } from "oidc-provider";
import { generateKeyPairSync } from "node:crypto";

const port = Number(process.argv[2]);
const secret = "benchmark-secret-0123456789";
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });

// One O(1) map for everything: the bundled adapter walks a grant's members on every write.
const store = new Map();
class MapAdapter {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) { store.set(this.key(id), payload); }
  async find(id) { return store.get(this.key(id)); }
  async findByUid() { return undefined; }
  async findByUserCode() { return undefined; }
  async consume(id) { const found = store.get(this.key(id)); if (found) found.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { store.delete(this.key(id)); }
  async revokeByGrantId() {}
}

const resource = (format) => ({ scope: "api:read", audience: "https://api.example", accessTokenFormat: format, accessTokenTTL: 300, jwt: { sign: { alg: "ES256" } } });
const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: MapAdapter,
  jwks: { keys: [{ ...key, alg: "ES256", use: "sig" }] },
  clients: [{ client_id: "bench", client_secret: secret, grant_types: ["client_credentials", "authorization_code", "refresh_token"], redirect_uris: ["http://127.0.0.1:9/callback"], token_endpoint_auth_method: "client_secret_post", scope: "openid offline_access api:read", id_token_signed_response_alg: "ES256" }],
  scopes: ["openid", "offline_access", "api:read"],
  clientAuthMethods: ["client_secret_post"],
  enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
  features: {
    clientCredentials: { enabled: true }, introspection: { enabled: true, allowedPolicy: async () => true }, devInteractions: { enabled: false },
    resourceIndicators: { enabled: true, defaultResource: () => "urn:jwt", useGrantedResource: () => true, getResourceServerInfo: (_, indicator) => resource(indicator === "urn:opaque" ? "opaque" : "jwt") },
  },
  rotateRefreshToken: true,
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});
provider.use(async (ctx, next) => {
  if (ctx.path !== "/seed") return next();
  const client = await provider.Client.find("bench");
  const tokens = [];
  for (let made = 0; made < Number(ctx.query.n); made += 1) {
    const grant = new provider.Grant({ accountId: `user${made}`, clientId: "bench" });
    grant.addOIDCScope("openid offline_access");
    const grantId = await grant.save();
    const token = new provider.RefreshToken({ accountId: `user${made}`, client, grantId, scope: "openid offline_access", gty: "authorization_code", claims: {}, authTime: 1, sessionUid: "s", expiresWithSession: false, rotations: 0, iiat: Math.floor(Date.now() / 1000) });
    tokens.push(await token.save());
  }
  ctx.body = tokens;
});
provider.listen(port, "127.0.0.1");
