/**
 * What people do with openid-client: discover the server, ask for a token, call an API with it.
 */
import * as client from 'openid-client';

import { answer } from './answer.mjs';

const methods = {
  default: () => undefined,
  basic: client.ClientSecretBasic,
  post: client.ClientSecretPost,
};

function discover({ issuer, algorithm, id, secret, method }) {
  return client.discovery(new URL(issuer), id, secret, methods[method ?? 'default'](secret), {
    algorithm,
    execute: [client.allowInsecureRequests],
  });
}

await answer({
  async discover(given) {
    return (await discover(given)).serverMetadata();
  },

  async token(given) {
    const tokens = await client.clientCredentialsGrant(await discover(given), given.parameters);
    return { ...tokens, expiresIn: tokens.expiresIn() };
  },

  async call(given) {
    const config = await discover(given);
    const { access_token: token } = await client.clientCredentialsGrant(config, given.parameters);
    const response = await client.fetchProtectedResource(config, token, new URL(given.url), 'GET');
    return { status: response.status, body: await response.json() };
  },
});
