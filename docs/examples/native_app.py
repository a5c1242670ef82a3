"""A native app signs a person in, with Authlib: authorization code, PKCE, and a loopback address (RFC 8252 §7.3).

pip install authlib httpx
python docs/examples/native_app.py http://127.0.0.1:3000 my_cli
"""

import sys
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client


class Callback(BaseHTTPRequestHandler):
    """Takes the request that the browser comes back with."""

    answer: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        is_answer = parts.path == "/callback"
        if is_answer:
            Callback.answer = dict(parse_qsl(parts.query))
        self.send_response(200 if is_answer else 404)
        self.end_headers()
        self.wfile.write(b"You can close this page.")

    def log_message(self, *_: object) -> None:
        """Not its address: the code is in it."""


def main(issuer: str, client_id: str) -> None:
    metadata = httpx.get(f"{issuer}/.well-known/openid-configuration").json()
    listener = HTTPServer(("127.0.0.1", 0), Callback)  # any port: registered is http://127.0.0.1/callback
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
    while Callback.answer.get("state") != state:  # any page can send the browser here, but does not know the state
        listener.handle_request()
    answer = Callback.answer
    if answer.get("iss") != issuer:  # RFC 9207 §2.4
        sys.exit(f"Not signed in: the answer is from {answer.get('iss')} and not from {issuer}.")
    if "error" in answer:  # access_denied if the person pressed Deny (RFC 6749 §4.1.2.1)
        sys.exit(f"Not signed in: {answer.get('error_description', answer['error'])}")
    try:
        client.fetch_token(metadata["token_endpoint"], code=answer["code"], code_verifier=code_verifier)
    except OAuthError as error:  # the code is no longer good: start again
        sys.exit(f"Not signed in: {error.description or error.error}")
    person = client.get(metadata["userinfo_endpoint"]).json()
    print(f"Signed in as {person['preferred_username']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
