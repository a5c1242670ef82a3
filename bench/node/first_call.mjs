// What a token function written in JavaScript loads before its first request: AWS SDK v3's clients, and jose.
import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { KMSClient, SignCommand } from '@aws-sdk/client-kms'
import { SignJWT, importJWK, jwtVerify } from 'jose'

// Named where the bundler cannot see that nothing is called: it would leave out what is not used.
globalThis.loaded = [new DynamoDBClient({}), new KMSClient({}), GetItemCommand, UpdateItemCommand, SignCommand, SignJWT, importJWK, jwtVerify]
process.exit(0)
