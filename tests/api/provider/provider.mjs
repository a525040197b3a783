// A provider that gives JWT access tokens to one client; the address to listen on is its argument.
import Provider from "oidc-provider";

const issuer = process.argv[2];
const audiences = { "https://api.example.org": "colloquy", "https://other.example.org": "somebody-else" };
const provider = new Provider(issuer, {
  clients: [
    { client_id: "reports", client_secret: "s".repeat(32), grant_types: ["client_credentials"], redirect_uris: [], response_types: [] },
  ],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope: "api",
        audience: audiences[resource],
        accessTokenFormat: "jwt",
        accessTokenTTL: 600,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
provider.listen(Number(new URL(issuer).port), "127.0.0.1", () => console.log("ready"));
