// JWTs in JavaScript, as given on standard input; prints medians in µs by library and deed.
import { createPublicKey, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { JwtVerifier } from 'aws-jwt-verify'
import { createSigner, createVerifier } from 'fast-jwt'
import { SignJWT, jwtVerify } from 'jose'

const { alg, tokens, jwk, pem, issuer, audience } = JSON.parse(readFileSync(0, 'utf8'))
const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
const privateKey = createPrivateKey(pem)
const claims = JSON.parse(Buffer.from(tokens[0].split('.')[1], 'base64url'))

const aws = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/jwks` })
aws.cacheJwks({ keys: [jwk] })
const fast = createVerifier({ key: publicKey.export({ type: 'spki', format: 'pem' }), algorithms: [alg], allowedAud: audience, allowedIss: issuer, cache: false })
const fastSigner = createSigner({ key: pem, algorithm: alg })
const sign = () => new SignJWT(claims).setProtectedHeader({ alg, kid: jwk.kid, typ: 'at+jwt' }).sign(privateKey)
const deeds = {
  'aws-jwt-verify verify': token => aws.verifySync(token),
  'fast-jwt verify': token => fast(token),
  'jose verify': token => jwtVerify(token, publicKey, { issuer, audience, algorithms: [alg] }),
  'fast-jwt sign': () => fastSigner({ ...claims }),
  'jose sign': sign
}
const found = Object.fromEntries(Object.keys(deeds).map(name => [name, []]))
for (const [turn, token] of tokens.entries()) {
  for (const [name, deed] of Object.entries(deeds)) {
    const started = process.hrtime.bigint()
    await deed(token)
    if (turn > tokens.length / 4) found[name].push(Number(process.hrtime.bigint() - started) / 1000)
  }
}
const median = values => values.sort((a, b) => a - b)[values.length >> 1]
console.log(JSON.stringify(Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]))))
