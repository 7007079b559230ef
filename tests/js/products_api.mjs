/**
 * A products API as people protect one for Logto: Node's own HTTP server and a middleware around jose.
 *
 * The first line on stdin says which issuer and audience; `{"port": …}` on stdout says that it listens, and it ends
 * when stdin does. No token or a bad one is 401; a token of another API, or without the scope, is 403.
 */
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { createRemoteJWKSet, jwtVerify } from 'jose';

const scopes = { 'GET /products': ['read:products'], 'POST /products': ['write:products'] };

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function bearerToken({ authorization }) {
  if (!authorization?.startsWith('Bearer ')) {
    throw new Refusal(401, 'Authorization header is missing or no Bearer');
  }
  return authorization.slice('Bearer '.length);
}

function protect({ issuer, audience }) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  return async (request, required) => {
    const token = bearerToken(request.headers);
    const { payload } = await jwtVerify(token, keys, { issuer }).catch((error) => {
      throw new Refusal(401, error.code);
    });
    if (![payload.aud].flat().includes(audience)) {
      throw new Refusal(403, 'The token is for another API');
    }
    const granted = (payload.scope ?? '').split(' ');
    if (!required.every((scope) => granted.includes(scope))) {
      throw new Refusal(403, 'Insufficient scope');
    }
    return { sub: payload.sub, clientId: payload.client_id, scopes: granted };
  };
}

async function handle(guard, request) {
  const required = scopes[`${request.method} ${request.url}`];
  if (required === undefined) {
    return [404, { message: 'Not found' }];
  }
  try {
    const caller = await guard(request, required);
    return [200, { caller, products: ['apple'] }];
  } catch (error) {
    return [error.status ?? 500, { message: error.message }];
  }
}

const lines = createInterface({ input: process.stdin });
const settings = await new Promise((resolve) => lines.once('line', resolve));
const guard = protect(JSON.parse(settings));
const server = createServer(async (request, response) => {
  const [status, body] = await handle(guard, request);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`));
lines.once('close', () => process.exit(0));
