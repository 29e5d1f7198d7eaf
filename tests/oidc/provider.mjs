// A real OpenID provider (npm oidc-provider, certified) on loopback, for tests: it signs in whomever `login_hint` or the
// last POST to /as names, and asks nothing. Started by tests/oidc/provider.py with its settings as one JSON argument.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

const { port, clientId, clientSecret, redirectUris, afterSignOut, idTokenSeconds, rotated } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
let account = { sub: 'ada', email: 'ada@example.org', email_verified: true, name: 'Ada', groups: [] };
let refuses = false;

const provider = new Provider(issuer, {
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: redirectUris,
    post_logout_redirect_uris: [afterSignOut],
    grant_types: ['authorization_code'],
    response_types: ['code'],
  }],
  jwks: { keys: [{ ...key, kid: rotated ? 'second' : 'first', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  pkce: { required: () => true },
  conformIdTokenClaims: false,
  claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email', 'email_verified'] },
  ttl: { IdToken: idTokenSeconds, AuthorizationCode: 60, AccessToken: 600, Interaction: 600, Session: 600, Grant: 600 },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, sub) => ({ accountId: sub, claims: () => ({ ...account, sub }) }),
});

const answer = provider.callback();
createServer(async (request, response) => {
  if (request.method === 'POST' && request.url === '/as') {
    let body = '';
    for await (const part of request) body += part;
    ({ refuses = false, ...account } = JSON.parse(body));
    response.end();
  } else if (request.url.startsWith('/interaction/')) {
    const { params, prompt } = await provider.interactionDetails(request, response);
    if (refuses) {
      await provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'cancelled' });
      return;
    }
    const grant = new provider.Grant({ accountId: account.sub, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    const consent = { grantId: await grant.save() };
    const result = prompt.name === 'login' ? { login: { accountId: account.sub }, consent } : { consent };
    await provider.interactionFinished(request, response, result);
  } else {
    answer(request, response);
  }
}).listen(port, '127.0.0.1', () => console.log('ready'));
