// The start of a token function in JavaScript, before its first request: it loads AWS SDK v3's clients and jose.
import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { KMSClient, SignCommand } from '@aws-sdk/client-kms'
import { SignJWT, importJWK, jwtVerify } from 'jose'

// The bundler would leave out what is not used. It cannot know that nobody reads this list.
globalThis.loaded = [new DynamoDBClient({}), new KMSClient({}), GetItemCommand, UpdateItemCommand, SignCommand, SignJWT, importJWK, jwtVerify]
process.exit(0)
