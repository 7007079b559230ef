/**
 * A program that uses @logto/api against a self-hosted endpoint, call after call as a test lists them.
 *
 * What the package writes to the console comes back as `warnings`.
 */
import { createApiClient, createManagementApi } from '@logto/api/management';

import { answer } from './answer.mjs';

const warnings = [];
console.warn = (...words) => warnings.push(words.join(' '));

async function play(apiClient, calls) {
  const answers = [];
  for (const [method, path, init] of calls) {
    const { data, error, response } = await apiClient[method](path, init);
    answers.push({ status: response.status, data, error, total: response.headers.get('total-number') });
  }
  return answers;
}

await answer({
  async manage({ endpoint, indicator, id, secret, calls }) {
    const { apiClient, clientCredentials } = createManagementApi('default', {
      clientId: id,
      clientSecret: secret,
      baseUrl: endpoint,
      apiIndicator: indicator,
    });
    const answers = await play(apiClient, calls);
    const { scope, expiresAt, value } = await clientCredentials.getAccessToken();
    return { answers, warnings, scope, token: value, lifetime: expiresAt - Date.now() / 1000 };
  },

  async manage_with_own_token({ endpoint, token, calls }) {
    let asked = 0;
    const getToken = async () => {
      asked += 1;
      return token;
    };
    const answers = await play(createApiClient({ baseUrl: endpoint, getToken }), calls);
    return { answers, warnings, asked };
  },
});
