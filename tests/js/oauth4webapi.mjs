/**
 * What people do with oauth4webapi: discovery, a token, and the check of a token at an API.
 */
import * as oauth from 'oauth4webapi';

import { answer } from './answer.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };
const methods = { basic: oauth.ClientSecretBasic, post: oauth.ClientSecretPost };

async function discover({ issuer, algorithm }) {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { algorithm, ...insecure });
  return { asked: response.url, server: await oauth.processDiscoveryResponse(url, response) };
}

async function token(given) {
  const { server } = await discover(given);
  const client = { client_id: given.id };
  const method = methods[given.method](given.secret);
  const response = await oauth.clientCredentialsGrantRequest(server, client, method, given.parameters, insecure);
  return oauth.processClientCredentialsResponse(server, client, response);
}

await answer({
  discover,

  token,

  async validate(given) {
    const { server } = await discover(given);
    const request = new Request('https://shop.example/products', {
      headers: { authorization: `Bearer ${given.token}` },
    });
    return oauth.validateJwtAccessToken(server, request, given.audience, {
      signingAlgorithms: given.algorithms,
      ...insecure,
    });
  },
});
