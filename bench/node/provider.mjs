// oidc-provider as one process: store in memory, ES256, JWT access tokens, rotating refresh tokens, introspection.
//   node provider.mjs PORT CLIENT_SECRET CODE_CHALLENGE
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const [port, secret, codeChallenge] = process.argv.slice(2)
const redirectUri = 'https://app.example.com/callback'
const api = 'https://id.example.com/api'

// The adapter that comes along forgets all but the last thousand things.
const things = new Map()
const ofGrant = new Map()
class Memory {
  constructor (name) { this.name = name }
  key (id) { return `${this.name}:${id}` }
  async upsert (id, payload) {
    const key = this.key(id)
    if (payload.grantId) {
      if (!ofGrant.has(payload.grantId)) ofGrant.set(payload.grantId, [])
      ofGrant.get(payload.grantId).push(key)
    }
    things.set(key, payload)
  }
  async find (id) { return things.get(this.key(id)) }
  async findByUid () { return undefined }
  async findByUserCode () { return undefined }
  async destroy (id) { things.delete(this.key(id)) }
  async consume (id) { things.get(this.key(id)).consumed = Math.floor(Date.now() / 1000) }
  async revokeByGrantId (id) { for (const key of ofGrant.get(id) ?? []) things.delete(key) }
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const basic = { client_secret: secret, id_token_signed_response_alg: 'ES256' }
const provider = new Provider('https://id.example.com', {
  adapter: Memory,
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] },
  cookies: { keys: [randomUUID()] },
  routes: { introspection: '/introspect' },
  scopes: ['items', 'offline_access'],
  clients: [
    { ...basic, client_id: 'service_0', grant_types: ['client_credentials'], response_types: [], redirect_uris: [] },
    {
      ...basic,
      client_id: 'web_0',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [redirectUri]
    }
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => api,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'items', audience: api, accessTokenTTL: 900, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } }
      })
    }
  },
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: 900, AuthorizationCode: 600, ClientCredentials: 900, RefreshToken: 86400, Grant: 86400 }
})

async function issue () {
  const client = await provider.Client.find('web_0')
  const grant = new provider.Grant({ accountId: 'user-0', clientId: 'web_0' })
  grant.addResourceScope(api, 'items')
  grant.addOIDCScope('offline_access')
  const grantId = await grant.save()
  const code = new provider.AuthorizationCode({
    accountId: 'user-0', client, clientId: 'web_0', grantId, redirectUri, resource: api, scope: 'items offline_access',
    codeChallenge, codeChallengeMethod: 'S256', authTime: Math.floor(Date.now() / 1000)
  })
  return code.save()
}

// A JWT is not kept, so it cannot be introspected: an opaque token stands in for it.
async function opaque () {
  const client = await provider.Client.find('service_0')
  const grant = new provider.Grant({ accountId: 'user-0', clientId: 'service_0' })
  grant.addOIDCScope('items')
  const grantId = await grant.save()
  const token = new provider.AccessToken({
    accountId: 'user-0', client, clientId: 'service_0', grantId, scope: 'items', gty: 'authorization_code'
  })
  return token.save()
}

const answer = provider.callback()
provider.proxy = true
createServer(async (request, response) => {
  const [, bench, what, many] = request.url.split('/')
  if (bench !== 'bench') {
    request.headers['x-forwarded-proto'] = 'https'
    return answer(request, response)
  }
  const made = []
  for (let number = 0; number < Number(many); number++) made.push(await (what === 'codes' ? issue() : opaque()))
  const body = JSON.stringify(made)
  response.writeHead(200, { 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}).listen(Number(port), '127.0.0.1')
