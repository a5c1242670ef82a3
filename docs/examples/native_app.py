"""A native app signs a person in, with Authlib: authorization code, PKCE, and a loopback address (RFC 8252 §7.3).

pip install authlib httpx
python docs/examples/native_app.py http://127.0.0.1:3000 my_cli
"""

import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client


class Answer(BaseHTTPRequestHandler):
    """Takes the one request that the browser comes back with."""

    path_and_query = ""

    def do_GET(self) -> None:
        Answer.path_and_query = self.path
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"You can close this page.")

    def log_message(self, *_: object) -> None:
        """Not its address: the code is in it."""


def main(issuer: str, client_id: str) -> None:
    metadata = httpx.get(f"{issuer}/.well-known/openid-configuration").json()
    listener = HTTPServer(("127.0.0.1", 0), Answer)  # any port: registered is http://127.0.0.1/callback
    client = OAuth2Client(
        client_id,
        token_endpoint_auth_method="none",
        scope="openid profile offline_access",
        redirect_uri=f"http://127.0.0.1:{listener.server_port}/callback",
        code_challenge_method="S256",
    )
    code_verifier = generate_token(64)
    address, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=code_verifier)
    print(f"Sign in at {address}", flush=True)
    webbrowser.open(address)
    while not Answer.path_and_query.startswith("/callback?"):
        listener.handle_request()
    client.fetch_token(
        metadata["token_endpoint"],
        authorization_response=f"http://127.0.0.1{Answer.path_and_query}",
        state=state,
        code_verifier=code_verifier,
    )
    person = client.get(metadata["userinfo_endpoint"]).json()
    print(f"Signed in as {person['preferred_username']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
