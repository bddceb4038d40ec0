"""Goes from 401 to a token as the Python SDK does, lists the tools, calls one, and prints what it got as JSON."""

import asyncio
import json
import sys

import httpx2
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client

url, mode, issuer = sys.argv[1:]


class Storage:
    """Keeps what it is given, as long as it runs."""

    def __init__(self):
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


async def main():
    storage = Storage()
    auth = ClientCredentialsOAuthProvider(
        server_url=url, storage=storage, client_id="agent", client_secret="agent-secret", issuer=issuer
    )
    async with httpx2.AsyncClient(auth=auth, timeout=60) as http:
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            listed = await client.list_tools()
            called = await client.call_tool("echo", {"text": "from Python"})
    print(
        json.dumps(
            {
                "tools": [tool.name for tool in listed.tools],
                "text": [block.text for block in called.content],
                "token": storage.tokens.access_token,
            }
        )
    )


asyncio.run(main())
